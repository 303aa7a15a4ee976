// SPDX-License-Identifier: Apache-2.0
// SM4 on AES instructions, word-sliced: eight blocks are four vectors, one for each word of the
// state; a vector holds the word of blocks 0 to 3 in its low half and of blocks 4 to 7 in its high
// half. For what is less than the byte-sliced kernel takes, which does the rest.
#include "base/bytes.h"
#include "base/secret.h"
#include "engine/sm4/sm4_aes.h"
#include "engine/sm4/sm4_aes_wide.h"

#include <algorithm>

namespace cipherdeck::engine::sm4 {
namespace {

constexpr std::size_t kGroupBlocks = 8;

// What the round adds to a word, but for the last part, which is ready late.
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

// x0 ^= T(sum), and sum becomes x2 ^ x3 ^ x0, the next one: through as few additions as can be.
template <bool kHasVaes, std::size_t kGroups>
CIPHERDECK_SM4_AES void round(__m256i (&sum)[kGroups], __m256i (&x0)[kGroups],
                              const __m256i (&x2)[kGroups], const __m256i (&x3)[kGroups],
                              const std::array<std::uint8_t, 4>& folded) {
  const __m256i key = _mm256_set1_epi32(std::bit_cast<int>(folded));
  for (std::size_t g = 0; g < kGroups; ++g) {
    const Parts parts = transform<kHasVaes>(sum[g], key);
    const __m256i early = _mm256_xor_si256(x0[g], parts.early);
    sum[g] = _mm256_xor_si256(_mm256_xor_si256(_mm256_xor_si256(x2[g], x3[g]), early), parts.late);
    x0[g] = _mm256_xor_si256(early, parts.late);
  }
}

// Rows to columns, in both halves.
CIPHERDECK_SM4_AES void transpose(__m256i& a, __m256i& b, __m256i& c, __m256i& d) {
  const __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
  const __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
  a = _mm256_unpacklo_epi64(ab_low, cd_low);
  b = _mm256_unpackhi_epi64(ab_low, cd_low);
  c = _mm256_unpacklo_epi64(ab_high, cd_high);
  d = _mm256_unpackhi_epi64(ab_high, cd_high);
}

// A block, or zeros for one that is not there.
CIPHERDECK_SM4_AES __m128i load_block(const std::uint8_t* in, std::size_t i,
                                      std::size_t num_blocks) {
  if (i >= num_blocks) return _mm_setzero_si128();
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(in) + i);
}

CIPHERDECK_SM4_AES void store_block(std::uint8_t* out, std::size_t i, std::size_t num_blocks,
                                    __m128i block) {
  if (i < num_blocks) _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + i, block);
}

// Blocks i and i + 4.
CIPHERDECK_SM4_AES __m256i load_pair(const std::uint8_t* in, std::size_t i, std::size_t num_blocks,
                                     __m256i mask) {
  const __m256i pair = _mm256_set_m128i(load_block(in, i + 4, num_blocks),
                                        load_block(in, i, num_blocks));
  return _mm256_xor_si256(pair, mask);
}

CIPHERDECK_SM4_AES void store_pair(std::uint8_t* out, std::size_t i, std::size_t num_blocks,
                                   __m256i mask, __m256i pair) {
  pair = _mm256_xor_si256(pair, mask);
  store_block(out, i, num_blocks, _mm256_castsi256_si128(pair));
  store_block(out, i + 4, num_blocks, _mm256_extracti128_si256(pair, 1));
}

// `num_blocks` are more than fill kGroups - 1 groups.
template <bool kHasVaes, std::size_t kGroups>
CIPHERDECK_TARGET_VAES [[gnu::noinline]] void crypt_groups(std::uint8_t* out,
                                                           const std::uint8_t* in,
                                                           std::size_t num_blocks,
                                                           const RoundKeys& round_keys) {
  __m256i a[kGroups], b[kGroups], c[kGroups], d[kGroups], sum[kGroups];
  const __m256i first_mask = both_halves(round_keys.first_mask);
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::uint8_t* const from = in + g * 16 * kGroupBlocks;
    const std::size_t count = g + 1 < kGroups ? kGroupBlocks : num_blocks - g * kGroupBlocks;
    a[g] = load_pair(from, 0, count, first_mask);
    b[g] = load_pair(from, 1, count, first_mask);
    c[g] = load_pair(from, 2, count, first_mask);
    d[g] = load_pair(from, 3, count, first_mask);
    transpose(a[g], b[g], c[g], d[g]);
    for (__m256i* const word : {&a[g], &b[g], &c[g], &d[g]}) *word = affine(kIntoState, *word);
    sum[g] = _mm256_xor_si256(_mm256_xor_si256(b[g], c[g]), d[g]);
  }
  for (std::size_t r = 0; r < 32; r += 4) {
    round<kHasVaes>(sum, a, c, d, round_keys.folded[r]);
    round<kHasVaes>(sum, b, d, a, round_keys.folded[r + 1]);
    round<kHasVaes>(sum, c, a, b, round_keys.folded[r + 2]);
    round<kHasVaes>(sum, d, b, c, round_keys.folded[r + 3]);
  }
  const __m256i last_mask = both_halves(round_keys.last_mask);
  for (std::size_t g = 0; g < kGroups; ++g) {
    std::uint8_t* const to = out + g * 16 * kGroupBlocks;
    const std::size_t count = g + 1 < kGroups ? kGroupBlocks : num_blocks - g * kGroupBlocks;
    for (__m256i* const word : {&a[g], &b[g], &c[g], &d[g]}) *word = affine(kOutOfState, *word);
    transpose(d[g], c[g], b[g], a[g]);
    store_pair(to, 0, count, last_mask, d[g]);
    store_pair(to, 1, count, last_mask, c[g]);
    store_pair(to, 2, count, last_mask, b[g]);
    store_pair(to, 3, count, last_mask, a[g]);
  }
}

// More than half of the byte-sliced kernel's blocks are worth its whole time.
template <bool kHasVaes>
void crypt_blocks(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                  const RoundKeys& round_keys) {
  const std::size_t num_wide = num_blocks / kWideBlocks * kWideBlocks;
  if (num_wide != 0) {
    crypt_wide<kHasVaes>(out, in, num_wide, round_keys);
    in += 16 * num_wide;
    out += 16 * num_wide;
    num_blocks -= num_wide;
  }
  if (num_blocks > 2 * kGroupBlocks) {
    alignas(32) std::array<std::uint8_t, 16 * kWideBlocks> padded;
    std::memcpy(padded.data(), in, 16 * num_blocks);
    std::memset(padded.data() + 16 * num_blocks, 0, padded.size() - 16 * num_blocks);
    crypt_wide<kHasVaes>(padded.data(), padded.data(), kWideBlocks, round_keys);
    std::memcpy(out, padded.data(), 16 * num_blocks);
    return;
  }
  if (num_blocks > kGroupBlocks) return crypt_groups<kHasVaes, 2>(out, in, num_blocks, round_keys);
  if (num_blocks > 0) return crypt_groups<kHasVaes, 1>(out, in, num_blocks, round_keys);
}

}  // namespace

void crypt_blocks_aesni(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                        const RoundKeys& round_keys) noexcept {
  crypt_blocks<false>(out, in, num_blocks, round_keys);
}

void crypt_blocks_vaes(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                       const RoundKeys& round_keys) noexcept {
  crypt_blocks<true>(out, in, num_blocks, round_keys);
}

}  // namespace cipherdeck::engine::sm4
