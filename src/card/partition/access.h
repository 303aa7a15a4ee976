// SPDX-License-Identifier: Apache-2.0
// Access codes: what they are checked against.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"

#include <array>
#include <cstdint>

namespace cipherdeck::card {

constexpr std::size_t kMinAccessCodeLen = 8;
constexpr std::size_t kMaxAccessCodeLen = 256;
constexpr std::uint32_t kMaxAccessFailures = 10;

/// What an access code is checked against: HMAC-SM3 of the code under a random salt.
struct AccessVerifier {
  bool set = false;  // false: there is no code, and no access right can be had
  std::array<std::uint8_t, 16> salt{};
  Secret<32> mac;
};

/// A verifier of `code` under a fresh salt; of no code if `code` is empty. Fails with
/// invalid_argument unless the code has kMinAccessCodeLen to kMaxAccessCodeLen bytes.
[[nodiscard]] Result<AccessVerifier> make_access_verifier(Bytes code, RandomSource& random);

}  // namespace cipherdeck::card
