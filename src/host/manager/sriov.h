// SPDX-License-Identifier: Apache-2.0
// The SR-IOV extended capability (PCI Express Base Specification 9.3) as a PF driver uses it.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>

namespace cipherdeck::manager {

/// A function's configuration space, 4096 bytes.
class ConfigSpace {
 public:
  virtual ~ConfigSpace() = default;
  virtual Result<void> read(std::uint32_t offset, MutableBytes bytes) = 0;
  virtual Result<void> write(std::uint32_t offset, Bytes bytes) = 0;
};

/// Offset of the extended capability `id`. Fails with not_found when the chain has none, and with
/// invalid_argument when the chain is broken: out of bounds, unaligned, or going round.
Result<std::uint32_t> find_extended_capability(ConfigSpace& config, std::uint16_t id);

/// Not thread-safe.
class Sriov {
 public:
  static Result<Sriov> find(ConfigSpace& config);

  [[nodiscard]] std::uint32_t total_vfs() const noexcept { return m_total_vfs; }

  /// VFs there are now: NumVFs if VF Enable is set, otherwise 0.
  Result<std::uint32_t> num_vfs();

  /// Makes that many. NumVFs may change only while VF Enable is clear, so all VFs that are there go
  /// first, and with them whoever uses them. Nothing happens when there are that many already.
  /// Fails with invalid_argument beyond total_vfs().
  Result<void> set_num_vfs(std::uint32_t count);

 private:
  Sriov(ConfigSpace& config, std::uint32_t offset, std::uint32_t total_vfs)
      : m_config(&config), m_offset(offset), m_total_vfs(total_vfs) {}

  ConfigSpace* m_config;
  std::uint32_t m_offset;
  std::uint32_t m_total_vfs;
};

}  // namespace cipherdeck::manager
