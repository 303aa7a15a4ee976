// SPDX-License-Identifier: Apache-2.0
// SM3 of independent streams, word by word in the lanes of vectors. The file of each instruction
// set defines CIPHERDECK_KERNEL, Vector and the operations on it in namespace sm3, and includes
// this once: functions of one target cannot be inlined into templates of none.
#include "base/secret.h"
#include "engine/sm3/sm3_rounds.h"

namespace cipherdeck::engine::sm3 {
namespace {

constexpr std::size_t kNumLanes = sizeof(Vector) / 4;
constexpr std::size_t kAhead = 8 * kSm3BlockLen;  // each lane's data is fetched so far ahead

// What would stay on the stack.
struct Scratch {
  Vector w[16];  // the last words of the message expansion
  Vector state[8];
};

// Four words of every lane, those of lane i, i + 4, ... in vector i % 4, to a vector for each word;
// and back.
CIPHERDECK_KERNEL void transpose(Vector (&x)[4]) {
  const Vector low01 = unpack_low32(x[0], x[1]), high01 = unpack_high32(x[0], x[1]);
  const Vector low23 = unpack_low32(x[2], x[3]), high23 = unpack_high32(x[2], x[3]);
  x[0] = unpack_low64(low01, low23);
  x[1] = unpack_high64(low01, low23);
  x[2] = unpack_low64(high01, high23);
  x[3] = unpack_high64(high01, high23);
}

CIPHERDECK_KERNEL void load_message(Vector (&w)[16], Lanes& lanes) {
  for (std::size_t i = 0; i < 16; i += 4) {
    Vector x[4];
    for (std::size_t j = 0; j < 4; ++j) x[j] = swap_bytes(gather(&lanes.data[j], 4 * i));
    transpose(x);
    for (std::size_t j = 0; j < 4; ++j) w[i + j] = x[j];
  }
  for (std::size_t lane = 0; lane < kNumLanes; ++lane) lanes.data[lane] += kSm3BlockLen;
}

CIPHERDECK_KERNEL void load_states(Vector (&s)[8], const Lanes& lanes) {
  for (std::size_t i = 0; i < 8; i += 4) {
    Vector x[4];
    for (std::size_t j = 0; j < 4; ++j) x[j] = gather(&lanes.states[j], 4 * i);
    transpose(x);
    for (std::size_t j = 0; j < 4; ++j) s[i + j] = x[j];
  }
}

CIPHERDECK_KERNEL void store_states(const Lanes& lanes, const Vector (&s)[8]) {
  for (std::size_t i = 0; i < 8; i += 4) {
    Vector x[4] = {s[i], s[i + 1], s[i + 2], s[i + 3]};
    transpose(x);
    for (std::size_t j = 0; j < 4; ++j) scatter(&lanes.states[j], 4 * i, x[j]);
  }
}

// W[j + 16] in the place of W[j].
template <int I>
CIPHERDECK_KERNEL void expand(Vector (&w)[16]) {
  const Vector x = xor3(w[I], w[(I + 7) % 16], rotl<15>(w[(I + 13) % 16]));
  w[I] = xor3(xor_rotl<15>(x), rotl<7>(w[(I + 3) % 16]), w[(I + 10) % 16]);
}

// The registers are renamed instead of moved: A is slot -I of the first four, E of the last four.
template <int I, bool kIsLate>
CIPHERDECK_KERNEL void round(Vector (&s)[8], Vector (&w)[16], const std::uint32_t* constants) {
  if constexpr (kIsLate || I >= 12) expand<(I + 4) % 16>(w);
  constexpr int i0 = (64 - I) % 4, i1 = (65 - I) % 4, i2 = (66 - I) % 4, i3 = (67 - I) % 4;
  const Vector a = s[i0], e = s[4 + i0];
  Vector &b = s[i1], &c = s[i2], &d = s[i3], &f = s[4 + i1], &g = s[4 + i2], &h = s[4 + i3];
  const Vector a12 = rotl<12>(a);
  const Vector ss1 = rotl<7>(add(add(a12, broadcast(constants[I])), e));
  const Vector ff = kIsLate ? majority(a, b, c) : xor3(a, b, c);
  const Vector gg = kIsLate ? choose(e, f, g) : xor3(e, f, g);
  const Vector w1 = xor2(w[I], w[(I + 4) % 16]);
  d = add(add(add(d, w1), ff), xor2(ss1, a12));
  h = xor_rotl<9>(add(add(add(h, w[I]), gg), ss1));
  b = rotl<9>(b);
  f = rotl<19>(f);
}

template <bool kIsLate, int... I>
CIPHERDECK_KERNEL void rounds(Vector (&s)[8], Vector (&w)[16], const std::uint32_t* constants,
                              std::integer_sequence<int, I...>) {
  (round<I, kIsLate>(s, w, constants), ...);
}

CIPHERDECK_KERNEL void compress(Lanes& lanes, std::size_t num_blocks) {
  constexpr auto kSixteen = std::make_integer_sequence<int, 16>{};
  Scratch scratch;
  Vector s[8];
  load_states(s, lanes);
  for (; num_blocks != 0; --num_blocks) {
    std::copy(s, s + 8, scratch.state);
    for (const std::uint8_t* data : std::span(lanes.data).first(kNumLanes)) {
      __builtin_prefetch(data + kAhead);
    }
    load_message(scratch.w, lanes);
    rounds<false>(s, scratch.w, kRoundConstants.data(), kSixteen);
    for (int j = 16; j < 64; j += 16) {
      rounds<true>(s, scratch.w, kRoundConstants.data() + j, kSixteen);
    }
    for (int i = 0; i < 8; ++i) s[i] = xor2(s[i], scratch.state[i]);
  }
  store_states(lanes, s);
  wipe_object(scratch);
}

}  // namespace
}  // namespace cipherdeck::engine::sm3
