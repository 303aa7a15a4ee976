// SPDX-License-Identifier: Apache-2.0
#include "card/store/backup.h"

#include "card/store/store.h"
#include "card/store/testing.h"

#include <gmock/gmock.h>

namespace cipherdeck::card::store {
namespace {

using card::testing::make_kek;
using card::testing::make_key_pair;

class SharesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(m_random->fill(m_key.span()));
    ASSERT_TRUE(m_random->fill(m_id));
  }
  // The shares whose bits are set in `choice`.
  static std::vector<std::uint8_t> choose(const std::vector<Share>& shares, unsigned choice) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if ((choice >> i & 1) == 0) continue;
      bytes.insert(bytes.end(), shares[i].span().begin(), shares[i].span().end());
    }
    return bytes;
  }
  std::unique_ptr<random::Generator> m_random = card::testing::make_random();
  Secret<32> m_key;
  BackupId m_id{};
};

TEST_F(SharesTest, AnyThatAreEnoughGiveTheKey) {
  for (unsigned num = 2; num <= 6; ++num) {
    for (unsigned threshold = 2; threshold <= num; ++threshold) {
      const auto shares = split_key(m_key, m_id, threshold, num, *m_random);
      ASSERT_TRUE(shares);
      for (unsigned choice = 1; choice < 1U << num; ++choice) {
        const auto joined = join_key(choose(*shares, choice), m_id);
        const bool enough = static_cast<unsigned>(__builtin_popcount(choice)) >= threshold;
        ASSERT_EQ(joined.ok(), enough) << threshold << " of " << num << ", " << choice;
        if (!enough) continue;
        EXPECT_TRUE(std::ranges::equal(joined->span(), m_key.span()));
      }
    }
  }
}

// A known answer, worked out by hand: threshold 2, coefficient c, share i is key ^ i * c.
TEST_F(SharesTest, IsALineOverGf256) {
  class Fixed final : public RandomSource {
   public:
    Result<void> fill(MutableBytes out) override {
      std::fill(out.begin(), out.end(), std::uint8_t{0x83});
      return {};
    }
  } fixed;
  const auto shares = split_key(Secret<32>{}, m_id, 2, 3, fixed);
  ASSERT_TRUE(shares);
  EXPECT_EQ(shares->at(0).data()[20], 0x83);
  EXPECT_EQ(shares->at(1).data()[20], 0x1d);  // 0x83 * 2 = 0x106 ^ 0x11b
  EXPECT_EQ(shares->at(2).data()[20], 0x9e);  // the two together
}

TEST_F(SharesTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(split_key(m_key, m_id, 1, 3, *m_random));
  EXPECT_FALSE(split_key(m_key, m_id, 4, 3, *m_random));
  EXPECT_FALSE(split_key(m_key, m_id, 2, kMaxShares + 1, *m_random));
  const auto shares = split_key(m_key, m_id, 2, 3, *m_random);
  const auto two = choose(*shares, 3);
  for (std::size_t i = 0; i < two.size(); ++i) {
    auto damaged = two;
    damaged[i] ^= 0x10;
    EXPECT_EQ(join_key(damaged, m_id).status(), CIPHERDECK_STATUS_DECRYPT_FAILED) << i;
  }
  auto twice = choose(*shares, 1);
  twice.insert(twice.end(), twice.begin(), twice.begin() + kShareLen);
  EXPECT_FALSE(join_key(twice, m_id));
  BackupId other = m_id;
  other[0] ^= 1;
  EXPECT_FALSE(join_key(two, other));
  EXPECT_FALSE(join_key({}, m_id));
  EXPECT_FALSE(join_key(Bytes(two).first(100), m_id));
}

class BackupTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> make(const card::testing::TestDirectory& directory) {
    auto store = Store::open(directory.store(), directory.key_file(), nullptr);
    EXPECT_TRUE(store);
    EXPECT_TRUE((*store)->initialise("test", *m_random));
    return *std::move(store);
  }
  card::testing::TestDirectory m_here;
  card::testing::TestDirectory m_there;
  std::unique_ptr<random::Generator> m_random = card::testing::make_random();
  RootKey m_key;
};

TEST_F(BackupTest, GivesAPartitionToAnotherCard) {
  auto here = make(m_here);
  auto there = make(m_there);
  const KeyPair device = make_key_pair(0, "", *m_random);
  const KeyPair pair = make_key_pair(5, "open sesame", *m_random);
  const Kek kek = make_kek(6, "", *m_random);
  const auto id = here->create_partition("blue", device, *m_random);
  ASSERT_TRUE(here->put_key_pair(*id, pair, *m_random));
  ASSERT_TRUE(here->put_kek(*id, kek, *m_random));
  ASSERT_TRUE(here->put_access_failures(*id, CIPHERDECK_KEY_PAIR, 5, 10));
  const auto backup = here->export_partition(*id, {}, m_key, *m_random);
  ASSERT_TRUE(backup) << here->last_error();
  EXPECT_EQ(read_backup_header(*backup)->partition, "blue");
  EXPECT_EQ(read_backup_header(*backup)->serial, here->serial());
  const auto restored = there->import_partition("green", *backup, m_key, *m_random);
  ASSERT_TRUE(restored) << there->last_error();
  const auto partition = there->load_partition(*restored);
  ASSERT_TRUE(partition);
  EXPECT_EQ((*partition)->name(), "green");
  EXPECT_TRUE(std::ranges::equal((*partition)->key_pair(5)->sign.bytes(), pair.sign.bytes()));
  EXPECT_TRUE(std::ranges::equal((*partition)->kek(6)->key.span(), kek.key.span()));
  EXPECT_TRUE((*partition)->check_access(CIPHERDECK_KEY_PAIR, 5, as_bytes("open sesame")));
  EXPECT_EQ(there->import_partition("green", *backup, m_key, *m_random).status(),
            CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(there->load_partitions()->size(), 1u);
}

TEST_F(BackupTest, RefusesWhatIsChanged) {
  auto here = make(m_here);
  const auto id = here->create_partition("blue", make_key_pair(0, "", *m_random), *m_random);
  const auto backup = here->export_partition(*id, {}, m_key, *m_random);
  ASSERT_TRUE(backup);
  for (std::size_t i = 0; i < backup->size(); i += 3) {
    Blob changed = *backup;
    changed[i] ^= 1;
    EXPECT_EQ(here->import_partition("x", changed, m_key, *m_random).status(),
              CIPHERDECK_STATUS_DECRYPT_FAILED);
  }
  for (const std::size_t len : {std::size_t{0}, kBackupHeaderLen, backup->size() - 1}) {
    EXPECT_FALSE(here->import_partition("x", Bytes(*backup).first(len), m_key, *m_random));
  }
  RootKey other;
  other.data()[0] = 1;
  EXPECT_FALSE(here->import_partition("x", *backup, other, *m_random));
  EXPECT_EQ(here->load_partitions()->size(), 1u);
  EXPECT_EQ(here->export_partition(9, {}, m_key, *m_random).status(), CIPHERDECK_STATUS_NOT_FOUND);
}

// A backup that someone with the key made up: its keys are looked at as those of the store are.
TEST_F(BackupTest, RefusesKeysThatAreNone) {
  auto here = make(m_here);
  std::vector<std::uint8_t> room(4096);
  const std::vector<std::uint8_t> zeros(113);
  for (const KeyPlace& place : {KeyPlace{0, CIPHERDECK_KEY_PAIR, 1, 5}, KeyPlace{0, 99, 1, 5}}) {
    std::size_t len = 0;
    ASSERT_TRUE(put_backup_key(room, len, {place, zeros}));
    const auto forged = seal_backup({}, Bytes(room).first(len), m_key, *m_random);
    EXPECT_EQ(here->import_partition("x", *forged, m_key, *m_random).status(),
              CIPHERDECK_STATUS_INVALID_KEY);
  }
  const auto list = seal_backup({}, Bytes(room).first(30), m_key, *m_random);
  EXPECT_FALSE(here->import_partition("x", *list, m_key, *m_random));
  EXPECT_TRUE(here->load_partitions()->empty());
  EXPECT_TRUE(here->warnings().empty());
}

}  // namespace
}  // namespace cipherdeck::card::store
