// SPDX-License-Identifier: Apache-2.0
// Eight streams at once.
#include "engine/sm3/sm3_variants.h"

#include <immintrin.h>

#include <algorithm>
#include <utility>

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_AVX2 [[gnu::always_inline]] inline

namespace cipherdeck::engine::sm3 {
namespace {

using Vector = __m256i;

CIPHERDECK_KERNEL Vector add(Vector x, Vector y) { return _mm256_add_epi32(x, y); }
CIPHERDECK_KERNEL Vector xor2(Vector x, Vector y) { return _mm256_xor_si256(x, y); }
CIPHERDECK_KERNEL Vector xor3(Vector x, Vector y, Vector z) { return xor2(xor2(x, y), z); }

CIPHERDECK_KERNEL Vector majority(Vector x, Vector y, Vector z) {
  return _mm256_or_si256(_mm256_and_si256(x, y), _mm256_and_si256(_mm256_or_si256(x, y), z));
}

CIPHERDECK_KERNEL Vector choose(Vector x, Vector y, Vector z) {
  return xor2(_mm256_and_si256(xor2(y, z), x), z);
}

CIPHERDECK_KERNEL Vector broadcast(std::uint32_t x) {
  return _mm256_set1_epi32(static_cast<int>(x));
}

template <int N>
CIPHERDECK_KERNEL Vector rotl(Vector x) {
  return _mm256_or_si256(_mm256_slli_epi32(x, N), _mm256_srli_epi32(x, 32 - N));
}

// x ^ x<<<N ^ x<<<(N + 8): by 8 bits is a shuffle.
template <int N>
CIPHERDECK_KERNEL Vector xor_rotl(Vector x) {
  const Vector order = _mm256_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3,  //
                                       14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3);
  const Vector y = rotl<N>(x);
  return xor3(x, y, _mm256_shuffle_epi8(y, order));
}

CIPHERDECK_KERNEL Vector swap_bytes(Vector x) {
  const Vector order = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,  //
                                       12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  return _mm256_shuffle_epi8(x, order);
}

CIPHERDECK_KERNEL Vector unpack_low32(Vector x, Vector y) { return _mm256_unpacklo_epi32(x, y); }
CIPHERDECK_KERNEL Vector unpack_high32(Vector x, Vector y) { return _mm256_unpackhi_epi32(x, y); }
CIPHERDECK_KERNEL Vector unpack_low64(Vector x, Vector y) { return _mm256_unpacklo_epi64(x, y); }
CIPHERDECK_KERNEL Vector unpack_high64(Vector x, Vector y) { return _mm256_unpackhi_epi64(x, y); }

CIPHERDECK_KERNEL const __m128i* at(const void* lane, std::size_t offset) {
  return reinterpret_cast<const __m128i*>(static_cast<const std::uint8_t*>(lane) + offset);
}

CIPHERDECK_KERNEL __m128i* at(void* lane, std::size_t offset) {
  return reinterpret_cast<__m128i*>(static_cast<std::uint8_t*>(lane) + offset);
}

// The 16 bytes at `offset` of lane 0 and 4 of those given.
template <typename T>
CIPHERDECK_KERNEL Vector gather(T* const* lanes, std::size_t offset) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(at(lanes[0], offset))),
                                 _mm_loadu_si128(at(lanes[4], offset)), 1);
}

CIPHERDECK_KERNEL void scatter(State* const* lanes, std::size_t offset, Vector x) {
  _mm_storeu_si128(at(lanes[0], offset), _mm256_castsi256_si128(x));
  _mm_storeu_si128(at(lanes[4], offset), _mm256_extracti128_si256(x, 1));
}

}  // namespace
}  // namespace cipherdeck::engine::sm3

#include "engine/sm3/sm3_lanes.h"

namespace cipherdeck::engine::sm3 {

CIPHERDECK_TARGET_AVX2 void compress_lanes_avx2(Lanes& lanes, std::size_t num_blocks) noexcept {
  compress(lanes, num_blocks);
}

}  // namespace cipherdeck::engine::sm3
