// SPDX-License-Identifier: Apache-2.0
// SM4 with its words in lanes, for up to 32 blocks: fewer operations than with bytes in lanes when
// the blocks are few, and fewer in a row. Words are in the order of their bytes in memory, so a
// rotation to the left by whole bytes is one to the right here.
#pragma once

#include "engine/sm4/sm4_gfni512.h"

namespace cipherdeck::engine::sm4::gfni {

constexpr std::size_t kNarrowBlocks = 32;

/// Vectors of 4 words, which have results sooner, and of 16.
struct Words4 {
  using Vector = __m128i;
};
struct Words16 {
  using Vector = __m512i;
};

/// A vector for each word of the state, the lanes of which are the blocks. As blocks, `word[i]` has
/// the i-th vectorful of them.
template <typename Words>
struct Group {
  using Vector = typename Words::Vector;
  static constexpr std::size_t kBlocks = sizeof(Vector) / 4;
  Vector word[4];
};

template <const Affine& kMap>
CIPHERDECK_GFNI512 __m128i affine(__m128i x) {
  const __m128i matrix = _mm_set1_epi64x(static_cast<long long>(kMap.matrix));
  return _mm_gf2p8affine_epi64_epi8(x, matrix, kMap.constant);
}
template <const Affine& kMap>
CIPHERDECK_GFNI512 __m128i affine_of_inverse(__m128i x) {
  const __m128i matrix = _mm_set1_epi64x(static_cast<long long>(kMap.matrix));
  return _mm_gf2p8affineinv_epi64_epi8(x, matrix, kMap.constant);
}
CIPHERDECK_GFNI512 __m128i xor2(__m128i a, __m128i b) { return _mm_xor_si128(a, b); }
CIPHERDECK_GFNI512 __m512i xor2(__m512i a, __m512i b) { return _mm512_xor_si512(a, b); }
CIPHERDECK_GFNI512 __m128i xor3(__m128i a, __m128i b, __m128i c) {
  return _mm_ternarylogic_epi64(a, b, c, 0x96);
}
template <int kBits>
CIPHERDECK_GFNI512 __m128i rotate_right(__m128i x) {
  return _mm_ror_epi32(x, kBits);
}
template <int kBits>
CIPHERDECK_GFNI512 __m512i rotate_right(__m512i x) {
  return _mm512_ror_epi32(x, kBits);
}
CIPHERDECK_GFNI512 void spread(__m128i& to, std::uint32_t word) {
  to = _mm_set1_epi32(static_cast<int>(word));
}
CIPHERDECK_GFNI512 void spread(__m512i& to, std::uint32_t word) {
  to = _mm512_set1_epi32(static_cast<int>(word));
}

CIPHERDECK_GFNI512 __m128i map_round_keys(__m128i words) {
  return _mm512_castsi512_si128(map_round_keys(_mm512_castsi128_si512(words)));
}

/// Exchanges the words of blocks for those of vectors; its own inverse.
CIPHERDECK_GFNI512 void transpose(Group<Words4>& group) {
  __m128i* const x = group.word;
  const __m128i low01 = _mm_unpacklo_epi32(x[0], x[1]), low23 = _mm_unpacklo_epi32(x[2], x[3]);
  const __m128i high01 = _mm_unpackhi_epi32(x[0], x[1]), high23 = _mm_unpackhi_epi32(x[2], x[3]);
  x[0] = _mm_unpacklo_epi64(low01, low23);
  x[1] = _mm_unpackhi_epi64(low01, low23);
  x[2] = _mm_unpacklo_epi64(high01, high23);
  x[3] = _mm_unpackhi_epi64(high01, high23);
}
CIPHERDECK_GFNI512 void transpose(Group<Words16>& group) {
  __m512i* const x = group.word;
  const __m512i low01 = _mm512_unpacklo_epi32(x[0], x[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(x[2], x[3]);
  const __m512i high01 = _mm512_unpackhi_epi32(x[0], x[1]);
  const __m512i high23 = _mm512_unpackhi_epi32(x[2], x[3]);
  x[0] = _mm512_unpacklo_epi64(low01, low23);
  x[1] = _mm512_unpackhi_epi64(low01, low23);
  x[2] = _mm512_unpacklo_epi64(high01, high23);
  x[3] = _mm512_unpackhi_epi64(high01, high23);
}

// Vector `i` of the first `num_blocks` blocks.
CIPHERDECK_GFNI512 void load(__m128i& to, const std::uint8_t* in, std::size_t num_blocks,
                             std::size_t i) {
  to = _mm_maskz_loadu_epi64(i < num_blocks ? 3 : 0, in + 16 * i);
}
CIPHERDECK_GFNI512 void load(__m512i& to, const std::uint8_t* in, std::size_t num_blocks,
                             std::size_t i) {
  to = _mm512_maskz_loadu_epi64(mask_of(num_blocks, i), in + 64 * i);
}
CIPHERDECK_GFNI512 void store(std::uint8_t* out, __m128i x, std::size_t num_blocks, std::size_t i) {
  _mm_mask_storeu_epi64(out + 16 * i, i < num_blocks ? 3 : 0, x);
}
CIPHERDECK_GFNI512 void store(std::uint8_t* out, __m512i x, std::size_t num_blocks, std::size_t i) {
  _mm512_mask_storeu_epi64(out + 64 * i, mask_of(num_blocks, i), x);
}

// x ^= L(S(t)), and t becomes the argument of the next round, of which `next` is the rest: it is
// summed up apart from x, to come sooner. Likewise, a group that is alone does not wait for the sum
// of `near` and `across`, which is `far`.
template <bool kIsAlone, typename V>
CIPHERDECK_GFNI512 void narrow_round(V& x, V& t, V next) {
  V far;
  if constexpr (kIsAlone) far = affine_of_inverse<kFar>(t);
  const V across = affine_of_inverse<kAcross>(t);
  const V near = affine_of_inverse<kNear>(t);
  if constexpr (!kIsAlone) far = xor2(near, across);
  const V turned = xor3(rotate_right<24>(far), rotate_right<8>(across), rotate_right<16>(across));
  t = xor3(xor2(next, x), near, turned);
  x = xor3(x, near, turned);
}

/// Round keys that all blocks share.
struct SharedWords {
  const MappedKeys& keys;

  template <typename V>
  CIPHERDECK_GFNI512 void get(V& to, std::size_t round, std::size_t) const {
    spread(to, keys.words[round]);
  }
};

/// Encrypts words; the result's are in the standard's order of output.
template <typename Words, std::size_t kGroups, typename Keys>
CIPHERDECK_GFNI512 void encrypt_groups(Group<Words> (&groups)[kGroups], const Keys& keys) {
  using V = typename Words::Vector;
  V t[kGroups], key;
  for (std::size_t g = 0; g < kGroups; ++g) {
    const V* const x = groups[g].word;
    keys.get(key, 0, g);
    t[g] = xor3(key, x[1], xor2(x[2], x[3]));
  }
#pragma GCC unroll 1
  for (std::size_t r = 0; r < 32; r += 4) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t g = 0; g < kGroups; ++g) {
        V* const x = groups[g].word;
        keys.get(key, (r + i + 1) % 32, g);
        narrow_round<kGroups == 1>(x[i], t[g], xor3(key, x[(i + 2) % 4], x[(i + 3) % 4]));
      }
    }
  }
  for (Group<Words>& group : groups) {
    std::swap(group.word[0], group.word[3]);
    std::swap(group.word[1], group.word[2]);
  }
}

template <typename Words>
CIPHERDECK_GFNI512 void blocks_to_words(Group<Words>& group) {
  for (auto& word : group.word) word = affine<kIntoState>(word);
  transpose(group);
}

template <typename Words>
CIPHERDECK_GFNI512 void words_to_blocks(Group<Words>& group) {
  transpose(group);
  for (auto& word : group.word) word = affine<kOutOfState>(word);
}

/// Blocks in, blocks out.
template <typename Words, std::size_t kGroups>
CIPHERDECK_GFNI512 void crypt_groups(Group<Words> (&groups)[kGroups], const MappedKeys& keys) {
  for (Group<Words>& group : groups) blocks_to_words(group);
  encrypt_groups(groups, SharedWords{keys});
  for (Group<Words>& group : groups) words_to_blocks(group);
}

}  // namespace cipherdeck::engine::sm4::gfni
