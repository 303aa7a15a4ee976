// SPDX-License-Identifier: Apache-2.0
#include "device/registers/register_file.h"

#include <algorithm>
#include <cassert>

namespace cipherdeck::device::registers {

RegisterLayout::RegisterLayout(std::size_t len, std::span<const RegisterSpec> specs)
    : m_reset(len), m_write(len), m_w1c(len) {
  std::vector<bool> covered(len);
  for (const RegisterSpec& spec : specs) {
    assert(spec.offset + spec.width <= len);
    assert((spec.write_mask & spec.w1c_mask) == 0);
    for (std::size_t i = 0; i < spec.width; ++i) {
      const std::size_t at = spec.offset + i;
      assert(!covered[at]);
      covered[at] = true;
      m_reset[at] = static_cast<std::uint8_t>(spec.reset >> (8 * i));
      m_write[at] = static_cast<std::uint8_t>(spec.write_mask >> (8 * i));
      m_w1c[at] = static_cast<std::uint8_t>(spec.w1c_mask >> (8 * i));
    }
  }
}

void RegisterFile::read(std::uint64_t offset, MutableBytes out) const noexcept {
  std::fill(out.begin(), out.end(), std::uint8_t{0});
  if (offset >= m_values.size()) return;
  const std::size_t len = std::min<std::size_t>(out.size(), m_values.size() - offset);
  std::copy_n(m_values.begin() + static_cast<std::ptrdiff_t>(offset), len, out.begin());
}

void RegisterFile::write(std::uint64_t offset, Bytes data) noexcept {
  if (offset >= m_values.size()) return;
  const std::size_t len = std::min<std::size_t>(data.size(), m_values.size() - offset);
  for (std::size_t i = 0; i < len; ++i) {
    const std::size_t at = offset + i;
    const std::uint8_t writable = m_layout->write_mask(at);
    const auto cleared = static_cast<std::uint8_t>(data[i] & m_layout->w1c_mask(at));
    std::uint8_t value = m_values[at];
    value = static_cast<std::uint8_t>((value & ~writable) | (data[i] & writable));
    m_values[at] = static_cast<std::uint8_t>(value & ~cleared);
  }
}

}  // namespace cipherdeck::device::registers
