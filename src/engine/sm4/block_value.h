// SPDX-License-Identifier: Apache-2.0
// A block by value, in a vector register of the baseline.
#pragma once

#include <cstdint>
#include <cstring>

namespace cipherdeck::engine::sm4 {

typedef std::uint64_t BlockValue __attribute__((vector_size(16)));

[[nodiscard]] inline BlockValue load_value(const std::uint8_t* from) noexcept {
  BlockValue value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store_value(std::uint8_t* to, const BlockValue& value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace cipherdeck::engine::sm4
