// SPDX-License-Identifier: Apache-2.0
// BAR 0: the registers of include/cipherdeck/function.h as a table.
#pragma once

#include "device/registers/register_file.h"

#include <cipherdeck/function.h>

namespace cipherdeck::device::registers {

/// Most microseconds that REG_MODERATION holds: about a second.
constexpr std::uint32_t kModerationMask = 0xfffff;

[[nodiscard]] const RegisterLayout& function_layout();

/// A 64-bit address from its _LO and _HI registers.
[[nodiscard]] inline std::uint64_t address_at(const RegisterFile& file,
                                              std::size_t lo_offset) noexcept {
  return file.get<std::uint64_t>(lo_offset);
}

}  // namespace cipherdeck::device::registers
