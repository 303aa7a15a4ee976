// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/curve.h"

#include <gtest/gtest.h>

#include "engine/oracle/openssl_oracle.h"

namespace cipherdeck::engine::sm2 {
namespace {

using oracle::Buffer;
using oracle::GroupPoint;
using oracle::TestRandom;

// x || y, or nothing for infinity.
Buffer affine_bytes(const Point& point) {
  if (point.is_infinity() != 0) return {};
  Buffer out(kSm2PointLen);
  store_point(std::span(out).first<kSm2PointLen>(), to_affine(point));
  return out;
}

Uint256 scalar_of(const Buffer& bytes) { return load_uint256(bytes.data()); }

// The point with a random representative: (x z : y z : z).
Point scaled(const Buffer& xy, TestRandom& random) {
  const AffinePoint affine = load_point(std::span(xy).first<kSm2PointLen>());
  const FieldElement z = FieldElement::from(scalar_of(random.bytes(32)));
  return {affine.x * z, affine.y * z, z};
}

Point scaled_infinity(TestRandom& random) {
  return {FieldElement(), FieldElement::from(scalar_of(random.bytes(32))), FieldElement()};
}

struct Pair {
  Point ours;
  GroupPoint theirs;
};

Pair random_pair(TestRandom& random) {
  const Buffer scalar = random.bytes(32);
  const Buffer xy = oracle::sm2_multiply(oracle::number(scalar).get(), nullptr);
  return {scaled(xy, random), oracle::sm2_point(xy)};
}

Buffer expected_sum(const EC_POINT* a, const EC_POINT* b) {
  const GroupPoint sum(EC_POINT_new(oracle::sm2_group()));
  EXPECT_EQ(EC_POINT_add(oracle::sm2_group(), sum.get(), a, b, nullptr), 1);
  return oracle::sm2_affine(sum.get());
}

Point negated(const Point& point) { return {point.x, point.y.negate(), point.z}; }

TEST(Curve, TheGeneratorIsOpenssls) {
  EXPECT_EQ(affine_bytes(Point::from(generator())),
            oracle::sm2_affine(EC_GROUP_get0_generator(oracle::sm2_group())));
}

TEST(Curve, AdditionAgreesWithOpenssl) {
  TestRandom random(1);
  for (int i = 0; i < 100; ++i) {
    const Pair a = random_pair(random), b = random_pair(random);
    const Buffer sum = expected_sum(a.theirs.get(), b.theirs.get());
    EXPECT_EQ(affine_bytes(add(a.ours, b.ours)), sum);
    EXPECT_EQ(affine_bytes(add(a.ours, to_affine(b.ours))), sum);
    EXPECT_EQ(affine_bytes(twice(a.ours)), expected_sum(a.theirs.get(), a.theirs.get()));
  }
}

TEST(Curve, AdditionHasNoExceptions) {
  TestRandom random(2);
  for (int i = 0; i < 30; ++i) {
    const Pair pair = random_pair(random);
    const Buffer xy = affine_bytes(pair.ours);
    const Buffer doubled = expected_sum(pair.theirs.get(), pair.theirs.get());
    const Point p = scaled(xy, random), q = scaled(xy, random);
    const AffinePoint affine = to_affine(q);
    const Point infinity = scaled_infinity(random);
    EXPECT_EQ(affine_bytes(add(p, q)), doubled);
    EXPECT_EQ(affine_bytes(add(p, affine)), doubled);
    EXPECT_EQ(affine_bytes(add(p, negated(q))), Buffer());
    EXPECT_EQ(affine_bytes(add(negated(p), affine)), Buffer());
    EXPECT_EQ(affine_bytes(add(p, infinity)), xy);
    EXPECT_EQ(affine_bytes(add(infinity, p)), xy);
    EXPECT_EQ(affine_bytes(add(infinity, affine)), xy);
    EXPECT_EQ(affine_bytes(add(infinity, infinity)), Buffer());
    EXPECT_EQ(affine_bytes(twice(infinity)), Buffer());
    EXPECT_EQ(affine_bytes(add(add(p, negated(q)), p)), xy);  // an infinity that was computed
  }
}

// Scalars at the edges of windows, of the order, and beyond it.
std::vector<Buffer> edge_scalars() {
  std::vector<Buffer> out;
  const char* const hex[] = {"0",
                             "1",
                             "2",
                             "3",
                             "F",
                             "10",
                             "11",
                             "1F",
                             "20",
                             "21",
                             "3FF",
                             "400",
                             "8000000000000000",
                             "FFFFFFFFFFFFFFFF",
                             "10000000000000000"};
  for (const char* text : hex) out.push_back(oracle::to_bytes(oracle::number_from_hex(text).get()));
  const oracle::Number n(BN_dup(EC_GROUP_get0_order(oracle::sm2_group())));
  for (int i = -18; i <= 18; ++i) {
    const oracle::Number near(BN_dup(n.get()));
    i < 0 ? BN_sub_word(near.get(), -i) : BN_add_word(near.get(), i);
    out.push_back(oracle::to_bytes(near.get()));
  }
  out.push_back(Buffer(32, 0xff));
  out.push_back(Buffer(32, 0x84));  // windows of 16
  out.push_back(Buffer(32, 0x55));
  for (int bit = 0; bit < 256; ++bit) {
    Buffer power(32);
    power[31 - bit / 8] = static_cast<std::uint8_t>(1 << (bit % 8));
    out.push_back(power);
  }
  return out;
}

TEST(Curve, MultiplicationAgreesWithOpenssl) {
  TestRandom random(3);
  std::vector<Buffer> scalars = edge_scalars();
  for (int i = 0; i < 100; ++i) scalars.push_back(random.bytes(32));
  const Pair pair = random_pair(random);
  for (const Buffer& scalar : scalars) {
    const oracle::Number k = oracle::number(scalar);
    EXPECT_EQ(affine_bytes(multiply(scalar_of(scalar), Point::from(generator()))),
              oracle::sm2_multiply(k.get(), nullptr))
        << testing::PrintToString(scalar);
    EXPECT_EQ(affine_bytes(multiply(scalar_of(scalar), pair.ours)),
              oracle::sm2_multiply(k.get(), pair.theirs.get()))
        << testing::PrintToString(scalar);
  }
}

TEST(Curve, MultiplesOfInfinityAreInfinity) {
  TestRandom random(4);
  EXPECT_NE(multiply(scalar_of(random.bytes(32)), Point::infinity()).is_infinity(), 0u);
}

TEST(Curve, IsOnCurve) {
  TestRandom random(5);
  const auto check = [](const Buffer& xy) {
    return is_on_curve(std::span(xy).first<kSm2PointLen>());
  };
  for (int i = 0; i < 50; ++i) {
    Buffer xy = affine_bytes(random_pair(random).ours);
    EXPECT_TRUE(check(xy));
    xy[random.below(64)] ^= static_cast<std::uint8_t>(1 << random.below(8));
    EXPECT_FALSE(check(xy));
  }
  EXPECT_FALSE(check(Buffer(64, 0)));
  EXPECT_FALSE(check(Buffer(64, 0xff)));
}

TEST(Curve, CoordinatesMustBeReduced) {
  // A point with a small x: x + p fits in 256 bits and means the same point, but is refused.
  const oracle::Number p(BN_new());
  EC_GROUP_get_curve(oracle::sm2_group(), p.get(), nullptr, nullptr, nullptr);
  int num_found = 0;
  for (BN_ULONG small = 0; small < 40; ++small) {
    const oracle::Number x(BN_new());
    BN_set_word(x.get(), small);
    const GroupPoint point(EC_POINT_new(oracle::sm2_group()));
    if (EC_POINT_set_compressed_coordinates(oracle::sm2_group(), point.get(), x.get(), 0,
                                            nullptr) != 1) {
      continue;
    }
    ++num_found;
    Buffer xy = oracle::sm2_affine(point.get());
    EXPECT_TRUE(is_on_curve(std::span(xy).first<kSm2PointLen>()));
    BN_add(x.get(), x.get(), p.get());
    const Buffer large = oracle::to_bytes(x.get());
    std::copy(large.begin(), large.end(), xy.begin());
    EXPECT_FALSE(is_on_curve(std::span(xy).first<kSm2PointLen>()));
  }
  EXPECT_GT(num_found, 5);
}

TEST(Curve, RandomScalarsAreDrawnUntilTheyFit) {
  const Buffer n = oracle::to_bytes(EC_GROUP_get0_order(oracle::sm2_group()));
  Buffer n_minus_one = n;
  n_minus_one[31] -= 1;
  oracle::ScriptedRandom random({Buffer(32, 0xff), n, Buffer(32, 0), n_minus_one});
  Uint256 scalar;
  ASSERT_TRUE(random_scalar(scalar, random).ok());
  EXPECT_EQ(random.num_used(), 4u);
  EXPECT_EQ(scalar, scalar_of(n_minus_one));
  EXPECT_EQ(random_scalar(scalar, random).status(), to_status(Error::random_failed));
  oracle::ScriptedRandom useless(std::vector<Buffer>(1000, n));
  EXPECT_EQ(random_scalar(scalar, useless).status(), to_status(Error::random_failed));
  EXPECT_EQ(scalar, Uint256{});
}

TEST(Curve, DeriveIsCounterModeOfSm3) {
  TestRandom random(6);
  for (std::size_t len = 0; len < 100; ++len) {
    const Buffer seed = random.bytes(64);
    Buffer out(len), expected;
    derive(out, seed);
    for (std::uint8_t counter = 1; expected.size() < len; ++counter) {
      Buffer block = seed;
      block.insert(block.end(), {0, 0, 0, counter});
      const Buffer digest = oracle::sm3(block);
      expected.insert(expected.end(), digest.begin(), digest.end());
    }
    expected.resize(len);
    EXPECT_EQ(out, expected);
  }
}

}  // namespace
}  // namespace cipherdeck::engine::sm2
