// SPDX-License-Identifier: Apache-2.0
// Passphrases and passwords, stretched by Argon2id (RFC 9106): each guess costs memory and time.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"

#include <array>
#include <cstdint>

namespace cipherdeck::card::store {

constexpr std::size_t kMinPasswordLen = 8;
constexpr std::size_t kMaxPasswordLen = 256;
constexpr std::size_t kSaltLen = 16;

/// What one guess costs; stored beside the salt, so that later stores may ask for more.
struct PasswordCost {
  std::uint32_t memory_kib = 65536;
  std::uint32_t passes = 3;
  std::uint32_t lanes = 1;

  /// Whether this program would compute it: at most 1 GiB, 16 passes and 4 lanes.
  [[nodiscard]] bool is_sane() const noexcept;
};

/// A salt and the cost of the guesses under it. Not secret.
struct Stretching {
  PasswordCost cost;
  std::array<std::uint8_t, kSaltLen> salt{};
};

/// A fresh salt.
[[nodiscard]] Result<Stretching> make_stretching(const PasswordCost& cost, RandomSource& random);

/// 32 bytes of Argon2id over `password`. Takes cost.memory_kib of memory, left out of core dumps
/// and wiped. Fails with invalid_argument unless the password has kMinPasswordLen to
/// kMaxPasswordLen bytes and the cost is sane, with no_memory.
[[nodiscard]] Result<Secret<32>> stretch(Bytes password, const Stretching& stretching);

}  // namespace cipherdeck::card::store
