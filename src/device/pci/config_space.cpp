// SPDX-License-Identifier: Apache-2.0
#include "device/pci/config_space.h"

#include <cipherdeck/function.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace cipherdeck::device::pci {
namespace {

using registers::RegisterLayout;
using registers::RegisterSpec;

constexpr std::uint32_t kBarMemory64 = 0x4;
constexpr std::uint32_t kAll = 0xffffffff;
constexpr std::uint32_t bar_mask(std::uint32_t len) noexcept { return ~(len - 1); }

// 4 KiB, 8 KiB, 64 KiB, 256 KiB, 1 MiB and 4 MiB: those that the specification demands.
constexpr std::uint32_t kSupportedPages = 0x553;
// The VFs fill the bus that follows the PF's: no alternative routing is needed.
constexpr std::uint32_t kFirstVfOffset = 0x100;

constexpr std::array kHeader = {
    RegisterSpec{0x00, 2, CIPHERDECK_PCI_VENDOR},
    RegisterSpec{0x04, 2, 0, 0x0546},  // memory, bus master, parity, SERR, interrupt disable
    RegisterSpec{0x06, 2, 0x0010, 0, 0xf900},  // capability list; error bits
    RegisterSpec{0x08, 4, (CIPHERDECK_PCI_CLASS << 8) | CIPHERDECK_PCI_REVISION},
    RegisterSpec{0x0c, 1, 0, 0xff},  // cache line size: of no effect
    RegisterSpec{0x10, 4, kBarMemory64, bar_mask(CIPHERDECK_BAR_REGISTERS_LEN)},
    RegisterSpec{0x14, 4, 0, kAll},
    RegisterSpec{0x18, 4, kBarMemory64, bar_mask(CIPHERDECK_BAR_DOORBELLS_LEN)},
    RegisterSpec{0x1c, 4, 0, kAll},
    RegisterSpec{0x2c, 2, CIPHERDECK_PCI_VENDOR},
    RegisterSpec{0x2e, 2, 0x0001},
    RegisterSpec{0x34, 1, kPcieCap},
    RegisterSpec{0x3c, 1, 0, 0xff},  // interrupt line: the system's note
};

constexpr std::array kPcie = {
    RegisterSpec{kPcieCap + 0x00, 2, (kMsiCap << 8) | 0x10},
    RegisterSpec{kPcieCap + 0x02, 2, 0x0002},      // version 2, endpoint
    RegisterSpec{kPcieCap + 0x04, 4, 0x10008001},  // FLR, role-based errors, 256-byte payload
    RegisterSpec{kPcieDeviceControl, 2, 0x2810, 0x7fff},
    RegisterSpec{kPcieCap + 0x0a, 2, 0, 0, 0x000f},
    RegisterSpec{kPcieCap + 0x0c, 4, 0x00000083},  // 8 GT/s, x8
    RegisterSpec{kPcieCap + 0x10, 2, 0, 0x0fd3},
    RegisterSpec{kPcieCap + 0x12, 2, 0x0083},
    RegisterSpec{kPcieCap + 0x24, 4, 0x00000010},  // completion timeout may be disabled
    RegisterSpec{kPcieCap + 0x28, 2, 0, 0x001f},
    RegisterSpec{kPcieCap + 0x2c, 4, 0x0000000e},  // 2.5, 5 and 8 GT/s
    RegisterSpec{kPcieCap + 0x30, 2, 0x0003, 0x000f},
};

constexpr std::array kMsi = {
    RegisterSpec{kMsiCap, 2, 0x0005},
    RegisterSpec{kMsiControl, 2, 0x0186, 0x0071},  // 8 vectors, 64 bits, maskable
    RegisterSpec{kMsiCap + 0x04, 4, 0, 0xfffffffc},
    RegisterSpec{kMsiCap + 0x08, 4, 0, kAll},
    RegisterSpec{kMsiCap + 0x0c, 2, 0, 0xffff},
    RegisterSpec{kMsiMask, 4, 0, (1U << CIPHERDECK_MAX_VECTORS) - 1},
    RegisterSpec{kMsiPending, 4},
};

constexpr std::array kAer = {
    RegisterSpec{kAerCap, 4, (kDsnCap << 20) | 0x20001},
    RegisterSpec{kAerCap + 0x04, 4, 0, 0, 0x01fff030},
    RegisterSpec{kAerCap + 0x08, 4, 0x00400000, 0x01fff030},
    RegisterSpec{kAerCap + 0x0c, 4, 0x00462030, 0x01fff030},
    RegisterSpec{kAerCap + 0x10, 4, 0, 0, 0x0000f1c1},
    RegisterSpec{kAerCap + 0x14, 4, 0x00006000, 0x0000f1c1},
    RegisterSpec{kAerCap + 0x18, 4},
};

constexpr std::array kSriov = {
    RegisterSpec{kSriovCap, 4, 0x10010},
    RegisterSpec{kSriovControl, 2, 0, kSriovVfEnable | kSriovVfMemoryEnable},
    RegisterSpec{kSriovInitialVfs, 2, CIPHERDECK_TOTAL_VFS},
    RegisterSpec{kSriovTotalVfs, 2, CIPHERDECK_TOTAL_VFS},
    RegisterSpec{kSriovNumVfs, 2, 0, 0xffff},
    RegisterSpec{kSriovFirstVfOffset, 2, kFirstVfOffset},
    RegisterSpec{kSriovVfStride, 2, 1},
    RegisterSpec{kSriovVfDevice, 2, CIPHERDECK_PCI_DEVICE_VF},
    RegisterSpec{kSriovSupportedPages, 4, kSupportedPages},
    RegisterSpec{kSriovSystemPage, 4, 1, kSupportedPages},
    RegisterSpec{kSriovVfBar0, 4, kBarMemory64, bar_mask(CIPHERDECK_BAR_REGISTERS_LEN)},
    RegisterSpec{kSriovVfBar0 + 4, 4, 0, kAll},
    RegisterSpec{kSriovVfBar0 + 8, 4, kBarMemory64, bar_mask(CIPHERDECK_BAR_DOORBELLS_LEN)},
    RegisterSpec{kSriovVfBar0 + 12, 4, 0, kAll},
};

// The serial number itself is filled in by each card.
constexpr std::array kSerialPf = {RegisterSpec{kDsnCap, 4, (kSriovCap << 20) | 0x10003}};
constexpr std::array kSerialVf = {RegisterSpec{kDsnCap, 4, 0x10003}};
constexpr std::array kDevicePf = {RegisterSpec{0x02, 2, CIPHERDECK_PCI_DEVICE_PF}};
constexpr std::array kDeviceVf = {RegisterSpec{0x02, 2, CIPHERDECK_PCI_DEVICE_VF}};

RegisterLayout make_layout(ConfigSpace::Kind kind) {
  const bool pf = kind == ConfigSpace::Kind::pf;
  std::vector<RegisterSpec> specs;
  const auto add = [&specs](const auto& table) {
    specs.insert(specs.end(), table.begin(), table.end());
  };
  add(kHeader);
  add(kPcie);
  add(kMsi);
  add(kAer);
  if (pf) {
    add(kDevicePf);
    add(kSerialPf);
    add(kSriov);
  } else {
    add(kDeviceVf);
    add(kSerialVf);
  }
  return {kConfigLen, specs};
}

const RegisterLayout& layout_of(ConfigSpace::Kind kind) {
  static const RegisterLayout pf = make_layout(ConfigSpace::Kind::pf);
  static const RegisterLayout vf = make_layout(ConfigSpace::Kind::vf);
  return kind == ConfigSpace::Kind::pf ? pf : vf;
}

// Whether a write of `data` at `offset` sets `bits` of the 16-bit register at `reg`.
bool writes_ones(std::uint64_t offset, Bytes data, std::size_t reg, std::uint16_t bits) noexcept {
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t at = reg + i;
    const auto wanted = static_cast<std::uint8_t>(bits >> (8 * i));
    if (at >= offset && at - offset < data.size() && (data[at - offset] & wanted) != 0) return true;
  }
  return false;
}

}  // namespace

ConfigSpace::ConfigSpace(Kind kind, std::uint64_t serial)
    : m_kind(kind), m_serial(serial), m_file(layout_of(kind)) {
  reset();
}

void ConfigSpace::reset() {
  m_file.reset();
  m_file.set(kDsnCap + 4, m_serial);
}

void ConfigSpace::read(std::uint64_t offset, MutableBytes out) const noexcept {
  m_file.read(offset, out);
}

ConfigEffects ConfigSpace::write(std::uint64_t offset, Bytes data) noexcept {
  const auto old_mask = msi_mask();
  const auto old_control = m_file.get<std::uint16_t>(kSriovControl);
  const auto old_num_vfs = m_file.get<std::uint16_t>(kSriovNumVfs);
  const auto old_page = m_file.get<std::uint32_t>(kSriovSystemPage);
  m_file.write(offset, data);
  ConfigEffects effects;
  effects.function_level_reset = writes_ones(offset, data, kPcieDeviceControl, kDeviceControlFlr);
  effects.msi_mask_changed = msi_mask() != old_mask;
  if (m_kind == Kind::pf) {
    after_sriov_write(old_control, old_num_vfs, old_page);
    const auto control = m_file.get<std::uint16_t>(kSriovControl);
    effects.vf_enable_changed = ((control ^ old_control) & kSriovVfEnable) != 0;
  }
  return effects;
}

void ConfigSpace::after_sriov_write(std::uint16_t old_control, std::uint16_t old_num_vfs,
                                    std::uint32_t old_page) noexcept {
  // NumVFs and System Page Size stand while VF Enable does, and never take a value that cannot be.
  const bool was_enabled = (old_control & kSriovVfEnable) != 0;
  if (was_enabled || m_file.get<std::uint16_t>(kSriovNumVfs) > CIPHERDECK_TOTAL_VFS) {
    m_file.set(kSriovNumVfs, old_num_vfs);
  }
  if (was_enabled || !std::has_single_bit(m_file.get<std::uint32_t>(kSriovSystemPage))) {
    m_file.set(kSriovSystemPage, old_page);
  }
  // A VF's BAR takes whole system pages.
  const std::uint32_t page_len = m_file.get<std::uint32_t>(kSriovSystemPage) << 12;
  for (std::size_t bar = kSriovVfBar0; bar <= kSriovVfBar0 + 8; bar += 8) {
    const auto value = m_file.get<std::uint32_t>(bar);
    m_file.set(bar, (value & bar_mask(page_len)) | kBarMemory64);
  }
}

std::uint32_t ConfigSpace::msi_mask() const noexcept { return m_file.get<std::uint32_t>(kMsiMask); }

void ConfigSpace::set_msi_pending(std::uint32_t bits) noexcept { m_file.set(kMsiPending, bits); }

std::uint16_t ConfigSpace::enabled_vfs() const noexcept {
  if (m_kind != Kind::pf) return 0;
  const bool enabled = (m_file.get<std::uint16_t>(kSriovControl) & kSriovVfEnable) != 0;
  return enabled ? m_file.get<std::uint16_t>(kSriovNumVfs) : std::uint16_t{0};
}

void ConfigSpace::set_enabled_vfs(std::uint16_t num_vfs) noexcept {
  if (m_kind != Kind::pf) return;
  auto control = m_file.get<std::uint16_t>(kSriovControl);
  if (num_vfs == 0) {
    control = static_cast<std::uint16_t>(control & ~kSriovVfEnable);
  } else {
    control = static_cast<std::uint16_t>(control | kSriovVfEnable | kSriovVfMemoryEnable);
    m_file.set(kSriovNumVfs, num_vfs);
  }
  m_file.set(kSriovControl, control);
}

}  // namespace cipherdeck::device::pci
