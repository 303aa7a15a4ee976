// SPDX-License-Identifier: Apache-2.0
// How the S-box of SM4 is had from that of AES, worked out at compile time.
//
// Both invert in GF(2^8), in different bases. With an isomorphism F from the field of SM4 to that
// of AES, SM4's affine map A (x -> M x + d3), and AES's (x -> B x + 63):
//   S_sm4(x) = A(F^-1(B^-1(S_aes(F(A(x))) + 63))) = after(S_aes(before(x))).
// An affine map of a byte is the sum of two look-ups, of its low and its high four bits, which
// vector shuffles do without touching memory.
//
// The kernels keep the words of the state mapped by the linear part of `before`, so that AES takes
// them as they are; what follows AES is then one linear map of four bytes. With bytes from the most
// significant one, a[j] the results of AES and s[j] = a[j] + a[j + 1] + a[j + 2], it is
//   y[j] = near(s[j]) + far(s[j + 1]) = near(a[j]) + both(a[j + 1] + a[j + 2]) + far(a[j + 3]),
// which is L of GB/T 32907, x ^ x<<<2 ^ x<<<10 ^ x<<<18 ^ x<<<24, between `after` and `before`:
// near has the bits that x<<2 leaves in a byte, far those that it carries into the byte before.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace cipherdeck::engine::sm4 {

/// One affine map: byte x goes to low[x % 16] ^ high[x / 16].
struct NibbleTables {
  alignas(16) std::array<std::uint8_t, 16> low;
  alignas(16) std::array<std::uint8_t, 16> high;
};

namespace aes_tables {

using Map = std::array<std::uint8_t, 256>;

constexpr unsigned multiply(unsigned a, unsigned b, unsigned polynomial) {
  unsigned product = 0;
  for (; b != 0; b >>= 1) {
    if ((b & 1) != 0) product ^= a;
    a <<= 1;
    if ((a & 0x100) != 0) a ^= polynomial;
  }
  return product;
}

// y_i = parity(x & rotl(row, i)), as both ciphers state their matrices.
constexpr Map circulant(std::uint8_t row, std::uint8_t constant) {
  Map map{};
  for (unsigned x = 0; x < 256; ++x) {
    unsigned y = 0;
    for (int i = 0; i < 8; ++i) {
      y |= static_cast<unsigned>(std::popcount(x & std::rotl(row, i)) % 2) << i;
    }
    map[x] = static_cast<std::uint8_t>(y ^ constant);
  }
  return map;
}

constexpr Map inverse_of(const Map& map) {
  Map inverse{};
  for (unsigned x = 0; x < 256; ++x) inverse[map[x]] = static_cast<std::uint8_t>(x);
  return inverse;
}

constexpr unsigned kAesPolynomial = 0x11b;
constexpr unsigned kSm4Polynomial = 0x1f5;

// A root of SM4's polynomial in the field of AES: where the isomorphism sends x.
constexpr unsigned find_root() {
  for (unsigned candidate = 2; candidate < 256; ++candidate) {
    unsigned value = 0;
    for (int i = 8; i >= 0; --i) {
      value = multiply(value, candidate, kAesPolynomial) ^ ((kSm4Polynomial >> i) & 1);
    }
    if (value == 0) return candidate;
  }
  return 0;
}

constexpr Map isomorphism() {
  Map map{};
  const unsigned root = find_root();
  unsigned power = 1;
  for (unsigned i = 0; i < 8; ++i) {
    for (unsigned x = 0; x < 256; ++x) {
      if ((x >> i & 1) != 0) map[x] = static_cast<std::uint8_t>(map[x] ^ power);
    }
    power = multiply(power, root, kAesPolynomial);
  }
  return map;
}

constexpr Map kSm4Affine = circulant(0xa7, 0xd3);
constexpr Map kAesAffine = circulant(0xf1, 0x63);
constexpr Map kIsomorphism = isomorphism();

constexpr NibbleTables to_tables(const Map& affine) {
  NibbleTables tables{};
  for (std::size_t i = 0; i < 16; ++i) {
    tables.low[i] = affine[i];
    tables.high[i] = static_cast<std::uint8_t>(affine[16 * i] ^ affine[0]);
  }
  return tables;
}

constexpr Map before() {
  Map map{};
  for (std::size_t x = 0; x < 256; ++x) map[x] = kIsomorphism[kSm4Affine[x]];
  return map;
}

constexpr Map after() {
  const Map from_aes = inverse_of(kIsomorphism), undo_aes = inverse_of(kAesAffine);
  Map map{};
  for (std::size_t x = 0; x < 256; ++x) map[x] = kSm4Affine[from_aes[undo_aes[x]]];
  return map;
}

constexpr Map linear_part(Map affine) {
  const std::uint8_t constant = affine[0];
  for (std::uint8_t& y : affine) y ^= constant;
  return affine;
}

constexpr Map kBefore = before();
constexpr Map kAfter = after();

// before(x + x<<left + x>>right) of x = after(a), without the constants.
constexpr Map spread(bool has_identity, int left, int right) {
  const Map into = linear_part(kBefore), from = linear_part(kAfter);
  Map map{};
  for (std::size_t a = 0; a < 256; ++a) {
    const unsigned x = from[a];
    map[a] = into[((has_identity ? x : 0) ^ (x << left) ^ (x >> right)) & 0xff];
  }
  return map;
}

}  // namespace aes_tables

constexpr NibbleTables kIntoState =
    aes_tables::to_tables(aes_tables::linear_part(aes_tables::kBefore));
constexpr NibbleTables kOutOfState =
    aes_tables::to_tables(aes_tables::inverse_of(aes_tables::linear_part(aes_tables::kBefore)));
constexpr NibbleTables kNear = aes_tables::to_tables(aes_tables::spread(true, 2, 8));
constexpr NibbleTables kFar = aes_tables::to_tables(aes_tables::spread(true, 8, 6));
constexpr NibbleTables kBoth = aes_tables::to_tables(aes_tables::spread(false, 2, 6));

/// What AES is to have added to its argument, as `before` would take it; and the way back from the
/// argument of `after`.
constexpr std::uint8_t kBeforeConstant =
    aes_tables::inverse_of(aes_tables::linear_part(aes_tables::kBefore))[aes_tables::kBefore[0]];
constexpr NibbleTables kUndoAfter =
    aes_tables::to_tables(aes_tables::inverse_of(aes_tables::kAfter));

}  // namespace cipherdeck::engine::sm4
