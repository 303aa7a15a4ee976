// SPDX-License-Identifier: Apache-2.0
#include "engine/sm3/sm3.h"

#include <vector_file.h>

#include "engine/batch.h"
#include "engine/oracle/openssl_oracle.h"
#include "engine/sm3/sm3_variants.h"

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

// Every variant that this processor can run.
class Sm3Variant : public testing::TestWithParam<const sm3::Variant*> {
 protected:
  static void run(std::span<HashJob> jobs) {
    sm3::run(*GetParam(), jobs);
    for (const HashJob& job : jobs) EXPECT_TRUE(job.result.ok());
  }
  static Buffer digest(Bytes message) {
    Sm3 state;
    Buffer out(kSm3DigestLen);
    HashJob job{&state, message, out.data(), Error::internal};
    run(std::span(&job, 1));
    return out;
  }
};

std::vector<const sm3::Variant*> available_variants() {
  std::vector<const sm3::Variant*> out;
  for (const sm3::Variant& variant : sm3::variants()) {
    if (variant.is_available()) out.push_back(&variant);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Sm3Variant, testing::ValuesIn(available_variants()),
                         [](const auto& instance) { return std::string(instance.param->name); });

TEST(Sm3, TheIntendedVariantIsInUse) {
  using enum cpu::Feature;
  if (!cpu::variant_wanted(cpu::selection(), "sm3").empty()) return;
  const bool has_avx512 = cpu::features().has_all({avx2, bmi2, avx512});
  const bool has_avx2 = cpu::features().has_all({avx2, bmi2});
  EXPECT_EQ(sm3::chosen_variant().name, has_avx512 ? "avx512" : has_avx2 ? "avx2" : "portable");
}

TEST_P(Sm3Variant, Vectors) {
  test::for_each_vector("sm3.txt", [](test::Vector& vector) {
    const Buffer message = vector.bytes("message"), expected = vector.bytes("digest");
    EXPECT_EQ(digest(message), expected);
    std::vector<Sm3> states(20);
    std::vector<Sm3Digest> digests(states.size());
    std::vector<HashJob> jobs;
    for (std::size_t i = 0; i < states.size(); ++i) {
      jobs.push_back({&states[i], message, digests[i].data(), {}});
    }
    run(jobs);
    for (const Sm3Digest& digest : digests) EXPECT_EQ(to_buffer(digest), expected);
  });
}

TEST_P(Sm3Variant, TheCompressionsAgree) {
  TestRandom random(5);
  const sm3::Variant& variant = *GetParam();
  for (const std::size_t num_blocks : {1U, 2U, 3U, 10U}) {
    sm3::State expected[sm3::Lanes::kMax], alone[sm3::Lanes::kMax], together[sm3::Lanes::kMax];
    Buffer data[sm3::Lanes::kMax];
    sm3::Lanes lanes;
    for (std::size_t i = 0; i < sm3::Lanes::kMax; ++i) {
      for (std::uint32_t& word : expected[i]) word = load_be32(random.bytes(4).data());
      alone[i] = together[i] = expected[i];
      data[i] = random.bytes(64 * num_blocks + i);
      const std::uint8_t* const unaligned = data[i].data() + i;
      sm3::compress_portable(expected[i], unaligned, num_blocks);
      variant.compress(alone[i], unaligned, num_blocks);
      EXPECT_EQ(alone[i], expected[i]);
      lanes.states[i] = &together[i];
      lanes.data[i] = unaligned;
    }
    if (variant.num_lanes == 0) return;
    variant.compress_lanes(lanes, num_blocks);
    for (std::size_t i = 0; i < variant.num_lanes; ++i) {
      EXPECT_EQ(together[i], expected[i]);
      EXPECT_EQ(lanes.data[i], data[i].data() + data[i].size());
    }
  }
}

TEST_P(Sm3Variant, EveryLengthAroundTheBlocks) {
  TestRandom random(6);
  for (std::size_t len = 0; len <= 200; ++len) {
    const Buffer message = random.bytes(len);
    EXPECT_EQ(digest(message), oracle::sm3(message)) << len;
  }
}

// Streams of different lengths, fed in pieces by several calls, some of which are not in each call.
TEST_P(Sm3Variant, AnyBatchOfAnyStreams) {
  TestRandom random(7);
  for (std::size_t num = 1; num <= 40; ++num) {
    std::vector<Sm3> states(num);
    std::vector<Buffer> messages(num), digests(num, Buffer(kSm3DigestLen));
    std::vector<Bytes> rest(num);
    for (std::size_t i = 0; i < num; ++i) {
      messages[i] = random.bytes(random.below(i % 3 == 0 ? 3000 : 200));
      rest[i] = messages[i];
    }
    for (const bool is_last : {false, false, false, true}) {
      std::vector<HashJob> jobs;
      for (std::size_t i = 0; i < num; ++i) {
        if (!is_last && random.below(4) == 0) continue;
        const std::size_t taken = is_last ? rest[i].size() : random.below(rest[i].size() + 1);
        jobs.push_back({&states[i], rest[i].first(taken), is_last ? digests[i].data() : nullptr,
                        Error::internal});
        rest[i] = rest[i].subspan(taken);
      }
      run(jobs);
    }
    for (std::size_t i = 0; i < num; ++i) {
      EXPECT_EQ(digests[i], oracle::sm3(messages[i])) << num << " " << i;
      EXPECT_EQ(states[i].finish(), Sm3::digest({}));  // as new
    }
  }
}

TEST_P(Sm3Variant, AJobThatFailsTouchesNoOther) {
  TestRandom random(8);
  const Buffer message = random.bytes(500);
  std::vector<Sm3> states(30);
  std::vector<Sm3Digest> digests(states.size());
  std::vector<HashJob> jobs;
  for (std::size_t i = 0; i < states.size(); ++i) {
    jobs.push_back({i % 4 == 1 ? nullptr : &states[i], Bytes(message).first(10 * i),
                    digests[i].data(), Error::internal});
    if (i % 4 == 2) jobs[i].input = Bytes(static_cast<const std::uint8_t*>(nullptr), 3);
  }
  sm3::run(*GetParam(), jobs);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const bool is_valid = i % 4 == 0 || i % 4 == 3;
    EXPECT_EQ(jobs[i].result.ok(), is_valid);
    EXPECT_EQ(to_buffer(digests[i]),
              is_valid ? oracle::sm3(Bytes(message).first(10 * i)) : Buffer(kSm3DigestLen));
  }
}

}  // namespace
}  // namespace cipherdeck::engine
