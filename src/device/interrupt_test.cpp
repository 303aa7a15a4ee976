// SPDX-License-Identifier: Apache-2.0
#include "device/interrupt.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <thread>
#include <vector>

namespace cipherdeck::device {
namespace {

std::uint64_t take(int eventfd) {
  std::uint64_t count = 0;
  return read(eventfd, &count, sizeof count) == sizeof count ? count : 0;
}

TEST(EventSignaller, SignalsOnceEachTime) {
  EventSignaller signaller;
  const FileDescriptor event(eventfd(0, EFD_NONBLOCK));
  for (int i = 0; i < 1000; ++i) signaller.signal(event.get());
  EXPECT_EQ(take(event.get()), 1000U);
}

TEST(EventSignaller, ManyThreadsAtOnceLoseNothing) {
  EventSignaller signaller;
  const FileDescriptor event(eventfd(0, EFD_NONBLOCK));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) signaller.signal(event.get());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(take(event.get()), 2000U);
}

TEST(EventSignaller, DoesNotWaitForAFullCounterThatBlocks) {
  EventSignaller signaller;
  const FileDescriptor full(eventfd(0, 0));
  const std::uint64_t most = 0xfffffffffffffffe;
  ASSERT_EQ(write(full.get(), &most, sizeof most), 8);
  for (int i = 0; i < 300; ++i) signaller.signal(full.get());  // more than fit the context
}

TEST(EventSignaller, SurvivesWhatIsNoEventfd) {
  EventSignaller signaller;
  const FileDescriptor file(memfd_create("x", MFD_CLOEXEC));
  for (int i = 0; i < 300; ++i) signaller.signal(file.get());
  signaller.signal(-1);
  const FileDescriptor event(eventfd(0, EFD_NONBLOCK));
  signaller.signal(event.get());
  EXPECT_EQ(take(event.get()), 1U);
}

TEST(CheckEventfd, TakesEventfdsOnly) {
  const FileDescriptor event(eventfd(0, 0));
  EXPECT_TRUE(check_eventfd(event.get()));
  EXPECT_NE(fcntl(event.get(), F_GETFL) & O_NONBLOCK, 0);
  const FileDescriptor file(memfd_create("x", MFD_CLOEXEC));
  EXPECT_FALSE(check_eventfd(file.get()));
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const FileDescriptor reader(ends[0]);
  const FileDescriptor writer(ends[1]);
  EXPECT_FALSE(check_eventfd(writer.get()));
  EXPECT_FALSE(check_eventfd(-1));
}

class InterruptTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FileDescriptor made(eventfd(0, EFD_NONBLOCK));
    m_event = made.get();
    m_table.wire(2, std::move(made));
  }
  InterruptTable m_table{std::make_shared<EventSignaller>()};
  int m_event = -1;
};

TEST_F(InterruptTableTest, RaisesTheVectorThatIsWired) {
  m_table.raise(2);
  m_table.raise(3);
  m_table.raise(CIPHERDECK_MAX_VECTORS);
  m_table.raise(UINT32_MAX);
  EXPECT_EQ(take(m_event), 1U);
  EXPECT_EQ(m_table.pending(), 0U);
}

TEST_F(InterruptTableTest, MaskedVectorsWaitForTheirMask) {
  m_table.set_masked(0x04);
  m_table.raise(2);
  m_table.raise(2);
  EXPECT_EQ(take(m_event), 0U);
  EXPECT_EQ(m_table.pending(), 0x04U);
  m_table.set_masked(0x08);
  EXPECT_EQ(take(m_event), 1U);
  EXPECT_EQ(m_table.pending(), 0U);
}

TEST_F(InterruptTableTest, UnwiringForgetsWhatIsPending) {
  m_table.set_masked(0x04);
  m_table.raise(2);
  m_table.unwire_all();
  EXPECT_EQ(m_table.pending(), 0U);
}

}  // namespace
}  // namespace cipherdeck::device
