// SPDX-License-Identifier: Apache-2.0
#include "driver/user/arena.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace cipherdeck::driver {
namespace {

TEST(ArenaTest, SmallAreasAndTheRestDoNotOverlap) {
  Arena arena(4 << 20, 64);
  EXPECT_EQ(arena.small_len(), 4096u);
  EXPECT_EQ(arena.small_offset(63) + arena.small_len(), 64u * 4096);
  const auto first = arena.allocate(1);
  ASSERT_TRUE(first);
  EXPECT_GE(*first, 64u * 4096);
}

TEST(ArenaTest, GivesAllOfItAndNoMore) {
  Arena arena(1 << 20, 16);
  const auto all = arena.allocate(arena.large_len());
  ASSERT_TRUE(all);
  EXPECT_EQ(*all + arena.large_len(), 1u << 20);
  EXPECT_FALSE(arena.allocate(1));
  arena.free(*all, arena.large_len());
  EXPECT_TRUE(arena.allocate(arena.large_len()));
}

TEST(ArenaTest, TinyArenaStillHasSmallAreas) {
  Arena arena(4096, 64);
  EXPECT_EQ(arena.small_len(), 0u + 4096 / 2 / 64 / 64 * 64);
  Arena two(8192, 2);
  EXPECT_EQ(two.small_len(), 2048u);
  EXPECT_EQ(two.large_len(), 4096u);
}

// Whatever the order, ranges in use are disjoint, and the arena becomes whole again.
TEST(ArenaTest, RandomUseKeepsRangesApart) {
  Arena arena(4 << 20, 64);
  std::mt19937 random(1);
  std::map<std::uint32_t, std::uint32_t> used;
  for (int i = 0; i < 20000; ++i) {
    if (used.empty() || random() % 2 == 0) {
      const auto len = static_cast<std::uint32_t>(1 + random() % 300000);
      const auto offset = arena.allocate(len);
      if (!offset) continue;
      const auto next = used.lower_bound(*offset);
      if (next != used.end()) {
        ASSERT_LE(*offset + len, next->first);
      }
      if (next != used.begin()) {
        const auto before = std::prev(next);
        ASSERT_LE(before->first + before->second, *offset);
      }
      used[*offset] = len;
    } else {
      auto victim = std::next(used.begin(), static_cast<long>(random() % used.size()));
      arena.free(victim->first, victim->second);
      used.erase(victim);
    }
  }
  for (const auto& range : used) arena.free(range.first, range.second);
  EXPECT_TRUE(arena.allocate(arena.large_len()));
}

}  // namespace
}  // namespace cipherdeck::driver
