// SPDX-License-Identifier: Apache-2.0
// The group of SM2 in Jacobian coordinates, fast: once for all instruction sets. A file of an
// instruction set defines CIPHERDECK_SM2_NAMESPACE and CIPHERDECK_SM2_TARGET and includes this. F
// is a field of F::kNumLanes independent elements; F::Word has a 64-bit word of each, and serves as
// mask too: all ones or zero in each lane.
//
// Secret scalars are folded to at most n / 2, with the sign kept apart. So no sum on the way to a
// product is opposite or equal to the addend, nor infinity once a digit was not zero: sums and
// addends are multiples of the point by integers that differ by less than n. (Digits from the
// bottom: a window's addend is larger than the sum of all before it. Digits from the top: the sum
// was multiplied by 32, and addends are at most 16.) Tests try the scalars at the edges.
#pragma once

#include "base/secret.h"
#include "engine/sm2/sm2_variants.h"

#include <algorithm>

namespace cipherdeck::engine::sm2::CIPHERDECK_SM2_NAMESPACE {

/// (x / z^2, y / z^3), or infinity if z is 0.
template <typename F>
struct Jacobian {
  F x, y, z;
};

template <typename F>
struct Affine {
  F x, y;
};

template <typename F>
using Lanes = std::array<Uint256, F::kNumLanes>;

template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::always_inline]] inline Jacobian<F> from_affine(const Affine<F>& a) {
  return {a.x, a.y, F::one()};
}

template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::always_inline]] inline Jacobian<F> select(const typename F::Word& mask,
                                                                       const Jacobian<F>& a,
                                                                       const Jacobian<F>& b) {
  return {F::select(mask, a.x, b.x), F::select(mask, a.y, b.y), F::select(mask, a.z, b.z)};
}

// The coordinates of the usual formulas, divided by 4, 8 and 2.
template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::noinline]] Jacobian<F> twice(const Jacobian<F>& a) {
  const F zz = a.z.square(), yy = a.y.square();
  const F beta = a.x * yy;
  const F product = (a.x - zz) * (a.x + zz);
  const F alpha = product + product.halve();  // 3/2 (x^2 - z^4)
  const F x = alpha.square() - (beta + beta);
  return {x, alpha * (beta - x) - yy.square(), a.y * a.z};
}

// Not for a = b, nor for an infinite a: a = -b gives z = 0.
template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::noinline]] Jacobian<F> add(const Jacobian<F>& a, const Affine<F>& b) {
  const F zz = a.z.square();
  const F h = b.x * zz - a.x;
  const F r = b.y * (zz * a.z) - a.y;
  const F hh = h.square();
  const F hhh = h * hh, v = a.x * hh;
  const F x = r.square() - hhh - (v + v);
  return {x, r * (v - x) - a.y * hhh, a.z * h};
}

// Not for a = b, nor for infinity.
template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::noinline]] Jacobian<F> add(const Jacobian<F>& a,
                                                        const Jacobian<F>& b) {
  const F zz1 = a.z.square(), zz2 = b.z.square();
  const F u = a.x * zz2, s = a.y * (zz2 * b.z);
  const F h = b.x * zz1 - u;
  const F r = b.y * (zz1 * a.z) - s;
  const F hh = h.square();
  const F hhh = h * hh, v = u * hh;
  const F x = r.square() - hhh - (v + v);
  return {x, r * (v - x) - s * hhh, a.z * b.z * h};
}

// a to the power of 2^n.
template <typename F>
CIPHERDECK_SM2_TARGET F square_times(F a, int n) {
  for (int i = 0; i < n; ++i) a = a.square();
  return a;
}

// 1 / a, and 0 for 0: a to the power of p - 2, by runs of ones.
template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::noinline]] F invert(const F& a) {
  const F ones2 = a.square() * a;
  const F ones4 = square_times(ones2, 2) * ones2;
  const F ones6 = square_times(ones4, 2) * ones2;
  const F ones12 = square_times(ones6, 6) * ones6;
  const F ones24 = square_times(ones12, 12) * ones12;
  const F ones30 = square_times(ones24, 6) * ones6;
  const F ones31 = ones30.square() * a;
  const F ones32 = ones31.square() * a;
  F out = square_times(ones31, 33) * ones32;                         // fffffffe ffffffff
  for (int i = 0; i < 3; ++i) out = square_times(out, 32) * ones32;  // ffffffff three times
  out = square_times(out, 64) * ones32;                              // 00000000 ffffffff
  out = square_times(out, 30) * ones30;
  return square_times(out, 2) * a;  // fffffffd
}

// A scalar of each lane as digits.
template <typename F>
struct Digits {
  using Word = typename F::Word;
  std::array<Word, 5> doubled;
  Word negative;  // of the scalar as a whole

  // `k` or n - k, whichever is less.
  CIPHERDECK_SM2_TARGET explicit Digits(const Lanes<F>& scalars) {
    constexpr Uint256 kHalf = {0xa9ddfa049ceaa092, 0xb901efb590e30295, 0xffffffffffffffff,
                               0x7fffffff7fffffff};
    Lanes<F> folded;
    std::array<std::uint64_t, F::kNumLanes> masks;
    for (std::size_t lane = 0; lane < F::kNumLanes; ++lane) {
      std::uint64_t borrow = 0;
      const Uint256 opposite = subtract(OrderModulus::kValue, scalars[lane], borrow);
      masks[lane] = is_less(kHalf, scalars[lane]);
      folded[lane] = sm2::select(masks[lane], opposite, scalars[lane]);
    }
    set(F::words(folded));
    negative = F::word(masks);
    wipe_object(folded);
  }
  CIPHERDECK_SM2_TARGET void set(const std::array<Word, 4>& words) {
    doubled[0] = words[0] << 1;
    for (std::size_t i = 1; i < 4; ++i) doubled[i] = words[i] << 1 | words[i - 1] >> 63;
    doubled[4] = words[3] >> 63;
  }

  struct Digit {
    Word magnitude;
    Word negative;
  };
  // Booth's recoding: digit `i`, from -2^(bits - 1) to 2^(bits - 1), is told by its bits and the
  // one below.
  template <std::size_t kBits>
  CIPHERDECK_SM2_TARGET Digit at(std::size_t i) const {
    constexpr std::uint64_t kMask = (std::uint64_t{2} << kBits) - 1;
    const std::size_t limb = i * kBits / 64, shift = i * kBits % 64;
    Word bits = doubled[limb] >> shift;
    if (shift > 64 - kBits - 1) bits |= doubled[limb + 1] << (64 - shift);
    bits &= kMask;
    const Word is_negative = F::opaque(0 - (bits >> kBits));
    const Word folded = (bits ^ is_negative) & kMask;
    return {(folded >> 1) + (folded & 1), is_negative};
  }
};

// A point on the way, with a mask that says that it is infinity, whatever its coordinates.
template <typename F>
struct Sum {
  Jacobian<F> point;
  typename F::Word infinite;
};

// The next digit of a product by a secret scalar.
template <typename F, typename Addend>
CIPHERDECK_SM2_TARGET [[gnu::always_inline]] inline void accumulate(
    Sum<F>& sum, const Addend& addend, const Jacobian<F>& alone,
    const typename F::Word& is_zero_digit) {
  const Jacobian<F> next = select(sum.infinite, alone, add(sum.point, addend));
  sum.point = select(is_zero_digit, sum.point, next);
  sum.infinite &= is_zero_digit;
}

template <typename F>
CIPHERDECK_SM2_TARGET [[gnu::always_inline]] inline F negate_if(const typename F::Word& mask,
                                                                const F& a) {
  return F::select(mask, a.negate(), a);
}

template <typename F>
CIPHERDECK_SM2_TARGET void multiply_generator(Sum<F>& sum, const Lanes<F>& scalars) {
  const typename F::SecretTable& table = F::secret_table();
  Digits<F> digits(scalars);
  sum = {{F::one(), F::one(), F::one()}, F::all_lanes()};
  for (std::size_t i = 0; i < kTableWindows; ++i) {
    const auto digit = digits.template at<kTableBits>(i);
    Affine<F> addend;
    F::look_up(addend.x, addend.y, table, i, digit.magnitude);
    addend.y = negate_if(digit.negative, addend.y);
    accumulate(sum, addend, from_affine(addend), F::is_zero(digit.magnitude));
  }
  sum.point.y = negate_if(digits.negative, sum.point.y);
  wipe_object(digits);
}

constexpr std::size_t kLadderBits = 5;
constexpr std::size_t kLadderWindows = 52;
constexpr std::size_t kLadderEntries = 16;

template <typename F>
using LadderTable = std::array<Jacobian<F>, kLadderEntries>;  // 1 to 16 times a point

template <typename F>
CIPHERDECK_SM2_TARGET void fill(LadderTable<F>& table, const Affine<F>& point) {
  table[0] = from_affine(point);
  for (std::size_t j = 2; j <= kLadderEntries; ++j) {
    table[j - 1] = j % 2 == 0 ? twice(table[j / 2 - 1]) : add(table[j - 2], point);
  }
}

// Reads the whole table; zeros for digit 0.
template <typename F>
CIPHERDECK_SM2_TARGET Jacobian<F> look_up(const LadderTable<F>& table,
                                          const typename Digits<F>::Digit& digit) {
  Jacobian<F> found{};
  for (std::size_t j = 0; j < kLadderEntries; ++j) {
    const typename F::Word mask = F::is_zero(digit.magnitude ^ (j + 1));
    found.x.collect(mask, table[j].x);
    found.y.collect(mask, table[j].y);
    found.z.collect(mask, table[j].z);
  }
  found.y = negate_if(digit.negative, found.y);
  return found;
}

template <typename F>
CIPHERDECK_SM2_TARGET void multiply(Sum<F>& sum, const Lanes<F>& scalars, const Affine<F>& point) {
  LadderTable<F> table;
  fill(table, point);
  Digits<F> digits(scalars);
  sum = {table[0], F::all_lanes()};
  for (std::size_t i = kLadderWindows; i-- > 0;) {
    const auto digit = digits.template at<kLadderBits>(i);
    const Jacobian<F> addend = look_up<F>(table, digit);
    accumulate(sum, addend, addend, F::is_zero(digit.magnitude));
    for (std::size_t j = 0; i > 0 && j < kLadderBits; ++j) sum.point = twice(sum.point);
  }
  sum.point.y = negate_if(digits.negative, sum.point.y);
  wipe_object(digits);
}

// Lane values of a group of lanes; where the span ends, the last again.
template <typename F>
CIPHERDECK_SM2_TARGET Lanes<F> gather(std::span<const Uint256> values, std::size_t first) {
  Lanes<F> out;
  for (std::size_t lane = 0; lane < F::kNumLanes; ++lane) {
    out[lane] = values[std::min(first + lane, values.size() - 1)];
  }
  return out;
}

template <typename F>
CIPHERDECK_SM2_TARGET Affine<F> gather_points(std::span<const PlainPoint> points,
                                              std::size_t first) {
  Lanes<F> x, y;
  for (std::size_t lane = 0; lane < F::kNumLanes; ++lane) {
    const PlainPoint& point = points[std::min(first + lane, points.size() - 1)];
    x[lane] = point.x;
    y[lane] = point.y;
  }
  return {F::from_lanes(x), F::from_lanes(y)};
}

constexpr std::size_t kMaxGroups = 16;  // of lanes, that share an inversion

// products = sums, by one inversion for each lane.
template <typename F>
CIPHERDECK_SM2_TARGET void to_plain(std::span<PlainPoint> products, std::span<Sum<F>> sums) {
  std::array<F, kMaxGroups> before;  // products of the z up to here
  F product = F::one();
  for (std::size_t g = 0; g < sums.size(); ++g) {
    F& z = sums[g].point.z;
    z = F::select(sums[g].infinite, F::one(), z);
    before[g] = product;
    product = product * z;
  }
  F inverse = invert(product);
  for (std::size_t g = sums.size(); g-- > 0;) {
    const Jacobian<F>& point = sums[g].point;
    const F z_inverse = inverse * before[g];
    inverse = inverse * point.z;
    const F zz = z_inverse.square();
    const F x = F::select(sums[g].infinite, F::zero(), point.x * zz);
    const F y = F::select(sums[g].infinite, F::zero(), point.y * (zz * z_inverse));
    const Lanes<F> plain_x = x.to_lanes(), plain_y = y.to_lanes();
    const std::size_t first = g * F::kNumLanes;
    for (std::size_t lane = 0; lane < F::kNumLanes && first + lane < products.size(); ++lane) {
      products[first + lane] = {plain_x[lane], plain_y[lane]};
    }
  }
  wipe_object(before);
  wipe_object(product);
  wipe_object(inverse);
}

// Calls multiply_group(sum, first) for the groups of lanes of a chunk, chunk after chunk.
template <typename F, typename Function>
CIPHERDECK_SM2_TARGET void for_each_group(std::span<PlainPoint> products,
                                          const Function& multiply_group) {
  constexpr std::size_t kChunk = F::kNumLanes * kMaxGroups;
  std::array<Sum<F>, kMaxGroups> sums;
  for (std::size_t at = 0; at < products.size(); at += kChunk) {
    const auto chunk = products.subspan(at, std::min(kChunk, products.size() - at));
    const std::size_t num_groups = (chunk.size() + F::kNumLanes - 1) / F::kNumLanes;
    for (std::size_t g = 0; g < num_groups; ++g) multiply_group(sums[g], at + g * F::kNumLanes);
    to_plain(chunk, std::span(sums).first(num_groups));
  }
  wipe_object(sums);
}

template <typename F>
CIPHERDECK_SM2_TARGET void multiply_generator_all(std::span<PlainPoint> products,
                                                  std::span<const Uint256> scalars) noexcept {
  for_each_group<F>(products, [&](Sum<F>& sum, std::size_t first) {
    Lanes<F> group = gather<F>(scalars, first);
    multiply_generator<F>(sum, group);
    wipe_object(group);
  });
}

template <typename F>
CIPHERDECK_SM2_TARGET void multiply_all(std::span<PlainPoint> products,
                                        std::span<const Uint256> scalars,
                                        std::span<const PlainPoint> points) noexcept {
  for_each_group<F>(products, [&](Sum<F>& sum, std::size_t first) {
    Lanes<F> group = gather<F>(scalars, first);
    multiply<F>(sum, group, gather_points<F>(points, first));
    wipe_object(group);
  });
}

}  // namespace cipherdeck::engine::sm2::CIPHERDECK_SM2_NAMESPACE
