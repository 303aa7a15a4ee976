// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace cipherdeck::engine {

/// Has the processor fetch what a loop comes to next while it computes: tenants' data is seldom in
/// its cache, and its own guesses end with the page. Addresses only; nothing is read, and they may
/// be anywhere.
inline void prefetch(const std::uint8_t* in, const std::uint8_t* out, std::size_t len) noexcept {
  constexpr std::size_t kLine = 64;
  for (std::size_t i = 0; i < len; i += kLine) {
    __builtin_prefetch(in + i, 0);
    __builtin_prefetch(out + i, 1);
  }
}

}  // namespace cipherdeck::engine
