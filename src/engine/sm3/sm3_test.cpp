// SPDX-License-Identifier: Apache-2.0
#include "engine/sm3/sm3.h"

#include <vector_file.h>

#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

Buffer to_buffer(const Sm3Digest& digest) { return {digest.begin(), digest.end()}; }

TEST(Sm3, Vectors) {
  test::for_each_vector("sm3.txt", [](test::Vector& vector) {
    const Buffer message = vector.bytes("message"), digest = vector.bytes("digest");
    EXPECT_EQ(to_buffer(Sm3::digest(message)), digest);
    EXPECT_EQ(oracle::sm3(message), digest);
  });
}

TEST(Sm3, HmacVectors) {
  test::for_each_vector("hmac_sm3.txt", [](test::Vector& vector) {
    const Buffer key = vector.bytes("key"), message = vector.bytes("message");
    const Buffer mac = vector.bytes("mac");
    EXPECT_EQ(to_buffer(HmacSm3::mac(key, message)), mac);
    EXPECT_EQ(oracle::hmac_sm3(key, message), mac);
  });
}

TEST(Sm3, EveryLengthAroundTheBlocks) {
  TestRandom random(1);
  for (std::size_t len = 0; len <= 200; ++len) {
    const Buffer message = random.bytes(len);
    EXPECT_EQ(to_buffer(Sm3::digest(message)), oracle::sm3(message)) << len;
  }
}

TEST(Sm3, AnySplitGivesTheSameDigest) {
  TestRandom random(2);
  for (int i = 0; i < 200; ++i) {
    const Buffer message = random.bytes(random.below(3000));
    Sm3 hash;
    for (Bytes rest = message; !rest.empty();) {
      const std::size_t taken = std::min(rest.size(), random.below(i % 2 == 0 ? 150 : 1500));
      hash.update(rest.first(taken));
      rest = rest.subspan(taken);
    }
    EXPECT_EQ(to_buffer(hash.finish()), oracle::sm3(message));
  }
}

TEST(Sm3, UnalignedInput) {
  TestRandom random(3);
  const Buffer data = random.bytes(1024);
  for (std::size_t offset = 0; offset < 16; ++offset) {
    const Bytes message = Bytes(data).subspan(offset, 777);
    EXPECT_EQ(to_buffer(Sm3::digest(message)), oracle::sm3(message));
  }
}

TEST(Sm3, ACopyForksAndFinishStartsAnew) {
  Sm3 hash;
  hash.update(as_bytes("common"));
  Sm3 fork = hash;
  hash.update(as_bytes(" one"));
  fork.update(as_bytes(" two"));
  EXPECT_EQ(hash.finish(), Sm3::digest(as_bytes("common one")));
  EXPECT_EQ(fork.finish(), Sm3::digest(as_bytes("common two")));
  hash.update(as_bytes("again"));
  EXPECT_EQ(hash.finish(), Sm3::digest(as_bytes("again")));
}

TEST(Sm3, HmacAgreesForAllKeyLengths) {
  TestRandom random(4);
  for (std::size_t len = 0; len <= 140; ++len) {
    const Buffer key = random.bytes(len), message = random.bytes(random.below(300));
    HmacSm3 mac(key);
    const std::size_t split = random.below(message.size() + 1);
    mac.update(Bytes(message).first(split));
    mac.update(Bytes(message).subspan(split));
    EXPECT_EQ(to_buffer(mac.finish()), oracle::hmac_sm3(key, message)) << len;
  }
}

}  // namespace
}  // namespace cipherdeck::engine
