// SPDX-License-Identifier: Apache-2.0
// Registers as a table: where each lies, what it is after reset, which bits a driver may write and
// which it clears by writing ones. Used for BAR 0 and for config space alike.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace cipherdeck::device::registers {

/// One register of 1, 2 or 4 bytes at `offset`. Bits in neither mask are read-only.
struct RegisterSpec {
  std::uint16_t offset;
  std::uint8_t width;
  std::uint32_t reset = 0;
  std::uint32_t write_mask = 0;
  std::uint32_t w1c_mask = 0;  // write 1 to clear; disjoint from write_mask
};

/// A table spread out to bytes, made once and shared by all functions of a kind. What no register
/// covers reads zero and ignores writes.
class RegisterLayout {
 public:
  /// The specs lie within `len` and do not overlap: a wrong table is a programming error.
  RegisterLayout(std::size_t len, std::span<const RegisterSpec> specs);

  [[nodiscard]] std::size_t size() const noexcept { return m_reset.size(); }
  [[nodiscard]] const std::vector<std::uint8_t>& reset() const noexcept { return m_reset; }
  [[nodiscard]] std::uint8_t write_mask(std::size_t at) const noexcept { return m_write[at]; }
  [[nodiscard]] std::uint8_t w1c_mask(std::size_t at) const noexcept { return m_w1c[at]; }

 private:
  std::vector<std::uint8_t> m_reset;
  std::vector<std::uint8_t> m_write;
  std::vector<std::uint8_t> m_w1c;
};

/// The values of one function. The layout outlives it. Offsets given by the device itself are
/// correct by construction; read() and write() take any.
class RegisterFile {
 public:
  explicit RegisterFile(const RegisterLayout& layout)
      : m_layout(&layout), m_values(layout.reset()) {}

  void reset() { m_values = m_layout->reset(); }

  /// Fills `out` from `offset`; zeros beyond the end.
  void read(std::uint64_t offset, MutableBytes out) const noexcept;
  /// A driver's write: masks apply; bytes beyond the end are ignored.
  void write(std::uint64_t offset, Bytes data) noexcept;

  /// The device's own access, without masks.
  template <typename T>
  [[nodiscard]] T get(std::size_t offset) const noexcept {
    return load<T>(Bytes(m_values).subspan(offset));
  }
  template <typename T>
  void set(std::size_t offset, T value) noexcept {
    std::memcpy(m_values.data() + offset, &value, sizeof value);
  }

 private:
  const RegisterLayout* m_layout;
  std::vector<std::uint8_t> m_values;
};

}  // namespace cipherdeck::device::registers
