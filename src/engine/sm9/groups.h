// SPDX-License-Identifier: Apache-2.0
// The three groups of SM9 (GM/T 0044.1, 4 and 0044.5, A.1), of prime order n: G1, the points of
// y^2 = x^3 + 5 over Fp; G2, points of the twist y^2 = x^3 + 5u over Fp2; GT in Fp12, values of the
// pairing. Scalars may be secret: no branch and no address depends on them, or on coordinates.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "engine/sm9/tower.h"

namespace cipherdeck::engine::sm9 {

constexpr std::size_t kG1Len = 64;   // x || y, big-endian
constexpr std::size_t kG2Len = 128;  // x || y, of each the coefficient of u first
constexpr std::size_t kGtLen = 384;  // coefficients of the highest powers first

/// A point other than infinity.
template <typename Field>
struct AffinePoint {
  Field x, y;
};

/// A point in homogeneous coordinates: (x / z, y / z), or infinity if z is 0.
template <typename Field>
struct Point {
  Field x, y, z;

  [[nodiscard]] static Point infinity() noexcept { return {Field(), Field::one(), Field()}; }
  [[nodiscard]] static Point from(const AffinePoint<Field>& point) noexcept {
    return {point.x, point.y, Field::one()};
  }
  [[nodiscard]] std::uint64_t is_infinity() const noexcept { return z.is_zero(); }
};

using G1Affine = AffinePoint<Fp>;
using G2Affine = AffinePoint<Fp2>;
using G1Point = Point<Fp>;
using G2Point = Point<Fp2>;

/// 15 a and 15u a: three times the coefficients b of the two curves.
[[nodiscard]] Fp times_3b(const Fp& a) noexcept;
[[nodiscard]] Fp2 times_3b(const Fp2& a) noexcept;

[[nodiscard]] const G1Affine& g1_generator() noexcept;
[[nodiscard]] const G2Affine& g2_generator() noexcept;

/// The formulas hold for all points of the two curves, equal, opposite or infinite.
[[nodiscard]] G1Point add(const G1Point& a, const G1Point& b) noexcept;
[[nodiscard]] G2Point add(const G2Point& a, const G2Point& b) noexcept;

/// Scalars have any value below 2^256.
[[nodiscard]] G1Point multiply(const Uint256& scalar, const G1Affine& point) noexcept;
[[nodiscard]] G2Point multiply(const Uint256& scalar, const G2Affine& point) noexcept;

/// base^exponent; `base` is in GT.
[[nodiscard]] Fp12 power(const Fp12& base, const Uint256& exponent) noexcept;

/// `point` is not infinity.
[[nodiscard]] G1Affine to_affine(const G1Point& point) noexcept;
[[nodiscard]] G2Affine to_affine(const G2Point& point) noexcept;

void store(std::span<std::uint8_t, kG1Len> to, const G1Affine& point) noexcept;
void store(std::span<std::uint8_t, kG2Len> to, const G2Affine& point) noexcept;
void store(std::span<std::uint8_t, kGtLen> to, const Fp12& value) noexcept;

/// A point of the group from bytes of anybody: fails with invalid_key if a coordinate is not
/// reduced modulo p, the point is not on the curve, or, in G2, not of order n. (All points of the
/// curve of G1 other than infinity are of order n.)
[[nodiscard]] Result<G1Affine> load_g1(std::span<const std::uint8_t, kG1Len> from);
[[nodiscard]] Result<G2Affine> load_g2(std::span<const std::uint8_t, kG2Len> from);

}  // namespace cipherdeck::engine::sm9
