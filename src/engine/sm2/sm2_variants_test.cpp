// SPDX-License-Identifier: Apache-2.0
// Every variant of the group against the simple formulas of curve.h, and the batches above them.
#include "engine/sm2/sm2_variants.h"

#include <gtest/gtest.h>

#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine::sm2 {

void PrintTo(const Variant* variant, std::ostream* out) { *out << variant->name; }

namespace {

using oracle::TestRandom;

PlainPoint plain(const Point& point) {
  if (point.is_infinity() != 0) return {};
  const AffinePoint affine = to_affine(point);
  return {affine.x.value(), affine.y.value()};
}

AffinePoint affine(const PlainPoint& point) {
  return {FieldElement::from(point.x), FieldElement::from(point.y)};
}

PlainPoint simple_product(const Uint256& scalar, const PlainPoint& point) {
  return plain(multiply(scalar, Point::from(affine(point))));
}

const PlainPoint kG = plain(Point::from(generator()));

Uint256 small(std::uint64_t value) { return {value, 0, 0, 0}; }

Uint256 order_minus(std::uint64_t value) {
  std::uint64_t borrow = 0;
  return subtract(OrderModulus::kValue, small(value), borrow);
}

Uint256 random_scalar(TestRandom& random) {
  Uint256 scalar;
  EXPECT_TRUE(sm2::random_scalar(scalar, random).ok());
  return scalar;
}

Uint256 half_order_plus(std::int64_t offset) {  // (n - 1) / 2 + offset
  Scalar half = (Scalar::from(order_minus(1)) * Scalar::from(small(2)).inverse());
  const Scalar distance = Scalar::from(small(static_cast<std::uint64_t>(std::abs(offset))));
  return (offset < 0 ? half - distance : half + distance).value();
}

// At the edges of windows, of the order, and of the folding at half of it.
std::vector<Uint256> edge_scalars() {
  std::vector<Uint256> out;
  for (std::uint64_t i = 0; i <= 66; ++i) out.push_back(small(i));
  for (std::uint64_t i = 1; i <= 66; ++i) out.push_back(order_minus(i));
  for (std::int64_t i = -40; i <= 40; ++i) out.push_back(half_order_plus(i));
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Uint256 power{}, below{};
    power[bit / 64] = std::uint64_t{1} << (bit % 64);
    std::uint64_t borrow = 0;
    below = subtract(power, small(1), borrow);
    out.push_back(power);
    out.push_back(below);
  }
  for (const std::uint64_t pattern :
       {0x5555555555555555u, 0x8421084210842108u, 0x0810204081020408u, 0x4081020408102040u}) {
    out.push_back({pattern, pattern, pattern, pattern >> 1});
  }
  return out;
}

class Sm2Variant : public testing::TestWithParam<const Variant*> {
 protected:
  std::vector<PlainPoint> multiples_of_generator(const std::vector<Uint256>& scalars) const {
    std::vector<PlainPoint> out(scalars.size());
    GetParam()->multiply_generator(out, scalars);
    return out;
  }
};

std::vector<const Variant*> available_variants() {
  std::vector<const Variant*> out;
  for (const Variant& variant : variants()) {
    if (variant.is_available()) out.push_back(&variant);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Sm2Variant, testing::ValuesIn(available_variants()),
                         [](const auto& test) { return std::string(test.param->name); });

// Asked for by name (CIPHERDECK_ENGINE=sm2=ifma) a variant must be there.
TEST(Sm2Variants, TheFastestOrTheOneAskedForIsChosen) {
  const std::string_view wanted = cpu::variant_wanted(cpu::selection(), "sm2");
  EXPECT_EQ(chosen_variant().name, wanted.empty() ? available_variants().front()->name : wanted);
  EXPECT_EQ(variants().back().name, "portable");
}

TEST_P(Sm2Variant, MultiplesOfTheGenerator) {
  TestRandom random(1);
  std::vector<Uint256> scalars = edge_scalars();
  for (int i = 0; i < 200; ++i) scalars.push_back(random_scalar(random));
  const std::vector<PlainPoint> products = multiples_of_generator(scalars);
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    const PlainPoint expected = simple_product(scalars[i], kG);
    EXPECT_EQ(products[i].x, expected.x) << i;
    EXPECT_EQ(products[i].y, expected.y) << i;
  }
}

TEST_P(Sm2Variant, MultiplesOfPoints) {
  TestRandom random(2);
  std::vector<Uint256> scalars = edge_scalars();
  for (int i = 0; i < 100; ++i) scalars.push_back(random_scalar(random));
  std::vector<PlainPoint> points(scalars.size()), products(scalars.size());
  for (PlainPoint& point : points) point = simple_product(random_scalar(random), kG);
  GetParam()->multiply(products, scalars, points);
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    const PlainPoint expected = simple_product(scalars[i], points[i]);
    EXPECT_EQ(products[i].x, expected.x) << i;
    EXPECT_EQ(products[i].y, expected.y) << i;
  }
}

TEST_P(Sm2Variant, AnyNumberAtOnce) {
  TestRandom random(3);
  std::vector<Uint256> scalars(150);
  std::ranges::generate(scalars, [&] { return random_scalar(random); });
  const std::vector<PlainPoint> points = multiples_of_generator(scalars);
  std::vector<PlainPoint> expected(scalars.size());
  kPortableVariant.multiply(expected, scalars, points);
  for (const std::size_t num :
       {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 15u, 16u, 17u, 20u, 127u, 128u, 129u, 149u}) {
    std::vector<PlainPoint> out(num + 1, PlainPoint{small(77), small(78)});
    GetParam()->multiply(std::span(out).first(num), std::span(scalars).first(num),
                         std::span(points).first(num));
    for (std::size_t i = 0; i < num; ++i) EXPECT_EQ(out[i].y, expected[i].y);
    EXPECT_EQ(out[num].x, small(77));
    GetParam()->multiply_generator(std::span(out).first(num), std::span(scalars).first(num));
    for (std::size_t i = 0; i < num; ++i) EXPECT_EQ(out[i].y, points[i].y);
    EXPECT_EQ(out[num].x, small(77));
  }
}

// ---- checks: s G + t P, where P = m G, has the x coordinate of (s + t m) G ----

struct CheckCase {
  Uint256 s, t, m;
};

std::vector<CheckCase> check_cases() {
  TestRandom random(4);
  const std::vector<Uint256> edges = {small(1),  small(2),       small(16),      small(63),
                                      small(64), order_minus(1), order_minus(2), order_minus(64)};
  std::vector<CheckCase> out;
  // Points that meet those of the generator on the way: equal, opposite, sums that are infinite.
  for (const Uint256& m : {small(1), small(2), small(3), small(128), order_minus(1)}) {
    for (const Uint256& s : edges) {
      for (const Uint256& t : edges) out.push_back({s, t, m});
    }
  }
  for (int i = 0; i < 60; ++i) {
    const Uint256 s = random_scalar(random), t = random_scalar(random);
    out.push_back({s, t, random_scalar(random)});
    out.push_back({s, s, small(1)});
    out.push_back({s, s, order_minus(1)});
    out.push_back({s, t, (Scalar::from(s) * Scalar::from(t).inverse()).value()});  // s G = t P
    const Scalar minus_s = Scalar::from(s).negate();
    out.push_back({s, t, (minus_s * Scalar::from(t).inverse()).value()});  // infinite
  }
  return out;
}

TEST_P(Sm2Variant, Checks) {
  const std::vector<CheckCase> cases = check_cases();
  std::vector<Check> checks;
  std::vector<bool> expected;
  for (const CheckCase& c : cases) {
    Check check{c.s, c.t, {}, plain(multiply(c.m, Point::from(generator()))), nullptr, false};
    const Scalar sum = Scalar::from(c.s) + Scalar::from(c.t) * Scalar::from(c.m);
    check.x = Scalar::from(plain(multiply(sum.value(), Point::from(generator()))).x).value();
    checks.push_back(check);
    expected.push_back(sum.is_zero() == 0);
    check.x[0] ^= 1;
    checks.push_back(check);
    expected.push_back(false);
  }
  GetParam()->check(checks);
  for (std::size_t i = 0; i < checks.size(); ++i) EXPECT_EQ(checks[i].holds, expected[i]) << i;
}

TEST_P(Sm2Variant, ChecksWithTables) {
  const std::vector<CheckCase> cases = check_cases();
  std::vector<Check> checks;
  std::vector<bool> expected;
  std::vector<std::pair<Uint256, std::unique_ptr<const WindowTable>>> tables;
  for (const CheckCase& c : cases) {
    auto found = std::ranges::find(tables, c.m, [](const auto& table) { return table.first; });
    if (found == tables.end()) {
      if (tables.size() > 40) continue;  // they take their time
      tables.emplace_back(c.m,
                          make_window_table(to_affine(multiply(c.m, Point::from(generator())))));
      found = tables.end() - 1;
    }
    Check check{c.s, c.t, {}, {}, found->second.get(), true};
    const Scalar sum = Scalar::from(c.s) + Scalar::from(c.t) * Scalar::from(c.m);
    check.x = Scalar::from(plain(multiply(sum.value(), Point::from(generator()))).x).value();
    checks.push_back(check);
    expected.push_back(sum.is_zero() == 0);
    check.x[3] ^= 1 << 20;
    checks.push_back(check);
    expected.push_back(false);
  }
  GetParam()->check_with_tables(checks);
  for (std::size_t i = 0; i < checks.size(); ++i) EXPECT_EQ(checks[i].holds, expected[i]) << i;
}

TEST_P(Sm2Variant, BothCoordinatesThatAreXModuloTheOrder) {
  // Points whose x is at least n are rare: one in 2^130. Take one from the curve's equation.
  for (std::uint64_t i = 0; i < 20; ++i) {
    std::uint64_t carry = 0;
    const Uint256 x = add(OrderModulus::kValue, small(i), carry);
    oracle::Buffer bytes(32);
    store_uint256(bytes.data(), x);
    const oracle::GroupPoint point(EC_POINT_new(oracle::sm2_group()));
    if (EC_POINT_set_compressed_coordinates(oracle::sm2_group(), point.get(),
                                            oracle::number(bytes).get(), 0, nullptr) != 1) {
      continue;
    }
    // P = u (Q - G) with u t = 1: then G + t P = Q.
    const oracle::Buffer q = oracle::sm2_affine(point.get());
    const AffinePoint target = load_point(std::span(q).first<kSm2PointLen>());
    Point minus_g = Point::from(generator());
    minus_g.y = minus_g.y.negate();
    const Uint256 t = {i + 5, 6, 7, 8};
    const Point base = multiply(Scalar::from(t).inverse().value(), add(minus_g, target));
    const auto table = make_window_table(to_affine(base));
    Check check{small(1), t, small(i), plain(base), table.get(), false};
    GetParam()->check(std::span(&check, 1));
    EXPECT_TRUE(check.holds);
    check.holds = false;
    GetParam()->check_with_tables(std::span(&check, 1));
    EXPECT_TRUE(check.holds);
    check.x = small(i + 1);
    GetParam()->check(std::span(&check, 1));
    EXPECT_FALSE(check.holds);
    return;
  }
  FAIL() << "no such point";
}

}  // namespace
}  // namespace cipherdeck::engine::sm2
