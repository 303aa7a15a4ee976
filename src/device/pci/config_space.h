// SPDX-License-Identifier: Apache-2.0
// The PCI Express configuration space of one function: header, PCIe and MSI capabilities, AER,
// serial number, and SR-IOV on the PF (PCI Express Base Specification, chapters 7 and 9).
#pragma once

#include "base/bytes.h"
#include "device/registers/register_file.h"

#include <cstdint>

namespace cipherdeck::device::pci {

constexpr std::size_t kConfigLen = 4096;

// Where the capabilities are.
constexpr std::size_t kPcieCap = 0x40;
constexpr std::size_t kMsiCap = 0x80;
constexpr std::size_t kAerCap = 0x100;
constexpr std::size_t kDsnCap = 0x150;
constexpr std::size_t kSriovCap = 0x160;

// Registers in them that have effects or that others look at.
constexpr std::size_t kPcieDeviceControl = kPcieCap + 0x08;
constexpr std::size_t kMsiControl = kMsiCap + 0x02;
constexpr std::size_t kMsiMask = kMsiCap + 0x10;
constexpr std::size_t kMsiPending = kMsiCap + 0x14;
constexpr std::size_t kSriovControl = kSriovCap + 0x08;
constexpr std::size_t kSriovInitialVfs = kSriovCap + 0x0c;
constexpr std::size_t kSriovTotalVfs = kSriovCap + 0x0e;
constexpr std::size_t kSriovNumVfs = kSriovCap + 0x10;
constexpr std::size_t kSriovFirstVfOffset = kSriovCap + 0x14;
constexpr std::size_t kSriovVfStride = kSriovCap + 0x16;
constexpr std::size_t kSriovVfDevice = kSriovCap + 0x1a;
constexpr std::size_t kSriovSupportedPages = kSriovCap + 0x1c;
constexpr std::size_t kSriovSystemPage = kSriovCap + 0x20;
constexpr std::size_t kSriovVfBar0 = kSriovCap + 0x24;

constexpr std::uint16_t kDeviceControlFlr = 0x8000;
constexpr std::uint16_t kSriovVfEnable = 0x0001;
constexpr std::uint16_t kSriovVfMemoryEnable = 0x0008;

/// What a write asks of the function besides the bits it stored.
struct ConfigEffects {
  bool function_level_reset = false;
  bool vf_enable_changed = false;
  bool msi_mask_changed = false;
};

/// For one thread. Any offset and length may be given: bytes beyond the end read zero and are not
/// written.
class ConfigSpace {
 public:
  enum class Kind : std::uint8_t { pf, vf };
  ConfigSpace(Kind kind, std::uint64_t serial);

  void read(std::uint64_t offset, MutableBytes out) const noexcept;
  ConfigEffects write(std::uint64_t offset, Bytes data) noexcept;
  /// As after a function level reset: everything back to its reset value.
  void reset();

  [[nodiscard]] std::uint32_t msi_mask() const noexcept;
  void set_msi_pending(std::uint32_t bits) noexcept;

  /// 0 unless VF Enable is set.
  [[nodiscard]] std::uint16_t enabled_vfs() const noexcept;
  /// For VFs that the device enables itself, and for those it could not make (0).
  void set_enabled_vfs(std::uint16_t num_vfs) noexcept;

 private:
  void after_sriov_write(std::uint16_t old_control, std::uint16_t old_num_vfs,
                         std::uint32_t old_page) noexcept;

  Kind m_kind;
  std::uint64_t m_serial;
  registers::RegisterFile m_file;
};

}  // namespace cipherdeck::device::pci
