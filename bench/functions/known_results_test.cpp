// SPDX-License-Identifier: Apache-2.0
#include "functions/known_results.h"

#include <gtest/gtest.h>

#include <array>

namespace cipherdeck::bench {
namespace {

using engine::Sm2PrivateKey;

constexpr std::array<std::uint8_t, 16> kKey{9, 8, 7};

// Numbers that need not be random here.
class Counter final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (auto& byte : out) byte = ++m_next;
    return {};
  }

 private:
  std::uint8_t m_next = 0;
};

std::vector<std::vector<std::uint8_t>> two_inputs(std::size_t len) {
  return {std::vector<std::uint8_t>(len, 1), std::vector<std::uint8_t>(len, 2)};
}

TEST(KnownResults, CiphertextsAreTheInputsOwn) {
  const auto inputs = two_inputs(32);
  KnownResults known(Operation::sm4_cbc, {inputs[0], inputs[1]}, kKey, std::nullopt);
  ASSERT_EQ(known.output_len(), 32U);

  const engine::Sm4Key key(kKey);
  std::array<std::uint8_t, 32> output{};
  key.encrypt_blocks(output.data(), inputs[0].data(), 1);
  for (std::size_t i = 0; i < 16; ++i) output[16 + i] = output[i] ^ inputs[0][16 + i];
  key.encrypt_blocks(&output[16], &output[16], 1);
  EXPECT_TRUE(known.check(0, output));
  EXPECT_EQ(known.check(1, output).error(), Error::verify_failed);
  output[31] ^= 1;
  EXPECT_EQ(known.check(0, output).error(), Error::verify_failed);
  EXPECT_EQ(known.num_checked(), 3U);
}

TEST(KnownResults, DigestsAreTheInputsOwn) {
  const auto inputs = two_inputs(100);
  KnownResults known(Operation::sm3, {inputs[0], inputs[1]}, kKey, std::nullopt);
  const auto digest = engine::Sm3::digest(inputs[1]);
  EXPECT_TRUE(known.check(1, digest));
  EXPECT_EQ(known.check(0, digest).error(), Error::verify_failed);
}

TEST(KnownResults, SignaturesAreVerifiedAtTheEnd) {
  Counter random;
  const auto key = Sm2PrivateKey::generate(random);
  ASSERT_TRUE(key);
  const auto inputs = two_inputs(engine::kSm3DigestLen);
  KnownResults known(Operation::sm2_sign, {inputs[0], inputs[1]}, kKey, key->public_key());
  const auto signature =
      engine::sm2_sign(*key, Bytes(inputs[0]).first<engine::kSm3DigestLen>(), random);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(known.check(0, *signature));
  EXPECT_TRUE(known.finish());
  EXPECT_TRUE(known.check(1, *signature));
  EXPECT_EQ(known.finish().error(), Error::verify_failed);
}

TEST(KnownResults, NothingIsKnownOfNothing) {
  KnownResults known(Operation::nop, {Bytes()}, kKey, std::nullopt);
  EXPECT_EQ(known.output_len(), 0U);
  EXPECT_TRUE(known.check(0, {}));
  EXPECT_EQ(known.num_checked(), 0U);
}

}  // namespace
}  // namespace cipherdeck::bench
