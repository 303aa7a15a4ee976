// SPDX-License-Identifier: Apache-2.0
// The key store on a disk that is full, refuses to grow, or may not be written.
#include "card/partition/management.h"
#include "card/store/testing.h"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace cipherdeck::card {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;

class StoreDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<store::Store> open() {
    auto store = store::Store::open(m_directory.store(), m_directory.key_file(), &m_why);
    return store ? std::move(*store) : nullptr;
  }

  void make_store() {
    auto store = open();
    ASSERT_NE(store, nullptr) << m_why;
    ASSERT_TRUE(store->initialise("disk test", *m_random));
    ASSERT_TRUE(store->create_partition("a", testing::make_key_pair(0, "", *m_random), *m_random));
  }

  // Puts KEKs until one fails; gives how many were put, or -1 if none failed.
  int put_until_failure(store::Store& store) {
    for (std::uint32_t index = 1; index <= 2000; ++index) {
      const auto put = store.put_kek(1, testing::make_kek(index, "", *m_random), *m_random);
      if (put.ok()) continue;
      EXPECT_EQ(put.status(), CIPHERDECK_STATUS_STORE_FAILED);
      return static_cast<int>(index) - 1;
    }
    return -1;
  }

  // All that was put, and nothing else, is there; and the store takes more.
  void expect_whole(store::Store& store, int num_keks) {
    const auto partitions = store.load_partitions();
    ASSERT_TRUE(partitions) << store.last_error();
    EXPECT_EQ(partitions->front()->keks().size(), static_cast<std::size_t>(num_keks));
    EXPECT_TRUE(store.warnings().empty());
    EXPECT_TRUE(store.put_kek(1, testing::make_kek(4000, "", *m_random), *m_random))
        << store.last_error();
  }

  testing::TestDirectory m_directory;
  std::unique_ptr<random::Generator> m_random = testing::make_random();
  std::string m_why;
};

TEST_F(StoreDiskTest, SurvivesAFileSizeLimit) {
  make_store();
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = std::filesystem::file_size(m_directory.database()) + 20'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const int num = put_until_failure(*store);
  const std::string why = store->last_error();
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_GT(num, 10);
  EXPECT_THAT(why, HasSubstr("file size limits"));
  expect_whole(*store, num);
  store.reset();
  store = open();
  ASSERT_NE(store, nullptr) << m_why;
  EXPECT_EQ(store->load_partitions()->front()->keks().size(), static_cast<std::size_t>(num) + 1);
}

// A small file system of its own; needs the right to mount.
TEST_F(StoreDiskTest, SurvivesAFullDisk) {
  const auto mount_point = m_directory.path() / "small";
  std::filesystem::create_directory(mount_point);
  if (mount("none", mount_point.c_str(), "tmpfs", 0, "size=256k,mode=0700") != 0) {
    GTEST_SKIP() << "no right to mount a small file system";
  }
  {
    auto opened = store::Store::open(mount_point / "store", m_directory.key_file(), &m_why);
    ASSERT_TRUE(opened) << m_why;
    auto store = std::move(*opened);
    ASSERT_TRUE(store->initialise("x", *m_random)) << store->last_error();
    ASSERT_TRUE(store->create_partition("a", testing::make_key_pair(0, "", *m_random), *m_random));
    const int num = put_until_failure(*store);
    EXPECT_GT(num, 10);
    EXPECT_THAT(store->last_error(), HasSubstr("no space is left"));
    ASSERT_EQ(mount("none", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=1m"), 0);
    expect_whole(*store, num);
  }
  ASSERT_EQ(mount("none", mount_point.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
  EXPECT_FALSE(store::Store::open(mount_point / "store", m_directory.key_file(), &m_why));
  EXPECT_THAT(m_why, HasSubstr("read-only"));
  umount2(mount_point.c_str(), MNT_DETACH);
}

// Runs `body` in a child that is not root; true if it returned true.
bool as_nobody(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) _exit(2);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(StoreDiskTest, RefusesADirectoryItMayNotWrite) {
  make_store();
  std::filesystem::remove(m_directory.store() / "lock");
  if (geteuid() == 0) {
    for (const auto& path : {m_directory.path(), m_directory.store(), m_directory.database(),
                             m_directory.key_file()}) {
      ASSERT_EQ(chown(path.c_str(), kNobody, kNobody), 0);
    }
  }
  ASSERT_EQ(chmod(m_directory.store().c_str(), 0500), 0);
  EXPECT_TRUE(as_nobody([this] {
    auto store = store::Store::open(m_directory.store(), m_directory.key_file(), &m_why);
    const bool refused = store.status() == CIPHERDECK_STATUS_STORE_FAILED &&
                         m_why.find("cannot be written") != std::string::npos;
    if (!refused) std::printf("status %u: %s\n", store.status(), m_why.c_str());
    return refused;
  }));
  ASSERT_EQ(chmod(m_directory.store().c_str(), 0700), 0);
  ASSERT_EQ(chmod(m_directory.database().c_str(), 0400), 0);
  EXPECT_TRUE(as_nobody([this] {
    auto store = store::Store::open(m_directory.store(), m_directory.key_file(), &m_why);
    const bool refused = store.status() == CIPHERDECK_STATUS_STORE_FAILED &&
                         m_why.find("cannot be opened for writing") != std::string::npos;
    if (!refused) std::printf("status %u: %s\n", store.status(), m_why.c_str());
    return refused;
  }));
}

TEST_F(StoreDiskTest, RefusesAStoreOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  make_store();
  ASSERT_EQ(chown(m_directory.store().c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("belongs to user 65534"));
  ASSERT_EQ(chown(m_directory.store().c_str(), 0, 0), 0);
  ASSERT_EQ(chown(m_directory.key_file().c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("belongs to user 65534"));
}

// The management changes nothing in memory that it could not store.
TEST_F(StoreDiskTest, MemoryFollowsTheDisk) {
  make_store();
  PartitionTable table;
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  Management management(std::move(store), testing::make_random(), table, {});
  ASSERT_TRUE(management.load());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_KEY_PAIR_GENERATE;
  command.arg[0] = 1;
  command.key = 1;
  const auto failed = management.execute(command, as_bytes("12345678"));
  const auto partition = table.find(1);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(failed.status, CIPHERDECK_STATUS_STORE_FAILED);
  EXPECT_FALSE(management.last_error().empty());
  EXPECT_EQ(partition->key_pair(1), nullptr);
  EXPECT_EQ(management.state(), CIPHERDECK_CARD_READY) << "one failed write is not the end";
  EXPECT_EQ(management.execute(command, as_bytes("12345678")).status, CIPHERDECK_STATUS_OK);
  EXPECT_NE(partition->key_pair(1), nullptr);
}

TEST_F(StoreDiskTest, KeepsCountsItCouldNotStore) {
  make_store();
  PartitionTable table;
  Management management(open(), testing::make_random(), table, {});
  ASSERT_TRUE(management.load());
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_KEY_PAIR_GENERATE;
  command.arg[0] = 1;
  command.key = 1;
  ASSERT_EQ(management.execute(command, as_bytes("12345678")).status, CIPHERDECK_STATUS_OK);
  EXPECT_FALSE(table.find(1)->check_access(CIPHERDECK_KEY_PAIR, 1, as_bytes("wrong code")));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto failed = management.flush_access_failures();
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(failed.status(), CIPHERDECK_STATUS_STORE_FAILED);
  EXPECT_TRUE(management.flush_access_failures());
  EXPECT_TRUE(table.find(1)->take_unsaved_failures().empty());
}

}  // namespace
}  // namespace cipherdeck::card
