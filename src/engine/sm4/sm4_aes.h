// SPDX-License-Identifier: Apache-2.0
// What the kernels on AES instructions share.
#pragma once

#include "engine/cpu/features.h"
#include "engine/sm4/sm4_aes_tables.h"
#include "engine/sm4/sm4_variants.h"

#include <immintrin.h>

#define CIPHERDECK_SM4_AES CIPHERDECK_TARGET_VAES [[gnu::always_inline]] inline

namespace cipherdeck::engine::sm4 {

using Order = std::array<std::uint8_t, 16>;  // of bytes, for a shuffle

CIPHERDECK_SM4_AES __m256i both_halves(const Order& bytes) {
  return _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(bytes.data())));
}

/// The two sets of indices that look-ups in NibbleTables take.
struct Nibbles {
  __m256i low, high;
};

CIPHERDECK_SM4_AES Nibbles split(__m256i x, __m256i mask = _mm256_set1_epi8(0x0f)) {
  return {_mm256_and_si256(x, mask), _mm256_and_si256(_mm256_srli_epi32(x, 4), mask)};
}

CIPHERDECK_SM4_AES __m256i look_up(const Order& table, __m256i indices) {
  return _mm256_shuffle_epi8(both_halves(table), indices);
}

CIPHERDECK_SM4_AES __m256i look_up(const NibbleTables& tables, const Nibbles& indices) {
  return _mm256_xor_si256(look_up(tables.low, indices.low), look_up(tables.high, indices.high));
}

CIPHERDECK_SM4_AES __m256i affine(const NibbleTables& tables, __m256i x) {
  return look_up(tables, split(x));
}

/// ShiftRows, SubBytes, and the addition of `key`.
template <bool kHasVaes>
CIPHERDECK_SM4_AES __m256i aes_last(__m256i x, __m256i key) {
  if constexpr (kHasVaes) {
    return _mm256_aesenclast_epi128(x, key);
  } else {
    const __m128i low =
        _mm_aesenclast_si128(_mm256_castsi256_si128(x), _mm256_castsi256_si128(key));
    const __m128i high =
        _mm_aesenclast_si128(_mm256_extracti128_si256(x, 1), _mm256_extracti128_si256(key, 1));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  }
}

/// Byte 4 i + j of AESENCLAST's result comes from byte (4 i + 5 j) % 16 of its operand. This takes
/// that back, and moves every word's bytes `rotation` places towards the first.
constexpr Order unshift_rows(unsigned rotation) {
  Order order{};
  for (unsigned i = 0; i < 4; ++i) {
    for (unsigned j = 0; j < 4; ++j) {
      const unsigned from = (j + rotation) % 4;
      order[4 * i + j] = static_cast<std::uint8_t>((4 * i + 13 * from) % 16);
    }
  }
  return order;
}

alignas(16) constexpr std::array<Order, 4> kUnshift = {unshift_rows(0), unshift_rows(1),
                                                       unshift_rows(2), unshift_rows(3)};

}  // namespace cipherdeck::engine::sm4
