// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/sm3/sm3.h"
#include "engine/sm9/field.h"

namespace cipherdeck::engine::sm9 {

/// RangeHash is one of the functions H1 and H2 of GM/T 0044.2, 5.4.2, in progress: bytes to a
/// number from 1 to n - 1.
class RangeHash {
 public:
  enum class Function : std::uint8_t { h1 = 1, h2 = 2 };

  explicit RangeHash(Function function) noexcept;
  void update(Bytes data) noexcept { m_hash.update(data); }
  [[nodiscard]] Uint256 finish() noexcept;

 private:
  Sm3 m_hash;
};

/// H1(id || hid), where `hid` tells the use of the key (Sm9Use).
[[nodiscard]] Uint256 hash_identity(Bytes id, std::uint8_t hid) noexcept;

}  // namespace cipherdeck::engine::sm9
