// SPDX-License-Identifier: Apache-2.0
// A field of one lane as kernel.h wants it.
#pragma once

#include "engine/sm2/window_table.h"

namespace cipherdeck::engine::sm2 {

/// `LookUp` has look_up(AffinePoint& entry, const TableWindow&, std::uint64_t magnitude), which
/// reads the whole window and gives zeros for magnitude 0.
template <typename Arithmetic, typename LookUp>
class OneLane : public Residue<FieldModulus, Arithmetic> {
 public:
  using Base = Residue<FieldModulus, Arithmetic>;
  using Word = std::uint64_t;
  static constexpr std::size_t kNumLanes = 1;

  constexpr OneLane() noexcept = default;
  constexpr OneLane(const Base& base) noexcept : Base(base) {}  // results of Base's operators

  [[nodiscard]] static constexpr OneLane zero() noexcept { return {}; }

  // Numbers of the lanes, and back.
  [[nodiscard]] static OneLane from_lanes(const std::array<Uint256, 1>& values) noexcept {
    return Base::from(values[0]);
  }
  [[nodiscard]] std::array<Uint256, 1> to_lanes() const noexcept { return {this->value()}; }

  // Words of the lanes.
  [[nodiscard]] static Uint256 words(const std::array<Uint256, 1>& values) noexcept {
    return values[0];
  }
  [[nodiscard]] static Word word(const std::array<std::uint64_t, 1>& lanes) noexcept {
    return lanes[0];
  }
  [[nodiscard]] static std::array<std::uint64_t, 1> lanes(Word word) noexcept { return {word}; }
  [[nodiscard]] static Word opaque(Word mask) noexcept { return sm2::opaque(mask); }
  [[nodiscard]] static Word all_lanes() noexcept { return ~Word{0}; }
  [[nodiscard]] static bool any(Word mask) noexcept { return mask != 0; }
  [[nodiscard]] static Word is_zero(Word word) noexcept { return sm2::is_zero(word); }
  using Base::is_zero;

  using SecretTable = WindowTable;
  [[nodiscard]] static const WindowTable& secret_table() { return generator_table(); }

  /// Entry `magnitude` - 1 of a window, zeros for magnitude 0; the magnitude is secret.
  static void look_up(OneLane& x, OneLane& y, const WindowTable& table, std::size_t window,
                      Word magnitude) noexcept {
    AffinePoint entry;
    LookUp::look_up(entry, table.windows[window], magnitude);
    x = Base::from_limbs(entry.x.limbs());
    y = Base::from_limbs(entry.y.limbs());
  }
  /// Entry `index` of each lane's window; everything is public.
  static void pick(OneLane& x, OneLane& y, const std::array<const TableWindow*, 1>& windows,
                   Word index) noexcept {
    const AffinePoint& entry = (*windows[0])[index];
    x = Base::from_limbs(entry.x.limbs());
    y = Base::from_limbs(entry.y.limbs());
  }
};

}  // namespace cipherdeck::engine::sm2
