// SPDX-License-Identifier: Apache-2.0
// Has OpenSSL draw on the card's own randomness.
#pragma once

#include "base/random_source.h"

namespace cipherdeck::card::rsa {

/// While one is alive, OpenSSL's functions on this thread take their randomness from `random`, and
/// fail where it does. Elsewhere OpenSSL uses its own.
class OpensslRandom {
 public:
  explicit OpensslRandom(RandomSource& random) noexcept;
  OpensslRandom(const OpensslRandom&) = delete;
  OpensslRandom& operator=(const OpensslRandom&) = delete;
  ~OpensslRandom();
};

}  // namespace cipherdeck::card::rsa
