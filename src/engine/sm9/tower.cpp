// SPDX-License-Identifier: Apache-2.0
#include "engine/sm9/tower.h"

#include <array>

namespace cipherdeck::engine::sm9 {
namespace {

// kFrobenius to the powers of 1 to 5.
constexpr std::array<Fp, 5> kFrobeniusPowers = [] {
  std::array<Fp, 5> powers{};
  powers[0] = kFrobenius;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * kFrobenius;
  return powers;
}();

// 2 a b from the squares of a and b.
Fp4 twice_product(const Fp4& a, const Fp4& b, const Fp4& a_square, const Fp4& b_square) {
  return (a + b).square() - a_square - b_square;
}

// The conjugate of b w^i under Frobenius, as a coefficient of w^i.
Fp2 frobenius_coefficient(const Fp2& b, std::size_t i) {
  return b.conjugate() * kFrobeniusPowers[i - 1];
}

Fp4 triple(const Fp4& a) { return a.twice() + a; }

}  // namespace

Fp2 operator*(const Fp2& a, const Fp2& b) noexcept {
  const Fp low = a.c0 * b.c0, high = a.c1 * b.c1;
  const Fp cross = (a.c0 + a.c1) * (b.c0 + b.c1);
  return {low - high - high, cross - low - high};
}

// (c0 + c1) (c0 - 2 c1) = c0^2 - 2 c1^2 - c0 c1.
Fp2 Fp2::square() const noexcept {
  const Fp product = c0 * c1;
  return {(c0 + c1) * (c0 - c1 - c1) + product, product + product};
}

Fp2 Fp2::inverse() const noexcept {
  const Fp high = c1.square();
  const Fp norm_inverse = (c0.square() + high + high).inverse();
  return {c0 * norm_inverse, (c1 * norm_inverse).negate()};
}

Fp4 operator*(const Fp4& a, const Fp4& b) noexcept {
  const Fp2 low = a.c0 * b.c0, high = a.c1 * b.c1;
  return {low + high.times_u(), (a.c0 + a.c1) * (b.c0 + b.c1) - low - high};
}

Fp4 Fp4::square() const noexcept {
  const Fp2 low = c0.square(), high = c1.square();
  return {low + high.times_u(), (c0 + c1).square() - low - high};
}

Fp4 Fp4::inverse() const noexcept {
  const Fp2 norm_inverse = (c0.square() - c1.square().times_u()).inverse();
  return {c0 * norm_inverse, (c1 * norm_inverse).negate()};
}

// Karatsuba's products for three coefficients.
Fp12 operator*(const Fp12& a, const Fp12& b) noexcept {
  const Fp4 t0 = a.c0 * b.c0, t1 = a.c1 * b.c1, t2 = a.c2 * b.c2;
  const Fp4 t12 = (a.c1 + a.c2) * (b.c1 + b.c2) - t1 - t2;
  const Fp4 t01 = (a.c0 + a.c1) * (b.c0 + b.c1) - t0 - t1;
  const Fp4 t02 = (a.c0 + a.c2) * (b.c0 + b.c2) - t0 - t2;
  return {t0 + t12.times_v(), t01 + t2.times_v(), t02 + t1};
}

// The line is l0 + l2 w^2 with l0 in Fp4 and l2 in Fp2.
Fp12 operator*(const Fp12& a, const Line& b) noexcept {
  const Fp4 l0 = {b.c0, b.c3};
  const Fp4 t0 = a.c0 * l0, t2 = a.c2 * b.c2;
  const Fp4 t02 = (a.c0 + a.c2) * Fp4{b.c0 + b.c2, b.c3} - t0 - t2;
  return {t0 + (a.c1 * b.c2).times_v(), a.c1 * l0 + t2.times_v(), t02};
}

Fp12 Fp12::square() const noexcept {
  const Fp4 t0 = c0.square(), t1 = c1.square(), t2 = c2.square();
  return {t0 + twice_product(c1, c2, t1, t2).times_v(),
          twice_product(c0, c1, t0, t1) + t2.times_v(), twice_product(c0, c2, t0, t2) + t1};
}

// w^(p^6) = -w, and so v goes to -v.
Fp12 Fp12::conjugate() const noexcept {
  return {c0.conjugate(), c1.conjugate().negate(), c2.conjugate()};
}

Fp12 Fp12::frobenius() const noexcept {
  return {{c0.c0.conjugate(), frobenius_coefficient(c0.c1, 3)},
          {frobenius_coefficient(c1.c0, 1), frobenius_coefficient(c1.c1, 4)},
          {frobenius_coefficient(c2.c0, 2), frobenius_coefficient(c2.c1, 5)}};
}

Fp12 Fp12::inverse() const noexcept {
  const Fp4 a = c0.square() - (c1 * c2).times_v();
  const Fp4 b = c2.square().times_v() - c0 * c1;
  const Fp4 c = c1.square() - c0 * c2;
  const Fp4 norm_inverse = (c0 * a + (c2 * b + c1 * c).times_v()).inverse();
  return {a * norm_inverse, b * norm_inverse, c * norm_inverse};
}

// Granger and Scott (2010).
Fp12 Fp12::cyclotomic_square() const noexcept {
  return {triple(c0.square()) - c0.conjugate().twice(),
          triple(c2.square().times_v()) + c1.conjugate().twice(),
          triple(c1.square()) - c2.conjugate().twice()};
}

}  // namespace cipherdeck::engine::sm9
