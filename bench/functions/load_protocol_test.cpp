// SPDX-License-Identifier: Apache-2.0
#include "functions/load_protocol.h"

#include <gtest/gtest.h>

namespace cipherdeck::bench {
namespace {

using Kind = LoadAnswer::Kind;

TEST(LoadProtocol, RequestsComeBack) {
  const Load load{.operation = Operation::sm2_sign,
                  .bytes = 32,
                  .depth = 8,
                  .duration = std::chrono::milliseconds(250),
                  .checking = Checking::every};
  const auto parsed = parse_load_request(load_request(load));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->operation, load.operation);
  EXPECT_EQ(parsed->bytes, load.bytes);
  EXPECT_EQ(parsed->depth, load.depth);
  EXPECT_EQ(parsed->duration, load.duration);
  EXPECT_EQ(parsed->checking, load.checking);
}

TEST(LoadProtocol, RequestsAreBounded) {
  EXPECT_TRUE(parse_load_request("sm3 262144 64 600000 last"));
  for (const char* line :
       {"", "sm3", "sm5 16 1 100 every", "sm3 262145 1 100 every", "sm3 16 0 100 every",
        "sm3 16 65 100 every", "sm3 16 1 600001 every", "sm3 16 1 100 some", "sm3 -16 1 100 every",
        "sm3 16 1 100", "sm3 16 1 100 every more", "sm3 99999999999 1 100 every"}) {
    EXPECT_FALSE(parse_load_request(line)) << line;
  }
}

TEST(LoadProtocol, AnswersComeBack) {
  for (const Kind kind : {Kind::up, Kind::ready}) {
    const auto parsed = parse_load_answer(to_line({.kind = kind}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->kind, kind);
  }
  const auto failed = parse_load_answer(to_line({.kind = Kind::failed, .why = "no card"}));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->kind, Kind::failed);
  EXPECT_EQ(failed->why, "no card");

  const Sample sample{
      .operations = 812, .seconds = 1.5, .p50_us = 3.25, .p99_us = 7, .num_checked = 811};
  const auto done = parse_load_answer(to_line({.kind = Kind::done, .sample = sample}));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->kind, Kind::done);
  EXPECT_EQ(done->sample.operations, 812U);
  EXPECT_DOUBLE_EQ(done->sample.seconds, 1.5);
  EXPECT_DOUBLE_EQ(done->sample.p50_us, 3.25);
  EXPECT_DOUBLE_EQ(done->sample.p99_us, 7);
  EXPECT_EQ(done->sample.num_checked, 811U);
}

// A machine's console is its own: it says what it likes.
TEST(LoadProtocol, OtherLinesAreNoAnswers) {
  for (const char* line : {"", "load:", "load: ", "kernel: load: up", "load: upward", "load: done",
                           "load: done operations=1 seconds=0 p50_us=1 p99_us=1 checked=1",
                           "load: done operations=1 seconds=nan p50_us=1 p99_us=1 checked=1",
                           "load: done operations=1 seconds=1 p50_us=inf p99_us=1 checked=1",
                           "load: done operations=1 seconds=1 p50_us=-1 p99_us=1 checked=1",
                           "load: done operations=1 seconds=1 p50_us=1 p99_us=1 checked=",
                           "load: done operations=1 seconds=1 p50_us=1 p99_us=1 checked=1 more"}) {
    EXPECT_FALSE(parse_load_answer(line)) << line;
  }
}

}  // namespace
}  // namespace cipherdeck::bench
