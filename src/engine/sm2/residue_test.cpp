// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/residue.h"

#include <gtest/gtest.h>

#include "engine/oracle/openssl_oracle.h"

namespace cipherdeck::engine::sm2 {
namespace {

using oracle::Buffer;
using oracle::Number;

struct ContextFree {
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};

template <typename Modulus>
class ResidueTest : public testing::Test {
 protected:
  static Buffer bytes_of(const Uint256& value) {
    Buffer out(32);
    store_uint256(out.data(), value);
    return out;
  }
  static Number number_of(const Uint256& value) { return oracle::number(bytes_of(value)); }

  // Values where carries happen, and random ones.
  std::vector<Uint256> values() {
    const Uint256& m = Modulus::kValue;
    constexpr std::uint64_t kOnes = ~std::uint64_t{0};
    std::vector<Uint256> out = {{0, 0, 0, 0},
                                {1, 0, 0, 0},
                                {2, 0, 0, 0},
                                {m[0] - 1, m[1], m[2], m[3]},
                                {m[0] - 2, m[1], m[2], m[3]},
                                {m[0], m[1], m[2], m[3]},
                                {m[0] + 1, m[1] + (m[0] == kOnes), m[2], m[3]},
                                {kOnes, kOnes, kOnes, kOnes},
                                {0, 0, 0, kOnes},
                                {kOnes, 0, 0, 0},
                                {0, kOnes, 0, 0},
                                {0, 0, kOnes, 0},
                                {kOnes, 0, kOnes, 0},
                                {0, 0, 0, std::uint64_t{1} << 63},
                                {kOnes, kOnes, kOnes, kOnes >> 1}};
    while (out.size() < 80) {
      out.push_back(load_uint256(m_random.bytes(32).data()));
    }
    return out;
  }

  oracle::TestRandom m_random{1};
  std::unique_ptr<BN_CTX, ContextFree> m_context{BN_CTX_new()};
  Number m_modulus = number_of(Modulus::kValue);
};

using Moduli = testing::Types<FieldModulus, OrderModulus>;
TYPED_TEST_SUITE(ResidueTest, Moduli);

TYPED_TEST(ResidueTest, ArithmeticAgreesWithOpenssl) {
  using R = Residue<TypeParam>;
  const Number expected(BN_new());
  const auto all = this->values();
  for (const Uint256& x : all) {
    const Number a = this->number_of(x);
    for (const Uint256& y : all) {
      const Number b = this->number_of(y);
      BN_mod_mul(expected.get(), a.get(), b.get(), this->m_modulus.get(), this->m_context.get());
      EXPECT_EQ(this->bytes_of((R::from(x) * R::from(y)).value()),
                oracle::to_bytes(expected.get()));
      BN_mod_add(expected.get(), a.get(), b.get(), this->m_modulus.get(), this->m_context.get());
      EXPECT_EQ(this->bytes_of((R::from(x) + R::from(y)).value()),
                oracle::to_bytes(expected.get()));
      BN_mod_sub(expected.get(), a.get(), b.get(), this->m_modulus.get(), this->m_context.get());
      EXPECT_EQ(this->bytes_of((R::from(x) - R::from(y)).value()),
                oracle::to_bytes(expected.get()));
    }
    BN_mod_sqr(expected.get(), a.get(), this->m_modulus.get(), this->m_context.get());
    EXPECT_EQ(this->bytes_of(R::from(x).square().value()), oracle::to_bytes(expected.get()));
  }
}

TYPED_TEST(ResidueTest, Inverse) {
  using R = Residue<TypeParam>;
  EXPECT_NE(R().inverse().is_zero(), 0u);
  for (const Uint256& x : this->values()) {
    const R a = R::from(x);
    if (a.is_zero() != 0) continue;
    EXPECT_NE((a * a.inverse()).equals(R::one()), 0u);
  }
}

TYPED_TEST(ResidueTest, LongChainsStayReduced) {
  using R = Residue<TypeParam>;
  R a = R::from({3, 0, 0, 0});
  const Number three = this->number_of({3, 0, 0, 0}), power = this->number_of({3, 0, 0, 0});
  for (int i = 0; i < 20000; ++i) {
    a = a.square() - a + R::one();
    BN_mod_sqr(three.get(), power.get(), this->m_modulus.get(), this->m_context.get());
    BN_mod_sub(power.get(), three.get(), power.get(), this->m_modulus.get(), this->m_context.get());
    BN_mod_add(power.get(), power.get(), BN_value_one(), this->m_modulus.get(),
               this->m_context.get());
  }
  EXPECT_EQ(this->bytes_of(a.value()), oracle::to_bytes(power.get()));
}

TYPED_TEST(ResidueTest, SelectAndCollect) {
  using R = Residue<TypeParam>;
  const R a = R::from({7, 8, 9, 10}), b = R::from({1, 2, 3, 4});
  EXPECT_NE(R::select(~std::uint64_t{0}, a, b).equals(a), 0u);
  EXPECT_NE(R::select(0, a, b).equals(b), 0u);
  R sum;
  sum.collect(0, a);
  sum.collect(~std::uint64_t{0}, b);
  sum.collect(0, a);
  EXPECT_NE(sum.equals(b), 0u);
}

TEST(Uint256, Comparisons) {
  constexpr std::uint64_t kTrue = ~std::uint64_t{0};
  EXPECT_EQ(is_zero(std::uint64_t{0}), kTrue);
  EXPECT_EQ(is_zero(std::uint64_t{1}), 0u);
  EXPECT_EQ(is_zero(std::uint64_t{1} << 63), 0u);
  EXPECT_EQ(is_zero(Uint256{0, 0, 0, 1}), 0u);
  EXPECT_EQ(is_less({1, 0, 0, 0}, {2, 0, 0, 0}), kTrue);
  EXPECT_EQ(is_less({2, 0, 0, 0}, {2, 0, 0, 0}), 0u);
  EXPECT_EQ(is_less({5, 0, 0, 1}, {2, 0, 0, 2}), kTrue);
  EXPECT_EQ(is_less({0, 0, 0, 3}, {2, 0, 0, 2}), 0u);
}

}  // namespace
}  // namespace cipherdeck::engine::sm2
