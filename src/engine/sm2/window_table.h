// SPDX-License-Identifier: Apache-2.0
// Multiples of a point, ready for multiplications without doublings.
#pragma once

#include "engine/sm2/curve.h"

#include <memory>

namespace cipherdeck::engine::sm2 {

constexpr std::size_t kTableBits = 7;
constexpr std::size_t kTableWindows = 37;  // 259 bits
constexpr std::size_t kTableEntries = std::size_t{1} << (kTableBits - 1);

/// Entry j of window i is (j + 1) 2^(7 i) P. 148 KiB.
using TableWindow = std::array<AffinePoint, kTableEntries>;
struct WindowTable {
  std::array<TableWindow, kTableWindows> windows;
};

/// Takes about 2 ms.
[[nodiscard]] std::unique_ptr<const WindowTable> make_window_table(const AffinePoint& base);

/// Of the generator, made at first use.
[[nodiscard]] const WindowTable& generator_table();

}  // namespace cipherdeck::engine::sm2
