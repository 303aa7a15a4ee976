// SPDX-License-Identifier: Apache-2.0
// GHASH on 512-bit carry-less multiplication. Blocks go in fours, one in each lane of a vector, and
// lane k sums up the blocks 4i + k by powers of the fourth power of the point; four vectors share
// one reduction. The lanes meet at the end.
//
// A block that is read backwards is its element in the field of POLYVAL (RFC 8452), but for a
// factor: the product there, a b / x^128, is GHASH's once the point is multiplied by x.
#include "base/secret.h"
#include "engine/cpu/features.h"
#include "engine/cpu/intrinsics.h"
#include "engine/modes/ghash.h"

namespace cipherdeck::engine::modes {
namespace {

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_AVX512_VPCLMUL [[gnu::always_inline]] inline

constexpr std::size_t kLanes = 4;
constexpr std::size_t kVectors = 4;
constexpr std::size_t kStride = kLanes * kVectors;

// Four elements, with the sums of their halves for Karatsuba's product.
struct Factor {
  __m512i element, halves;
};

// Products before their reduction, or sums of such.
struct Product {
  __m512i low, mid, high;
};

CIPHERDECK_KERNEL __m512i xor3(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

CIPHERDECK_KERNEL __m512i swap_halves(__m512i x) { return _mm512_shuffle_epi32(x, _MM_PERM_BADC); }

CIPHERDECK_KERNEL __m512i sum_of_halves(__m512i x) { return _mm512_xor_si512(x, swap_halves(x)); }

CIPHERDECK_KERNEL Factor to_factor(__m512i element) { return {element, sum_of_halves(element)}; }

CIPHERDECK_KERNEL __m512i all_lanes(__m512i first) {
  return _mm512_shuffle_i32x4(first, first, 0x00);
}

CIPHERDECK_KERNEL Product multiply_wide(__m512i a, const Factor& b) {
  return {_mm512_clmulepi64_epi128(a, b.element, 0x00),
          _mm512_clmulepi64_epi128(sum_of_halves(a), b.halves, 0x00),
          _mm512_clmulepi64_epi128(a, b.element, 0x11)};
}

CIPHERDECK_KERNEL Product add(const Product& a, const Product& b, const Product& c) {
  return {xor3(a.low, b.low, c.low), xor3(a.mid, b.mid, c.mid), xor3(a.high, b.high, c.high)};
}

// Divides by x^128, in two steps of x^64, modulo x^128 + x^127 + x^126 + x^121 + 1.
CIPHERDECK_KERNEL __m512i reduce(const Product& product) {
  const __m512i polynomial = _mm512_set1_epi64(static_cast<long long>(0xc200000000000000));
  const __m512i mid = xor3(product.mid, product.low, product.high);
  __m512i low = _mm512_xor_si512(product.low, _mm512_bslli_epi128(mid, 8));
  const __m512i high = _mm512_xor_si512(product.high, _mm512_bsrli_epi128(mid, 8));
  low = _mm512_xor_si512(swap_halves(low), _mm512_clmulepi64_epi128(low, polynomial, 0x00));
  return xor3(high, swap_halves(low), _mm512_clmulepi64_epi128(low, polynomial, 0x00));
}

CIPHERDECK_KERNEL __m512i multiply(__m512i a, const Factor& b) {
  return reduce(multiply_wide(a, b));
}

CIPHERDECK_KERNEL __m512i load_blocks(const std::uint8_t* blocks, __mmask8 mask = 0xff) {
  const __m512i reversed =
      _mm512_broadcast_i32x4(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  return _mm512_shuffle_epi8(_mm512_maskz_loadu_epi64(mask, blocks), reversed);
}

// In the first lane; the others are zero.
CIPHERDECK_KERNEL __m512i load(const GhashElement& element) {
  return _mm512_zextsi128_si512(
      _mm_set_epi64x(static_cast<long long>(element.hi), static_cast<long long>(element.lo)));
}

// The sum of the lanes.
CIPHERDECK_KERNEL void store(GhashElement& to, __m512i lanes) {
  const __m256i pairs =
      _mm256_xor_si256(_mm512_castsi512_si256(lanes), _mm512_extracti64x4_epi64(lanes, 1));
  const __m128i sum =
      _mm_xor_si128(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  to.lo = static_cast<std::uint64_t>(_mm_cvtsi128_si64(sum));
  to.hi = static_cast<std::uint64_t>(_mm_extract_epi64(sum, 1));
}

// The point times x, in all lanes.
CIPHERDECK_KERNEL __m512i load_point(const GhashElement& point) {
  const std::uint64_t overflow = -(point.hi >> 63);
  const GhashElement twice{((point.hi << 1) | (point.lo >> 63)) ^ (overflow & 0xc200000000000000),
                           (point.lo << 1) ^ (overflow & 1)};
  return all_lanes(load(twice));
}

// The powers of the point from the fourth to the first, one a lane.
CIPHERDECK_KERNEL __m512i four_powers(__m512i point) {
  const __m512i square = multiply(point, to_factor(point));
  const __m512i low = _mm512_mask_mov_epi64(square, 0xcc, point);  // 2 1 2 1
  const __m512i high = multiply(low, to_factor(square));           // 4 3 4 3
  return _mm512_mask_mov_epi64(high, 0xf0, low);
}

// Takes as many strides as there are; `fourth` is the fourth power of the point in all lanes.
CIPHERDECK_KERNEL __m512i add_strides(__m512i sums, const Factor& fourth,
                                      const std::uint8_t*& blocks, std::size_t& num_blocks) {
  const Factor eighth = to_factor(multiply(fourth.element, fourth));
  const Factor twelfth = to_factor(multiply(eighth.element, fourth));
  const Factor sixteenth = to_factor(multiply(eighth.element, eighth));
  for (; num_blocks >= kStride; num_blocks -= kStride, blocks += kStride * kSm4BlockLen) {
    // The last vector of the stride before is in `sums` and waits for its factor.
    const Product late = multiply_wide(sums, sixteenth);
    const Product early = add(multiply_wide(load_blocks(blocks), twelfth),
                              multiply_wide(load_blocks(blocks + 64), eighth),
                              multiply_wide(load_blocks(blocks + 128), fourth));
    const Product sum{_mm512_xor_si512(late.low, early.low), _mm512_xor_si512(late.mid, early.mid),
                      _mm512_xor_si512(late.high, early.high)};
    sums = _mm512_xor_si512(reduce(sum), load_blocks(blocks + 192));
  }
  return sums;
}

// Of at least four blocks, all fours.
CIPHERDECK_KERNEL void update_fours(GhashElement& sum, __m512i powers, const std::uint8_t*& blocks,
                                    std::size_t& num_blocks) {
  const Factor fourth = to_factor(all_lanes(powers));
  __m512i sums = _mm512_xor_si512(load(sum), load_blocks(blocks));
  blocks += kLanes * kSm4BlockLen;
  num_blocks -= kLanes;
  if (num_blocks >= 2 * kStride) sums = add_strides(sums, fourth, blocks, num_blocks);
  for (; num_blocks >= kLanes; num_blocks -= kLanes, blocks += kLanes * kSm4BlockLen) {
    sums = _mm512_xor_si512(multiply(sums, fourth), load_blocks(blocks));
  }
  store(sum, multiply(sums, to_factor(powers)));
}

// One to four blocks. Lanes beyond them are zero, whatever their power.
CIPHERDECK_KERNEL void update_few(GhashElement& sum, __m512i powers, const std::uint8_t* blocks,
                                  std::size_t num_blocks) {
  const std::size_t num_skipped = 2 * (kLanes - num_blocks);
  const __m512i order = _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0),
                                         _mm512_set1_epi64(static_cast<long long>(num_skipped)));
  const __m512i aligned = _mm512_permutexvar_epi64(order, powers);  // the last block's is the point
  const auto mask = static_cast<__mmask8>((1u << (2 * num_blocks)) - 1);
  const __m512i first = _mm512_xor_si512(load(sum), load_blocks(blocks, mask));
  store(sum, multiply(first, to_factor(aligned)));
}

}  // namespace

CIPHERDECK_TARGET_AVX512_VPCLMUL void ghash_vpclmul512(GhashElement& sum, const GhashElement& point,
                                                       const std::uint8_t* blocks,
                                                       std::size_t num_blocks) noexcept {
  if (num_blocks == 0) return;
  const __m512i first = load_point(point);
  const __m512i powers = num_blocks == 1 ? first : four_powers(first);
  if (num_blocks >= kLanes) update_fours(sum, powers, blocks, num_blocks);
  if (num_blocks != 0) update_few(sum, powers, blocks, num_blocks);
}

}  // namespace cipherdeck::engine::modes
