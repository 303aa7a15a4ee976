// SPDX-License-Identifier: Apache-2.0
// GCM and CCM, called as the scheduler calls them (engine/batch.h), against OpenSSL.
#include <vector_file.h>

#include "engine/batch.h"
#include "engine/modes/ghash.h"
#include "engine/modes/modes.h"
#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

// What a message is made of, and the job that works on it.
struct Message {
  AeadMode mode;
  Buffer key, nonce, aad, text;  // text: in and out
  Buffer tag;

  Result<void> run(Direction direction) {
    const Sm4Key sm4_key(Bytes(key).first<kSm4KeyLen>());
    Buffer out(text.size(), 0xcc);
    AeadJob job;
    job.key = &sm4_key;
    job.mode = mode;
    job.direction = direction;
    job.nonce = nonce;
    job.aad = aad;
    job.input = text.data();
    job.output = out.data();
    job.len = text.size();
    job.tag = tag.data();
    job.tag_len = tag.size();
    engine::run(std::span(&job, 1));
    text = out;
    return job.result;
  }
};

Message random_message(TestRandom& random, AeadMode mode) {
  const bool is_gcm = mode == AeadMode::gcm;
  const std::size_t gcm_tags[] = {4, 8, 12, 13, 14, 15, 16};
  const std::size_t tag_len = is_gcm ? gcm_tags[random.below(7)] : 4 + 2 * random.below(7);
  const std::size_t nonce_len =
      is_gcm ? (random.below(2) == 0 ? 12 : 1 + random.below(70)) : 7 + random.below(7);
  const std::size_t aad_len = random.below(3) == 0 ? 0 : random.below(100);
  const std::size_t len = random.below(3) == 0 ? random.below(40) : random.below(3000);
  return {mode,
          random.bytes(16),
          random.bytes(nonce_len),
          random.bytes(aad_len),
          random.bytes(len),
          Buffer(tag_len)};
}

class Aead : public testing::TestWithParam<AeadMode> {};
INSTANTIATE_TEST_SUITE_P(Both, Aead, testing::Values(AeadMode::gcm, AeadMode::ccm),
                         [](const auto& instance) {
                           return instance.param == AeadMode::gcm ? "Gcm" : "Ccm";
                         });

TEST(AeadVectors, All) {
  test::for_each_vector("sm4_aead.txt", [](test::Vector& vector) {
    Message message;
    message.mode = vector.text("mode") == "gcm" ? AeadMode::gcm : AeadMode::ccm;
    message.key = vector.bytes("key");
    message.nonce = vector.bytes("nonce");
    message.aad = vector.bytes("aad");
    const Buffer plain = vector.bytes("plaintext"), cipher = vector.bytes("ciphertext");
    const Buffer tag = vector.bytes("tag");
    message.text = plain;
    message.tag.resize(tag.size());
    EXPECT_TRUE(message.run(Direction::encrypt).ok());
    EXPECT_EQ(message.text, cipher);
    EXPECT_EQ(message.tag, tag);
    EXPECT_TRUE(message.run(Direction::decrypt).ok());
    EXPECT_EQ(message.text, plain);
  });
}

TEST_P(Aead, AgreesWithOpenssl) {
  TestRandom random(1);
  for (int i = 0; i < 300; ++i) {
    Message message = random_message(random, GetParam());
    const Buffer plain = message.text;
    const Buffer expected = oracle::sm4_aead_encrypt(message.mode, message.key, message.nonce,
                                                     message.aad, plain, message.tag.size());
    ASSERT_TRUE(message.run(Direction::encrypt).ok());
    Buffer sealed = message.text;
    sealed.insert(sealed.end(), message.tag.begin(), message.tag.end());
    ASSERT_EQ(sealed, expected) << "length " << plain.size() << " nonce " << message.nonce.size();
    ASSERT_TRUE(message.run(Direction::decrypt).ok());
    ASSERT_EQ(message.text, plain);
  }
}

TEST_P(Aead, LongAdditionalData) {
  TestRandom random(2);
  for (const std::size_t len : {0xfeffu, 0xff00u, 0x10001u}) {  // CCM's length changes its form
    Message message = random_message(random, GetParam());
    message.aad = random.bytes(len);
    const Buffer expected = oracle::sm4_aead_encrypt(message.mode, message.key, message.nonce,
                                                     message.aad, message.text, message.tag.size());
    ASSERT_TRUE(message.run(Direction::encrypt).ok());
    EXPECT_TRUE(std::equal(message.tag.begin(), message.tag.end(),
                           expected.end() - static_cast<std::ptrdiff_t>(message.tag.size())));
  }
}

TEST_P(Aead, AnyChangeIsFoundAndGivesNoPlaintext) {
  TestRandom random(3);
  for (int i = 0; i < 60; ++i) {
    Message sealed = random_message(random, GetParam());
    sealed.text = random.bytes(1 + random.below(200));
    sealed.aad = random.bytes(1 + random.below(40));
    ASSERT_TRUE(sealed.run(Direction::encrypt).ok());
    for (Buffer Message::*part :
         {&Message::text, &Message::tag, &Message::aad, &Message::nonce, &Message::key}) {
      Message changed = sealed;
      Buffer& bytes = changed.*part;
      bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
      EXPECT_EQ(changed.run(Direction::decrypt).status(), to_status(Error::mac_failed));
      EXPECT_EQ(changed.text, Buffer(changed.text.size(), 0));
    }
  }
}

TEST_P(Aead, InPlace) {
  TestRandom random(4);
  for (int i = 0; i < 40; ++i) {
    Message message = random_message(random, GetParam());
    const Sm4Key key(Bytes(message.key).first<kSm4KeyLen>());
    Buffer data = message.text;
    const Buffer expected = oracle::sm4_aead_encrypt(message.mode, message.key, message.nonce,
                                                     message.aad, data, message.tag.size());
    AeadJob job;
    job.key = &key;
    job.mode = message.mode;
    job.nonce = message.nonce;
    job.aad = message.aad;
    job.input = job.output = data.data();
    job.len = data.size();
    job.tag = message.tag.data();
    job.tag_len = message.tag.size();
    run(std::span(&job, 1));
    ASSERT_TRUE(job.result.ok());
    ASSERT_TRUE(std::equal(data.begin(), data.end(), expected.begin()));
    job.direction = Direction::decrypt;
    run(std::span(&job, 1));
    ASSERT_TRUE(job.result.ok());
    ASSERT_EQ(data, message.text);
  }
}

TEST_P(Aead, LengthsThatAreNotAllowed) {
  TestRandom random(5);
  const bool is_gcm = GetParam() == AeadMode::gcm;
  for (std::size_t tag_len = 0; tag_len <= 17; ++tag_len) {
    Message message = random_message(random, GetParam());
    message.tag.assign(std::max<std::size_t>(tag_len, 1), 0);
    message.tag.resize(tag_len);
    message.tag.reserve(32);
    const bool is_allowed = is_gcm
                                ? tag_len == 4 || tag_len == 8 || (tag_len >= 12 && tag_len <= 16)
                                : tag_len >= 4 && tag_len <= 16 && tag_len % 2 == 0;
    EXPECT_EQ(message.run(Direction::encrypt).ok(), is_allowed) << tag_len;
  }
  for (std::size_t nonce_len = 0; nonce_len <= 16; ++nonce_len) {
    Message message = random_message(random, GetParam());
    message.nonce = random.bytes(nonce_len);
    const bool is_allowed = is_gcm ? nonce_len != 0 : nonce_len >= 7 && nonce_len <= 13;
    EXPECT_EQ(message.run(Direction::encrypt).ok(), is_allowed) << nonce_len;
  }
}

TEST(Ghash, VariantsAgree) {
  TestRandom random(8);
  const auto variants = modes::ghash_variants();
  EXPECT_EQ(variants.back().name, "portable");
  for (std::size_t len = 0; len <= 700; ++len) {
    modes::Block point;
    (void)random.fill(point);
    const Buffer first = random.bytes(len), second = random.bytes(random.below(400));
    modes::Ghash portable(point, variants.back());
    portable.update_padded(first);
    portable.update_padded(second);
    const modes::Block expected = portable.finish({}, len, second.size());
    for (const modes::GhashVariant& variant : variants) {
      if (!variant.is_available()) continue;
      modes::Ghash hash(point, variant);
      hash.update_padded(first);
      hash.update_padded(second);
      ASSERT_EQ(hash.finish({}, len, second.size()), expected) << variant.name << " " << len;
    }
  }
}

TEST(Ghash, Vpclmul512IsChosenWhereTheProcessorHasIt) {
  const modes::GhashVariant& variant = modes::ghash_variants().front();
  ASSERT_EQ(variant.name, "vpclmul512");
  if (!cpu::variant_wanted(cpu::selection(), "ghash").empty()) return;
  EXPECT_EQ(&modes::chosen_ghash_variant() == &variant, variant.is_available());
}

TEST(Ghash, EveryBitOfTheSumAndOfThePoint) {
  const auto variants = modes::ghash_variants();
  for (std::size_t i = 0; i < 128; ++i) {
    for (std::size_t j = 0; j < 128; ++j) {
      modes::GhashElement a, b;
      (i < 64 ? a.lo : a.hi) = std::uint64_t{1} << (i % 64);
      (j < 64 ? b.lo : b.hi) = std::uint64_t{1} << (j % 64);
      const modes::Block zero{};
      modes::GhashElement expected = a;
      variants.back().update(expected, b, zero.data(), 1);
      for (const modes::GhashVariant& variant : variants) {
        if (!variant.is_available()) continue;
        modes::GhashElement sum = a;
        variant.update(sum, b, zero.data(), 1);
        ASSERT_EQ(sum.hi, expected.hi) << variant.name;
        ASSERT_EQ(sum.lo, expected.lo) << variant.name;
      }
    }
  }
}

TEST(Ccm, TheLengthMustFitItsField) {
  EXPECT_TRUE(modes::ccm_allows_len(0xffff, 13));
  EXPECT_FALSE(modes::ccm_allows_len(0x10000, 13));
  EXPECT_TRUE(modes::ccm_allows_len(0x10000, 12));
  EXPECT_FALSE(modes::ccm_allows_len(0x1000000, 12));
  EXPECT_TRUE(modes::ccm_allows_len(~std::size_t{0}, 7));
  TestRandom random(6);
  Message message = random_message(random, AeadMode::ccm);
  message.nonce = random.bytes(13);
  message.text = random.bytes(0x10000);
  EXPECT_EQ(message.run(Direction::encrypt).status(), to_status(Error::invalid_argument));
  message.text = random.bytes(0xffff);
  EXPECT_TRUE(message.run(Direction::encrypt).ok());
}

TEST(Gcm, TheLengthHasABound) {
  EXPECT_TRUE(modes::gcm_allows_len((std::size_t{1} << 36) - 32));
  EXPECT_FALSE(modes::gcm_allows_len((std::size_t{1} << 36) - 31));
}

TEST(Gcm, TheCounterWrapsWithinItsLastFourBytes) {
  // A nonce that is not 12 bytes long gives any first counter; look for one near the wrap.
  TestRandom random(7);
  const Buffer key = random.bytes(16), zero(16, 0);
  const Sm4Key sm4_key(Bytes(key).first<kSm4KeyLen>());
  modes::Block point;
  sm4_key.encrypt_blocks(point.data(), zero.data(), 1);
  Buffer nonce;
  modes::Block counter;
  do {
    nonce = random.bytes(16);
    modes::Ghash hash(point);
    hash.update_padded(nonce);
    counter = hash.finish({}, 0, nonce.size());
  } while (load_be32(counter.data() + 12) < 0xffff0000);  // within 65536 blocks of the wrap
  Message message{AeadMode::gcm, key, nonce, {}, random.bytes(16 * 65600), Buffer(16)};
  const Buffer expected = oracle::sm4_aead_encrypt(AeadMode::gcm, key, nonce, {}, message.text, 16);
  ASSERT_TRUE(message.run(Direction::encrypt).ok());
  EXPECT_TRUE(std::equal(message.text.begin(), message.text.end(), expected.begin()));
}

}  // namespace
}  // namespace cipherdeck::engine
