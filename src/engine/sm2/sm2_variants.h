// SPDX-License-Identifier: Apache-2.0
// The implementations of SM2's group. One is chosen for the process, at its first use.
#pragma once

#include "engine/cpu/variants.h"
#include "engine/sm2/window_table.h"

#include <span>

namespace cipherdeck::engine::sm2 {

/// The coordinates of a point, less than p; both are 0 for infinity.
struct PlainPoint {
  Uint256 x{}, y{};

  [[nodiscard]] std::uint64_t is_infinity() const noexcept { return is_zero(x) & is_zero(y); }
};

/// What is left of a verification: whether s G + t P is a point, not infinity, with an x coordinate
/// that is `x` modulo n. Everything is public.
struct Check {
  Uint256 s, t, x;  // less than n
  PlainPoint point;
  const WindowTable* table;  // of the point; for check_with_tables only
  bool holds;                // the result
};

/// Scalars are less than n; points are on the curve and not infinity. Spans of one call have the
/// same length, any length: a variant works on `num_lanes` at a time, and inverts for many at once.
struct Variant : cpu::VariantInfo {
  std::size_t num_lanes;
  /// Products with the generator, in constant time.
  void (*multiply_generator)(std::span<PlainPoint> products,
                             std::span<const Uint256> scalars) noexcept;
  /// Products with points, in constant time.
  void (*multiply)(std::span<PlainPoint> products, std::span<const Uint256> scalars,
                   std::span<const PlainPoint> points) noexcept;
  void (*check)(std::span<Check> checks) noexcept;
  void (*check_with_tables)(std::span<Check> checks) noexcept;
};

/// All variants, the fastest first; the last is "portable" and runs everywhere.
[[nodiscard]] std::span<const Variant> variants() noexcept;

/// The one that this process uses.
[[nodiscard]] const Variant& chosen_variant() noexcept;

extern const Variant kPortableVariant;
#ifdef __x86_64__
extern const Variant kAdxVariant;
extern const Variant kIfmaVariant;

/// Entry `magnitude` - 1 of a window, zeros for magnitude 0. Reads all of it, by AVX2.
void look_up_avx2(AffinePoint& entry, const TableWindow& window, std::uint64_t magnitude) noexcept;
#endif

}  // namespace cipherdeck::engine::sm2
