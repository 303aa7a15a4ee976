// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace cipherdeck::driver {

/// Deals out an arena: a small area per command slot, which needs no search, and the rest first-fit
/// in pages. Not thread-safe.
class Arena {
 public:
  static constexpr std::uint32_t kPageLen = 4096;

  Arena(std::uint32_t arena_len, std::uint32_t num_slots);

  /// Bytes that every slot has at small_offset().
  [[nodiscard]] std::uint32_t small_len() const noexcept { return m_small_len; }
  [[nodiscard]] std::uint32_t small_offset(std::uint32_t slot) const noexcept {
    return slot * m_small_len;
  }
  /// Bytes that can be had at once by allocate() from an arena that nobody uses.
  [[nodiscard]] std::uint32_t large_len() const noexcept { return m_large_len; }

  /// An offset where `len` bytes are free, or nothing.
  [[nodiscard]] std::optional<std::uint32_t> allocate(std::uint32_t len);
  void free(std::uint32_t offset, std::uint32_t len);

 private:
  struct Range {
    std::uint32_t offset;
    std::uint32_t len;
  };

  std::uint32_t m_small_len;
  std::uint32_t m_large_len;
  std::vector<Range> m_free;  // by offset; no two touch
};

}  // namespace cipherdeck::driver
