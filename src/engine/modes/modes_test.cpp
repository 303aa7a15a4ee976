// SPDX-License-Identifier: Apache-2.0
// The modes, called as the scheduler calls them (engine/batch.h), against OpenSSL.
#include "engine/modes/modes.h"

#include <vector_file.h>

#include "engine/batch.h"
#include "engine/modes/blocks.h"
#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

constexpr CipherMode kOpensslModes[] = {CipherMode::ecb, CipherMode::cbc, CipherMode::cfb,
                                        CipherMode::ofb, CipherMode::ctr};

Sm4Key key_of(Bytes bytes) { return Sm4Key(bytes.first<kSm4KeyLen>()); }

CipherMode mode_of(const std::string& name) {
  const std::string names[] = {"ecb", "cbc", "cfb", "ofb", "ctr"};
  const auto* const found = std::ranges::find(names, name);
  if (found == std::end(names)) throw std::runtime_error("no mode " + name);
  return kOpensslModes[found - names];
}

bool takes_any_len(CipherMode mode) { return mode != CipherMode::ecb && mode != CipherMode::cbc; }

// One job; `iv` is updated.
Buffer crypt(CipherMode mode, Direction direction, Bytes key, Buffer& iv, Bytes data) {
  const Sm4Key sm4_key = key_of(key);
  Buffer out(data.size());
  CipherJob job;
  job.key = &sm4_key;
  job.mode = mode;
  job.direction = direction;
  job.iv = iv.empty() ? nullptr : iv.data();
  job.input = data.data();
  job.output = out.data();
  job.len = data.size();
  run(std::span(&job, 1));
  EXPECT_TRUE(job.result.ok());
  return out;
}

TEST(Modes, Vectors) {
  test::for_each_vector("sm4_modes.txt", [](test::Vector& vector) {
    const CipherMode mode = mode_of(vector.text("mode"));
    const Buffer key = vector.bytes("key"), iv = vector.bytes("iv");
    const Buffer plain = vector.bytes("plaintext"), cipher = vector.bytes("ciphertext");
    Buffer chain = iv;
    EXPECT_EQ(crypt(mode, Direction::encrypt, key, chain, plain), cipher);
    chain = iv;
    EXPECT_EQ(crypt(mode, Direction::decrypt, key, chain, cipher), plain);
    chain = iv;
    EXPECT_EQ(oracle::sm4(mode, Direction::encrypt, key, chain, plain), cipher);
  });
}

TEST(Modes, AgreeWithOpensslAtAllLengths) {
  TestRandom random(1);
  for (const CipherMode mode : kOpensslModes) {
    for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
      for (int i = 0; i < 120; ++i) {
        std::size_t len = i < 40 ? static_cast<std::size_t>(i) : random.below(5000);
        if (!takes_any_len(mode)) len = len / 16 * 16;
        const Buffer key = random.bytes(16), data = random.bytes(len);
        Buffer iv = random.bytes(16), expected_iv = iv;
        const Buffer expected = oracle::sm4(mode, direction, key, expected_iv, data);
        EXPECT_EQ(crypt(mode, direction, key, iv, data), expected) << int(mode) << " " << len;
        if (len % 16 == 0) {
          EXPECT_EQ(iv, expected_iv) << int(mode) << " " << len;
        }
      }
    }
  }
}

TEST(Modes, CallsThatFollowGoOn) {
  TestRandom random(2);
  for (const CipherMode mode : kOpensslModes) {
    for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
      const Buffer key = random.bytes(16), data = random.bytes(16 * 300 + 5 * takes_any_len(mode));
      const Buffer iv = random.bytes(16);
      Buffer whole_iv = iv, chain = iv, pieces;
      const Buffer whole = oracle::sm4(mode, direction, key, whole_iv, data);
      for (Bytes rest = data; !rest.empty();) {
        const std::size_t taken = std::min(rest.size(), 16 * (1 + random.below(80)));
        const Buffer piece = crypt(mode, direction, key, chain, rest.first(taken));
        pieces.insert(pieces.end(), piece.begin(), piece.end());
        rest = rest.subspan(taken);
      }
      EXPECT_EQ(pieces, whole) << int(mode);
    }
  }
}

TEST(Modes, InPlaceAndUnaligned) {
  TestRandom random(3);
  for (const CipherMode mode : kOpensslModes) {
    for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
      for (std::size_t offset = 0; offset < 17; ++offset) {
        const std::size_t len = 16 * 140 + (takes_any_len(mode) ? offset % 16 : 0);
        const Buffer key = random.bytes(16), data = random.bytes(len);
        Buffer iv = random.bytes(17), expected_iv(iv.begin() + 1, iv.end());
        const Buffer expected = oracle::sm4(mode, direction, key, expected_iv, data);
        Buffer space(len + 40, 0x5a);
        std::ranges::copy(data, space.begin() + offset);
        const Sm4Key sm4_key = key_of(key);
        CipherJob job;
        job.key = &sm4_key;
        job.mode = mode;
        job.direction = direction;
        job.iv = iv.data() + 1;
        job.input = job.output = space.data() + offset;
        job.len = len;
        run(std::span(&job, 1));
        EXPECT_TRUE(job.result.ok());
        EXPECT_TRUE(std::ranges::equal(Bytes(space).subspan(offset, len), expected)) << int(mode);
        const auto is_pad = [](std::uint8_t byte) { return byte == 0x5a; };
        EXPECT_TRUE(std::ranges::all_of(Bytes(space).first(offset), is_pad));
        EXPECT_TRUE(std::ranges::all_of(Bytes(space).subspan(offset + len), is_pad));
      }
    }
  }
}

TEST(Modes, TheCounterCarriesThroughAllItsBytes) {
  TestRandom random(4);
  const Buffer key = random.bytes(16), data = random.bytes(16 * 100);
  for (std::size_t num_ones = 1; num_ones <= 16; ++num_ones) {
    Buffer iv(16, 0);
    std::fill(iv.end() - static_cast<std::ptrdiff_t>(num_ones), iv.end(), std::uint8_t{0xff});
    iv[15] = 0xf0;
    Buffer expected_iv = iv;
    const Buffer expected =
        oracle::sm4(CipherMode::ctr, Direction::encrypt, key, expected_iv, data);
    EXPECT_EQ(crypt(CipherMode::ctr, Direction::encrypt, key, iv, data), expected);
    EXPECT_EQ(iv, expected_iv);
  }
}

TEST(Modes, IvAfterAPartialBlockIsAsDocumented) {
  TestRandom random(5);
  const Buffer key = random.bytes(16), iv = random.bytes(16), data = random.bytes(21);
  Buffer chain = iv;
  const Buffer cipher = crypt(CipherMode::cfb, Direction::encrypt, key, chain, data);
  Buffer expected(16);
  std::copy(cipher.begin() + 16, cipher.end(), expected.begin());
  EXPECT_EQ(chain, expected);
  chain = iv;
  (void)crypt(CipherMode::cfb, Direction::decrypt, key, chain, cipher);
  EXPECT_EQ(chain, expected);

  for (const CipherMode mode : {CipherMode::ofb, CipherMode::ctr}) {
    Buffer padded = data, padded_chain = iv;
    padded.resize(32);
    chain = iv;
    (void)crypt(mode, Direction::encrypt, key, chain, data);
    (void)crypt(mode, Direction::encrypt, key, padded_chain, padded);
    EXPECT_EQ(chain, padded_chain);
  }
}

TEST(Modes, CbcMacIsTheLastBlockOfCbc) {
  TestRandom random(6);
  for (std::size_t num_blocks = 0; num_blocks <= 130; num_blocks += 13) {
    const Buffer key = random.bytes(16), data = random.bytes(16 * num_blocks);
    Buffer iv = random.bytes(16), expected = iv;
    const Sm4Key sm4_key = key_of(key);
    const Buffer cipher = oracle::sm4(CipherMode::cbc, Direction::encrypt, key, expected, data);
    MacJob job{&sm4_key, iv.data(), data.data(), data.size(), {}};
    run(std::span(&job, 1));
    EXPECT_TRUE(job.result.ok());
    EXPECT_EQ(iv, expected);
  }
}

// ---- XTS ----

Buffer xts(modes::XtsOrder order, Direction direction, Bytes key, Bytes tweak_key, Buffer& tweak,
           Bytes data) {
  Buffer out(data.size());
  const auto function = direction == Direction::encrypt ? modes::xts_encrypt : modes::xts_decrypt;
  function(out.data(), data.data(), data.size(), key_of(key), key_of(tweak_key), tweak.data(),
           order, false);
  return out;
}

TEST(Xts, Vectors) {
  test::for_each_vector("sm4_xts.txt", [](test::Vector& vector) {
    const bool is_gb = vector.text("order") == "gb";
    const auto order = is_gb ? modes::XtsOrder::gbt17964 : modes::XtsOrder::ieee1619;
    const Buffer key = vector.bytes("key"), tweak_key = vector.bytes("tweak_key");
    const Buffer tweak = vector.bytes("tweak");
    const Buffer plain = vector.bytes("plaintext"), cipher = vector.bytes("ciphertext");
    Buffer chain = tweak;
    EXPECT_EQ(xts(order, Direction::encrypt, key, tweak_key, chain, plain), cipher);
    EXPECT_EQ(chain, tweak);
    EXPECT_EQ(xts(order, Direction::decrypt, key, tweak_key, chain, cipher), plain);
    EXPECT_EQ(oracle::sm4_xts(order, Direction::encrypt, key, tweak_key, tweak, plain), cipher);
  });
}

TEST(Xts, AgreesWithTheModelAtAllLengths) {
  TestRandom random(7);
  for (const auto order : {modes::XtsOrder::gbt17964, modes::XtsOrder::ieee1619}) {
    for (std::size_t i = 0; i < 150; ++i) {
      const std::size_t len = i < 70 ? 16 + i : 16 + random.below(4000);
      const Buffer key = random.bytes(16), tweak_key = random.bytes(16), data = random.bytes(len);
      Buffer tweak = random.bytes(16);
      const Buffer original = tweak;
      const Buffer expected =
          oracle::sm4_xts(order, Direction::encrypt, key, tweak_key, tweak, data);
      const Buffer cipher = xts(order, Direction::encrypt, key, tweak_key, tweak, data);
      EXPECT_EQ(cipher, expected) << len;
      tweak = original;
      EXPECT_EQ(xts(order, Direction::decrypt, key, tweak_key, tweak, cipher), data) << len;
    }
  }
}

TEST(Xts, JobsUseTheOrderOfTheStandardAndGoOn) {
  TestRandom random(8);
  const Buffer key = random.bytes(16), tweak_key = random.bytes(16);
  const Sm4Key data_key = key_of(key), second_key = key_of(tweak_key);
  for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
    Buffer data = random.bytes(16 * 200 + 7), tweak = random.bytes(16);
    const Buffer expected =
        oracle::sm4_xts(modes::XtsOrder::gbt17964, direction, key, tweak_key, tweak, data);
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t left = data.size() - at;
      CipherJob job;
      job.key = &data_key;
      job.tweak_key = &second_key;
      job.mode = CipherMode::xts;
      job.direction = direction;
      job.iv = tweak.data();
      job.input = job.output = data.data() + at;
      job.len = left > 16 * 100 ? 16 * (1 + random.below(70)) : left;
      run(std::span(&job, 1));
      EXPECT_TRUE(job.result.ok());
      at += job.len;
    }
    EXPECT_EQ(data, expected);
  }
}

}  // namespace
}  // namespace cipherdeck::engine
