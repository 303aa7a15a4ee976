// SPDX-License-Identifier: Apache-2.0
// What all implementations of SM3 share.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace cipherdeck::engine::sm3 {

/// T<<<j of GB/T 32905, 5.3.3.
constexpr std::uint32_t round_constant(int j) {
  return std::rotl(j < 16 ? 0x79cc4519u : 0x7a879d8au, j % 32);
}

inline constexpr auto kRoundConstants = [] {
  std::array<std::uint32_t, 64> constants{};
  for (int j = 0; j < 64; ++j) constants[static_cast<std::size_t>(j)] = round_constant(j);
  return constants;
}();

}  // namespace cipherdeck::engine::sm3
