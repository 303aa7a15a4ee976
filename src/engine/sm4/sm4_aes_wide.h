// SPDX-License-Identifier: Apache-2.0
// The rounds of SM4 byte-sliced: state[w][j] has byte j of word w, of 32 blocks.
#pragma once

#include "engine/sm4/sm4_aes.h"

#include <utility>

namespace cipherdeck::engine::sm4 {

constexpr std::size_t kWideBlocks = 32;

/// Only as many blocks as are whole times kWideBlocks.
template <bool kHasVaes>
CIPHERDECK_TARGET_VAES void crypt_wide(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                const RoundKeys& round_keys) noexcept;

using SlicedState = __m256i[4][4];

/// x0 ^= L(S(x1 ^ x2 ^ x3)); `keys(round, j)` is what AESENCLAST adds to byte j.
template <bool kHasVaes, typename Keys>
CIPHERDECK_SM4_AES void sliced_round(__m256i (&x0)[4], const __m256i (&x1)[4],
                                     const __m256i (&x2)[4], const __m256i (&x3)[4],
                                     const Keys& keys, std::size_t round) {
  __m256i a[4];
  for (std::size_t j = 0; j < 4; ++j) {
    const __m256i x = _mm256_xor_si256(_mm256_xor_si256(x1[j], x2[j]), x3[j]);
    a[j] = _mm256_shuffle_epi8(aes_last<kHasVaes>(x, keys(round, j)), both_halves(kUnshift[0]));
  }
  const __m256i sum = _mm256_xor_si256(_mm256_xor_si256(a[0], a[1]), _mm256_xor_si256(a[2], a[3]));
  for (std::size_t j = 0; j < 4; ++j) {
    const Nibbles s = split(_mm256_xor_si256(sum, a[(j + 3) % 4]));
    __m256i& near = x0[j];
    __m256i& far = x0[(j + 3) % 4];
    near = _mm256_xor_si256(near, look_up(kNear.low, s.low));
    near = _mm256_xor_si256(near, look_up(kNear.high, s.high));
    far = _mm256_xor_si256(far, look_up(kFar.low, s.low));
    far = _mm256_xor_si256(far, look_up(kFar.high, s.high));
  }
}

template <bool kHasVaes, typename Keys>
CIPHERDECK_SM4_AES void sliced_rounds(SlicedState& x, const Keys& keys) {
  for (std::size_t r = 0; r < 32; r += 4) {
    sliced_round<kHasVaes>(x[0], x[1], x[2], x[3], keys, r);
    sliced_round<kHasVaes>(x[1], x[2], x[3], x[0], keys, r + 1);
    sliced_round<kHasVaes>(x[2], x[3], x[0], x[1], keys, r + 2);
    sliced_round<kHasVaes>(x[3], x[0], x[1], x[2], keys, r + 3);
  }
  for (std::size_t j = 0; j < 4; ++j) {
    std::swap(x[0][j], x[3][j]);
    std::swap(x[1][j], x[2][j]);
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

}  // namespace cipherdeck::engine::sm4
