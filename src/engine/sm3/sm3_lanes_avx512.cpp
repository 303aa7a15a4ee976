// SPDX-License-Identifier: Apache-2.0
// Sixteen streams at once.
#include "engine/cpu/intrinsics.h"
#include "engine/sm3/sm3_variants.h"

#include <algorithm>
#include <utility>

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_AVX512 [[gnu::always_inline]] inline

namespace cipherdeck::engine::sm3 {
namespace {

using Vector = __m512i;

CIPHERDECK_KERNEL Vector add(Vector x, Vector y) { return _mm512_add_epi32(x, y); }
CIPHERDECK_KERNEL Vector xor2(Vector x, Vector y) { return _mm512_xor_si512(x, y); }
// The last operand is the truth table of the function, from 111 down to 000.
CIPHERDECK_KERNEL Vector xor3(Vector x, Vector y, Vector z) {
  return _mm512_ternarylogic_epi32(x, y, z, 0b10010110);
}

CIPHERDECK_KERNEL Vector majority(Vector x, Vector y, Vector z) {
  return _mm512_ternarylogic_epi32(x, y, z, 0b11101000);
}

CIPHERDECK_KERNEL Vector choose(Vector x, Vector y, Vector z) {
  return _mm512_ternarylogic_epi32(x, y, z, 0b11001010);
}

CIPHERDECK_KERNEL Vector broadcast(std::uint32_t x) {
  return _mm512_set1_epi32(static_cast<int>(x));
}

template <int N>
CIPHERDECK_KERNEL Vector rotl(Vector x) {
  return _mm512_rol_epi32(x, N);
}

// x ^ x<<<N ^ x<<<(N + 8)
template <int N>
CIPHERDECK_KERNEL Vector xor_rotl(Vector x) {
  return xor3(x, rotl<N>(x), rotl<N + 8>(x));
}

CIPHERDECK_KERNEL Vector swap_bytes(Vector x) {
  const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(order));
}

CIPHERDECK_KERNEL Vector unpack_low32(Vector x, Vector y) { return _mm512_unpacklo_epi32(x, y); }
CIPHERDECK_KERNEL Vector unpack_high32(Vector x, Vector y) { return _mm512_unpackhi_epi32(x, y); }
CIPHERDECK_KERNEL Vector unpack_low64(Vector x, Vector y) { return _mm512_unpacklo_epi64(x, y); }
CIPHERDECK_KERNEL Vector unpack_high64(Vector x, Vector y) { return _mm512_unpackhi_epi64(x, y); }

CIPHERDECK_KERNEL const __m128i* at(const void* lane, std::size_t offset) {
  return reinterpret_cast<const __m128i*>(static_cast<const std::uint8_t*>(lane) + offset);
}

CIPHERDECK_KERNEL __m128i* at(void* lane, std::size_t offset) {
  return reinterpret_cast<__m128i*>(static_cast<std::uint8_t*>(lane) + offset);
}

// The 16 bytes at `offset` of lanes 0, 4, 8 and 12 of those given.
template <typename T>
CIPHERDECK_KERNEL Vector gather(T* const* lanes, std::size_t offset) {
  Vector x = _mm512_castsi128_si512(_mm_loadu_si128(at(lanes[0], offset)));
  x = _mm512_mask_broadcast_i32x4(x, 0x00f0, _mm_loadu_si128(at(lanes[4], offset)));
  x = _mm512_mask_broadcast_i32x4(x, 0x0f00, _mm_loadu_si128(at(lanes[8], offset)));
  return _mm512_mask_broadcast_i32x4(x, 0xf000, _mm_loadu_si128(at(lanes[12], offset)));
}

CIPHERDECK_KERNEL void scatter(State* const* lanes, std::size_t offset, Vector x) {
  _mm_storeu_si128(at(lanes[0], offset), _mm512_castsi512_si128(x));
  _mm_storeu_si128(at(lanes[4], offset), _mm512_extracti32x4_epi32(x, 1));
  _mm_storeu_si128(at(lanes[8], offset), _mm512_extracti32x4_epi32(x, 2));
  _mm_storeu_si128(at(lanes[12], offset), _mm512_extracti32x4_epi32(x, 3));
}

}  // namespace
}  // namespace cipherdeck::engine::sm3

#include "engine/sm3/sm3_lanes.h"

namespace cipherdeck::engine::sm3 {

CIPHERDECK_TARGET_AVX512 void compress_lanes_avx512(Lanes& lanes, std::size_t num_blocks) noexcept {
  compress(lanes, num_blocks);
}

}  // namespace cipherdeck::engine::sm3
