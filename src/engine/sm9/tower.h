// SPDX-License-Identifier: Apache-2.0
// The tower above Fp2 (GM/T 0044.5, A.2): Fp4 = Fp2[v] / (v^2 - u), Fp12 = Fp4[w] / (w^3 - v). An
// element of Fp12 is also b0 + b1 w + ... + b5 w^5 with b in Fp2, where w^6 = u.
#pragma once

#include "engine/sm9/field.h"

namespace cipherdeck::engine::sm9 {

/// c0 + c1 v, where v^2 = u.
struct Fp4 {
  Fp2 c0, c1;

  [[nodiscard]] static constexpr Fp4 one() noexcept { return {Fp2::one(), Fp2()}; }

  friend Fp4 operator+(const Fp4& a, const Fp4& b) noexcept { return {a.c0 + b.c0, a.c1 + b.c1}; }
  friend Fp4 operator-(const Fp4& a, const Fp4& b) noexcept { return {a.c0 - b.c0, a.c1 - b.c1}; }
  friend Fp4 operator*(const Fp4& a, const Fp4& b) noexcept;
  friend Fp4 operator*(const Fp4& a, const Fp2& b) noexcept { return {a.c0 * b, a.c1 * b}; }

  [[nodiscard]] Fp4 square() const noexcept;
  [[nodiscard]] Fp4 twice() const noexcept { return *this + *this; }
  [[nodiscard]] Fp4 negate() const noexcept { return {c0.negate(), c1.negate()}; }
  [[nodiscard]] Fp4 conjugate() const noexcept { return {c0, c1.negate()}; }
  /// v times it.
  [[nodiscard]] Fp4 times_v() const noexcept { return {c1.times_u(), c0}; }
  /// 1 / a, and 0 for 0.
  [[nodiscard]] Fp4 inverse() const noexcept;

  [[nodiscard]] std::uint64_t equals(const Fp4& b) const noexcept {
    return c0.equals(b.c0) & c1.equals(b.c1);
  }
  void collect(std::uint64_t mask, const Fp4& other) noexcept {
    c0.collect(mask, other.c0);
    c1.collect(mask, other.c1);
  }
};

/// What a line of the Miller loop evaluates to: c0 + c2 w^2 + c3 w^3.
struct Line {
  Fp2 c0, c2, c3;
};

/// c0 + c1 w + c2 w^2, where w^3 = v.
struct Fp12 {
  Fp4 c0, c1, c2;

  [[nodiscard]] static constexpr Fp12 one() noexcept { return {Fp4::one(), Fp4(), Fp4()}; }

  friend Fp12 operator*(const Fp12& a, const Fp12& b) noexcept;
  friend Fp12 operator*(const Fp12& a, const Line& b) noexcept;

  [[nodiscard]] Fp12 square() const noexcept;
  /// a to the power of p^6; the inverse of an element of the cyclotomic subgroup.
  [[nodiscard]] Fp12 conjugate() const noexcept;
  /// a to the power of p.
  [[nodiscard]] Fp12 frobenius() const noexcept;
  /// 1 / a, and 0 for 0.
  [[nodiscard]] Fp12 inverse() const noexcept;

  /// The square of an element of the cyclotomic subgroup, whose order divides p^4 - p^2 + 1. All
  /// values of the pairing are in it.
  [[nodiscard]] Fp12 cyclotomic_square() const noexcept;

  [[nodiscard]] std::uint64_t equals(const Fp12& b) const noexcept {
    return c0.equals(b.c0) & c1.equals(b.c1) & c2.equals(b.c2);
  }
  void collect(std::uint64_t mask, const Fp12& other) noexcept {
    c0.collect(mask, other.c0);
    c1.collect(mask, other.c1);
    c2.collect(mask, other.c2);
  }
};

/// (-2)^((p - 1) / 12): w^p = kFrobenius w. It is in Fp since 12 divides p - 1, and its sixth power
/// is -1.
inline constexpr Fp kFrobenius =
    Fp::from({0xa91d8354377b698b, 0x47c5c86e0ddd04ed, 0x843c6cfa9c086749, 0x3f23ea58e5720bdb});

}  // namespace cipherdeck::engine::sm9
