// SPDX-License-Identifier: Apache-2.0
// The S-boxes of ZUC on four bytes at once, without tables in memory: a table of 16 nibbles is a
// constant of 64 bits, which is shifted by the index in a register.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace cipherdeck::engine::zuc {

constexpr std::uint32_t kLowBits = 0x01010101;
constexpr std::uint32_t kLowNibbles = 0x0f0f0f0f;

/// In each byte of `x`, a nibble, the nibble that `table` has there.
[[gnu::always_inline]] constexpr std::uint32_t look_up(std::uint64_t table,
                                                       std::uint32_t x) noexcept {
  std::uint32_t out = 0;
  for (int i = 0; i < 32; i += 8) {
    out |= static_cast<std::uint32_t>(table >> (4 * (x >> i & 15)) & 15) << i;
  }
  return out;
}

/// S0 is a Feistel network of three nibble functions, and a rotation by 5.
[[gnu::always_inline]] constexpr std::uint32_t s0(std::uint32_t x) noexcept {
  std::uint32_t left = x >> 4 & kLowNibbles, right = x & kLowNibbles;
  left ^= look_up(0x0ace59d93b667960, right);
  right ^= look_up(0xc470658d92f3eab1, left);
  left ^= look_up(0x4509c4aa6349f3fb, right);
  const std::uint32_t joined = right << 4 | left;
  return (joined << 1 & 0xfefefefe) | (joined >> 7 & kLowBits);
}

/// The linear map with these columns, of each byte. The column of the lowest bit comes first.
[[gnu::always_inline]] constexpr std::uint32_t apply(const std::array<std::uint8_t, 8>& columns,
                                                     std::uint32_t x) noexcept {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out ^= (x >> i & kLowBits) * columns[i];
  return out;
}

/// Products in GF(16) = GF(2)[x] / (x^4 + x + 1), of each byte, a nibble.
[[gnu::always_inline]] constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t out = 0;
  for (int i = 3; i >= 0; --i) {
    out = (out << 1) ^ (out >> 3 & kLowBits) * 0x13;
    out ^= (b >> i & kLowBits) * 15 & a;
  }
  return out;
}

/// S1 is an inversion in GF(256) between affine maps. The field is taken here as GF(16)[t] /
/// (t^2 + t + 8), into and out of which the two maps lead.
[[gnu::always_inline]] constexpr std::uint32_t s1(std::uint32_t x) noexcept {
  constexpr std::array<std::uint8_t, 8> kIn = {0x01, 0x84, 0xc9, 0xbd, 0xfc, 0x2d, 0x9a, 0x98};
  constexpr std::array<std::uint8_t, 8> kOut = {0x97, 0xcc, 0x17, 0x61, 0x3f, 0x3c, 0xb2, 0x29};
  constexpr std::uint64_t kEightSquares = 0xf7914c2a5d3be680;  // 8 a^2
  constexpr std::uint64_t kInverses = 0x834a5c2f67bde910;
  const std::uint32_t y = apply(kIn, x);
  const std::uint32_t high = y >> 4 & kLowNibbles, low = y & kLowNibbles;
  const std::uint32_t norm = look_up(kEightSquares, high) ^ multiply(low, high ^ low);
  const std::uint32_t inverse = look_up(kInverses, norm);
  const std::uint32_t joined = multiply(high, inverse) << 4 | multiply(high ^ low, inverse);
  return apply(kOut, joined) ^ 0x55555555;
}

}  // namespace cipherdeck::engine::zuc
