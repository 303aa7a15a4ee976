// SPDX-License-Identifier: Apache-2.0
// The fields of SM9 (GM/T 0044.5, A.1 and A.2): Fp, the scalars modulo the order of the groups, and
// Fp2 = Fp[u] / (u^2 + 2). Constant-time, as all that is made of them.
#pragma once

#include "engine/sm2/residue.h"

namespace cipherdeck::engine::sm9 {

using sm2::Uint256;

/// p = 36 t^4 + 36 t^3 + 24 t^2 + 6 t + 1 for the t of pairing.cpp.
struct FieldModulus : sm2::PrimeModulus<Uint256{0xe56f9b27e351457d, 0x21f2934b1a7aeedb,
                                                0xd603ab4ff58ec745, 0xb640000002a3a6f1}> {};

/// n, the order of the three groups.
struct OrderModulus : sm2::PrimeModulus<Uint256{0xe56ee19cd69ecf25, 0x49f2934b18ea8bee,
                                                0xd603ab4ff58ec744, 0xb640000002a3a6f1}> {};

using Fp = sm2::Residue<FieldModulus>;
using Scalar = sm2::Residue<OrderModulus>;

/// c0 + c1 u, where u^2 = -2.
struct Fp2 {
  Fp c0, c1;

  [[nodiscard]] static constexpr Fp2 one() noexcept { return {Fp::one(), Fp()}; }

  friend Fp2 operator+(const Fp2& a, const Fp2& b) noexcept { return {a.c0 + b.c0, a.c1 + b.c1}; }
  friend Fp2 operator-(const Fp2& a, const Fp2& b) noexcept { return {a.c0 - b.c0, a.c1 - b.c1}; }
  friend Fp2 operator*(const Fp2& a, const Fp2& b) noexcept;
  friend Fp2 operator*(const Fp2& a, const Fp& b) noexcept { return {a.c0 * b, a.c1 * b}; }

  [[nodiscard]] Fp2 square() const noexcept;
  [[nodiscard]] Fp2 twice() const noexcept { return *this + *this; }
  [[nodiscard]] Fp2 halve() const noexcept { return {c0.halve(), c1.halve()}; }
  [[nodiscard]] Fp2 negate() const noexcept { return {c0.negate(), c1.negate()}; }
  [[nodiscard]] Fp2 conjugate() const noexcept { return {c0, c1.negate()}; }
  /// u times it.
  [[nodiscard]] Fp2 times_u() const noexcept { return {(c1 + c1).negate(), c0}; }
  /// 1 / a, and 0 for 0.
  [[nodiscard]] Fp2 inverse() const noexcept;

  [[nodiscard]] std::uint64_t is_zero() const noexcept { return c0.is_zero() & c1.is_zero(); }
  [[nodiscard]] std::uint64_t equals(const Fp2& b) const noexcept {
    return c0.equals(b.c0) & c1.equals(b.c1);
  }
  /// The step of a full table scan, as in Residue.
  void collect(std::uint64_t mask, const Fp2& other) noexcept {
    c0.collect(mask, other.c0);
    c1.collect(mask, other.c1);
  }
};

}  // namespace cipherdeck::engine::sm9
