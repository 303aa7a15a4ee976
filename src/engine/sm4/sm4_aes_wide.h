// SPDX-License-Identifier: Apache-2.0
// The rounds of SM4 byte-sliced: state[w][j] has byte j of word w, of 32 blocks.
#pragma once

#include "engine/sm4/sm4_aes.h"

#include <utility>

namespace cipherdeck::engine::sm4 {

constexpr std::size_t kWideBlocks = 32;

/// Only as many blocks as are whole times kWideBlocks.
template <bool kHasVaes>
CIPHERDECK_TARGET_VAES void crypt_wide(std::uint8_t* out, const std::uint8_t* in,
                                       std::size_t num_blocks,
                                       const RoundKeys& round_keys) noexcept;

using SlicedState = __m256i[4][4];

/// Constants that the rounds read from memory.
struct WideConstants {
  alignas(32) std::array<Order, 2> unshift = {kUnshift[0], kUnshift[0]};
  alignas(32) std::array<std::uint8_t, 32> nibble;
  constexpr WideConstants() { nibble.fill(0x0f); }
};
inline constexpr WideConstants kWideConstants;

/// One round: x0 ^= L(S(sum ^ x0)), where `sum` is that of all four words, before and after.
/// `keys(round, j, group)` is what AESENCLAST adds to byte j.
template <bool kHasVaes, typename Keys>
CIPHERDECK_SM4_AES void sliced_round(__m256i (&sum)[4], __m256i (&x0)[4], const Keys& keys,
                                     std::size_t round, std::size_t group) {
  // Not to be kept in registers, which the sums are to have.
  const WideConstants* constants = &kWideConstants;
  __asm__("" : "+r"(constants));
  const __m256i unshift = _mm256_load_si256(reinterpret_cast<const __m256i*>(&constants->unshift));
  const __m256i nibble = _mm256_load_si256(reinterpret_cast<const __m256i*>(&constants->nibble));
  __m256i a[4];
  for (std::size_t j = 0; j < 4; ++j) {
    const __m256i x = _mm256_xor_si256(sum[j], x0[j]);
    a[j] = _mm256_shuffle_epi8(aes_last<kHasVaes>(x, keys(round, j, group)), unshift);
  }
  const __m256i all = _mm256_xor_si256(_mm256_xor_si256(a[0], a[1]), _mm256_xor_si256(a[2], a[3]));
  __m256i y[4];
  for (std::size_t i = 0; i <= 4; ++i) {
    // In the order that needs the fewest registers, which the compiler is to keep: y[j - 1] is
    // whole when s[j] has been used.
    const std::size_t j = i % 4, before = (i + 3) % 4;
    if (i < 4) {
      const Nibbles s = split(_mm256_xor_si256(all, a[before]), nibble);
      const __m256i far = look_up(kFar, s), near = look_up(kNear, s);
      y[before] = i == 0 ? far : _mm256_xor_si256(y[before], far);
      y[j] = i == 3 ? _mm256_xor_si256(y[j], near) : near;
      __asm__("" : "+x"(y[before]), "+x"(y[j]));
    }
    if (i == 0) continue;
    sum[before] = _mm256_xor_si256(sum[before], y[before]);
    x0[before] = _mm256_xor_si256(x0[before], y[before]);
  }
}

template <bool kHasVaes, std::size_t kGroups, typename Keys>
CIPHERDECK_SM4_AES void sliced_rounds(SlicedState (&x)[kGroups], const Keys& keys) {
  __m256i sum[kGroups][4];
  for (std::size_t g = 0; g < kGroups; ++g) {
    for (std::size_t j = 0; j < 4; ++j) {
      sum[g][j] = _mm256_xor_si256(_mm256_xor_si256(x[g][0][j], x[g][1][j]),
                                   _mm256_xor_si256(x[g][2][j], x[g][3][j]));
    }
  }
  for (std::size_t r = 0; r < 32; r += 4) {
    for (std::size_t w = 0; w < 4; ++w) {
      for (std::size_t g = 0; g < kGroups; ++g) {
        sliced_round<kHasVaes>(sum[g], x[g][w], keys, r + w, g);
      }
    }
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    for (std::size_t j = 0; j < 4; ++j) {
      std::swap(x[g][0][j], x[g][3][j]);
      std::swap(x[g][1][j], x[g][2][j]);
    }
  }
}

/// Rows of 16 bytes to columns, in both halves; its own inverse.
CIPHERDECK_SM4_AES void slice(__m256i (&x)[16]) {
  __m256i y[16];
  // Four times the rows go as a perfect shuffle of two halves, a byte of each at a time.
  for (int step = 0; step < 2; ++step) {
    for (std::size_t i = 0; i < 8; ++i) {
      y[2 * i] = _mm256_unpacklo_epi8(x[i], x[i + 8]);
      y[2 * i + 1] = _mm256_unpackhi_epi8(x[i], x[i + 8]);
    }
    for (std::size_t i = 0; i < 8; ++i) {
      x[2 * i] = _mm256_unpacklo_epi8(y[i], y[i + 8]);
      x[2 * i + 1] = _mm256_unpackhi_epi8(y[i], y[i + 8]);
    }
  }
}

/// kGroups times 32 blocks, from `in` to `out`. `keys` also masks them, by pairs i and i + 16.
template <bool kHasVaes, std::size_t kGroups, typename Keys>
CIPHERDECK_SM4_AES void crypt_wide_groups(std::uint8_t* out, const std::uint8_t* in,
                                          const Keys& keys) {
  SlicedState state[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    auto& rows = reinterpret_cast<__m256i(&)[16]>(state[g]);
    const auto* const from = reinterpret_cast<const __m128i*>(in) + g * kWideBlocks;
    for (std::size_t i = 0; i < 16; ++i) {
      const __m256i pair =
          _mm256_set_m128i(_mm_loadu_si128(from + i + 16), _mm_loadu_si128(from + i));
      rows[i] = _mm256_xor_si256(pair, keys.first_mask(g * kWideBlocks + i));
    }
    slice(rows);
    for (__m256i& row : rows) row = affine(kIntoState, row);
  }
  sliced_rounds<kHasVaes>(state, keys);
  for (std::size_t g = 0; g < kGroups; ++g) {
    auto& rows = reinterpret_cast<__m256i(&)[16]>(state[g]);
    auto* const to = reinterpret_cast<__m128i*>(out) + g * kWideBlocks;
    for (__m256i& row : rows) row = affine(kOutOfState, row);
    slice(rows);
    for (std::size_t i = 0; i < 16; ++i) {
      const __m256i pair = _mm256_xor_si256(rows[i], keys.last_mask(g * kWideBlocks + i));
      _mm_storeu_si128(to + i, _mm256_castsi256_si128(pair));
      _mm_storeu_si128(to + i + 16, _mm256_extracti128_si256(pair, 1));
    }
  }
}

}  // namespace cipherdeck::engine::sm4
