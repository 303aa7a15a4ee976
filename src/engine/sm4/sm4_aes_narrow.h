// SPDX-License-Identifier: Apache-2.0
// SM4 on AES instructions, word-sliced: eight blocks are four vectors, one for each word of the
// state; a vector holds the word of blocks 0 to 3 in its low half and of blocks 4 to 7 in its high
// half. For what is less than the byte-sliced kernel takes: its latency is the least.
#pragma once

#include "engine/sm4/sm4_aes.h"

namespace cipherdeck::engine::sm4 {

constexpr std::size_t kNarrowBlocks = 8;

/// What the round adds to a word, but for the last part, which is ready late.
struct Parts {
  __m256i early, late;
};

template <bool kHasVaes>
CIPHERDECK_SM4_AES Parts transform(__m256i x, __m256i key) {
  const __m256i a = aes_last<kHasVaes>(x, key);
  const __m256i a0 = _mm256_shuffle_epi8(a, both_halves(kUnshift[0]));
  const __m256i a1 = _mm256_shuffle_epi8(a, both_halves(kUnshift[1]));
  const __m256i a2 = _mm256_shuffle_epi8(a, both_halves(kUnshift[2]));
  const __m256i a3 = _mm256_shuffle_epi8(a, both_halves(kUnshift[3]));
  const __m256i a12 = _mm256_xor_si256(a1, a2);
  const Nibbles s = split(_mm256_xor_si256(a0, a12)), t = split(_mm256_xor_si256(a3, a12));
  return {_mm256_xor_si256(look_up(kNear.low, s.low), look_up(kFar.low, t.low)),
          _mm256_xor_si256(look_up(kNear.high, s.high), look_up(kFar.high, t.high))};
}

/// x0 ^= T(sum), and sum becomes x2 ^ x3 ^ x0, the next one: through as few additions as can be.
template <bool kHasVaes, std::size_t kGroups, typename Keys>
CIPHERDECK_SM4_AES void narrow_round(__m256i (&sum)[kGroups], __m256i (&x0)[kGroups],
                                     const __m256i (&x2)[kGroups], const __m256i (&x3)[kGroups],
                                     const Keys& keys, std::size_t round) {
  for (std::size_t g = 0; g < kGroups; ++g) {
    const Parts parts = transform<kHasVaes>(sum[g], keys(round, g));
    const __m256i early = _mm256_xor_si256(x0[g], parts.early);
    __m256i rest = _mm256_xor_si256(_mm256_xor_si256(x2[g], x3[g]), early);
    __asm__("" : "+x"(rest));  // The compiler is not to add in another order.
    sum[g] = _mm256_xor_si256(rest, parts.late);
    x0[g] = _mm256_xor_si256(early, parts.late);
  }
}

/// Rows to columns, in both halves.
CIPHERDECK_SM4_AES void transpose(__m256i& a, __m256i& b, __m256i& c, __m256i& d) {
  const __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
  const __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
  a = _mm256_unpacklo_epi64(ab_low, cd_low);
  b = _mm256_unpackhi_epi64(ab_low, cd_low);
  c = _mm256_unpacklo_epi64(ab_high, cd_high);
  d = _mm256_unpackhi_epi64(ab_high, cd_high);
}

/// A block, or zeros for one that is not there.
CIPHERDECK_SM4_AES __m128i load_block(const std::uint8_t* in, std::size_t i,
                                      std::size_t num_blocks) {
  if (i >= num_blocks) return _mm_setzero_si128();
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(in) + i);
}

CIPHERDECK_SM4_AES void store_block(std::uint8_t* out, std::size_t i, std::size_t num_blocks,
                                    __m128i block) {
  if (i < num_blocks) _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + i, block);
}

/// Blocks i and i + 4.
CIPHERDECK_SM4_AES __m256i load_pair(const std::uint8_t* in, std::size_t i, std::size_t num_blocks,
                                     __m256i mask) {
  const __m256i pair =
      _mm256_set_m128i(load_block(in, i + 4, num_blocks), load_block(in, i, num_blocks));
  return _mm256_xor_si256(pair, mask);
}

CIPHERDECK_SM4_AES void store_pair(std::uint8_t* out, std::size_t i, std::size_t num_blocks,
                                   __m256i mask, __m256i pair) {
  pair = _mm256_xor_si256(pair, mask);
  store_block(out, i, num_blocks, _mm256_castsi256_si128(pair));
  store_block(out, i + 4, num_blocks, _mm256_extracti128_si256(pair, 1));
}

/// `num_blocks` blocks from `in` to `out`: more than fill kGroups - 1 groups. `keys(round, group)`
/// is what AESENCLAST adds; `keys` also masks the blocks, by pairs i and i + 4.
template <bool kHasVaes, std::size_t kGroups, typename Keys>
CIPHERDECK_SM4_AES void crypt_narrow_groups(std::uint8_t* out, const std::uint8_t* in,
                                            std::size_t num_blocks, const Keys& keys) {
  __m256i a[kGroups], b[kGroups], c[kGroups], d[kGroups], sum[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::size_t first = g * kNarrowBlocks;
    const std::uint8_t* const from = in + 16 * first;
    const std::size_t count = g + 1 < kGroups ? kNarrowBlocks : num_blocks - first;
    a[g] = load_pair(from, 0, count, keys.first_mask(first));
    b[g] = load_pair(from, 1, count, keys.first_mask(first + 1));
    c[g] = load_pair(from, 2, count, keys.first_mask(first + 2));
    d[g] = load_pair(from, 3, count, keys.first_mask(first + 3));
    transpose(a[g], b[g], c[g], d[g]);
    for (__m256i* const word : {&a[g], &b[g], &c[g], &d[g]}) *word = affine(kIntoState, *word);
    sum[g] = _mm256_xor_si256(_mm256_xor_si256(b[g], c[g]), d[g]);
  }
  for (std::size_t r = 0; r < 32; r += 4) {
    narrow_round<kHasVaes>(sum, a, c, d, keys, r);
    narrow_round<kHasVaes>(sum, b, d, a, keys, r + 1);
    narrow_round<kHasVaes>(sum, c, a, b, keys, r + 2);
    narrow_round<kHasVaes>(sum, d, b, c, keys, r + 3);
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::size_t first = g * kNarrowBlocks;
    std::uint8_t* const to = out + 16 * first;
    const std::size_t count = g + 1 < kGroups ? kNarrowBlocks : num_blocks - first;
    for (__m256i* const word : {&a[g], &b[g], &c[g], &d[g]}) *word = affine(kOutOfState, *word);
    transpose(d[g], c[g], b[g], a[g]);
    store_pair(to, 0, count, keys.last_mask(first), d[g]);
    store_pair(to, 1, count, keys.last_mask(first + 1), c[g]);
    store_pair(to, 2, count, keys.last_mask(first + 2), b[g]);
    store_pair(to, 3, count, keys.last_mask(first + 3), a[g]);
  }
}

}  // namespace cipherdeck::engine::sm4
