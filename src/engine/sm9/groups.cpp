// SPDX-License-Identifier: Apache-2.0
#include "engine/sm9/groups.h"

#include "base/secret.h"
#include "engine/declassify.h"

namespace cipherdeck::engine::sm9 {
namespace {

constexpr G1Affine kG1Generator = {
    Fp::from({0xe8c4e4817c66dddd, 0xe1e4086909dc3280, 0xf5ed0704487d01d6, 0x93de051d62bf718f}),
    Fp::from({0x0c464cd70a3ea616, 0x1c1c00cbfa602435, 0x631065125c395bbc, 0x21fe8dda4f21e607})};
constexpr G2Affine kG2Generator = {
    {Fp::from({0xf9b7213baf82d65b, 0xee265948d19c17ab, 0xd2aab97fd34ec120, 0x3722755292130b08}),
     Fp::from({0x54806c11d8806141, 0xf1dd2c190f5e93c4, 0x597b6027b441a01f, 0x85aef3d078640c98})},
    {Fp::from({0x6215bba5c999a7c7, 0x47efba98a71a0811, 0x5f3170153d278ff2, 0xa7cf28d519be3da6}),
     Fp::from({0x856dc76b84ebeb96, 0x0736a96fa347c8bd, 0x66ba0d262cbee6ed, 0x17509b092e845c12})}};

template <typename Field>
Field triple(const Field& a) {
  return a + a + a;
}

// The complete formulas for a = 0 of Renes, Costello and Batina (2016). They have no exception on
// a curve of odd order, and the orders of both curves are odd.
template <typename Field>
Point<Field> add_points(const Point<Field>& a, const Point<Field>& b) {
  const Field xx = a.x * b.x, yy = a.y * b.y, zz = times_3b(a.z * b.z);
  const Field xy = (a.x + a.y) * (b.x + b.y) - xx - yy;
  const Field yz = a.y * b.z + b.y * a.z;
  const Field xz = times_3b(a.x * b.z + b.x * a.z);
  const Field plus = yy + zz, minus = yy - zz, xx3 = triple(xx);
  return {xy * minus - yz * xz, plus * minus + xx3 * xz, plus * yz + xx3 * xy};
}

template <typename Field>
Point<Field> twice(const Point<Field>& a) {
  const Field yy = a.y.square(), zz = times_3b(a.z.square());
  const Field yy2 = yy + yy, yy4 = yy2 + yy2, yy8 = yy4 + yy4;
  const Field minus = yy - triple(zz), half_x = minus * (a.x * a.y);
  return {half_x + half_x, yy8 * zz + minus * (yy + zz), yy8 * (a.y * a.z)};
}

// One group for multiplication by windows: what is added, doubled and read from a table.
template <typename Field>
struct PointGroup {
  using Element = Point<Field>;
  static Element identity() { return Element::infinity(); }
  static Element combine(const Element& a, const Element& b) { return add_points(a, b); }
  static Element twice(const Element& a) { return sm9::twice(a); }
  static void collect(Element& found, std::uint64_t mask, const Element& entry) {
    found.x.collect(mask, entry.x);
    found.y.collect(mask, entry.y);
    found.z.collect(mask, entry.z);
  }
};

struct TargetGroup {
  using Element = Fp12;
  static Element identity() { return Fp12::one(); }
  static Element combine(const Element& a, const Element& b) { return a * b; }
  static Element twice(const Element& a) { return a.cyclotomic_square(); }
  static void collect(Element& found, std::uint64_t mask, const Element& entry) {
    found.collect(mask, entry);
  }
};

constexpr std::size_t kWindowBits = 4;
constexpr std::size_t kWindowEntries = 1 << kWindowBits;

// Fixed windows from the top; each reads the whole table.
template <typename Group>
typename Group::Element multiply_by_windows(const Uint256& scalar,
                                            const typename Group::Element& base) {
  using Element = typename Group::Element;
  std::array<Element, kWindowEntries> table;
  table[0] = Group::identity();
  table[1] = base;
  for (std::size_t j = 2; j < kWindowEntries; ++j) {
    table[j] = j % 2 == 0 ? Group::twice(table[j / 2]) : Group::combine(table[j - 1], base);
  }
  Element sum = Group::identity();
  for (std::size_t low = 256; low > 0;) {
    low -= kWindowBits;
    for (std::size_t j = 0; j < kWindowBits; ++j) sum = Group::twice(sum);
    const std::uint64_t digit = (scalar[low / 64] >> (low % 64)) & (kWindowEntries - 1);
    Element found{};
    for (std::size_t j = 0; j < kWindowEntries; ++j) {
      Group::collect(found, sm2::is_zero(digit ^ j), table[j]);
    }
    sum = Group::combine(sum, found);
  }
  wipe_object(table);
  return sum;
}

template <typename Field>
AffinePoint<Field> affine(const Point<Field>& point) {
  const Field inverse = point.z.inverse();
  return {point.x * inverse, point.y * inverse};
}

void store_element(std::uint8_t* to, const Fp& a) { sm2::store_uint256(to, a.value()); }
void store_element(std::uint8_t* to, const Fp2& a) {
  store_element(to, a.c1);
  store_element(to + 32, a.c0);
}
void store_element(std::uint8_t* to, const Fp4& a) {
  store_element(to, a.c1);
  store_element(to + 64, a.c0);
}

// Whether the 32 bytes are a reduced number, as a mask.
std::uint64_t load_element(Fp& to, const std::uint8_t* from) {
  const Uint256 value = sm2::load_uint256(from);
  to = Fp::from(value);
  return sm2::is_less(value, FieldModulus::kValue);
}
std::uint64_t load_element(Fp2& to, const std::uint8_t* from) {
  const std::uint64_t is_high_reduced = load_element(to.c1, from);
  return is_high_reduced & load_element(to.c0, from + 32);
}

std::uint64_t is_on_curve(const G1Affine& point) {
  const Fp b = Fp::from({5, 0, 0, 0});
  return point.y.square().equals(point.x.square() * point.x + b);
}
std::uint64_t is_on_curve(const G2Affine& point) {
  const Fp2 b = {Fp(), Fp::from({5, 0, 0, 0})};
  return point.y.square().equals(point.x.square() * point.x + b);
}

}  // namespace

Fp times_3b(const Fp& a) noexcept { return triple(triple(a) + a + a); }
Fp2 times_3b(const Fp2& a) noexcept { return Fp2{times_3b(a.c0), times_3b(a.c1)}.times_u(); }

const G1Affine& g1_generator() noexcept { return kG1Generator; }
const G2Affine& g2_generator() noexcept { return kG2Generator; }

G1Point add(const G1Point& a, const G1Point& b) noexcept { return add_points(a, b); }
G2Point add(const G2Point& a, const G2Point& b) noexcept { return add_points(a, b); }

G1Point multiply(const Uint256& scalar, const G1Affine& point) noexcept {
  return multiply_by_windows<PointGroup<Fp>>(scalar, G1Point::from(point));
}
G2Point multiply(const Uint256& scalar, const G2Affine& point) noexcept {
  return multiply_by_windows<PointGroup<Fp2>>(scalar, G2Point::from(point));
}
Fp12 power(const Fp12& base, const Uint256& exponent) noexcept {
  return multiply_by_windows<TargetGroup>(exponent, base);
}

G1Affine to_affine(const G1Point& point) noexcept { return affine(point); }
G2Affine to_affine(const G2Point& point) noexcept { return affine(point); }

void store(std::span<std::uint8_t, kG1Len> to, const G1Affine& point) noexcept {
  store_element(to.data(), point.x);
  store_element(to.data() + kG1Len / 2, point.y);
}
void store(std::span<std::uint8_t, kG2Len> to, const G2Affine& point) noexcept {
  store_element(to.data(), point.x);
  store_element(to.data() + kG2Len / 2, point.y);
}
void store(std::span<std::uint8_t, kGtLen> to, const Fp12& value) noexcept {
  store_element(to.data(), value.c2);
  store_element(to.data() + kGtLen / 3, value.c1);
  store_element(to.data() + 2 * kGtLen / 3, value.c0);
}

Result<G1Affine> load_g1(std::span<const std::uint8_t, kG1Len> from) {
  G1Affine point;
  std::uint64_t is_valid = load_element(point.x, from.data());
  is_valid &= load_element(point.y, from.data() + kG1Len / 2);
  is_valid &= is_on_curve(point);
  declassify(is_valid);
  if (is_valid == 0) return Error::invalid_key;
  return point;
}

Result<G2Affine> load_g2(std::span<const std::uint8_t, kG2Len> from) {
  G2Affine point;
  std::uint64_t is_valid = load_element(point.x, from.data());
  is_valid &= load_element(point.y, from.data() + kG2Len / 2);
  is_valid &= is_on_curve(point);
  is_valid &= multiply(OrderModulus::kValue, point).is_infinity();
  declassify(is_valid);
  if (is_valid == 0) return Error::invalid_key;
  return point;
}

}  // namespace cipherdeck::engine::sm9
