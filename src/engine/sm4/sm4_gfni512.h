// SPDX-License-Identifier: Apache-2.0
// SM4 with its bytes in lanes: each of the 16 bytes of the state has a vector of its own that holds
// it for 64 blocks. Rotations by whole bytes then cost nothing, and a round takes 8 GFNI and 16
// logic operations (sm4_gfni512_matrices.h says how).
#pragma once

#include "base/secret.h"
#include "engine/cpu/features.h"
#include "engine/cpu/intrinsics.h"
#include "engine/sm4/sm4_gfni512_matrices.h"
#include "engine/sm4/sm4_variants.h"

#define CIPHERDECK_GFNI512 CIPHERDECK_TARGET_AVX512_GFNI [[gnu::always_inline]] inline

namespace cipherdeck::engine::sm4::gfni {

/// Byte i of lane l of the vectors that hold 64 blocks is of block 4 * (i % 16) + i / 16: so the
/// transposition of bytes stays within quarters of vectors.
constexpr std::size_t kWideBlocks = 64;
constexpr std::size_t kVectorBlocks = 4;

template <const Affine& kMap>
CIPHERDECK_GFNI512 __m512i affine(__m512i x) {
  const __m512i matrix = _mm512_set1_epi64(static_cast<long long>(kMap.matrix));
  return _mm512_gf2p8affine_epi64_epi8(x, matrix, kMap.constant);
}

template <const Affine& kMap>
CIPHERDECK_GFNI512 __m512i affine_of_inverse(__m512i x) {
  const __m512i matrix = _mm512_set1_epi64(static_cast<long long>(kMap.matrix));
  return _mm512_gf2p8affineinv_epi64_epi8(x, matrix, kMap.constant);
}

CIPHERDECK_GFNI512 __m512i xor3(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/// Round keys in the order of the bytes of a block, as the state keeps them.
struct MappedKeys {
  alignas(64) std::array<std::uint32_t, 32> words;
};

CIPHERDECK_GFNI512 __m512i map_round_keys(__m512i words) {
  const __m512i swapped =
      _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
  return affine<kIntoKey>(_mm512_shuffle_epi8(words, swapped));
}

CIPHERDECK_GFNI512 void map_round_keys(MappedKeys& to, const RoundKeys& round_keys) {
  for (std::size_t i = 0; i < 32; i += 16) {
    const __m512i words = _mm512_loadu_si512(round_keys.words.data() + i);
    _mm512_store_si512(to.words.data() + i, map_round_keys(words));
  }
}

/// The indices that make each of the first 16 bytes fill a word.
CIPHERDECK_GFNI512 __m512i each_byte_four_times() {
  const __m512i words = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(_mm_set_epi8(12, 12, 12, 12, 8, 8, 8, 8,
                                                                        4, 4, 4, 4, 0, 0, 0, 0)));
}

/// Round keys that all blocks share: each byte four times, for a broadcast.
class SharedKeys {
 public:
  CIPHERDECK_GFNI512 explicit SharedKeys(const RoundKeys& round_keys) {
    MappedKeys mapped;
    map_round_keys(mapped, round_keys);
    for (std::size_t i = 0; i < 32; i += 4) {
      const __m512i words = _mm512_castsi128_si512(
          _mm_load_si128(reinterpret_cast<const __m128i*>(mapped.words.data() + i)));
      _mm512_store_si512(m_bytes[i].data(), _mm512_permutexvar_epi8(each_byte_four_times(), words));
    }
    wipe_object(mapped);
  }
  SharedKeys(const SharedKeys&) = delete;
  SharedKeys& operator=(const SharedKeys&) = delete;
  ~SharedKeys() { wipe_object(m_bytes); }

  CIPHERDECK_GFNI512 __m512i get(std::size_t round, std::size_t byte) const {
    return _mm512_set1_epi32(static_cast<int>(m_bytes[round][byte]));
  }

 private:
  alignas(64) std::array<std::array<std::uint32_t, 4>, 32> m_bytes;
};

/// One word of the state of 64 blocks, the most significant byte first.
struct Word {
  __m512i byte[4];
};

/// 64 blocks, in either layout: `z[i]` has blocks 4i to 4i + 3 or byte i of all blocks.
struct State {
  __m512i z[16];
};

// What all four bytes wait for comes first; it is summed up while `near` is on its way.
CIPHERDECK_GFNI512 void add_round_function(Word& x, const Word& t) {
  __m512i near[4], across[4];
  for (std::size_t j = 0; j < 4; ++j) across[j] = affine_of_inverse<kAcross>(t.byte[j]);
  for (std::size_t j = 0; j < 4; ++j) near[j] = affine_of_inverse<kNear>(t.byte[j]);
  const __m512i all = _mm512_xor_si512(xor3(across[0], across[1], across[2]), across[3]);
  for (std::size_t j = 0; j < 4; ++j) {
    x.byte[j] = xor3(xor3(x.byte[j], across[j], all), near[j], near[(j + 3) % 4]);
  }
}

/// Round r; `d` is the word that comes last.
template <typename Keys>
CIPHERDECK_GFNI512 void round(Word& a, const Word& b, const Word& c, const Word& d,
                              const Keys& keys, std::size_t r) {
  Word t;
  for (std::size_t j = 0; j < 4; ++j) {
    const __m512i early = xor3(keys.get(r, j), b.byte[j], c.byte[j]);
    t.byte[j] = _mm512_xor_si512(early, d.byte[j]);
  }
  add_round_function(a, t);
}

/// Encrypts what is in bytes; the result's words are in the standard's order of output.
template <typename Keys>
CIPHERDECK_GFNI512 void encrypt(State& state, const Keys& keys) {
  Word x[4];
  for (std::size_t i = 0; i < 16; ++i) x[i / 4].byte[i % 4] = state.z[i];
#pragma GCC unroll 1
  for (std::size_t r = 0; r < 32; r += 4) {
    round(x[0], x[1], x[2], x[3], keys, r);
    round(x[1], x[2], x[3], x[0], keys, r + 1);
    round(x[2], x[3], x[0], x[1], keys, r + 2);
    round(x[3], x[0], x[1], x[2], keys, r + 3);
  }
  for (std::size_t i = 0; i < 16; ++i) state.z[i] = x[3 - i / 4].byte[i % 4];
}

/// From blocks to bytes and back: as a number of 8 bits, the place of a byte (vector, then place in
/// the quarter) is rotated by one bit, four times.
CIPHERDECK_GFNI512 void transpose(State& state) {
#pragma GCC unroll 4
  for (int step = 0; step < 4; ++step) {
    State next;
    for (std::size_t i = 0; i < 8; ++i) {
      next.z[2 * i] = _mm512_unpacklo_epi8(state.z[i], state.z[i + 8]);
      next.z[2 * i + 1] = _mm512_unpackhi_epi8(state.z[i], state.z[i + 8]);
    }
    state = next;
  }
}

CIPHERDECK_GFNI512 void blocks_to_bytes(State& state) {
  for (__m512i& z : state.z) z = affine<kIntoState>(z);
  transpose(state);
}

CIPHERDECK_GFNI512 void bytes_to_blocks(State& state) {
  transpose(state);
  for (__m512i& z : state.z) z = affine<kOutOfState>(z);
}

/// Of vector `i`, those quadwords that belong to the first `num_blocks` blocks.
CIPHERDECK_GFNI512 __mmask8 mask_of(std::size_t num_blocks, std::size_t i) {
  const std::size_t first = kVectorBlocks * i;
  const std::size_t taken = num_blocks > first ? num_blocks - first : 0;
  return static_cast<__mmask8>(taken >= kVectorBlocks ? 0xff : (1u << (2 * taken)) - 1);
}

}  // namespace cipherdeck::engine::sm4::gfni
