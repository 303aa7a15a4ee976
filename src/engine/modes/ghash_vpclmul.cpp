// SPDX-License-Identifier: Apache-2.0
// GHASH on the carry-less multiplication of 256-bit vectors: a vector has two blocks. Sixteen
// blocks are multiplied by the sixteenth to the first power of the point, and their sum is reduced
// once; what is left, by as many powers as there are blocks.
#include "base/secret.h"
#include "engine/cpu/features.h"
#include "engine/modes/ghash.h"

#include <immintrin.h>

namespace cipherdeck::engine::modes {
namespace {

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_VPCLMUL [[gnu::always_inline]] inline

constexpr std::size_t kStride = 16;

// A product before its reduction, or a sum of such; its halves are still to be added.
struct Product {
  __m256i low, mid, high;
};

// The powers of the point in pairs, the higher one first: 16 15, 14 13, ... 2 1.
struct Powers {
  __m256i pair[kStride / 2];
};

CIPHERDECK_KERNEL __m128i load(const GhashElement& element) {
  return _mm_set_epi64x(static_cast<long long>(element.hi), static_cast<long long>(element.lo));
}

CIPHERDECK_KERNEL void store(GhashElement& to, __m128i element) {
  to.lo = static_cast<std::uint64_t>(_mm_cvtsi128_si64(element));
  to.hi = static_cast<std::uint64_t>(_mm_extract_epi64(element, 1));
}

CIPHERDECK_KERNEL __m256i reversed(__m256i pair) {
  const __m128i order = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm256_shuffle_epi8(pair, _mm256_broadcastsi128_si256(order));
}

CIPHERDECK_KERNEL __m256i load_pair(const std::uint8_t* blocks) {
  return reversed(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks)));
}

CIPHERDECK_KERNEL Product zero() {
  return {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
}

CIPHERDECK_KERNEL void add_product(Product& sum, __m256i a, __m256i b) {
  sum.low = _mm256_xor_si256(sum.low, _mm256_clmulepi64_epi128(a, b, 0x00));
  sum.high = _mm256_xor_si256(sum.high, _mm256_clmulepi64_epi128(a, b, 0x11));
  sum.mid = _mm256_xor_si256(sum.mid, _mm256_xor_si256(_mm256_clmulepi64_epi128(a, b, 0x01),
                                                       _mm256_clmulepi64_epi128(a, b, 0x10)));
}

// x times the polynomial's x^63 + x^62 + x^57, in the mirrored order of the bits.
CIPHERDECK_KERNEL __m256i fold(__m256i x) {
  const __m256i polynomial = _mm256_set1_epi64x(static_cast<long long>(0xc200000000000000));
  const __m256i product = _mm256_clmulepi64_epi128(x, polynomial, 0x00);
  return _mm256_xor_si256(_mm256_shuffle_epi32(x, 0x4e), product);
}

// In both halves, of numbers that stand one place too low: the point is kept one place higher.
CIPHERDECK_KERNEL __m256i reduce(const Product& product) {
  const __m256i low = _mm256_xor_si256(product.low, _mm256_slli_si256(product.mid, 8));
  const __m256i high = _mm256_xor_si256(product.high, _mm256_srli_si256(product.mid, 8));
  return _mm256_xor_si256(high, fold(fold(low)));
}

CIPHERDECK_KERNEL __m256i multiply(__m256i a, __m256i b) {
  Product product = zero();
  add_product(product, a, b);
  return reduce(product);
}

CIPHERDECK_KERNEL __m128i add_halves(__m256i x) {
  return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

// Twice the element, modulo the polynomial: products with it stand where they ought to.
CIPHERDECK_KERNEL __m128i shift_up(__m128i x) {
  const __m128i carries = _mm_srli_epi64(x, 63);
  const __m128i doubled = _mm_or_si128(_mm_slli_epi64(x, 1), _mm_slli_si128(carries, 8));
  const __m128i overflow = _mm_shuffle_epi32(_mm_srai_epi32(x, 31), 0xff);
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1);
  return _mm_xor_si128(doubled, _mm_and_si128(overflow, polynomial));
}

// At least the last `num_blocks` of the powers.
CIPHERDECK_KERNEL void compute_powers(Powers& powers, __m128i point, std::size_t num_blocks) {
  constexpr std::size_t kLast = kStride / 2 - 1;
  const __m256i first = _mm256_broadcastsi128_si256(point);
  const __m256i second = multiply(first, first);
  powers.pair[kLast] = _mm256_blend_epi32(second, first, 0xf0);
  for (std::size_t done = 1; done < kStride / 2 && 2 * done < num_blocks; done *= 2) {
    const __m256i factor = _mm256_permute2x128_si256(powers.pair[kLast + 1 - done],
                                                     powers.pair[kLast + 1 - done], 0x00);
    for (std::size_t i = 0; i < done; ++i) {
      powers.pair[kLast - done - i] = multiply(powers.pair[kLast - i], factor);
    }
  }
}

// Up to kStride blocks, whose first pair is in the register already.
CIPHERDECK_KERNEL __m128i add_blocks(__m128i sum, const Powers& powers, const std::uint8_t* blocks,
                                     std::size_t num_blocks) {
  Product product = zero();
  std::size_t at = kStride / 2 - (num_blocks + 1) / 2;
  __m256i first;
  if (num_blocks % 2 != 0) {  // with zeros before, which change nothing
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks));
    const __m128i value = _mm256_castsi256_si128(reversed(_mm256_castsi128_si256(block)));
    first = _mm256_set_m128i(_mm_xor_si128(value, sum), _mm_setzero_si128());
    blocks += kSm4BlockLen;
  } else {
    first = _mm256_xor_si256(load_pair(blocks), _mm256_zextsi128_si256(sum));
    blocks += 2 * kSm4BlockLen;
  }
  add_product(product, first, powers.pair[at]);
  for (++at; at < kStride / 2; ++at, blocks += 2 * kSm4BlockLen) {
    add_product(product, load_pair(blocks), powers.pair[at]);
  }
  return add_halves(reduce(product));
}

}  // namespace

CIPHERDECK_TARGET_VPCLMUL void ghash_vpclmul(GhashElement& sum, const GhashElement& point,
                                             const std::uint8_t* blocks,
                                             std::size_t num_blocks) noexcept {
  if (num_blocks == 0) return;
  __m128i total = load(sum);
  Powers powers;
  compute_powers(powers, shift_up(load(point)), num_blocks);
  while (num_blocks != 0) {
    const std::size_t taken = num_blocks < kStride ? num_blocks : kStride;
    total = add_blocks(total, powers, blocks, taken);
    blocks += taken * kSm4BlockLen;
    num_blocks -= taken;
  }
  store(sum, total);
  wipe({reinterpret_cast<std::uint8_t*>(&powers), sizeof powers});
}

}  // namespace cipherdeck::engine::modes
