// SPDX-License-Identifier: Apache-2.0
#include "engine/sm4/sm4.h"

#include <vector_file.h>

#include "engine/oracle/openssl_oracle.h"
#include "engine/sm4/sm4_variants.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

Sm4Key key_of(const Buffer& bytes) { return Sm4Key(Bytes(bytes).first<kSm4KeyLen>()); }

// Every variant that this processor can run.
class Sm4Variant : public testing::TestWithParam<const sm4::Variant*> {};

std::vector<const sm4::Variant*> available_variants() {
  std::vector<const sm4::Variant*> out;
  for (const sm4::Variant& variant : sm4::variants()) {
    if (variant.is_available()) out.push_back(&variant);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Sm4Variant, testing::ValuesIn(available_variants()),
                         [](const auto& instance) { return std::string(instance.param->name); });

TEST_P(Sm4Variant, Vectors) {
  test::for_each_vector("sm4.txt", [](test::Vector& vector) {
    const Sm4Key key = key_of(vector.bytes("key"));
    const Buffer plaintext = vector.bytes("plaintext"), ciphertext = vector.bytes("ciphertext");
    const std::size_t rounds = vector.number("rounds");
    Buffer block = plaintext;
    for (std::size_t i = 0; i < rounds; ++i) {
      GetParam()->crypt_blocks(block.data(), block.data(), 1, key.encryption_keys());
    }
    EXPECT_EQ(block, ciphertext);
    if (rounds != 1) return;
    GetParam()->crypt_blocks(block.data(), block.data(), 1, key.decryption_keys());
    EXPECT_EQ(block, plaintext);
  });
}

TEST_P(Sm4Variant, EveryNumberOfBlocks) {
  TestRandom random(1);
  for (std::size_t num_blocks = 0; num_blocks <= 200; ++num_blocks) {
    const Buffer key = random.bytes(16), plain = random.bytes(16 * num_blocks);
    const Sm4Key sm4_key = key_of(key);
    Buffer iv;
    const Buffer expected = oracle::sm4(CipherMode::ecb, Direction::encrypt, key, iv, plain);
    Buffer out(plain.size() + 1, 0xa5);
    GetParam()->crypt_blocks(out.data(), plain.data(), num_blocks, sm4_key.encryption_keys());
    EXPECT_EQ(out.back(), 0xa5);
    out.pop_back();
    EXPECT_EQ(out, expected) << num_blocks;
    GetParam()->crypt_blocks(out.data(), out.data(), num_blocks, sm4_key.decryption_keys());
    EXPECT_EQ(out, plain) << num_blocks;
  }
}

TEST_P(Sm4Variant, Unaligned) {
  TestRandom random(2);
  const Buffer key = random.bytes(16);
  const Sm4Key sm4_key = key_of(key);
  const Buffer data = random.bytes(16 * 70 + 32);
  for (std::size_t offset = 0; offset < 32; ++offset) {
    const Bytes plain = Bytes(data).subspan(offset, 16 * 70);
    Buffer iv, out(data.size() + 32);
    std::uint8_t* const to = out.data() + (offset * 7) % 32;
    GetParam()->crypt_blocks(to, plain.data(), 70, sm4_key.encryption_keys());
    EXPECT_EQ(Buffer(to, to + plain.size()),
              oracle::sm4(CipherMode::ecb, Direction::encrypt, key, iv, plain));
  }
}

TEST(Sm4, EveryByteGoesThroughTheSboxAsInTheTable) {
  // The first and last rows of table 1 of GB/T 32907, and that the S-box is a permutation.
  const Buffer first = test::from_hex("d690e9fecce13db716b614c228fb2c05");
  const Buffer last = test::from_hex("18f07dec3adc4d2079ee5f3ed7cb3948");
  std::array<bool, 256> is_hit{};
  for (std::uint32_t x = 0; x < 256; ++x) {
    const std::uint32_t word = sm4::substitute_word(x | (x << 8) | (x << 16) | (x << 24));
    EXPECT_EQ(word, (word & 0xff) * 0x01010101u);
    is_hit[word & 0xff] = true;
    if (x < 16) {
      EXPECT_EQ(word & 0xff, first[x]);
    }
    if (x >= 240) {
      EXPECT_EQ(word & 0xff, last[x - 240]);
    }
  }
  EXPECT_EQ(std::ranges::count(is_hit, true), 256);
}

TEST(Sm4, TheKeyUsesTheChosenVariant) {
  TestRandom random(3);
  const Buffer key = random.bytes(16), plain = random.bytes(16 * 33);
  const Sm4Key sm4_key = key_of(key);
  Buffer iv, out(plain.size());
  sm4_key.encrypt_blocks(out.data(), plain.data(), 33);
  EXPECT_EQ(out, oracle::sm4(CipherMode::ecb, Direction::encrypt, key, iv, plain));
  sm4_key.decrypt_blocks(out.data(), out.data(), 33);
  EXPECT_EQ(out, plain);
}

TEST(Sm4, ThePortableVariantIsLastAndAlwaysThere) {
  EXPECT_EQ(sm4::variants().back().name, "portable");
  EXPECT_TRUE(sm4::variants().back().is_available());
  if (cpu::variant_wanted(cpu::selection(), "sm4").empty()) {
    EXPECT_EQ(&sm4::chosen_variant(), available_variants().front());
  }
}

}  // namespace
}  // namespace cipherdeck::engine
