// SPDX-License-Identifier: Apache-2.0
// Hash_DRBG of SP 800-90A Rev. 1, 10.1.1, over SM3.
#pragma once

#include "base/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace cipherdeck::card::random {

/// seedlen of a hash of 256 bits (table 2): 440 bits.
constexpr std::size_t kDrbgSeedLen = 55;
/// max_number_of_bits_per_request, in bytes.
constexpr std::size_t kDrbgMaxRequest = 1u << 16;

/// HashDrbg is the working state of one generator. All zero is the state of one that has no seed:
/// what a page that is wiped on fork leaves to the child. A plain value; its owner wipes it.
struct HashDrbg {
  std::array<std::uint8_t, kDrbgSeedLen> v;
  std::array<std::uint8_t, kDrbgSeedLen> c;
  std::uint64_t reseed_counter;  // 0: no seed

  [[nodiscard]] bool seeded() const noexcept { return reseed_counter != 0; }

  /// 10.1.1.2. The nonce of the standard is part of `entropy`.
  void instantiate(Bytes entropy, Bytes personalisation) noexcept;

  /// 10.1.1.3, without additional input.
  void reseed(Bytes entropy) noexcept;

  /// 10.1.1.4, without additional input: at most kDrbgMaxRequest bytes, from a seeded state.
  void generate(MutableBytes out) noexcept;
};

}  // namespace cipherdeck::card::random
