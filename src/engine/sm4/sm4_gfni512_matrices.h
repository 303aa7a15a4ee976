// SPDX-License-Identifier: Apache-2.0
// SM4's S-box and its linear map as matrices for GFNI, worked out at compile time.
//
// GFNI inverts in the field of AES and applies an affine map to the result. With an isomorphism F
// from the field of SM4 to that of AES and SM4's affine map A, S(x) = A(F^-1(inverse(F(A(x))))).
// The kernels keep every byte x of the state as B(x), where B is the linear part of F A, so that
// only the inversion is left, and what follows it takes in the whole of L. With bytes from the most
// significant one, j modulo 4, and shifts within a byte, L of GB/T 32907 (the sum of x and of x
// rotated by 2, 10, 18 and 24) is
//   L[j] = near(s[j]) + across(s[j + 1] + s[j + 2]) + far(s[j + 3]),
//   near(x) = x + x<<2, across(x) = x<<2 + x>>6, far(x) = x + x>>6 = near(x) + across(x).
#pragma once

#include "engine/sm4/sm4_aes_tables.h"

namespace cipherdeck::engine::sm4::gfni {

/// x -> M x + constant, as the instructions take it: byte 7 - i of the matrix gives bit i.
struct Affine {
  std::uint64_t matrix;
  std::uint8_t constant;
};

using aes_tables::inverse_of;
using aes_tables::Map;

constexpr Affine to_affine(const Map& map) {
  Affine affine{0, map[0]};
  for (int i = 0; i < 8; ++i) {
    for (int j = 0; j < 8; ++j) {
      const std::uint64_t bit = ((map[std::size_t{1} << j] ^ map[0]) >> i) & 1;
      affine.matrix |= bit << (8 * (7 - i) + j);
    }
  }
  return affine;
}

constexpr Map compose(const Map& second, const Map& first) {
  Map map{};
  for (std::size_t x = 0; x < 256; ++x) map[x] = second[first[x]];
  return map;
}

constexpr Map linear_part(Map map) {
  const std::uint8_t constant = map[0];
  for (std::uint8_t& y : map) y ^= constant;
  return map;
}

// Into the field of AES, with and without the constant of A.
constexpr Map kKeyMap = compose(aes_tables::kIsomorphism, aes_tables::kSm4Affine);
constexpr Map kStateMap = linear_part(kKeyMap);

// Of the inverted byte: x + x<<left + x>>right of the S-box's result x, as the state keeps it.
constexpr Affine after_inversion(bool has_identity, int left, int right) {
  const Map sbox_of = compose(aes_tables::kSm4Affine, inverse_of(aes_tables::kIsomorphism));
  Map map{};
  for (std::size_t i = 0; i < 256; ++i) {
    const unsigned x = sbox_of[i];
    map[i] = kStateMap[((has_identity ? x : 0) ^ (x << left) ^ (x >> right)) & 0xff];
  }
  return to_affine(map);
}

constexpr Affine kIntoState = to_affine(kStateMap);
constexpr Affine kOutOfState = to_affine(inverse_of(kStateMap));
/// Round keys bring the constant of A with them.
constexpr Affine kIntoKey = to_affine(kKeyMap);
constexpr Affine kNear = after_inversion(true, 2, 8);
constexpr Affine kAcross = after_inversion(false, 2, 6);
constexpr Affine kFar = after_inversion(true, 8, 6);

}  // namespace cipherdeck::engine::sm4::gfni
