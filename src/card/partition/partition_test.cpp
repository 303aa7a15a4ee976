// SPDX-License-Identifier: Apache-2.0
#include "card/partition/partition.h"

#include "card/random/random.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace cipherdeck::card {
namespace {

class PartitionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto random = random::Generator::create();
    ASSERT_TRUE(random);
    m_random = std::move(*random);
  }

  std::shared_ptr<const KeyPair> make_pair(std::uint32_t index, std::string_view code) {
    auto sign = engine::Sm2PrivateKey::generate(*m_random);
    auto encrypt = engine::Sm2PrivateKey::generate(*m_random);
    auto access = make_access_verifier(as_bytes(code), *m_random);
    if (!sign || !encrypt || !access) return nullptr;
    return std::make_shared<const KeyPair>(KeyPair{index, 1, *sign, *encrypt, *access});
  }

  std::shared_ptr<const Kek> make_kek(std::uint32_t index, std::string_view code) {
    auto access = make_access_verifier(as_bytes(code), *m_random);
    if (!access) return nullptr;
    return std::make_shared<const Kek>(Kek{index, 1, 128, {}, *access});
  }

  std::shared_ptr<const Sm9Key> make_sm9(std::uint32_t index, std::string_view code) {
    const auto master = engine::Sm9SignMasterKey::generate(*m_random);
    auto key = master->extract(as_bytes("Alice"));
    auto access = make_access_verifier(as_bytes(code), *m_random);
    if (!key || !access) return nullptr;
    return std::make_shared<const Sm9Key>(Sm9Key{index, 1, std::move(*key), "Alice", *access});
  }

  std::uint16_t check(Partition& partition, std::uint32_t index, std::string_view code) {
    return partition.check_access(CIPHERDECK_KEY_PAIR, index, as_bytes(code)).status();
  }

  std::unique_ptr<random::Generator> m_random;
};

TEST_F(PartitionTest, FindsWhatWasPut) {
  Partition partition(7, "tenant");
  EXPECT_EQ(partition.id(), 7u);
  EXPECT_EQ(partition.name(), "tenant");
  EXPECT_EQ(partition.key_pair(1), nullptr);
  partition.put(make_pair(1, "12345678"));
  partition.put(make_kek(1, ""));
  partition.put(make_kek(2, ""));
  ASSERT_NE(partition.key_pair(1), nullptr);
  ASSERT_NE(partition.kek(2), nullptr);
  EXPECT_EQ(partition.key_pairs().size(), 1u);
  EXPECT_EQ(partition.keks().size(), 2u);
  const auto held = partition.key_pair(1);
  partition.remove(CIPHERDECK_KEY_PAIR, 1);
  EXPECT_EQ(partition.key_pair(1), nullptr);
  EXPECT_NE(partition.kek(1), nullptr) << "a KEK of the same index is another key";
  EXPECT_EQ(held->index, 1u) << "whoever holds a removed key finishes with it";
  partition.clear();
  EXPECT_EQ(partition.keks().size(), 0u);
}

TEST_F(PartitionTest, ChecksAccessCodes) {
  Partition partition(1, "a");
  EXPECT_EQ(check(partition, 1, "12345678"), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  partition.put(make_pair(0, ""));
  partition.put(make_pair(1, "12345678"));
  EXPECT_EQ(check(partition, 1, "12345678"), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(check(partition, 1, "12345679"), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(check(partition, 1, "123456789"), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(check(partition, 1, ""), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(check(partition, 1, std::string(100'000, 'x')), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(check(partition, 0, ""), CIPHERDECK_STATUS_ACCESS_DENIED) << "no code, no right";
  EXPECT_EQ(partition.access_failures(CIPHERDECK_KEY_PAIR, 0), 0u);
  EXPECT_EQ(partition.check_access(3, 1, as_bytes("12345678")).status(),
            CIPHERDECK_STATUS_KEY_NOT_FOUND);
}

TEST_F(PartitionTest, CodesOfAnIndexAreToldApart) {
  constexpr std::uint32_t kSm9 = CIPHERDECK_KEY_SM9_SIGN_USER;
  Partition partition(1, "tenant");
  partition.put(make_pair(1, "code of pair"));
  partition.put(make_sm9(1, "code of sm9"));
  const auto open = [&](std::string_view code) {
    return partition.check_private_access(1, as_bytes(code));
  };
  EXPECT_EQ(*open("code of pair"), std::vector<std::uint32_t>{CIPHERDECK_KEY_PAIR});
  EXPECT_EQ(*open("code of sm9"), std::vector<std::uint32_t>{kSm9});
  EXPECT_EQ(partition.access_failures(CIPHERDECK_KEY_PAIR, 1), 0u) << "a code of one is not wrong";
  EXPECT_EQ(open("code of none").status(), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(partition.access_failures(CIPHERDECK_KEY_PAIR, 1), 1u);
  EXPECT_EQ(partition.access_failures(kSm9, 1), 1u);
  EXPECT_TRUE(open("code of sm9").ok());
  EXPECT_EQ(partition.access_failures(CIPHERDECK_KEY_PAIR, 1), 1u);
  EXPECT_EQ(partition.access_failures(kSm9, 1), 0u);
  for (std::uint32_t i = 0; i < kMaxAccessFailures; ++i) (void)open("code of none");
  EXPECT_EQ(open("code of pair").status(), CIPHERDECK_STATUS_LOCKED_OUT);
  EXPECT_EQ(open("code of sm9").status(), CIPHERDECK_STATUS_LOCKED_OUT);
  EXPECT_EQ(partition.check_private_access(2, as_bytes("code of sm9")).status(),
            CIPHERDECK_STATUS_KEY_NOT_FOUND);
  partition.put(make_sm9(3, "code of pair"));
  partition.put(make_pair(3, "code of pair"));
  EXPECT_EQ(partition.check_private_access(3, as_bytes("code of pair"))->size(), 2u);
}

TEST_F(PartitionTest, RefusesAccessCodesOfBadLength) {
  EXPECT_FALSE(make_access_verifier(as_bytes("1234567"), *m_random));
  EXPECT_FALSE(make_access_verifier(as_bytes(std::string(257, 'x')), *m_random));
  EXPECT_TRUE(make_access_verifier(as_bytes(std::string(256, 'x')), *m_random));
  const auto one = make_access_verifier(as_bytes("12345678"), *m_random);
  const auto other = make_access_verifier(as_bytes("12345678"), *m_random);
  EXPECT_NE(one->salt, other->salt);
  EXPECT_FALSE(equal_constant_time(one->mac.span(), other->mac.span()));
}

TEST_F(PartitionTest, LocksOutAfterTenWrongCodes) {
  Partition partition(1, "a");
  partition.put(make_pair(1, "12345678"));
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(check(partition, 1, "wrong code"), CIPHERDECK_STATUS_ACCESS_DENIED);
  }
  EXPECT_EQ(check(partition, 1, "12345678"), CIPHERDECK_STATUS_OK) << "a right code starts over";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(check(partition, 1, "wrong code"), CIPHERDECK_STATUS_ACCESS_DENIED);
  }
  EXPECT_EQ(check(partition, 1, "12345678"), CIPHERDECK_STATUS_LOCKED_OUT);
  EXPECT_EQ(partition.access_failures(CIPHERDECK_KEY_PAIR, 1), kMaxAccessFailures);
  partition.put(make_pair(1, "new code"));
  EXPECT_EQ(check(partition, 1, "new code"), CIPHERDECK_STATUS_OK);
}

TEST_F(PartitionTest, TellsOfCountsToStore) {
  std::atomic<int> told = 0;
  PartitionTable table([&told] { ++told; });
  const auto partition = std::make_shared<Partition>(1, "a");
  table.put(partition);
  partition->put(make_pair(1, "12345678"));
  EXPECT_EQ(check(*partition, 1, "12345678"), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(told, 0) << "nothing changed";
  (void)check(*partition, 1, "wrong code");
  (void)check(*partition, 1, "wrong code");
  EXPECT_EQ(told, 2);
  auto unsaved = partition->take_unsaved_failures();
  ASSERT_EQ(unsaved.size(), 1u);
  EXPECT_EQ(unsaved[0].kind, CIPHERDECK_KEY_PAIR);
  EXPECT_EQ(unsaved[0].index, 1u);
  EXPECT_EQ(unsaved[0].count, 2u);
  EXPECT_TRUE(partition->take_unsaved_failures().empty());
  partition->mark_unsaved(CIPHERDECK_KEY_PAIR, 1);
  EXPECT_EQ(partition->take_unsaved_failures().size(), 1u);
  EXPECT_EQ(check(*partition, 1, "12345678"), CIPHERDECK_STATUS_OK);
  unsaved = partition->take_unsaved_failures();
  ASSERT_EQ(unsaved.size(), 1u);
  EXPECT_EQ(unsaved[0].count, 0u);
}

TEST_F(PartitionTest, ParallelGuessesGetNoExtraTries) {
  Partition partition(1, "a");
  partition.put(make_pair(1, "12345678"));
  std::atomic<int> tries = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        if (check(partition, 1, "wrong code") == CIPHERDECK_STATUS_ACCESS_DENIED) ++tries;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tries, static_cast<int>(kMaxAccessFailures));
}

TEST_F(PartitionTest, TableBindsFunctions) {
  PartitionTable table;
  EXPECT_EQ(table.bound_to(1), nullptr);
  table.put(std::make_shared<Partition>(1, "a"));
  table.put(std::make_shared<Partition>(2, "b"));
  table.bind(1, 1);
  table.bind(2, 2);
  table.bind(3, 9);
  EXPECT_EQ(table.bound_to(1)->name(), "a");
  EXPECT_EQ(table.bound_to(3), nullptr) << "bound to a partition that is not there";
  EXPECT_EQ(table.bindings().size(), 3u);
  const auto held = table.find(2);
  held->put(make_kek(1, ""));
  table.remove(2);
  EXPECT_EQ(table.bound_to(2), nullptr);
  EXPECT_EQ(held->kek(1), nullptr) << "the keys of a removed partition are gone";
  table.bind(1, 0);
  EXPECT_EQ(table.bound_to(1), nullptr);
  EXPECT_EQ(table.all().size(), 1u);
}

}  // namespace
}  // namespace cipherdeck::card
