// SPDX-License-Identifier: Apache-2.0
// GHASH on the carry-less multiplication of the processor: eight blocks are multiplied by the
// eighth to the first power of the point, and their sum is reduced once.
#include "base/secret.h"
#include "engine/cpu/features.h"
#include "engine/modes/ghash.h"

#include <immintrin.h>

namespace cipherdeck::engine::modes {
namespace {

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_PCLMUL [[gnu::always_inline]] inline

constexpr std::size_t kStride = 8;

// A product before its reduction, or a sum of such.
struct Product {
  __m128i low, mid, high;
};

CIPHERDECK_KERNEL __m128i load(const GhashElement& element) {
  return _mm_set_epi64x(static_cast<long long>(element.hi), static_cast<long long>(element.lo));
}

CIPHERDECK_KERNEL void store(GhashElement& to, __m128i element) {
  to.lo = static_cast<std::uint64_t>(_mm_cvtsi128_si64(element));
  to.hi = static_cast<std::uint64_t>(_mm_extract_epi64(element, 1));
}

CIPHERDECK_KERNEL __m128i load_block(const std::uint8_t* block) {
  const __m128i reversed = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block)), reversed);
}

CIPHERDECK_KERNEL void add_product(Product& sum, __m128i a, __m128i b) {
  sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128(a, b, 0x00));
  sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128(a, b, 0x11));
  sum.mid = _mm_xor_si128(
      sum.mid, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)));
}

CIPHERDECK_KERNEL Product zero() {
  return {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
}

// Twice the 256-bit number high:low.
CIPHERDECK_KERNEL void shift_left_one(__m128i& low, __m128i& high) {
  const __m128i low_out = _mm_srli_epi64(low, 63), high_out = _mm_srli_epi64(high, 63);
  low = _mm_or_si128(_mm_slli_epi64(low, 1), _mm_slli_si128(low_out, 8));
  high = _mm_or_si128(_mm_slli_epi64(high, 1),
                      _mm_or_si128(_mm_slli_si128(high_out, 8), _mm_srli_si128(low_out, 8)));
}

// x * (x^-1 + x^-2 + x^-7) in 64-bit parts: what leaves a part at its lower end.
CIPHERDECK_KERNEL __m128i fold_out(__m128i x) {
  return _mm_xor_si128(_mm_slli_epi64(x, 63),
                       _mm_xor_si128(_mm_slli_epi64(x, 62), _mm_slli_epi64(x, 57)));
}

// x * (1 + x^-1 + x^-2 + x^-7) in 64-bit parts: what stays.
CIPHERDECK_KERNEL __m128i fold_in(__m128i x) {
  const __m128i near = _mm_xor_si128(x, _mm_srli_epi64(x, 1));
  return _mm_xor_si128(near, _mm_xor_si128(_mm_srli_epi64(x, 2), _mm_srli_epi64(x, 7)));
}

// As the portable code does: the product stands one place too low, and its low half is reduced.
CIPHERDECK_KERNEL __m128i reduce(const Product& product) {
  __m128i low = _mm_xor_si128(product.low, _mm_slli_si128(product.mid, 8));
  __m128i high = _mm_xor_si128(product.high, _mm_srli_si128(product.mid, 8));
  shift_left_one(low, high);
  // The lower word spills into the upper one, and then both fold into the high half.
  low = _mm_xor_si128(low, _mm_slli_si128(fold_out(low), 8));
  const __m128i spilled = _mm_srli_si128(fold_out(low), 8);
  return _mm_xor_si128(high, _mm_xor_si128(spilled, fold_in(low)));
}

CIPHERDECK_KERNEL __m128i multiply(__m128i a, __m128i b) {
  Product product = zero();
  add_product(product, a, b);
  return reduce(product);
}

CIPHERDECK_TARGET_PCLMUL void update_strides(__m128i& sum, __m128i point,
                                             const std::uint8_t*& blocks, std::size_t& num_blocks) {
  __m128i powers[kStride];
  powers[0] = point;
  for (std::size_t i = 1; i < kStride; ++i) powers[i] = multiply(powers[i - 1], point);
  for (; num_blocks >= kStride; num_blocks -= kStride, blocks += kStride * kSm4BlockLen) {
    Product product = zero();
    add_product(product, _mm_xor_si128(sum, load_block(blocks)), powers[kStride - 1]);
    for (std::size_t i = 1; i < kStride; ++i) {
      add_product(product, load_block(blocks + i * kSm4BlockLen), powers[kStride - 1 - i]);
    }
    sum = reduce(product);
  }
  wipe({reinterpret_cast<std::uint8_t*>(powers), sizeof powers});
}

}  // namespace

CIPHERDECK_TARGET_PCLMUL void ghash_pclmul(GhashElement& sum, const GhashElement& point,
                                           const std::uint8_t* blocks,
                                           std::size_t num_blocks) noexcept {
  __m128i total = load(sum);
  const __m128i factor = load(point);
  if (num_blocks >= 2 * kStride) update_strides(total, factor, blocks, num_blocks);
  for (; num_blocks != 0; --num_blocks, blocks += kSm4BlockLen) {
    total = multiply(_mm_xor_si128(total, load_block(blocks)), factor);
  }
  store(sum, total);
}

}  // namespace cipherdeck::engine::modes
