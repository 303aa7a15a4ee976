// SPDX-License-Identifier: Apache-2.0
#include "card/session/session.h"

#include <gtest/gtest.h>

#include <set>

namespace cipherdeck::card::session {
namespace {

TEST(SlotTableTest, HandlesAreNeverReusedUntilTheSlotsAreUsedUp) {
  // Four slots, and a table whose counts cannot run out in a test: all handles differ.
  SlotTable<int, 2> table;
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 10000; ++i) {
    const std::uint32_t handle = table.insert(std::make_unique<int>(i));
    EXPECT_TRUE(seen.insert(handle).second);
    EXPECT_NE(handle, 0U);
    EXPECT_EQ(*table.find(handle), i);
    EXPECT_TRUE(table.erase(handle));
    EXPECT_EQ(table.find(handle), nullptr);
    EXPECT_FALSE(table.erase(handle));
  }
}

TEST(SlotTableTest, ASlotWhoseCountRunsOutIsRetired) {
  SlotTable<int, 28> table;  // four bits of count
  const std::uint32_t other = table.insert(std::make_unique<int>(0));
  std::set<std::uint32_t> slots;
  for (int i = 0; i < 30; ++i) {
    const std::uint32_t handle = table.insert(std::make_unique<int>(i));
    slots.insert(handle & ((1U << 28) - 1));
    EXPECT_TRUE(table.erase(handle));
  }
  EXPECT_EQ(slots.size(), 2U);
  EXPECT_NE(table.find(other), nullptr);
}

TEST(SlotTableTest, IsFullAtItsCapacity) {
  SlotTable<int, 1> table;
  const std::uint32_t first = table.insert(std::make_unique<int>(1));
  EXPECT_FALSE(table.full());
  table.insert(std::make_unique<int>(2));
  EXPECT_TRUE(table.full());
  EXPECT_EQ(table.size(), 2U);
  table.erase(first);
  EXPECT_FALSE(table.full());
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(0xffffffff), nullptr);
}

TEST(SessionTest, RightsAreForTheKeyThatStoodThere) {
  Session session(std::make_shared<Partition>(1, "p"));
  auto key = std::make_shared<int>(1);
  const auto other = std::make_shared<int>(2);
  EXPECT_FALSE(session.has_right(1, 0, key));
  session.give_right(1, 0, key);
  EXPECT_TRUE(session.has_right(1, 0, key));
  EXPECT_FALSE(session.has_right(2, 0, key));
  EXPECT_FALSE(session.has_right(1, 1, key));
  EXPECT_FALSE(session.has_right(1, 0, other));
  session.release_right(1, 0);
  EXPECT_FALSE(session.has_right(1, 0, key));
}

TEST(SessionTest, ClosingASessionTakesItsKeysAndNoOthers) {
  SessionTable table;
  const auto partition = std::make_shared<Partition>(1, "p");
  Session* const first = table.find(*table.open(partition));
  Session* const second = table.find(*table.open(partition));
  const Secret<16> bytes;
  const auto key = [&] { return *SessionKey::from_bytes(bytes.span()); };
  const std::uint32_t one = *table.add_key(*first, key());
  const std::uint32_t two = *table.add_key(*second, key());
  EXPECT_TRUE(table.key(*first, one));
  EXPECT_EQ(table.key(*first, two).error(), Error::key_not_found);
  table.close(*first);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.key(*second, one).error(), Error::key_not_found);
  EXPECT_TRUE(table.key(*second, two));
  EXPECT_EQ(table.agreement(*second, two).error(), Error::key_type);
}

TEST(SessionTest, KeysOfSixteenOrThirtyTwoBytesAreSm4s) {
  const std::array<std::uint8_t, 70> bytes{};
  for (std::size_t len = 0; len <= bytes.size(); ++len) {
    const auto key = SessionKey::from_bytes(Bytes(bytes).first(len));
    EXPECT_EQ(key.ok(), len >= 1 && len <= 64) << len;
    if (key.ok()) {
      EXPECT_EQ(key->first() != nullptr, len == 16 || len == 32) << len;
      EXPECT_EQ(key->second() != nullptr, len == 32);
    }
  }
}

}  // namespace
}  // namespace cipherdeck::card::session
