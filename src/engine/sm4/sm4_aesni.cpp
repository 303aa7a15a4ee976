// SPDX-License-Identifier: Apache-2.0
// SM4 on AES instructions. Eight blocks are four vectors, one for each word of the state; a vector
// holds the word of blocks 0 to 3 in its low half and of blocks 4 to 7 in its high half. The S-box
// is AESENCLAST between two affine maps (sm4_aes_tables.h).
#include "base/bytes.h"
#include "base/secret.h"
#include "engine/cpu/features.h"
#include "engine/sm4/sm4_aes_tables.h"
#include "engine/sm4/sm4_variants.h"

#include <immintrin.h>

#include <algorithm>

namespace cipherdeck::engine::sm4 {
namespace {

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_VAES [[gnu::always_inline]] inline

constexpr std::size_t kGroupBlocks = 8;
constexpr std::size_t kGroupLen = 16 * kGroupBlocks;

// Byte 4 i + j of AESENCLAST's result comes from byte (4 i + 5 j) % 16 of its operand. This takes
// that back, and rotates the words to the left by so many bytes.
constexpr std::array<std::uint8_t, 16> unshift_rows(unsigned rotation) {
  std::array<std::uint8_t, 16> order{};
  for (unsigned i = 0; i < 4; ++i) {
    for (unsigned j = 0; j < 4; ++j) {
      const unsigned from = (j + 4 - rotation) % 4;  // byte of the word before its rotation
      order[4 * i + j] = static_cast<std::uint8_t>((4 * i + from + 12 * from) % 16);
    }
  }
  return order;
}

alignas(16) constexpr std::array<std::array<std::uint8_t, 16>, 4> kUnshift = {
    unshift_rows(0), unshift_rows(1), unshift_rows(2), unshift_rows(3)};
alignas(16) constexpr std::array<std::uint8_t, 16> kSwapBytes = {3,  2,  1, 0, 7,  6,  5,  4,
                                                                 11, 10, 9, 8, 15, 14, 13, 12};

CIPHERDECK_KERNEL __m256i both_halves(const std::array<std::uint8_t, 16>& bytes) {
  return _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(bytes.data())));
}

CIPHERDECK_KERNEL __m256i affine(__m256i x, const NibbleTables& tables) {
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const __m256i low = _mm256_and_si256(x, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi32(x, 4), nibble);
  return _mm256_xor_si256(_mm256_shuffle_epi8(both_halves(tables.low), low),
                          _mm256_shuffle_epi8(both_halves(tables.high), high));
}

template <bool kHasVaes>
CIPHERDECK_KERNEL __m256i aes_sbox(__m256i x) {
  if constexpr (kHasVaes) {
    return _mm256_aesenclast_epi128(x, _mm256_setzero_si256());
  } else {
    const __m128i zero = _mm_setzero_si128();
    const __m128i low = _mm_aesenclast_si128(_mm256_castsi256_si128(x), zero);
    const __m128i high = _mm_aesenclast_si128(_mm256_extracti128_si256(x, 1), zero);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  }
}

// T of GB/T 32907: the S-box and L(x) = x ^ x<<<2 ^ x<<<10 ^ x<<<18 ^ x<<<24.
template <bool kHasVaes>
CIPHERDECK_KERNEL __m256i transform(__m256i x) {
  const __m256i y = affine(aes_sbox<kHasVaes>(affine(x, kBeforeAes)), kAfterAes);
  const __m256i y0 = _mm256_shuffle_epi8(y, both_halves(kUnshift[0]));
  const __m256i y8 = _mm256_shuffle_epi8(y, both_halves(kUnshift[1]));
  const __m256i y16 = _mm256_shuffle_epi8(y, both_halves(kUnshift[2]));
  const __m256i y24 = _mm256_shuffle_epi8(y, both_halves(kUnshift[3]));
  const __m256i sum = _mm256_xor_si256(_mm256_xor_si256(y0, y8), y16);
  const __m256i rotated = _mm256_or_si256(_mm256_slli_epi32(sum, 2), _mm256_srli_epi32(sum, 30));
  return _mm256_xor_si256(_mm256_xor_si256(y0, y24), rotated);
}

// x0 ^= T(x1 ^ x2 ^ x3 ^ key), where x3 is the word that is ready last.
template <bool kHasVaes, std::size_t kGroups>
CIPHERDECK_KERNEL void round(__m256i (&x0)[kGroups], const __m256i (&x1)[kGroups],
                             const __m256i (&x2)[kGroups], const __m256i (&x3)[kGroups],
                             std::uint32_t round_key) {
  const __m256i key = _mm256_set1_epi32(static_cast<int>(round_key));
  for (std::size_t g = 0; g < kGroups; ++g) {
    const __m256i early = _mm256_xor_si256(_mm256_xor_si256(x1[g], x2[g]), key);
    x0[g] = _mm256_xor_si256(x0[g], transform<kHasVaes>(_mm256_xor_si256(early, x3[g])));
  }
}

// Rows to columns, in both halves.
CIPHERDECK_KERNEL void transpose(__m256i& a, __m256i& b, __m256i& c, __m256i& d) {
  const __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
  const __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
  a = _mm256_unpacklo_epi64(ab_low, cd_low);
  b = _mm256_unpackhi_epi64(ab_low, cd_low);
  c = _mm256_unpacklo_epi64(ab_high, cd_high);
  d = _mm256_unpackhi_epi64(ab_high, cd_high);
}

CIPHERDECK_KERNEL __m256i load_pair(const std::uint8_t* in, std::size_t i) {
  const auto* const blocks = reinterpret_cast<const __m128i*>(in);
  const __m256i pair = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(blocks + i)),
                                               _mm_loadu_si128(blocks + i + 4), 1);
  return _mm256_shuffle_epi8(pair, both_halves(kSwapBytes));
}

CIPHERDECK_KERNEL void store_pair(std::uint8_t* out, std::size_t i, __m256i pair) {
  auto* const blocks = reinterpret_cast<__m128i*>(out);
  pair = _mm256_shuffle_epi8(pair, both_halves(kSwapBytes));
  _mm_storeu_si128(blocks + i, _mm256_castsi256_si128(pair));
  _mm_storeu_si128(blocks + i + 4, _mm256_extracti128_si256(pair, 1));
}

template <bool kHasVaes, std::size_t kGroups>
CIPHERDECK_TARGET_VAES [[gnu::noinline]] void crypt_groups(std::uint8_t* out,
                                                           const std::uint8_t* in,
                                                           const RoundKeys& round_keys) {
  __m256i a[kGroups], b[kGroups], c[kGroups], d[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::uint8_t* const from = in + g * kGroupLen;
    a[g] = load_pair(from, 0);
    b[g] = load_pair(from, 1);
    c[g] = load_pair(from, 2);
    d[g] = load_pair(from, 3);
    transpose(a[g], b[g], c[g], d[g]);
  }
  for (std::size_t r = 0; r < 32; r += 4) {
    round<kHasVaes>(a, b, c, d, round_keys[r]);
    round<kHasVaes>(b, c, d, a, round_keys[r + 1]);
    round<kHasVaes>(c, d, a, b, round_keys[r + 2]);
    round<kHasVaes>(d, a, b, c, round_keys[r + 3]);
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    std::uint8_t* const to = out + g * kGroupLen;
    transpose(d[g], c[g], b[g], a[g]);
    store_pair(to, 0, d[g]);
    store_pair(to, 1, c[g]);
    store_pair(to, 2, b[g]);
    store_pair(to, 3, a[g]);
  }
}

template <bool kHasVaes>
void crypt_blocks(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                  const RoundKeys& round_keys) {
  for (; num_blocks >= 2 * kGroupBlocks; num_blocks -= 2 * kGroupBlocks) {
    crypt_groups<kHasVaes, 2>(out, in, round_keys);
    in += 2 * kGroupLen;
    out += 2 * kGroupLen;
  }
  while (num_blocks != 0) {
    const std::size_t taken = std::min(num_blocks, kGroupBlocks);
    if (taken == kGroupBlocks) {
      crypt_groups<kHasVaes, 1>(out, in, round_keys);
    } else {
      std::array<std::uint8_t, kGroupLen> group{};
      std::memcpy(group.data(), in, 16 * taken);
      crypt_groups<kHasVaes, 1>(group.data(), group.data(), round_keys);
      std::memcpy(out, group.data(), 16 * taken);
    }
    in += 16 * taken;
    out += 16 * taken;
    num_blocks -= taken;
  }
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
