// SPDX-License-Identifier: Apache-2.0
// The S-box of SM4 as a circuit: eight planes, plane b holding bit b of as many bytes as a word has
// bits. No table, no branch: its time does not depend on the bytes.
//
// S(x) = A(1 / A(x)), where A is an affine map and the inverse is that of GF(2^8) modulo
// x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1. The inverse is taken in the tower GF(((2^2)^2)^2) with
// normal bases [w, w^2], [z, z^4] and [y, y^16] (w = 0x5c, z = 0x50, y = 0xbe in the field above);
// the changes of basis are one with the affine maps.
#pragma once

namespace cipherdeck::engine::sm4 {

// An element of GF(2^2) over the planes: lo is the coefficient of w, hi that of w^2.
template <typename V>
struct Gf4 {
  V lo, hi;
};

// An element of GF(2^4): lo is the coefficient of z, hi that of z^4.
template <typename V>
struct Gf16 {
  Gf4<V> lo, hi;
};

template <typename V>
[[gnu::always_inline]] inline Gf4<V> add(const Gf4<V>& a, const Gf4<V>& b) {
  return {a.lo ^ b.lo, a.hi ^ b.hi};
}

template <typename V>
[[gnu::always_inline]] inline Gf16<V> add(const Gf16<V>& a, const Gf16<V>& b) {
  return {add(a.lo, b.lo), add(a.hi, b.hi)};
}

template <typename V>
[[gnu::always_inline]] inline Gf4<V> mul(const Gf4<V>& a, const Gf4<V>& b) {
  const V cross = (a.lo ^ a.hi) & (b.lo ^ b.hi);
  return {(a.lo & b.lo) ^ cross, (a.hi & b.hi) ^ cross};
}

// a * z^5, the norm of z.
template <typename V>
[[gnu::always_inline]] inline Gf4<V> mul_norm(const Gf4<V>& a) {
  return {a.lo ^ a.hi, a.lo};
}

// a^2 * z^5.
template <typename V>
[[gnu::always_inline]] inline Gf4<V> square_mul_norm(const Gf4<V>& a) {
  return {a.lo ^ a.hi, a.hi};
}

template <typename V>
[[gnu::always_inline]] inline Gf16<V> mul(const Gf16<V>& a, const Gf16<V>& b) {
  const Gf4<V> cross = mul_norm(mul(add(a.lo, a.hi), add(b.lo, b.hi)));
  return {add(mul(a.lo, b.lo), cross), add(mul(a.hi, b.hi), cross)};
}

// 1 / a, and 0 for 0. In GF(2^2) the inverse is the square, which swaps the coefficients.
template <typename V>
[[gnu::always_inline]] inline Gf16<V> inverse(const Gf16<V>& a) {
  const Gf4<V> norm = add(mul(a.lo, a.hi), square_mul_norm(add(a.lo, a.hi)));
  const Gf4<V> inverse_norm = {norm.hi, norm.lo};
  return {mul(inverse_norm, a.hi), mul(inverse_norm, a.lo)};
}

// a^2 * y^17, where y^17 is the norm of y.
template <typename V>
[[gnu::always_inline]] inline Gf16<V> square_mul_norm(const Gf16<V>& a) {
  return {{a.hi.hi, a.hi.lo}, {a.lo.lo ^ a.lo.hi ^ a.hi.hi, a.lo.hi ^ a.hi.lo}};
}

// The affine map into the tower.
template <typename V>
[[gnu::always_inline]] inline void to_tower(const V* x, Gf16<V>& lo, Gf16<V>& hi) {
  const V t8 = x[0] ^ x[6];
  const V t9 = x[4] ^ t8;
  const V t10 = x[2] ^ x[4];
  const V t11 = x[1] ^ x[5];
  const V t12 = x[5] ^ x[7];
  const V t13 = x[6] ^ t12;
  lo = {{x[2] ^ t11, ~(x[6] ^ t10)}, {x[1] ^ x[7], x[3] ^ t13}};
  hi = {{x[5] ^ t9, x[1] ^ t8}, {~t9, ~x[2]}};
}

// The affine map out of the tower.
template <typename V>
[[gnu::always_inline]] inline void from_tower(V* x, const Gf16<V>& lo, const Gf16<V>& hi) {
  const V t8 = hi.lo.lo ^ hi.lo.hi;
  const V t9 = lo.lo.lo ^ t8;
  const V t10 = lo.lo.hi ^ lo.hi.hi;
  const V t12 = hi.hi.lo ^ t9;
  const V t13 = lo.hi.lo ^ hi.hi.lo;
  const V t14 = lo.lo.hi ^ t12;
  const V t11 = t9 ^ t10;
  x[0] = ~hi.hi.lo;
  x[1] = ~(hi.lo.lo ^ t13);
  x[2] = t12;
  x[3] = t8 ^ hi.hi.hi ^ t10;
  x[4] = ~(hi.hi.hi ^ t14);
  x[5] = lo.hi.lo ^ t11;
  x[6] = ~lo.lo.hi;
  x[7] = ~t11;
}

/// Replaces the bytes whose bits are in the eight planes `x` by their images.
template <typename V>
[[gnu::always_inline]] inline void sbox(V* x) {
  Gf16<V> lo, hi;
  to_tower(x, lo, hi);
  const Gf16<V> norm = add(mul(lo, hi), square_mul_norm(add(lo, hi)));
  const Gf16<V> inverse_norm = inverse(norm);
  from_tower(x, mul(inverse_norm, hi), mul(inverse_norm, lo));
}

}  // namespace cipherdeck::engine::sm4
