// SPDX-License-Identifier: Apache-2.0
#ifdef __x86_64__
#include "engine/sm2/field_adx.h"
#include "engine/sm2/one_lane.h"

#define CIPHERDECK_SM2_NAMESPACE adx
#define CIPHERDECK_SM2_TARGET CIPHERDECK_TARGET_ADX
#include "engine/sm2/kernel_check.h"

namespace cipherdeck::engine::sm2 {
namespace {

struct Avx2LookUp {
  static void look_up(AffinePoint& entry, const TableWindow& window,
                      std::uint64_t magnitude) noexcept {
    look_up_avx2(entry, window, magnitude);
  }
};

using Field = OneLane<AdxArithmetic, Avx2LookUp>;

}  // namespace

const Variant kAdxVariant = {{"adx", {cpu::Feature::bmi2, cpu::Feature::adx, cpu::Feature::avx2}},
                             Field::kNumLanes,
                             adx::multiply_generator_all<Field>,
                             adx::multiply_all<Field>,
                             adx::check_all<Field>,
                             adx::check_all_with_tables<Field>};

}  // namespace cipherdeck::engine::sm2
#endif
