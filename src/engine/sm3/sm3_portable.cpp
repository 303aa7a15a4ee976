// SPDX-License-Identifier: Apache-2.0
#include "engine/sm3/sm3_rounds.h"
#include "engine/sm3/sm3_variants.h"

#include <algorithm>
#include <utility>

namespace cipherdeck::engine::sm3 {
namespace {

[[gnu::always_inline]] inline std::uint32_t p0(std::uint32_t x) {
  return x ^ std::rotl(x, 9) ^ std::rotl(x, 17);
}

[[gnu::always_inline]] inline std::uint32_t p1(std::uint32_t x) {
  return x ^ std::rotl(x, 15) ^ std::rotl(x, 23);
}

// W[J + 4] of the message expansion, which takes the place of W[J - 12] in the ring.
template <int J>
[[gnu::always_inline]] inline void expand(std::uint32_t (&w)[16]) {
  if constexpr (J >= 12) {
    constexpr int i = J + 4;
    w[i % 16] = p1(w[i % 16] ^ w[(i - 9) % 16] ^ std::rotl(w[(i - 3) % 16], 15)) ^
                std::rotl(w[(i - 13) % 16], 7) ^ w[(i - 6) % 16];
  }
}

// The registers are renamed instead of moved: A is slot -J of the first four, E of the last four.
template <int J>
[[gnu::always_inline]] inline void round(std::uint32_t (&s)[8], std::uint32_t (&w)[16]) {
  expand<J>(w);
  constexpr int i0 = (64 - J) % 4, i1 = (65 - J) % 4, i2 = (66 - J) % 4, i3 = (67 - J) % 4;
  std::uint32_t &a = s[i0], &b = s[i1], &c = s[i2], &d = s[i3];
  std::uint32_t &e = s[4 + i0], &f = s[4 + i1], &g = s[4 + i2], &h = s[4 + i3];
  const std::uint32_t a12 = std::rotl(a, 12);
  const std::uint32_t ss1 = std::rotl(a12 + e + round_constant(J), 7);
  const std::uint32_t ff = J < 16 ? a ^ b ^ c : (a & b) | ((a | b) & c);
  const std::uint32_t gg = J < 16 ? e ^ f ^ g : ((f ^ g) & e) ^ g;
  const std::uint32_t tt1 = ff + d + (ss1 ^ a12) + (w[J % 16] ^ w[(J + 4) % 16]);
  const std::uint32_t tt2 = gg + h + ss1 + w[J % 16];
  b = std::rotl(b, 9);
  d = tt1;
  f = std::rotl(f, 19);
  h = p0(tt2);
}

template <int... J>
[[gnu::always_inline]] inline void rounds(std::uint32_t (&s)[8], std::uint32_t (&w)[16],
                                          std::integer_sequence<int, J...>) {
  (round<J>(s, w), ...);
}

}  // namespace

void compress_portable(State& state, const std::uint8_t* data, std::size_t num_blocks) noexcept {
  for (; num_blocks != 0; --num_blocks, data += kSm3BlockLen) {
    std::uint32_t w[16];
    for (std::size_t i = 0; i < 16; ++i) w[i] = load_be32(data + 4 * i);
    std::uint32_t s[8];
    std::copy(state.begin(), state.end(), s);
    rounds(s, w, std::make_integer_sequence<int, 64>{});
    for (std::size_t i = 0; i < 8; ++i) state[i] ^= s[i];
  }
}

}  // namespace cipherdeck::engine::sm3
