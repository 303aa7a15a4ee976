// SPDX-License-Identifier: Apache-2.0
#include "ring/ring.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace cipherdeck::ring {
namespace {

class RingTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kEntries = 8;

  QueueMemory memory() {
    return {.submission = m_submission.data(),
            .completion = m_completion.data(),
            .arena = m_arena.data(),
            .doorbell = &m_doorbell,
            .entries = kEntries,
            .arena_len = static_cast<std::uint32_t>(m_arena.size())};
  }

  std::vector<cipherdeck_command> m_submission = std::vector<cipherdeck_command>(kEntries);
  std::vector<cipherdeck_completion> m_completion = std::vector<cipherdeck_completion>(kEntries);
  std::vector<std::uint8_t> m_arena = std::vector<std::uint8_t>(4096);
  cipherdeck_doorbell m_doorbell{};
  DriverEnd m_driver{memory()};
  DeviceEnd m_device{memory()};

  void SetUp() override { m_device.start(); }

  bool push(std::uint16_t id) {
    cipherdeck_command command{};
    command.command_id = id;
    return m_driver.push(command);
  }
};

TEST_F(RingTest, EntriesArePowersOfTwoWithinBounds) {
  EXPECT_TRUE(check_entries(2));
  EXPECT_TRUE(check_entries(4096));
  for (const std::uint32_t bad : {0U, 1U, 3U, 6U, 8192U, 0x80000000U}) {
    EXPECT_EQ(check_entries(bad).error(), Error::invalid_argument) << bad;
  }
}

TEST_F(RingTest, ExtentsStayInTheArena) {
  EXPECT_EQ(resolve(memory(), {0, 4096})->size(), 4096U);
  EXPECT_EQ(resolve(memory(), {4095, 1})->data(), m_arena.data() + 4095);
  EXPECT_TRUE(resolve(memory(), {0xffffffff, 0})->empty());
  EXPECT_EQ(resolve(memory(), {4096, 1}).error(), Error::invalid_extent);
  EXPECT_EQ(resolve(memory(), {1, 4096}).error(), Error::invalid_extent);
  EXPECT_EQ(resolve(memory(), {8, 0xfffffffc}).error(), Error::invalid_extent);
  EXPECT_EQ(resolve(memory(), {0xffffffff, 0xffffffff}).error(), Error::invalid_extent);
}

TEST_F(RingTest, CommandsAndCompletionsGoRoundManyTimes) {
  for (std::uint16_t id = 0; id < 100; ++id) {
    ASSERT_TRUE(push(id));
    EXPECT_TRUE(m_driver.ring_doorbell());  // needs_kick is 1 until the device is awake
    ASSERT_EQ(*m_device.pending(), 1U);
    const auto command = m_device.take();
    EXPECT_EQ(command.command_id, id);
    EXPECT_FALSE(m_driver.reap());
    m_device.complete({.command_id = id, .status = 5, .value = 7, .output_len = 9});
    const auto completion = m_driver.reap();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->command_id, id);
    EXPECT_EQ(completion->status, 5);
    EXPECT_EQ(completion->value, 7U);
    EXPECT_EQ(completion->output_len, 9U);
  }
}

TEST_F(RingTest, RingIsFullUntilReaped) {
  for (std::uint16_t id = 0; id < kEntries; ++id) ASSERT_TRUE(push(id));
  EXPECT_FALSE(push(99));
  (void)m_driver.ring_doorbell();
  for (std::uint16_t id = 0; id < kEntries; ++id) m_device.complete({m_device.take().command_id});
  EXPECT_FALSE(push(99));
  EXPECT_TRUE(m_driver.reap());
  EXPECT_TRUE(push(99));
}

TEST_F(RingTest, UnreapedCompletionsHoldCommandsBack) {
  for (std::uint16_t id = 0; id < kEntries; ++id) ASSERT_TRUE(push(id));
  (void)m_driver.ring_doorbell();
  for (std::uint16_t id = 0; id < kEntries; ++id) m_device.complete({m_device.take().command_id});
  m_doorbell.sq_tail += 2;  // a driver that submits without reaping
  EXPECT_EQ(*m_device.pending(), 0U);
  m_doorbell.cq_head += 1;
  EXPECT_EQ(*m_device.pending(), 1U);
}

TEST_F(RingTest, ImpossibleIndicesBreakTheRing) {
  m_doorbell.sq_tail = kEntries + 1;
  EXPECT_EQ(m_device.pending().error(), Error::ring_broken);
  m_doorbell.sq_tail = 0xffffffff;
  EXPECT_EQ(m_device.pending().error(), Error::ring_broken);
  m_doorbell.sq_tail = 0;
  m_doorbell.cq_head = 1;  // reaped what was never posted
  EXPECT_EQ(m_device.pending().error(), Error::ring_broken);
  m_device.fail(Error::ring_broken);
  EXPECT_EQ(m_driver.state(), CIPHERDECK_QUEUE_FAILED);
}

TEST_F(RingTest, InterruptOnlyWhenAskedFor) {
  for (std::uint16_t id = 0; id < 4; ++id) ASSERT_TRUE(push(id));
  (void)m_driver.ring_doorbell();
  m_device.complete({m_device.take().command_id});
  EXPECT_FALSE(m_device.interrupt_due());
  EXPECT_TRUE(m_driver.arm_interrupt());  // one is there already
  ASSERT_TRUE(m_driver.reap());
  EXPECT_FALSE(m_driver.arm_interrupt());
  m_device.complete({m_device.take().command_id});
  EXPECT_TRUE(m_device.interrupt_due());
  m_device.complete({m_device.take().command_id});
  EXPECT_FALSE(m_device.interrupt_due());
  EXPECT_EQ(m_doorbell.irq_count, 1U);
}

TEST_F(RingTest, SleepIsRefusedWhenWorkCameIn) {
  m_device.announce_awake();
  ASSERT_TRUE(push(1));
  EXPECT_FALSE(m_driver.ring_doorbell());
  EXPECT_FALSE(m_device.announce_sleep());
  m_device.announce_awake();
  m_device.complete({m_device.take().command_id});
  EXPECT_TRUE(m_device.announce_sleep());
  ASSERT_TRUE(m_driver.reap());
  ASSERT_TRUE(push(2));
  EXPECT_TRUE(m_driver.ring_doorbell());
}

TEST_F(RingTest, TwoThreadsLoseNothing) {
  constexpr std::uint32_t kCommands = 200000;
  std::thread device([this] {
    std::uint32_t done = 0;
    while (done < kCommands) {
      const auto waiting = m_device.pending();
      if (*waiting == 0) std::this_thread::yield();
      for (std::uint32_t i = 0; i < *waiting; ++i, ++done) {
        const auto command = m_device.take();
        m_device.complete({.command_id = command.command_id, .value = command.key + 1});
      }
    }
  });
  std::uint32_t sent = 0;
  std::uint32_t reaped = 0;
  while (reaped < kCommands) {
    cipherdeck_command command{};
    command.key = sent;
    command.command_id = static_cast<std::uint16_t>(sent);
    while (sent < kCommands && m_driver.push(command)) {
      command.key = ++sent;
      command.command_id = static_cast<std::uint16_t>(sent);
    }
    (void)m_driver.ring_doorbell();
    auto completion = m_driver.reap();
    if (!completion) std::this_thread::yield();
    for (; completion; completion = m_driver.reap(), ++reaped) {
      ASSERT_EQ(completion->command_id, static_cast<std::uint16_t>(reaped));
      ASSERT_EQ(completion->value, reaped + 1);
    }
  }
  device.join();
}

}  // namespace
}  // namespace cipherdeck::ring
