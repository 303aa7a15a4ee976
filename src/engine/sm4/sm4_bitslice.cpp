// SPDX-License-Identifier: Apache-2.0
// SM4 bit-sliced: a 32-bit word of the state, of 8 blocks per 32-bit lane, is eight planes; bit
// 8k + i of a lane of plane b is bit b of byte k of the word of block i. A rotation of the words by
// a multiple of 8 is then a rotation of the lanes, and other rotations rename planes as well.
#include "base/bytes.h"
#include "base/secret.h"
#include "engine/sm4/sm4_lanes.h"
#include "engine/sm4/sm4_sbox.h"
#include "engine/sm4/sm4_variants.h"

#include <algorithm>

namespace cipherdeck::engine::sm4 {
namespace {

using Lanes1 = std::uint32_t;
typedef std::uint32_t Lanes8 __attribute__((vector_size(32)));

template <typename V>
constexpr std::size_t kNumLanes = sizeof(V) / sizeof(std::uint32_t);

template <typename V>
struct Word {
  V plane[8];
};

// Exchanges the bits of `a` under ~mask with those of `b` that are `shift` lower.
template <typename V>
[[gnu::always_inline]] inline void exchange(V& a, V& b, std::uint32_t mask, int shift) {
  const V t = ((a >> shift) ^ b) & mask;
  b ^= t;
  a ^= t << shift;
}

// Turns eight words a lane into eight planes, and back.
template <typename V>
[[gnu::always_inline]] inline void transpose(V* x) {
  for (int i = 0; i < 8; i += 2) exchange(x[i], x[i + 1], 0x55555555, 1);
  for (int i : {0, 1, 4, 5}) exchange(x[i], x[i + 2], 0x33333333, 2);
  for (int i = 0; i < 4; ++i) exchange(x[i], x[i + 4], 0x0f0f0f0f, 4);
}

// Vectors go by reference: their passing by value depends on the instruction set.
template <int Bytes, typename V>
[[gnu::always_inline]] inline void rotate_bytes(V& out, const V& x) {
  out = (x << (8 * Bytes)) | (x >> (32 - 8 * Bytes));
}

// L(x) = x ^ x<<<2 ^ x<<<10 ^ x<<<18 ^ x<<<24, added to `to`.
template <typename V>
[[gnu::always_inline]] inline void add_linear(Word<V>& to, const V* x) {
  for (int b = 0; b < 8; ++b) {
    const V& q = x[(b + 6) % 8];
    V sum, last;
    rotate_bytes<1>(sum, q);
    sum ^= q;
    rotate_bytes<1>(sum, sum);
    sum ^= q;
    if (b < 2) rotate_bytes<1>(sum, sum);
    rotate_bytes<3>(last, x[b]);
    to.plane[b] ^= x[b] ^ last ^ sum;
  }
}

// One key for all blocks: a bit of each byte of a word, spread over eight blocks.
struct OneKey {
  const RoundKeys& round_keys;
  std::uint32_t operator()(std::size_t round, int bit) const {
    return ((round_keys[round] >> bit) & 0x01010101u) * 0xffu;
  }
};

// A key for each block, in planes.
template <typename V>
struct LaneKeys {
  const Word<V>* round_keys;
  const V& operator()(std::size_t round, int bit) const { return round_keys[round].plane[bit]; }
};

template <typename V, typename Keys>
[[gnu::always_inline]] inline void round(Word<V>& x0, const Word<V>& x1, const Word<V>& x2,
                                         const Word<V>& x3, const Keys& keys, std::size_t round) {
  V t[8];
  for (int b = 0; b < 8; ++b) {
    t[b] = x1.plane[b] ^ x2.plane[b] ^ x3.plane[b] ^ keys(round, b);
  }
  sbox(t);
  add_linear(x0, t);
}

template <typename V>
void load_words(Word<V> (&x)[4], const std::uint8_t* in, std::size_t num_blocks) {
  std::uint32_t words[4][8 * kNumLanes<V>];
  for (std::size_t i = 0; i < 8 * kNumLanes<V>; ++i) {
    for (std::size_t w = 0; w < 4; ++w) {
      words[w][i] = i < num_blocks ? load_be32(in + 16 * i + 4 * w) : 0;
    }
  }
  std::memcpy(x, words, sizeof x);
  for (Word<V>& word : x) transpose(word.plane);
}

// The output is X35, X34, X33, X32, and X32 is in x[0].
template <typename V>
void store_words(std::uint8_t* out, Word<V> (&x)[4], std::size_t num_blocks) {
  for (Word<V>& word : x) transpose(word.plane);
  std::uint32_t words[4][8 * kNumLanes<V>];
  std::memcpy(words, x, sizeof x);
  for (std::size_t i = 0; i < num_blocks; ++i) {
    for (std::size_t w = 0; w < 4; ++w) store_be32(out + 16 * i + 4 * w, words[3 - w][i]);
  }
}

template <typename V, typename Keys>
[[gnu::always_inline]] inline void crypt_with(std::uint8_t* out, const std::uint8_t* in,
                                              std::size_t num_blocks, const Keys& keys) {
  Word<V> x[4];
  load_words(x, in, num_blocks);
  for (std::size_t r = 0; r < 32; r += 4) {
    round(x[0], x[1], x[2], x[3], keys, r);
    round(x[1], x[2], x[3], x[0], keys, r + 1);
    round(x[2], x[3], x[0], x[1], keys, r + 2);
    round(x[3], x[0], x[1], x[2], keys, r + 3);
  }
  store_words(out, x, num_blocks);
}

template <typename V>
void crypt_some(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                const RoundKeys& round_keys) {
  crypt_with<V>(out, in, num_blocks, OneKey{round_keys});
}

template <typename V>
void chain(Lanes& lanes, Chaining chaining, std::size_t num_blocks) {
  constexpr std::size_t kLanes = 8 * kNumLanes<V>;
  auto* const planes = reinterpret_cast<Word<V>*>(lanes.round_keys.data());
  static_assert(32 * sizeof *planes <= sizeof lanes.round_keys);
  if (lanes.prepared_for != kLanes) {
    for (std::size_t round = 0; round < 32; ++round) {
      std::uint32_t words[kLanes];
      for (std::size_t i = 0; i < kLanes; ++i) words[i] = (*lanes.keys[i])[round];
      std::memcpy(&planes[round], words, sizeof words);
      transpose(planes[round].plane);
    }
    lanes.prepared_for = kLanes;
  }
  std::array<LaneBlock, kLanes> blocks{};
  for (std::size_t i = 0; i < num_blocks; ++i) {
    before_cipher(blocks.data(), lanes, chaining, i);
    crypt_with<V>(blocks[0].data(), blocks[0].data(), kLanes, LaneKeys<V>{planes});
    after_cipher(lanes, chaining, i, blocks.data());
  }
  advance(lanes, num_blocks);
  wipe_object(blocks);
}

}  // namespace

void crypt_blocks_portable(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                           const RoundKeys& round_keys) noexcept {
  while (num_blocks != 0) {
    const bool is_wide = num_blocks > 8;
    const std::size_t taken = std::min<std::size_t>(num_blocks, is_wide ? 64 : 8);
    (is_wide ? crypt_some<Lanes8> : crypt_some<Lanes1>)(out, in, taken, round_keys);
    out += 16 * taken;
    in += 16 * taken;
    num_blocks -= taken;
  }
}

void chain_lanes_portable(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept {
  (lanes.num_used > 8 ? chain<Lanes8> : chain<Lanes1>)(lanes, chaining, num_blocks);
}

std::uint32_t substitute_word(std::uint32_t word) noexcept {
  std::uint32_t x[8] = {word};
  transpose(x);
  sbox(x);
  transpose(x);
  const std::uint32_t result = x[0];
  wipe_object(x);
  return result;
}

}  // namespace cipherdeck::engine::sm4
