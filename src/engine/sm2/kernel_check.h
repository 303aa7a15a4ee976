// SPDX-License-Identifier: Apache-2.0
// Verification, fast, for all instruction sets as in kernel.h. Everything is public, and anyone may
// choose the numbers: sums may be infinite, or equal or opposite to addends.
#pragma once

#include "engine/sm2/kernel.h"

namespace cipherdeck::engine::sm2::CIPHERDECK_SM2_NAMESPACE {

// sum += addend, but where `skip` says no. Holds for all points.
template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::noinline]] void accumulate_public(Jacobian<F>& sum,
                                                               const Affine<F>& addend,
                                                               const typename F::Word& skip) {
  using Word = typename F::Word;
  const Word infinite = sum.z.is_zero();
  Jacobian<F> next = add(sum, addend);
  const Word on_a_line = next.z.is_zero() & ~infinite & ~skip;  // the sum is +- the addend
  if (F::any(on_a_line)) {
    const F cube = sum.z.square() * sum.z;
    const Word is_same = (addend.y * cube - sum.y).is_zero();
    next = select(on_a_line & is_same, twice(from_affine(addend)), next);
  }
  next = select(infinite, from_affine(addend), next);
  sum = select(skip, sum, next);
}

// Adds scalar * point, by a table of each lane's point.
template <typename F>
CIPHERDECK_SM2_TARGET void add_product(Jacobian<F>& sum, const Lanes<F>& scalars,
                                       const std::array<const WindowTable*, F::kNumLanes>& tables) {
  using Word = typename F::Word;
  const Digits<F> digits(scalars);
  for (std::size_t i = 0; i < kTableWindows; ++i) {
    const auto digit = digits.template at<kTableBits>(i);
    std::array<const TableWindow*, F::kNumLanes> windows;
    for (std::size_t lane = 0; lane < F::kNumLanes; ++lane)
      windows[lane] = &tables[lane]->windows[i];
    const Word skip = F::is_zero(digit.magnitude);
    Affine<F> addend;
    F::pick(addend.x, addend.y, windows, digit.magnitude - (~skip & 1));
    addend.y = negate_if(digit.negative ^ digits.negative, addend.y);
    accumulate_public(sum, addend, skip);
  }
}

// Whether x / z^2 is x modulo n. As n is less than p, two coordinates may be.
template <typename F>
CIPHERDECK_SM2_TARGET typename F::Word has_x(const Jacobian<F>& sum, const Lanes<F>& x) {
  Lanes<F> second = x;
  for (Uint256& value : second) {
    std::uint64_t carry = 0;
    const Uint256 larger = sm2::add(value, OrderModulus::kValue, carry);
    if (carry == 0 && is_less(larger, FieldModulus::kValue) != 0) value = larger;
  }
  const F zz = sum.z.square();
  const auto is_first = (F::from_lanes(x) * zz - sum.x).is_zero();
  const auto is_second = (F::from_lanes(second) * zz - sum.x).is_zero();
  return (is_first | is_second) & ~sum.z.is_zero();
}

// The checks of a group of lanes; where the span ends, the last again.
template <typename F>
struct CheckLanes {
  Lanes<F> s, t, x;
  Affine<F> point;
  std::array<const WindowTable*, F::kNumLanes> tables;

  CIPHERDECK_SM2_TARGET CheckLanes(std::span<const Check> checks, std::size_t first) {
    Lanes<F> point_x, point_y;
    for (std::size_t lane = 0; lane < F::kNumLanes; ++lane) {
      const Check& check = checks[std::min(first + lane, checks.size() - 1)];
      s[lane] = check.s;
      t[lane] = check.t;
      x[lane] = check.x;
      point_x[lane] = check.point.x;
      point_y[lane] = check.point.y;
      tables[lane] = check.table;
    }
    point = {F::from_lanes(point_x), F::from_lanes(point_y)};
  }
};

template <typename F>
CIPHERDECK_SM2_TARGET void store(std::span<Check> checks, std::size_t first,
                                 const typename F::Word& holds) {
  const auto lanes = F::lanes(holds);
  for (std::size_t lane = 0; lane < F::kNumLanes && first + lane < checks.size(); ++lane) {
    checks[first + lane].holds = lanes[lane] != 0;
  }
}

template <typename F>
CIPHERDECK_SM2_TARGET std::array<const WindowTable*, F::kNumLanes> generator_tables() {
  std::array<const WindowTable*, F::kNumLanes> tables;
  tables.fill(&generator_table());
  return tables;
}

template <typename F>
CIPHERDECK_SM2_TARGET void check_all_with_tables(std::span<Check> checks) noexcept {
  for (std::size_t first = 0; first < checks.size(); first += F::kNumLanes) {
    const CheckLanes<F> group(checks, first);
    Jacobian<F> sum{F::one(), F::one(), F::zero()};
    add_product(sum, group.t, group.tables);
    add_product(sum, group.s, generator_tables<F>());
    store<F>(checks, first, has_x(sum, group.x));
  }
}

// For many lanes, that go in step.
template <typename F>
CIPHERDECK_SM2_TARGET void check_all_in_step(std::span<Check> checks) noexcept {
  for (std::size_t first = 0; first < checks.size(); first += F::kNumLanes) {
    const CheckLanes<F> group(checks, first);
    Sum<F> product;
    multiply<F>(product, group.t, group.point);
    Jacobian<F> sum = product.point;
    sum.z = F::select(product.infinite, F::zero(), sum.z);
    add_product(sum, group.s, generator_tables<F>());
    store<F>(checks, first, has_x(sum, group.x));
  }
}

// ---- one lane: digits that are mostly zero, with doublings in common ----

constexpr std::size_t kMaxDigits = 257;

// The form of digits that are zero or odd and less than 2^kBits, with at least kBits zeros between.
template <int kBits>
CIPHERDECK_SM2_TARGET std::size_t sparse_digits(std::array<std::int8_t, kMaxDigits>& digits,
                                                Uint256 scalar) {
  std::size_t num = 0;
  std::uint64_t top = 0;  // what a negative digit carries out of 256 bits
  while ((is_zero(scalar) & is_zero(top)) == 0) {
    int digit = 0;
    if ((scalar[0] & 1) != 0) {
      constexpr int kSpan = 2 << kBits;
      digit = static_cast<int>(scalar[0] % kSpan);
      if (digit >= kSpan / 2) digit -= kSpan;
      std::uint64_t carry = 0;
      if (digit >= 0) {
        scalar[0] -= static_cast<std::uint64_t>(digit);
      } else {
        scalar = sm2::add(scalar, {static_cast<std::uint64_t>(-digit), 0, 0, 0}, carry);
        top += carry;
      }
    }
    digits[num++] = static_cast<std::int8_t>(digit);
    for (std::size_t i = 0; i < 3; ++i) scalar[i] = scalar[i] >> 1 | scalar[i + 1] << 63;
    scalar[3] = scalar[3] >> 1 | top << 63;
    top = 0;
  }
  return num;
}

constexpr std::size_t kOddEntries = 8;  // 1, 3, ... 15 times the point
template <typename F>
using OddTable = std::array<Affine<F>, kOddEntries>;

// Tables of several points, by one inversion.
template <typename F>
CIPHERDECK_SM2_TARGET void fill(std::span<OddTable<F>> tables, std::span<const Check> checks) {
  std::array<Jacobian<F>, kMaxGroups * kOddEntries> points;
  std::array<F, kMaxGroups * kOddEntries> before;
  F product = F::one();
  for (std::size_t i = 0; i < tables.size() * kOddEntries; ++i) {
    const Check& check = checks[i / kOddEntries];
    if (i % kOddEntries == 0) {
      const Affine<F> point = {F::from(check.point.x), F::from(check.point.y)};
      points[i] = from_affine(point);
    } else {
      const std::size_t first = i - i % kOddEntries;
      points[i] = add(points[i - 1], twice(points[first]));
    }
    before[i] = product;
    product = product * points[i].z;
  }
  F inverse = invert(product);
  for (std::size_t i = tables.size() * kOddEntries; i-- > 0;) {
    const F z_inverse = inverse * before[i], zz = z_inverse.square();
    inverse = inverse * points[i].z;
    tables[i / kOddEntries][i % kOddEntries] = {points[i].x * zz, points[i].y * (zz * z_inverse)};
  }
}

template <typename F>
CIPHERDECK_SM2_TARGET void accumulate_digit(Jacobian<F>& sum, int digit,
                                            const Affine<F>& magnitude) {
  if (digit == 0) return;
  accumulate_public(sum, digit > 0 ? magnitude : Affine<F>{magnitude.x, magnitude.y.negate()}, 0);
}

template <typename F>
CIPHERDECK_SM2_TARGET bool check_one(const Check& check, const OddTable<F>& table) {
  constexpr int kOddBits = 4, kGeneratorBits = 6;
  static_assert(1 << kOddBits == 2 * kOddEntries && 1 << kGeneratorBits == kTableEntries);
  const TableWindow& multiples = generator_table().windows[0];
  std::array<std::int8_t, kMaxDigits> of_t, of_s;
  const std::size_t num_t = sparse_digits<kOddBits>(of_t, check.t);
  const std::size_t num_s = sparse_digits<kGeneratorBits>(of_s, check.s);
  Jacobian<F> sum{F::one(), F::one(), F::zero()};
  for (std::size_t i = std::max(num_t, num_s); i-- > 0;) {
    sum = twice(sum);
    if (i < num_t && of_t[i] != 0) {
      accumulate_digit(sum, of_t[i], table[static_cast<std::size_t>(std::abs(of_t[i])) / 2]);
    }
    if (i < num_s && of_s[i] != 0) {
      const AffinePoint& entry = multiples[static_cast<std::size_t>(std::abs(of_s[i])) - 1];
      accumulate_digit(sum, of_s[i],
                       Affine<F>{F::from_limbs(entry.x.limbs()), F::from_limbs(entry.y.limbs())});
    }
  }
  return has_x(sum, Lanes<F>{check.x}) != 0;
}

template <typename F>
CIPHERDECK_SM2_TARGET void check_all(std::span<Check> checks) noexcept {
  std::array<OddTable<F>, kMaxGroups> tables;
  for (std::size_t at = 0; at < checks.size(); at += kMaxGroups) {
    const auto chunk = checks.subspan(at, std::min(kMaxGroups, checks.size() - at));
    fill<F>(std::span(tables).first(chunk.size()), chunk);
    for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i].holds = check_one(chunk[i], tables[i]);
  }
}

}  // namespace cipherdeck::engine::sm2::CIPHERDECK_SM2_NAMESPACE
