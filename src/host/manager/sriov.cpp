// SPDX-License-Identifier: Apache-2.0
#include "host/manager/sriov.h"

#include <linux/pci_regs.h>

#include <array>

namespace cipherdeck::manager {
namespace {

constexpr std::uint32_t kConfigLen = 4096;
constexpr std::uint32_t kExtendedStart = 0x100;
// Most capabilities that fit: each has a header of 4 bytes at least.
constexpr int kMaxCapabilities = (kConfigLen - kExtendedStart) / 4;

template <typename T>
Result<T> read_value(ConfigSpace& config, std::uint32_t offset) {
  std::array<std::uint8_t, sizeof(T)> bytes{};
  CIPHERDECK_TRY(config.read(offset, bytes));
  return load<T>(bytes);
}

Result<void> write_u16(ConfigSpace& config, std::uint32_t offset, std::uint16_t value) {
  return config.write(offset, object_bytes(value));
}

}  // namespace

Result<std::uint32_t> find_extended_capability(ConfigSpace& config, std::uint16_t id) {
  std::uint32_t offset = kExtendedStart;
  for (int i = 0; i < kMaxCapabilities; ++i) {
    CIPHERDECK_ASSIGN(const std::uint32_t header, read_value<std::uint32_t>(config, offset));
    if (header == 0 || header == 0xffffffffU) return Error::not_found;
    if (PCI_EXT_CAP_ID(header) == id) return offset;
    const std::uint32_t next = header >> 20;
    if (next == 0) return Error::not_found;
    if (next < kExtendedStart || next % 4 != 0 || next > kConfigLen - 4) {
      return Error::invalid_argument;
    }
    offset = next;
  }
  return Error::invalid_argument;
}

Result<Sriov> Sriov::find(ConfigSpace& config) {
  CIPHERDECK_ASSIGN(const std::uint32_t offset,
                    find_extended_capability(config, PCI_EXT_CAP_ID_SRIOV));
  if (offset > kConfigLen - PCI_EXT_CAP_SRIOV_SIZEOF) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const std::uint16_t total,
                    read_value<std::uint16_t>(config, offset + PCI_SRIOV_TOTAL_VF));
  return Sriov(config, offset, total);
}

Result<std::uint32_t> Sriov::num_vfs() {
  CIPHERDECK_ASSIGN(const std::uint16_t control,
                    read_value<std::uint16_t>(*m_config, m_offset + PCI_SRIOV_CTRL));
  if ((control & PCI_SRIOV_CTRL_VFE) == 0) return std::uint32_t{0};
  CIPHERDECK_ASSIGN(const std::uint16_t count,
                    read_value<std::uint16_t>(*m_config, m_offset + PCI_SRIOV_NUM_VF));
  return std::uint32_t{count};
}

Result<void> Sriov::set_num_vfs(std::uint32_t count) {
  if (count > m_total_vfs) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const std::uint32_t now, num_vfs());
  if (now == count) return {};
  CIPHERDECK_ASSIGN(std::uint16_t control,
                    read_value<std::uint16_t>(*m_config, m_offset + PCI_SRIOV_CTRL));
  control = static_cast<std::uint16_t>(control & ~(PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE));
  CIPHERDECK_TRY(write_u16(*m_config, m_offset + PCI_SRIOV_CTRL, control));
  CIPHERDECK_TRY(
      write_u16(*m_config, m_offset + PCI_SRIOV_NUM_VF, static_cast<std::uint16_t>(count)));
  if (count == 0) return {};
  control = static_cast<std::uint16_t>(control | PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
  CIPHERDECK_TRY(write_u16(*m_config, m_offset + PCI_SRIOV_CTRL, control));
  CIPHERDECK_ASSIGN(const std::uint32_t made, num_vfs());
  if (made != count) return Error::no_memory;  // the card could not open so many sockets
  return {};
}

}  // namespace cipherdeck::manager
