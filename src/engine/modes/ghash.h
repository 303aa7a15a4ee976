// SPDX-License-Identifier: Apache-2.0
// GHASH, the hash of GCM: a polynomial over GF(2^128) at a secret point.
#pragma once

#include "base/bytes.h"
#include "engine/modes/blocks.h"

namespace cipherdeck::engine::modes {

/// Ghash is one hash in progress. Constant-time: no table depends on the point. Wipes itself.
class Ghash {
 public:
  explicit Ghash(const Block& point) noexcept;
  Ghash(const Ghash&) = delete;
  Ghash& operator=(const Ghash&) = delete;
  ~Ghash();

  /// Adds `data`, filled with zeros to whole blocks.
  void update_padded(Bytes data) noexcept;

  /// Adds the block of the two lengths, in bytes, and gives the hash.
  [[nodiscard]] Block finish(std::uint64_t first_len, std::uint64_t second_len) noexcept;

 private:
  void add_block(const std::uint8_t* block) noexcept;

  // Coefficients of x^0 to x^63 in hi, from the most significant bit down.
  std::uint64_t m_point_hi, m_point_lo;
  std::uint64_t m_sum_hi = 0, m_sum_lo = 0;
};

}  // namespace cipherdeck::engine::modes
