// SPDX-License-Identifier: Apache-2.0
#include "engine/zuc/zuc.h"

#include <vector_file.h>

#include "engine/oracle/openssl_oracle.h"
#include "engine/zuc/zuc_sbox.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

std::span<const std::uint8_t, kZucKeyLen> key_of(const Buffer& bytes) {
  return std::span(bytes).first<kZucKeyLen>();
}

ZucMessage message_of(test::Vector& vector) {
  ZucMessage message;
  message.count = load_be32(vector.bytes("count").data());
  message.bearer = static_cast<std::uint8_t>(vector.number("bearer"));
  message.direction = static_cast<std::uint8_t>(vector.number("direction"));
  message.unused_bits = static_cast<std::uint8_t>(vector.number("unused_bits"));
  return message;
}

Buffer crypt(const Buffer& key, const ZucMessage& message, const Buffer& input) {
  Buffer out(input.size());
  ZucEea3(key_of(key), message).crypt(out.data(), input.data(), input.size(), true);
  return out;
}

Buffer mac(const Buffer& key, const ZucMessage& message, const Buffer& input) {
  ZucEia3 eia3(key_of(key), message);
  eia3.update(input);
  const auto tag = eia3.finish();
  return {tag.begin(), tag.end()};
}

// ---- S-boxes: the first row of each table of GM/T 0001.1, and what all of it must be ----

TEST(ZucSBox, BeginAsInTheStandard) {
  constexpr std::uint8_t kS0[] = {0x3e, 0x72, 0x5b, 0x47, 0xca, 0xe0, 0x00, 0x33};
  constexpr std::uint8_t kS1[] = {0x55, 0xc2, 0x63, 0x71, 0x3b, 0xc8, 0x47, 0x86};
  for (std::uint32_t x = 0; x < 8; ++x) {
    EXPECT_EQ(zuc::s0(x) & 0xff, kS0[x]);
    EXPECT_EQ(zuc::s1(x) & 0xff, kS1[x]);
  }
  EXPECT_EQ(zuc::s0(0xff) & 0xff, 0x60u);
  EXPECT_EQ(zuc::s1(0xff) & 0xff, 0xf2u);
}

TEST(ZucSBox, BytesAreIndependent) {
  TestRandom random(1);
  for (int i = 0; i < 100; ++i) {
    const std::uint32_t x = load_be32(random.bytes(4).data());
    for (int at = 0; at < 32; at += 8) {
      EXPECT_EQ(zuc::s0(x) >> at & 0xff, zuc::s0(x >> at & 0xff) & 0xff);
      EXPECT_EQ(zuc::s1(x) >> at & 0xff, zuc::s1(x >> at & 0xff) & 0xff);
    }
  }
}

TEST(ZucSBox, ArePermutations) {
  std::array<int, 256> num0{}, num1{};
  for (std::uint32_t x = 0; x < 256; ++x) {
    ++num0[zuc::s0(x) & 0xff];
    ++num1[zuc::s1(x) & 0xff];
  }
  EXPECT_TRUE(std::all_of(num0.begin(), num0.end(), [](int num) { return num == 1; }));
  EXPECT_TRUE(std::all_of(num1.begin(), num1.end(), [](int num) { return num == 1; }));
}

// ---- vectors ----

TEST(Zuc, Vectors) {
  test::for_each_vector("zuc.txt", [](test::Vector& vector) {
    const Buffer key = vector.bytes("key"), iv = vector.bytes("iv");
    Zuc stream(key_of(key), std::span(iv).first<kZucIvLen>());
    const Buffer expected = vector.bytes("key_stream");
    for (std::size_t at = 0; at < expected.size(); at += 4) {
      EXPECT_EQ(stream.next(), load_be32(expected.data() + at));
    }
  });
}

TEST(ZucEea3, Vectors) {
  test::for_each_vector("zuc_eea3.txt", [](test::Vector& vector) {
    const Buffer key = vector.bytes("key"), input = vector.bytes("input");
    const ZucMessage message = message_of(vector);
    const Buffer output = vector.bytes("output");
    EXPECT_EQ(crypt(key, message, input), output);
    EXPECT_EQ(crypt(key, message, output), input);
  });
}

TEST(ZucEia3, Vectors) {
  test::for_each_vector("zuc_eia3.txt", [](test::Vector& vector) {
    const Buffer key = vector.bytes("key"), input = vector.bytes("message");
    const ZucMessage message = message_of(vector);
    EXPECT_EQ(mac(key, message, input), vector.bytes("mac"));
  });
}

// ---- parts and bits ----

TEST(ZucEea3, PartsMakeTheSameAsTheWhole) {
  TestRandom random(2);
  const Buffer key = random.bytes(16), input = random.bytes(5000);
  const ZucMessage message{7, 3, 1, 5};
  const Buffer whole = crypt(key, message, input);
  for (int i = 0; i < 10; ++i) {
    ZucEea3 eea3(key_of(key), message);
    Buffer out = input;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t len = std::min(out.size() - at, random.below(i == 0 ? 3 : 700));
      eea3.crypt(out.data() + at, out.data() + at, len, at + len == out.size());
      at += len;
    }
    EXPECT_EQ(out, whole);
  }
}

TEST(ZucEia3, PartsMakeTheSameAsTheWhole) {
  TestRandom random(3);
  const Buffer key = random.bytes(16), input = random.bytes(3000);
  for (const std::size_t len : {0u, 1u, 3u, 4u, 5u, 8u, 2999u}) {
    const Buffer text(input.begin(), input.begin() + len);
    const ZucMessage message{9, 4, 0, static_cast<std::uint8_t>(len % 8)};
    ZucEia3 eia3(key_of(key), message);
    for (std::size_t at = 0; at < len;) {
      const std::size_t part = std::min(len - at, random.below(9));
      eia3.update(Bytes(text).subspan(at, part));
      at += part;
    }
    const auto tag = eia3.finish();
    EXPECT_EQ(Buffer(tag.begin(), tag.end()), mac(key, message, text));
  }
}

TEST(ZucEea3, UnusedBitsComeOutAsZeros) {
  TestRandom random(4);
  const Buffer key = random.bytes(16), input = random.bytes(9);
  const Buffer whole = crypt(key, {1, 2, 1, 0}, input);
  for (std::uint8_t unused = 1; unused < 8; ++unused) {
    Buffer expected = whole;
    expected.back() &= static_cast<std::uint8_t>(0xff << unused);
    EXPECT_EQ(crypt(key, {1, 2, 1, unused}, input), expected);
  }
}

// The definition of 128-EIA3 bit by bit, from the key stream.
Buffer slow_mac(const Buffer& key, const ZucMessage& message, const Buffer& input) {
  ZucIv iv = eia3_iv(message);
  iv[7] = 0;
  Zuc stream(key_of(key), iv);
  const std::size_t num_bits = 8 * input.size() - message.unused_bits;
  std::vector<std::uint32_t> words((num_bits + 31) / 32 + 2);
  for (std::uint32_t& word : words) word = stream.next();
  const auto word_at = [&](std::size_t bit) {
    const std::uint64_t low = bit / 32 + 1 < words.size() ? words[bit / 32 + 1] : 0;
    return static_cast<std::uint32_t>((std::uint64_t{words[bit / 32]} << 32 | low) >>
                                      (32 - bit % 32));
  };
  std::uint32_t tag = 0;
  for (std::size_t i = 0; i < num_bits; ++i) {
    if ((input[i / 8] >> (7 - i % 8) & 1) != 0) tag ^= word_at(i);
  }
  Buffer out(4);
  store_be32(out.data(), tag ^ word_at(num_bits) ^ words.back());
  return out;
}

TEST(ZucEia3, AnyNumberOfBitsAgreesWithTheDefinition) {
  TestRandom random(5);
  for (std::size_t num_bits = 1; num_bits < 200; ++num_bits) {
    const Buffer key = random.bytes(16), input = random.bytes((num_bits + 7) / 8);
    const auto unused = static_cast<std::uint8_t>(8 * input.size() - num_bits);
    const ZucMessage message{static_cast<std::uint32_t>(num_bits), 5, 1, unused};
    EXPECT_EQ(mac(key, message, input), slow_mac(key, message, input)) << num_bits;
  }
}

// ---- IVs ----

TEST(ZucIv, ComesBackAsItsParameters) {
  TestRandom random(6);
  for (int i = 0; i < 100; ++i) {
    const ZucMessage message{
        load_be32(random.bytes(4).data()), static_cast<std::uint8_t>(random.below(32)),
        static_cast<std::uint8_t>(random.below(2)), static_cast<std::uint8_t>(random.below(8))};
    const auto eea3 = parse_eea3_iv(eea3_iv(message));
    const auto eia3 = parse_eia3_iv(eia3_iv(message));
    ASSERT_TRUE(eea3.ok() && eia3.ok());
    EXPECT_EQ(eea3_iv(*eea3), eea3_iv(message));
    EXPECT_EQ(eia3_iv(*eia3), eia3_iv(message));
  }
}

// The IVs that TS 35.221 makes of COUNT 66035492, BEARER 0f and DIRECTION 1.
TEST(ZucIv, IsThatOfTheStandard) {
  const auto bytes = [](const ZucIv& iv) { return Buffer(iv.begin(), iv.end()); };
  EXPECT_EQ(bytes(eea3_iv({0x66035492, 0xf, 1, 0})),
            test::from_hex("660354927c000000660354927c000000"));
  EXPECT_EQ(bytes(eia3_iv({0x66035492, 0xf, 1, 0})),
            test::from_hex("6603549278000000e603549278008000"));
}

TEST(ZucIv, OthersAreRefused) {
  const ZucMessage message{0x01020304, 9, 1, 3};
  for (std::size_t i = 0; i < kZucIvLen; ++i) {
    ZucIv eea3 = eea3_iv(message), eia3 = eia3_iv(message);
    eea3[i] ^= 0x20;
    eia3[i] ^= 0x20;
    EXPECT_FALSE(parse_eea3_iv(eea3).ok()) << i;
    EXPECT_FALSE(parse_eia3_iv(eia3).ok()) << i;
  }
}

TEST(Zuc, SelfTestPasses) { EXPECT_TRUE(zuc_self_test()); }

}  // namespace
}  // namespace cipherdeck::engine
