// SPDX-License-Identifier: Apache-2.0
// The tower of fields, the groups and the pairing.
#include "engine/sm9/groups.h"

#include <vector_file.h>

#include "engine/oracle/openssl_oracle.h"
#include "engine/sm2/curve.h"
#include "engine/sm9/pairing.h"

#include <algorithm>

namespace cipherdeck::engine::sm9 {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

Uint256 random_scalar(TestRandom& random) {
  Uint256 scalar;
  EXPECT_TRUE(sm2::random_scalar(scalar, random, OrderModulus::kValue).ok());
  return scalar;
}

Fp random_fp(TestRandom& random) { return Fp::from(random_scalar(random)); }
Fp2 random_fp2(TestRandom& random) { return {random_fp(random), random_fp(random)}; }
Fp4 random_fp4(TestRandom& random) { return {random_fp2(random), random_fp2(random)}; }
Fp12 random_fp12(TestRandom& random) {
  return {random_fp4(random), random_fp4(random), random_fp4(random)};
}

Uint256 number(const std::string& hex) { return sm2::load_uint256(test::from_hex(hex).data()); }

template <typename Point, std::size_t N>
Buffer bytes_of(const Point& point) {
  Buffer out(N);
  store(std::span<std::uint8_t, N>(out), point);
  return out;
}
Buffer bytes_of(const G1Point& point) { return bytes_of<G1Affine, kG1Len>(to_affine(point)); }
Buffer bytes_of(const G2Point& point) { return bytes_of<G2Affine, kG2Len>(to_affine(point)); }

Result<G1Affine> g1(const Buffer& bytes) { return load_g1(std::span(bytes).first<kG1Len>()); }
Result<G2Affine> g2(const Buffer& bytes) { return load_g2(std::span(bytes).first<kG2Len>()); }

// a to the power of p, as any number.
Fp12 power_p(const Fp12& a) {
  Fp12 out = Fp12::one();
  for (std::size_t i = 256; i-- > 0;) {
    out = out.square();
    if ((FieldModulus::kValue[i / 64] >> (i % 64) & 1) != 0) out = out * a;
  }
  return out;
}

// ---- fields ----

TEST(Sm9Tower, InversesAndSquares) {
  TestRandom random(1);
  for (int i = 0; i < 20; ++i) {
    const Fp2 a = random_fp2(random);
    EXPECT_TRUE((a * a.inverse()).equals(Fp2::one()));
    EXPECT_TRUE(a.square().equals(a * a));
    const Fp4 b = random_fp4(random);
    EXPECT_TRUE((b * b.inverse()).equals(Fp4::one()));
    EXPECT_TRUE(b.square().equals(b * b));
    const Fp12 c = random_fp12(random);
    EXPECT_TRUE((c * c.inverse()).equals(Fp12::one()));
    EXPECT_TRUE(c.square().equals(c * c));
  }
}

TEST(Sm9Tower, ProductsAreAssociativeAndCommutative) {
  TestRandom random(2);
  for (int i = 0; i < 20; ++i) {
    const Fp12 a = random_fp12(random), b = random_fp12(random), c = random_fp12(random);
    EXPECT_TRUE((a * b).equals(b * a));
    EXPECT_TRUE(((a * b) * c).equals(a * (b * c)));
  }
}

// u^2 = -2, v^2 = u and w^3 = v.
TEST(Sm9Tower, TheRootsAreThoseOfTheStandard) {
  const Fp2 u = {Fp(), Fp::one()};
  EXPECT_TRUE(u.square().equals({Fp::from({2, 0, 0, 0}).negate(), Fp()}));
  const Fp4 v = {Fp2(), Fp2::one()};
  EXPECT_TRUE(v.square().equals({u, Fp2()}));
  const Fp12 w = {Fp4(), Fp4::one(), Fp4()};
  EXPECT_TRUE((w.square() * w).equals({v, Fp4(), Fp4()}));
}

TEST(Sm9Tower, LinesMultiplyAsTheElementsTheyAre) {
  TestRandom random(3);
  const Line line = {random_fp2(random), random_fp2(random), random_fp2(random)};
  const Fp12 whole = {{line.c0, line.c3}, Fp4(), {line.c2, Fp2()}};
  const Fp12 a = random_fp12(random);
  EXPECT_TRUE((a * line).equals(a * whole));
}

TEST(Sm9Tower, FrobeniusIsThePowerOfP) {
  TestRandom random(4);
  const Fp12 a = random_fp12(random);
  EXPECT_TRUE(a.frobenius().equals(power_p(a)));
  Fp12 b = a;
  for (int i = 0; i < 6; ++i) b = b.frobenius();
  EXPECT_TRUE(b.equals(a.conjugate()));
}

// ---- groups ----

oracle::GroupPoint openssl_point(const EC_GROUP* group, const Buffer& xy) {
  oracle::GroupPoint point(EC_POINT_new(group));
  const auto x = oracle::number(Bytes(xy).first(32)), y = oracle::number(Bytes(xy).last(32));
  if (EC_POINT_set_affine_coordinates(group, point.get(), x.get(), y.get(), nullptr) != 1) {
    throw std::runtime_error("point refused");
  }
  return point;
}

Buffer big_endian(const Uint256& value) {
  Buffer out(32);
  sm2::store_uint256(out.data(), value);
  return out;
}

// OpenSSL does this curve as it does any other.
TEST(Sm9Groups, MultiplesInG1AgreeWithOpenssl) {
  const auto p = oracle::number(big_endian(FieldModulus::kValue)), a = oracle::number(Buffer(32));
  Buffer five(32);
  five[31] = 5;
  const auto b = oracle::number(five);
  const std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(
      EC_GROUP_new_curve_GFp(p.get(), a.get(), b.get(), nullptr), EC_GROUP_free);
  ASSERT_NE(group, nullptr);
  TestRandom random(5);
  G1Affine point = g1_generator();
  for (int i = 0; i < 10; ++i) {
    const Uint256 scalar = random_scalar(random);
    const auto peer = openssl_point(group.get(), bytes_of<G1Affine, kG1Len>(point));
    oracle::GroupPoint product(EC_POINT_new(group.get()));
    const auto k = oracle::number(big_endian(scalar));
    ASSERT_EQ(EC_POINT_mul(group.get(), product.get(), nullptr, peer.get(), k.get(), nullptr), 1);
    oracle::Number x(BN_new()), y(BN_new());
    ASSERT_EQ(
        EC_POINT_get_affine_coordinates(group.get(), product.get(), x.get(), y.get(), nullptr), 1);
    Buffer expected = oracle::to_bytes(x.get());
    const Buffer low = oracle::to_bytes(y.get());
    expected.insert(expected.end(), low.begin(), low.end());
    point = to_affine(multiply(scalar, point));
    EXPECT_EQ((bytes_of<G1Affine, kG1Len>(point)), expected);
  }
}

template <typename Affine>
void expect_group(const Affine& generator) {
  TestRandom random(6);
  EXPECT_TRUE(multiply(OrderModulus::kValue, generator).is_infinity());
  EXPECT_TRUE(multiply(Uint256{}, generator).is_infinity());
  std::uint64_t borrow = 0;
  const Uint256 minus_one = sm2::subtract(OrderModulus::kValue, {1, 0, 0, 0}, borrow);
  EXPECT_TRUE(add(multiply(minus_one, generator), multiply({1, 0, 0, 0}, generator)).is_infinity());
  for (int i = 0; i < 5; ++i) {
    const Uint256 a = random_scalar(random), b = random_scalar(random);
    const Uint256 sum = (Scalar::from(a) + Scalar::from(b)).value();
    const Uint256 product = (Scalar::from(a) * Scalar::from(b)).value();
    const auto pa = multiply(a, generator), pb = multiply(b, generator);
    EXPECT_EQ(bytes_of(add(pa, pb)), bytes_of(multiply(sum, generator)));
    EXPECT_EQ(bytes_of(add(pa, pa)), bytes_of(multiply({2, 0, 0, 0}, to_affine(pa))));
    EXPECT_EQ(bytes_of(multiply(b, to_affine(pa))), bytes_of(multiply(product, generator)));
    const auto infinity = multiply(Uint256{}, generator);
    EXPECT_EQ(bytes_of(add(pa, infinity)), bytes_of(pa));
    EXPECT_EQ(bytes_of(add(infinity, pa)), bytes_of(pa));
  }
}

TEST(Sm9Groups, G1IsAGroupOfOrderN) { expect_group(g1_generator()); }
TEST(Sm9Groups, G2IsAGroupOfOrderN) { expect_group(g2_generator()); }

TEST(Sm9Groups, PointsOffTheCurveAreRefused) {
  Buffer point = bytes_of<G1Affine, kG1Len>(g1_generator());
  EXPECT_TRUE(g1(point).ok());
  point[63] ^= 1;
  EXPECT_EQ(g1(point).status(), to_status(Error::invalid_key));
  EXPECT_EQ(g1(Buffer(kG1Len)).status(), to_status(Error::invalid_key));
  EXPECT_EQ(g1(Buffer(kG1Len, 0xff)).status(), to_status(Error::invalid_key));
  Buffer twisted = bytes_of<G2Affine, kG2Len>(g2_generator());
  EXPECT_TRUE(g2(twisted).ok());
  for (const std::size_t at : {0u, 63u, 64u, 127u}) {
    twisted[at] ^= 1;
    EXPECT_EQ(g2(twisted).status(), to_status(Error::invalid_key));
    twisted[at] ^= 1;
  }
  EXPECT_EQ(g2(Buffer(kG2Len)).status(), to_status(Error::invalid_key));
}

// x + p is the same residue, written otherwise.
TEST(Sm9Groups, CoordinatesMustBeReduced) {
  TestRandom random(7);
  int num_tried = 0;
  for (int i = 0; i < 50; ++i) {
    Buffer point = bytes_of(multiply(random_scalar(random), g1_generator()));
    std::uint64_t carry = 0;
    const Uint256 larger = sm2::add(sm2::load_uint256(point.data()), FieldModulus::kValue, carry);
    if (carry != 0) continue;
    ++num_tried;
    sm2::store_uint256(point.data(), larger);
    EXPECT_EQ(g1(point).status(), to_status(Error::invalid_key));
  }
  EXPECT_GT(num_tried, 0);
}

// Points of the twist's curve, made with Python: any, one of order 13, one of the cofactor's order,
// and one of order n.
TEST(Sm9Groups, PointsOfTheTwistOfAnotherOrderAreRefused) {
  for (const char* hex : {"558298e214b044d79acd8acde5f6db1d76b6745180b65386569c803601a5ba50"
                          "ad38835eddd6ff552fa73207237751aa4462ebfc5f915ef09cfbac6e7687a66e"
                          "998f28f61b9f1e2c668fe49245395e9ea07a6721ec9fd925eaf3531cda5e7e60"
                          "9ada164f25204e77dbefbbc5d41cb46aa3883442d54933743bae4830c135770d",
                          "4e01d368f79d4a2a622b731a7768d6bfae834b701f938f1d321788fbf29bec3e"
                          "a370bb027493ac5af634b15fde6b8057598e6b3979719e38c56afa3fb9262734"
                          "3b0bf4a7078cfeea982f53b34e608e3534c3e2938d670a248792c335b811f577"
                          "76118a2a5b9d896c91a249bcb55eab12a3c01a2cc639259b9e3c01af8a740c26",
                          "8d88412b4daf5c85b649ecb16b2836c06bf16888d6e14eedd81bc32691476fa0"
                          "08a7f1ad5cc5d0197c84d507ea67c9d63da6d2d2d4644f844b29bb8c09587d76"
                          "61401490a8a43f5cad9b15be826a0169cfa80d43188595842c7319ef6ecebe49"
                          "4ac9e3d10bffe83615f66364d5f99f5705e21360749109e6115bca50538193a1"}) {
    EXPECT_EQ(g2(test::from_hex(hex)).status(), to_status(Error::invalid_key));
  }
  EXPECT_TRUE(g2(test::from_hex("a271644929111967e6afa6e60f7fbcde1d425876e61f2fe5dead43532029ab28"
                                "99317e5c1de3ada731ac72e126371eaa09396135eb0db30c084faf62f2536fbe"
                                "36a1d64a329dfa6753c5ef6cf67ccb44093d23694ccb78edfabf209a98d85d61"
                                "3a3925b96cd76c3fce332626cd20ec59f91a29575bc7f0825173e1cf00214074"))
                  .ok());
}

// ---- the pairing ----

TEST(Sm9Pairing, Vectors) {
  test::for_each_vector("sm9_pairing.txt", [](test::Vector& vector) {
    const auto p = g1(vector.bytes("p"));
    const auto q = g2(vector.bytes("q"));
    ASSERT_TRUE(p.ok() && q.ok());
    G2Affine multiple = *q;
    if (vector.has("q_scalar")) multiple = to_affine(multiply(number(vector.text("q_scalar")), *q));
    Fp12 value = pairing(*p, multiple);
    if (vector.has("exponent")) value = power(value, number(vector.text("exponent")));
    EXPECT_EQ((bytes_of<Fp12, kGtLen>(value)), vector.bytes("value"));
  });
}

TEST(Sm9Pairing, IsBilinear) {
  TestRandom random(8);
  const G1Affine& p = g1_generator();
  const G2Affine& q = g2_generator();
  const Fp12 base = pairing(p, q);
  EXPECT_FALSE(base.equals(Fp12::one()));
  for (int i = 0; i < 5; ++i) {
    const Uint256 a = random_scalar(random), b = random_scalar(random);
    const G1Affine pa = to_affine(multiply(a, p));
    const G2Affine qb = to_affine(multiply(b, q));
    const Uint256 product = (Scalar::from(a) * Scalar::from(b)).value();
    EXPECT_TRUE(pairing(pa, qb).equals(power(base, product)));
    EXPECT_TRUE(pairing(pa, q).equals(power(base, a)));
    EXPECT_TRUE(pairing(p, qb).equals(power(base, b)));
  }
}

TEST(Sm9Pairing, ValuesAreOfOrderN) {
  const Fp12 value = pairing(g1_generator(), g2_generator());
  EXPECT_TRUE(power(value, OrderModulus::kValue).equals(Fp12::one()));
  EXPECT_TRUE(power(value, Uint256{}).equals(Fp12::one()));
  EXPECT_TRUE(value.cyclotomic_square().equals(value.square()));
  EXPECT_TRUE((value * value.conjugate()).equals(Fp12::one()));
}

// Of any element: to the power of n it is 1, and of a product it is the product.
TEST(Sm9Pairing, FinalExponentiationIsAHomomorphismToGt) {
  TestRandom random(9);
  const Fp12 a = random_fp12(random), b = random_fp12(random);
  const Fp12 ea = final_exponentiation(a), eb = final_exponentiation(b);
  EXPECT_TRUE(power(ea, OrderModulus::kValue).equals(Fp12::one()));
  EXPECT_TRUE(final_exponentiation(a * b).equals(ea * eb));
}

}  // namespace
}  // namespace cipherdeck::engine::sm9
