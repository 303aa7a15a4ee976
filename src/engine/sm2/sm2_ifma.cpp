// SPDX-License-Identifier: Apache-2.0
#ifdef __x86_64__
#include "engine/sm2/field_ifma.h"

#define CIPHERDECK_SM2_NAMESPACE ifma
#define CIPHERDECK_SM2_TARGET CIPHERDECK_TARGET_AVX512_IFMA
#include "engine/sm2/kernel_check.h"

namespace cipherdeck::engine::sm2 {
namespace {

std::unique_ptr<const PermutedTable> permuted(const WindowTable& from) {
  auto table = std::make_unique<PermutedTable>();
  for (std::size_t i = 0; i < kTableWindows; ++i) {
    for (std::size_t j = 0; j < kTableEntries; ++j) {
      const AffinePoint& entry = from.windows[i][j];
      for (std::size_t w = 0; w < 4; ++w) {
        table->windows[i][w][j] = entry.x.limbs()[w];
        table->windows[i][w + 4][j] = entry.y.limbs()[w];
      }
    }
  }
  return table;
}

}  // namespace

const PermutedTable& IfmaField::secret_table() {
  static const std::unique_ptr<const PermutedTable> table = permuted(generator_table());
  return *table;
}

const Variant kIfmaVariant = {{"ifma", {cpu::Feature::avx512, cpu::Feature::ifma}},
                              IfmaField::kNumLanes,
                              ifma::multiply_generator_all<IfmaField>,
                              ifma::multiply_all<IfmaField>,
                              ifma::check_all_in_step<IfmaField>,
                              ifma::check_all_with_tables<IfmaField>};

}  // namespace cipherdeck::engine::sm2
#endif
