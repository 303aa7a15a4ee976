// SPDX-License-Identifier: Apache-2.0
#include "engine/sm3/sm3.h"

#include "base/secret.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace cipherdeck::engine {
namespace {

using State = std::array<std::uint32_t, 8>;

constexpr State kInitial = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                            0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};

[[gnu::always_inline]] inline std::uint32_t p0(std::uint32_t x) {
  return x ^ std::rotl(x, 9) ^ std::rotl(x, 17);
}

[[gnu::always_inline]] inline std::uint32_t p1(std::uint32_t x) {
  return x ^ std::rotl(x, 15) ^ std::rotl(x, 23);
}

constexpr std::uint32_t round_constant(int j) {
  return std::rotl(j < 16 ? 0x79cc4519u : 0x7a879d8au, j % 32);
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

void compress(State& state, const std::uint8_t* data, std::size_t num_blocks) {
  for (; num_blocks != 0; --num_blocks, data += kSm3BlockLen) {
    std::uint32_t w[16];
    for (std::size_t i = 0; i < 16; ++i) w[i] = load_be32(data + 4 * i);
    std::uint32_t s[8];
    std::copy(state.begin(), state.end(), s);
    rounds(s, w, std::make_integer_sequence<int, 64>{});
    for (std::size_t i = 0; i < 8; ++i) state[i] ^= s[i];
  }
}

}  // namespace

Sm3::Sm3() noexcept : m_state(kInitial) {}

Sm3::~Sm3() {
  wipe_object(m_state);
  wipe(m_block);
}

void Sm3::update(Bytes data) noexcept {
  if (data.empty()) return;
  const std::size_t used = m_len % kSm3BlockLen;
  m_len += data.size();
  if (used != 0) {
    const std::size_t taken = std::min(kSm3BlockLen - used, data.size());
    std::memcpy(m_block.data() + used, data.data(), taken);
    data = data.subspan(taken);
    if (used + taken < kSm3BlockLen) return;
    compress(m_state, m_block.data(), 1);
  }
  const std::size_t num_blocks = data.size() / kSm3BlockLen;
  compress(m_state, data.data(), num_blocks);
  data = data.subspan(num_blocks * kSm3BlockLen);
  if (!data.empty()) std::memcpy(m_block.data(), data.data(), data.size());
}

Sm3Digest Sm3::finish() noexcept {
  const std::size_t used = m_len % kSm3BlockLen;
  std::array<std::uint8_t, 2 * kSm3BlockLen> last{};
  std::memcpy(last.data(), m_block.data(), used);
  last[used] = 0x80;
  const std::size_t num_blocks = used < kSm3BlockLen - 8 ? 1 : 2;
  store_be64(last.data() + num_blocks * kSm3BlockLen - 8, m_len * 8);
  compress(m_state, last.data(), num_blocks);
  Sm3Digest digest;
  for (std::size_t i = 0; i < 8; ++i) store_be32(digest.data() + 4 * i, m_state[i]);
  wipe(last);
  wipe(m_block);
  m_state = kInitial;
  m_len = 0;
  return digest;
}

Sm3Digest Sm3::digest(Bytes data) noexcept {
  Sm3 hash;
  hash.update(data);
  return hash.finish();
}

}  // namespace cipherdeck::engine
