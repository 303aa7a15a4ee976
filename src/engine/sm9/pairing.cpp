// SPDX-License-Identifier: Apache-2.0
// The twist takes (x, y) of G2 to (x / w^2, y / w^3) on y^2 = x^3 + 5 over Fp12. A line through
// such points, at P = (xP, yP) of G1, is
//
//   yP - slope xP / w + (slope x - y) / w^3
//
// where slope, x and y are the twist's. Times w^3, and times any factor in a smaller field, which
// the final exponentiation takes to 1, it is
//
//   (slope x - y) - slope xP w^2 + yP w^3.
#include "engine/sm9/pairing.h"

namespace cipherdeck::engine::sm9 {
namespace {

constexpr std::uint64_t kT = 0x600000000058f98a;  // GM/T 0044.5, A.1
constexpr int kTBits = 63;
// 6 t + 2 has 66 bits, the first of which starts the loop: 10 and these 64.
constexpr std::uint64_t kLoop = 6 * kT + 2;
static_assert(kLoop == 0x400000000215d93e);

// The point that the loop is at, in homogeneous coordinates on the twist.
using Walker = G2Point;

Line tangent(const Fp2& c0, const Fp2& c2, const Fp2& c3, const G1Affine& p) {
  return {c0, c2 * p.x, c3 * p.y};
}

// Doubles `t`, and gives the tangent there: formulas of Costello, Lange and Naehrig (2010).
Line double_step(Walker& t, const G1Affine& p) {
  const Fp2 xx = t.x.square(), yy = t.y.square(), zz = t.z.square();
  const Fp2 e = times_3b(zz);
  const Fp2 f = e.twice() + e;
  const Fp2 g = (yy + f).halve();
  const Fp2 h = (t.y + t.z).square() - yy - zz;  // 2 y z
  const Fp2 ee = e.square();
  const Line line = tangent(yy - e, (xx.twice() + xx).negate(), h, p);
  t = {(t.x * t.y).halve() * (yy - f), g.square() - ee.twice() - ee, yy * h};
  return line;
}

// Adds `q` to `t`, and gives the line through the two, which are neither equal nor opposite.
Line add_step(Walker& t, const G2Affine& q, const G1Affine& p) {
  const Fp2 theta = t.y - q.y * t.z, mu = t.x - q.x * t.z;
  const Fp2 mu2 = mu.square(), mu3 = mu * mu2;
  const Fp2 g = t.x * mu2;
  const Fp2 h = mu3 + t.z * theta.square() - g.twice();
  const Line line = tangent(theta * q.x - mu * q.y, theta.negate(), mu, p);
  t = {mu * h, theta * (g - h) - mu3 * t.y, t.z * mu3};
  return line;
}

// Frobenius on the twist, and the opposite of its square. The powers of kFrobenius = c that undo
// those of w are 1 / c^2 = -c^4, 1 / c^3 = -c^3, 1 / c^4 = -c^2 and 1 / c^6 = -1.
G2Affine frobenius(const G2Affine& q) {
  const Fp c2 = kFrobenius.square();
  return {(q.x.conjugate() * c2.square()).negate(), (q.y.conjugate() * (c2 * kFrobenius)).negate()};
}
G2Affine minus_frobenius_square(const G2Affine& q) {
  return {(q.x * kFrobenius.square()).negate(), q.y};
}

Fp12 miller_loop(const G1Affine& p, const G2Affine& q) {
  Walker t = Walker::from(q);
  Fp12 f = Fp12::one();
  f = f * double_step(t, p);  // the second bit of 6 t + 2, a zero
  for (int i = 63; i >= 0; --i) {
    f = f.square() * double_step(t, p);
    if ((kLoop >> i & 1) != 0) f = f * add_step(t, q, p);  // the loop's count is public
  }
  f = f * add_step(t, frobenius(q), p);
  return f * add_step(t, minus_frobenius_square(q), p);
}

// a^t in the cyclotomic subgroup; t is public.
Fp12 power_t(const Fp12& a) {
  Fp12 out = a;
  for (int i = kTBits - 2; i >= 0; --i) {
    out = out.cyclotomic_square();
    if ((kT >> i & 1) != 0) out = out * a;
  }
  return out;
}

// f^((p^6 - 1) (p^2 + 1)), in the cyclotomic subgroup.
Fp12 easy_part(const Fp12& f) {
  const Fp12 g = f.conjugate() * f.inverse();
  return g.frobenius().frobenius() * g;
}

// f^((p^4 - p^2 + 1) / n): y0 y1^2 y2^6 y3^12 y4^18 y5^30 y6^36 by the vectorial addition chain of
// Scott, Benger, Charlemagne, Dominguez Perez and Kachisa (2009).
Fp12 hard_part(const Fp12& f) {
  const Fp12 ft = power_t(f), ft2 = power_t(ft), ft3 = power_t(ft2);
  const Fp12 fp = f.frobenius(), fp2 = fp.frobenius(), ft2p = ft2.frobenius();
  const Fp12 y0 = fp * fp2 * fp2.frobenius();
  const Fp12 y1 = f.conjugate();
  const Fp12 y2 = ft2p.frobenius();
  const Fp12 y3 = ft.frobenius().conjugate();
  const Fp12 y4 = (ft * ft2p).conjugate();
  const Fp12 y5 = ft2.conjugate();
  const Fp12 y6 = (ft3 * ft3.frobenius()).conjugate();
  Fp12 a = y6.cyclotomic_square() * y4 * y5;
  Fp12 b = y3 * y5 * a;
  a = a * y2;
  b = b.cyclotomic_square() * a;
  b = b.cyclotomic_square();
  a = b * y1;
  b = b * y0;
  return a.cyclotomic_square() * b;
}

}  // namespace

Fp12 final_exponentiation(const Fp12& f) noexcept { return hard_part(easy_part(f)); }

Fp12 pairing(const G1Affine& p, const G2Affine& q) noexcept {
  return final_exponentiation(miller_loop(p, q));
}

}  // namespace cipherdeck::engine::sm9
