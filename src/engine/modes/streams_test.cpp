// SPDX-License-Identifier: Apache-2.0
// Streams in lanes, with every variant, against OpenSSL.
#include "engine/modes/streams.h"

#include <gtest/gtest.h>

#include "engine/oracle/openssl_oracle.h"

#include <algorithm>
#include <deque>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;
using sm4::Chaining;

CipherMode mode_of(Chaining chaining) {
  if (chaining == Chaining::cfb) return CipherMode::cfb;
  return chaining == Chaining::ofb ? CipherMode::ofb : CipherMode::cbc;
}

// A stream with all its buffers, and what is to come of it.
struct Case {
  Case(TestRandom& random, Chaining chaining, std::size_t len, bool in_place)
      : key_bytes(random.bytes(16)),
        key(Bytes(key_bytes).first<kSm4KeyLen>()),
        iv(random.bytes(16)),
        expected_iv(iv),
        input(random.bytes(len)),
        output(in_place ? input : Buffer(len)) {
    const bool is_mac = chaining == Chaining::mac;
    const std::size_t tail = len % 16;
    expected = oracle::sm4(mode_of(chaining), Direction::encrypt, key_bytes, expected_iv, input);
    if (tail != 0) expected_iv = iv_after_tail(chaining);
    stream.key = &key;
    stream.iv = iv.data();
    stream.in = in_place && !is_mac ? output.data() : input.data();
    stream.out = is_mac ? nullptr : output.data();
    stream.len = len;
    if (is_mac) expected = output;
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  // As modes.h says: the partial block of ciphertext with zeros, or the block of key stream.
  Buffer iv_after_tail(Chaining chaining) const {
    Buffer last(expected.end() - static_cast<std::ptrdiff_t>(expected.size() % 16), expected.end());
    last.resize(16);
    if (chaining == Chaining::cfb) return last;
    Buffer padded = input, chain = iv;
    padded.resize((input.size() + 15) / 16 * 16);
    (void)oracle::sm4(CipherMode::ofb, Direction::encrypt, key_bytes, chain, padded);
    return chain;
  }

  Buffer key_bytes;
  Sm4Key key;
  Buffer iv, expected_iv, input, output, expected;
  modes::Stream stream;
};

class Source final : public modes::StreamSource {
 public:
  explicit Source(const std::deque<Case>& cases) : m_cases(cases) {}
  bool next(modes::Stream& stream) override {
    if (m_next == m_cases.size()) return false;
    stream = m_cases[m_next++].stream;
    return true;
  }

 private:
  const std::deque<Case>& m_cases;
  std::size_t m_next = 0;
};

class Streams : public testing::TestWithParam<const sm4::Variant*> {};

std::vector<const sm4::Variant*> available_variants() {
  std::vector<const sm4::Variant*> out;
  for (const sm4::Variant& variant : sm4::variants()) {
    if (variant.is_available()) out.push_back(&variant);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Streams, testing::ValuesIn(available_variants()),
                         [](const auto& instance) { return std::string(instance.param->name); });

constexpr Chaining kAll[] = {Chaining::cbc, Chaining::cfb, Chaining::ofb, Chaining::mac};

TEST_P(Streams, AnyNumberOfAnyLength) {
  TestRandom random(1);
  for (const Chaining chaining : kAll) {
    for (std::size_t num_streams = 0; num_streams <= 70; ++num_streams) {
      std::deque<Case> cases;
      for (std::size_t i = 0; i < num_streams; ++i) {
        std::size_t len = random.below(random.below(8) == 0 ? 3000 : 150);
        if (chaining == Chaining::cbc || chaining == Chaining::mac) len = len / 16 * 16;
        cases.emplace_back(random, chaining, len, random.below(2) == 0);
      }
      Source source(cases);
      modes::run_streams(chaining, source, *GetParam());
      for (const Case& one : cases) {
        ASSERT_EQ(one.output, one.expected) << int(chaining) << " " << num_streams;
        ASSERT_EQ(one.iv, one.expected_iv) << int(chaining) << " " << num_streams;
      }
    }
  }
}

TEST_P(Streams, ManyMoreThanLanes) {
  TestRandom random(2);
  for (const Chaining chaining : kAll) {
    std::deque<Case> cases;
    for (std::size_t i = 0; i < 500; ++i) {
      cases.emplace_back(random, chaining, 16 * random.below(20), false);
    }
    Source source(cases);
    modes::run_streams(chaining, source, *GetParam());
    for (const Case& one : cases) {
      ASSERT_EQ(one.output, one.expected);
      ASSERT_EQ(one.iv, one.expected_iv);
    }
  }
}

}  // namespace
}  // namespace cipherdeck::engine
