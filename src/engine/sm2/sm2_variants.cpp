// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/sm2_variants.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace cipherdeck::engine::sm2 {

#ifdef __x86_64__
CIPHERDECK_TARGET_AVX2
void look_up_avx2(AffinePoint& entry, const TableWindow& window, std::uint64_t magnitude) noexcept {
  static_assert(sizeof(AffinePoint) == 2 * sizeof(__m256i));
  const auto* from = reinterpret_cast<const __m256i*>(window.data());
  const __m256i wanted = _mm256_set1_epi64x(static_cast<long long>(magnitude));
  const __m256i one = _mm256_set1_epi64x(1);
  __m256i number = one, x = _mm256_setzero_si256(), y = x;
  for (std::size_t j = 0; j < kTableEntries; ++j) {
    const __m256i mask = _mm256_cmpeq_epi64(number, wanted);
    x = _mm256_or_si256(x, _mm256_and_si256(mask, _mm256_loadu_si256(from + 2 * j)));
    y = _mm256_or_si256(y, _mm256_and_si256(mask, _mm256_loadu_si256(from + 2 * j + 1)));
    number = _mm256_add_epi64(number, one);
  }
  auto* to = reinterpret_cast<__m256i*>(&entry);
  _mm256_storeu_si256(to, x);
  _mm256_storeu_si256(to + 1, y);
}
#endif

std::span<const Variant> variants() noexcept {
  static const Variant table[] = {
#ifdef __x86_64__
      kIfmaVariant,
      kAdxVariant,
#endif
      kPortableVariant,
  };
  return table;
}

const Variant& chosen_variant() noexcept {
  static const Variant& chosen = cpu::choose(variants(), "sm2");
  return chosen;
}

}  // namespace cipherdeck::engine::sm2
