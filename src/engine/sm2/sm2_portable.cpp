// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/one_lane.h"

#define CIPHERDECK_SM2_NAMESPACE portable
#define CIPHERDECK_SM2_TARGET
#include "engine/sm2/kernel_check.h"

namespace cipherdeck::engine::sm2 {
namespace {

struct PortableLookUp {
  static void look_up(AffinePoint& entry, const TableWindow& window,
                      std::uint64_t magnitude) noexcept {
    entry = {};
    for (std::size_t j = 0; j < kTableEntries; ++j) {
      const std::uint64_t mask = is_zero(magnitude ^ (j + 1));
      entry.x.collect(mask, window[j].x);
      entry.y.collect(mask, window[j].y);
    }
  }
};

using Field = OneLane<PortableArithmetic<FieldModulus>, PortableLookUp>;

}  // namespace

const Variant kPortableVariant = {{"portable", {}},
                                  Field::kNumLanes,
                                  portable::multiply_generator_all<Field>,
                                  portable::multiply_all<Field>,
                                  portable::check_all<Field>,
                                  portable::check_all_with_tables<Field>};

}  // namespace cipherdeck::engine::sm2
