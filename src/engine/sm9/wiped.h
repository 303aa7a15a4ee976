// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/secret.h"

namespace cipherdeck::engine::sm9 {

/// Wiped holds a secret number or group element by value and wipes it on destruction.
template <typename T>
struct Wiped {
  Wiped() = default;
  explicit Wiped(const T& from) noexcept : value(from) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { wipe_object(value); }

  T value{};
};

}  // namespace cipherdeck::engine::sm9
