// SPDX-License-Identifier: Apache-2.0
// Kernels for many streams and for CTR, against the portable block function.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "engine/oracle/openssl_oracle.h"
#include "engine/sm4/sm4.h"
#include "engine/sm4/sm4_variants.h"

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;
using sm4::Chaining;
using sm4::CounterBits;
using Block = std::array<std::uint8_t, kSm4BlockLen>;

sm4::RoundKeys round_keys_of(const Buffer& key) {
  return Sm4Key(Bytes(key).first<kSm4KeyLen>()).encryption_keys();
}

void add(Block& to, const std::uint8_t* block) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] ^= block[i];
}

// One stream, block by block.
Buffer chain(Block& chain, const Buffer& in, Chaining chaining, const sm4::RoundKeys& round_keys) {
  Buffer out(in.size());
  for (std::size_t i = 0; i < in.size(); i += kSm4BlockLen) {
    const bool adds_first = chaining == Chaining::cbc || chaining == Chaining::mac;
    if (adds_first) add(chain, &in[i]);
    sm4::crypt_blocks_portable(chain.data(), chain.data(), 1, round_keys);
    if (chaining == Chaining::cfb) add(chain, &in[i]);
    Block block = chain;
    if (chaining == Chaining::ofb) add(block, &in[i]);
    std::ranges::copy(block, out.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return out;
}

struct Stream {
  sm4::RoundKeys round_keys;
  Block chain;
  Buffer in, out;
};

class Sm4Lanes : public testing::TestWithParam<const sm4::Variant*> {
 protected:
  // Calls the kernel for so many blocks at a time, which together are all of each stream.
  static void check(Chaining chaining, std::size_t num_used,
                    std::initializer_list<std::size_t> calls, bool in_place) {
    const sm4::Variant& variant = *GetParam();
    TestRandom random(7);
    std::size_t num_blocks = 0;
    for (const std::size_t call : calls) num_blocks += call;
    auto lanes = std::make_unique<sm4::Lanes>();
    std::vector<Stream> streams(num_used);
    lanes->num_used = num_used;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      Stream& stream = streams[i];
      stream.round_keys = round_keys_of(random.bytes(kSm4KeyLen));
      std::ranges::copy(random.bytes(kSm4BlockLen), stream.chain.begin());
      stream.in = random.bytes(num_blocks * kSm4BlockLen);
      // Places of every alignment, with a byte behind that is to stay.
      stream.out = Buffer(i % 16 + stream.in.size() + 1, 0xa5);
      std::uint8_t* const to = stream.out.data() + i % 16;
      if (in_place) std::ranges::copy(stream.in, to);
      lanes->in[i] = in_place ? to : stream.in.data();
      lanes->out[i] = to;
      lanes->chain[i] = stream.chain;
      variant.set_lane_key(*lanes, i, stream.round_keys);
    }
    Buffer idle(num_blocks * kSm4BlockLen);
    for (std::size_t i = num_used; i < variant.num_lanes; ++i) {
      lanes->in[i] = lanes->out[i] = idle.data();
      variant.set_lane_key(*lanes, i, streams[0].round_keys);
    }
    for (const std::size_t call : calls) variant.chain_lanes(*lanes, chaining, call);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      Stream& stream = streams[i];
      const Buffer expected = chain(stream.chain, stream.in, chaining, stream.round_keys);
      EXPECT_EQ(lanes->chain[i], stream.chain) << "lane " << i;
      EXPECT_EQ(stream.out.back(), 0xa5);
      if (chaining == Chaining::mac) continue;
      const auto from = stream.out.begin() + static_cast<std::ptrdiff_t>(i % 16);
      EXPECT_EQ(Buffer(from, stream.out.end() - 1), expected) << "lane " << i;
      EXPECT_EQ(lanes->out[i], &stream.out.back());
    }
  }
};

std::vector<const sm4::Variant*> variants_with(bool (*has)(const sm4::Variant&)) {
  std::vector<const sm4::Variant*> out;
  for (const sm4::Variant& variant : sm4::variants()) {
    if (variant.is_available() && has(variant)) out.push_back(&variant);
  }
  return out;
}

const auto kName = [](const auto& instance) { return std::string(instance.param->name); };

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Sm4Lanes);
INSTANTIATE_TEST_SUITE_P(All, Sm4Lanes,
                         testing::ValuesIn(variants_with([](const sm4::Variant& variant) {
                           return variant.num_lanes != 0;
                         })),
                         kName);

TEST_P(Sm4Lanes, EveryChaining) {
  for (const Chaining chaining : {Chaining::cbc, Chaining::cfb, Chaining::ofb, Chaining::mac}) {
    SCOPED_TRACE(static_cast<int>(chaining));
    for (const std::size_t num_blocks : {0u, 1u, 2u, 3u, 4u, 5u}) {
      check(chaining, GetParam()->num_lanes, {num_blocks}, false);
      check(chaining, GetParam()->num_lanes, {num_blocks}, true);
    }
    for (const std::size_t num_used : {1u, 4u, 5u, 8u, 9u, 16u, 17u, 32u, 33u}) {
      check(chaining, num_used, {1, 3, 0, 2}, true);
    }
  }
}

TEST_P(Sm4Lanes, AKeyIsReplacedAlone) {
  const sm4::Variant& variant = *GetParam();
  TestRandom random(8);
  auto lanes = std::make_unique<sm4::Lanes>();
  lanes->num_used = variant.num_lanes;
  std::vector<Block> blocks(variant.num_lanes);
  std::vector<sm4::RoundKeys> keys(variant.num_lanes);
  const auto set_key = [&](std::size_t i) {
    keys[i] = round_keys_of(random.bytes(kSm4KeyLen));
    variant.set_lane_key(*lanes, i, keys[i]);
  };
  const auto check = [&] {
    lanes->chain = {};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      lanes->in[i] = lanes->out[i] = blocks[i].data();
      blocks[i] = {};
    }
    variant.chain_lanes(*lanes, Chaining::cbc, 1);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      Block expected{};
      sm4::crypt_blocks_portable(expected.data(), expected.data(), 1, keys[i]);
      EXPECT_EQ(blocks[i], expected) << "lane " << i;
    }
  };
  for (std::size_t i = 0; i < keys.size(); ++i) set_key(i);
  check();
  for (const std::size_t lane : {std::size_t{1}, keys.size() / 2, keys.size() - 1}) set_key(lane);
  check();
}

class Sm4Ctr : public testing::TestWithParam<const sm4::Variant*> {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Sm4Ctr);
INSTANTIATE_TEST_SUITE_P(All, Sm4Ctr,
                         testing::ValuesIn(variants_with([](const sm4::Variant& variant) {
                           return variant.ctr_blocks != nullptr;
                         })),
                         kName);

struct Start {
  std::uint64_t hi, lo;
};

Buffer ctr(const Buffer& in, Start at, CounterBits bits, const sm4::RoundKeys& round_keys) {
  Buffer out(in.size());
  for (std::size_t i = 0; i < in.size(); i += kSm4BlockLen) {
    Block block;
    store_be64(block.data(), at.hi);
    store_be64(block.data() + 8, at.lo);
    sm4::crypt_blocks_portable(block.data(), block.data(), 1, round_keys);
    add(block, &in[i]);
    std::ranges::copy(block, out.begin() + static_cast<std::ptrdiff_t>(i));
    const std::uint64_t next = at.lo + 1;
    if (bits == CounterBits::all) {
      at = {at.hi + (next == 0), next};
    } else {
      at.lo = (at.lo & 0xffffffff00000000) | (next & 0xffffffff);
    }
  }
  return out;
}

TEST_P(Sm4Ctr, EveryNumberOfBlocks) {
  TestRandom random(9);
  const sm4::RoundKeys round_keys = round_keys_of(random.bytes(kSm4KeyLen));
  for (std::size_t num_blocks = 0; num_blocks <= 200; ++num_blocks) {
    for (const CounterBits bits : {CounterBits::all, CounterBits::last32}) {
      const Start start{load_be64(random.bytes(8).data()), load_be64(random.bytes(8).data())};
      const Buffer in = random.bytes(num_blocks * kSm4BlockLen);
      const Buffer expected = ctr(in, start, bits, round_keys);
      Buffer out(in.size() + 1, 0xa5);
      GetParam()->ctr_blocks(out.data(), in.data(), num_blocks, round_keys, start.hi, start.lo,
                             bits);
      EXPECT_EQ(out.back(), 0xa5);
      out.pop_back();
      EXPECT_EQ(out, expected) << num_blocks;
      GetParam()->ctr_blocks(out.data(), out.data(), num_blocks, round_keys, start.hi, start.lo,
                             bits);
      EXPECT_EQ(out, in) << num_blocks;
    }
  }
}

TEST_P(Sm4Ctr, CarriesWhereverTheyHappen) {
  TestRandom random(10);
  const sm4::RoundKeys round_keys = round_keys_of(random.bytes(kSm4KeyLen));
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  for (const std::uint64_t before : {1u, 2u, 3u, 17u, 63u, 64u, 65u, 130u}) {
    for (const std::size_t num_blocks : {4u, 20u, 40u, 64u, 150u}) {
      const Buffer in = random.bytes(num_blocks * kSm4BlockLen);
      for (const Start start : {Start{kOnes, kOnes - before + 1}, Start{5, kOnes - before + 1},
                                Start{5, 0x1'0000'0000 - before}, Start{5, 0xff00 - before}}) {
        for (const CounterBits bits : {CounterBits::all, CounterBits::last32}) {
          Buffer out(in.size());
          GetParam()->ctr_blocks(out.data(), in.data(), num_blocks, round_keys, start.hi, start.lo,
                                 bits);
          EXPECT_EQ(out, ctr(in, start, bits, round_keys)) << before << ' ' << num_blocks;
        }
      }
    }
  }
}

TEST(Sm4Gfni512, IsChosenWhereTheProcessorHasIt) {
  const sm4::Variant& variant = sm4::variants().front();
  ASSERT_EQ(variant.name, "gfni512");
  if (!cpu::variant_wanted(cpu::selection(), "sm4").empty()) return;
  EXPECT_EQ(&sm4::chosen_variant() == &variant, variant.is_available());
}

}  // namespace
}  // namespace cipherdeck::engine
