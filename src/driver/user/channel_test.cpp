// SPDX-License-Identifier: Apache-2.0
// The channel over a queue pair in this process, whose device end a thread serves.
#include "driver/user/channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"

namespace cipherdeck::driver {
namespace {

constexpr std::uint16_t kEcho = 0x7001;      // output: input reversed; params: every byte plus one
constexpr std::uint16_t kTooSmall = 0x7002;  // asks for 1234 bytes of room
constexpr std::uint16_t kHold = 0x7003;      // answered when the next command comes
constexpr std::uint16_t kVanish = 0x7004;    // never answered; the queue pair ends

// A device end with a thread of its own: sleeps when idle, wakes by kick, raises interrupts.
class TestDevice {
 public:
  TestDevice(std::uint32_t entries, std::uint32_t arena_len)
      : m_submission(entries), m_completion(entries), m_arena(arena_len) {
    m_memory = {.submission = m_submission.data(),
                .completion = m_completion.data(),
                .arena = m_arena.data(),
                .doorbell = &m_doorbell,
                .entries = entries,
                .arena_len = arena_len};
    m_kick = FileDescriptor(eventfd(0, EFD_CLOEXEC));
    m_interrupt = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    m_end = ring::DeviceEnd(m_memory);
    m_end.start();
    m_thread = std::thread([this] { serve(); });
  }

  ~TestDevice() {
    m_stop = true;
    kick();
    m_thread.join();
  }

  void kick() {
    ++m_kicks;
    const std::uint64_t one = 1;
    (void)!write(m_kick.get(), &one, sizeof one);
  }

  void wait_until_asleep() {
    while (std::atomic_ref(m_doorbell.needs_kick).load() == 0) std::this_thread::yield();
  }

  [[nodiscard]] const ring::QueueMemory& memory() const { return m_memory; }
  [[nodiscard]] int interrupt_fd() const { return m_interrupt.get(); }
  [[nodiscard]] int kicks() const { return m_kicks; }
  [[nodiscard]] bool arena_is_zero() const {
    return std::all_of(m_arena.begin(), m_arena.end(), [](std::uint8_t byte) { return byte == 0; });
  }
  std::chrono::microseconds delay{0};  // of every command

 private:
  void serve() {
    auto idle_since = std::chrono::steady_clock::now();
    while (!m_stop) {
      const auto pending = m_end.pending();
      ASSERT_TRUE(pending);
      if (*pending != 0) {
        for (std::uint32_t i = 0; i < *pending; ++i) answer(m_end.take());
        if (m_end.interrupt_due()) raise();
        idle_since = std::chrono::steady_clock::now();
      } else if (std::chrono::steady_clock::now() - idle_since > std::chrono::microseconds(100)) {
        doze();
      } else {
        std::this_thread::yield();
      }
    }
  }

  void doze() {
    if (m_end.announce_sleep()) {
      std::uint64_t value;
      (void)!read(m_kick.get(), &value, sizeof value);
    }
    m_end.announce_awake();
  }

  void raise() {
    const std::uint64_t one = 1;
    (void)!write(m_interrupt.get(), &one, sizeof one);
  }

  void answer(const cipherdeck_command& command) {
    if (delay.count() != 0) std::this_thread::sleep_for(delay);
    if (command.opcode == kVanish) {
      m_end.stop();
      raise();
      return;
    }
    if (command.opcode == kHold) {
      m_held.push_back(command);
      return;
    }
    ring::Completion completion{.command_id = command.command_id};
    if (command.opcode == kEcho) {
      echo(command, completion);
    } else if (command.opcode == kTooSmall) {
      completion.status = CIPHERDECK_STATUS_BUFFER_TOO_SMALL;
      completion.output_len = 1234;
    } else if (command.opcode != CIPHERDECK_OP_NOP) {
      completion.status = CIPHERDECK_STATUS_NOT_SUPPORTED;
    }
    m_end.complete(completion);
    for (const auto& held : m_held) m_end.complete({.command_id = held.command_id, .value = 77});
    m_held.clear();
  }

  void echo(const cipherdeck_command& command, ring::Completion& completion) {
    const auto input = ring::resolve(m_memory, command.input);
    const auto output = ring::resolve(m_memory, command.output);
    const auto params = ring::resolve(m_memory, command.params);
    if (!input || !output || !params || output->size() < input->size()) {
      completion.status = CIPHERDECK_STATUS_INVALID_EXTENT;
      return;
    }
    std::reverse_copy(input->begin(), input->end(), output->begin());
    for (auto& byte : *params) ++byte;
    completion.output_len = command.input.len;
    completion.value = command.key;
  }

  std::vector<cipherdeck_command> m_submission;
  std::vector<cipherdeck_completion> m_completion;
  std::vector<std::uint8_t> m_arena;
  cipherdeck_doorbell m_doorbell{};
  ring::QueueMemory m_memory;
  ring::DeviceEnd m_end;
  FileDescriptor m_kick, m_interrupt;
  std::vector<cipherdeck_command> m_held;
  std::atomic<bool> m_stop{false};
  std::atomic<int> m_kicks{0};
  std::thread m_thread;
};

class TestQueuePair final : public QueuePair {
 public:
  explicit TestQueuePair(TestDevice& device) : m_device(device) {}
  [[nodiscard]] const ring::QueueMemory& memory() const noexcept override {
    return m_device.memory();
  }
  Result<void> kick() noexcept override {
    m_device.kick();
    return {};
  }
  Result<void> wait(std::chrono::milliseconds timeout) noexcept override {
    pollfd event{m_device.interrupt_fd(), POLLIN, 0};
    if (poll(&event, 1, static_cast<int>(timeout.count())) <= 0) return Error::timed_out;
    std::uint64_t value;
    (void)!read(m_device.interrupt_fd(), &value, sizeof value);
    return {};
  }

 private:
  TestDevice& m_device;
};

std::vector<std::uint8_t> pattern(std::size_t len, unsigned seed) {
  std::vector<std::uint8_t> bytes(len);
  for (std::size_t i = 0; i < len; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + seed);
  return bytes;
}

void expect_echo(Channel& channel, std::size_t len, unsigned seed) {
  const auto input = pattern(len, seed);
  std::vector<std::uint8_t> output(len), iv(16, 9), iv_after(16);
  Request request;
  request.opcode = kEcho;
  request.key = seed;
  request.input = input;
  request.params = iv;
  request.output = output;
  request.params_result = iv_after;
  const auto reply = channel.execute(request);
  ASSERT_TRUE(reply) << to_string(reply.error());
  EXPECT_EQ(reply->value, seed);
  EXPECT_EQ(reply->output_len, len);
  ASSERT_TRUE(std::equal(input.rbegin(), input.rend(), output.begin(), output.end()));
  EXPECT_EQ(iv_after, std::vector<std::uint8_t>(16, 10));
}

TEST(ChannelTest, CarriesSmallAndLargeOperands) {
  TestDevice device(64, 4 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  EXPECT_EQ(channel.max_data_len(), CIPHERDECK_MAX_DATA_LEN);
  for (const std::size_t len : {1, 16, 100, 4000, 5000, 70000, 1 << 20}) {
    expect_echo(channel, len, static_cast<unsigned>(len % 251));
  }
}

TEST(ChannelTest, LeavesNothingInTheArena) {
  TestDevice device(8, 1 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  expect_echo(channel, 100, 3);
  expect_echo(channel, 100000, 3);
  EXPECT_TRUE(device.arena_is_zero());
}

TEST(ChannelTest, TellsHowMuchRoomIsNeeded) {
  TestDevice device(8, 1 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  Request request;
  request.opcode = kTooSmall;
  std::uint32_t needed = 0;
  const auto reply = channel.execute(request, &needed);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error(), Error::buffer_too_small);
  EXPECT_EQ(needed, 1234u);
}

TEST(ChannelTest, RefusesWhatCannotFitTheArena) {
  TestDevice device(8, 1 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  const auto input = pattern(2 << 20, 1);
  Request request;
  request.input = input;
  EXPECT_EQ(channel.execute(request).error(), Error::invalid_argument);
}

TEST(ChannelTest, WakesASleepingDeviceAndSleepsItself) {
  TestDevice device(8, 1 << 20);
  device.delay = std::chrono::milliseconds(2);  // far beyond the spin
  Channel channel(std::make_unique<TestQueuePair>(device));
  for (unsigned i = 0; i < 5; ++i) {
    device.wait_until_asleep();
    expect_echo(channel, 64, i);
  }
  EXPECT_GE(device.kicks(), 5);
}

TEST(ChannelTest, ManyThreadsShareOneQueuePair) {
  TestDevice device(8, 1 << 20);  // fewer slots than threads, less arena than all want at once
  Channel channel(std::make_unique<TestQueuePair>(device));
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 12; ++t) {
    threads.emplace_back([&channel, t] {
      for (unsigned i = 0; i < 300; ++i) {
        expect_echo(channel, i % 10 == 0 ? 150000 + t : 1 + (i * 37 + t) % 3000, t * 1000 + i);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(device.arena_is_zero());
}

TEST(ChannelTest, CompletionsMayComeOutOfOrder) {
  TestDevice device(8, 1 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  std::thread holder([&channel] {
    Request request;
    request.opcode = kHold;
    const auto reply = channel.execute(request);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->value, 77u);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  expect_echo(channel, 64, 5);
  holder.join();
}

TEST(ChannelTest, QueuePairThatEndsFailsAllWaiters) {
  TestDevice device(8, 1 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  std::vector<std::thread> threads;
  std::atomic<int> disconnected{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&channel, &disconnected] {
      Request request;
      request.opcode = kHold;
      const auto reply = channel.execute(request);
      if (!reply && reply.error() == Error::disconnected) ++disconnected;
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  Request request;
  request.opcode = kVanish;
  EXPECT_EQ(channel.execute(request).error(), Error::disconnected);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(disconnected, 4);
  EXPECT_FALSE(channel.alive());
  EXPECT_EQ(channel.execute(request).error(), Error::disconnected);
}

TEST(ChannelTest, ChildOfForkIsRefused) {
  TestDevice device(8, 1 << 20);
  auto channel = std::make_unique<Channel>(std::make_unique<TestQueuePair>(device));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Request request;
    const auto reply = channel->execute(request);
    const bool refused = !reply && reply.error() == Error::disconnected && !channel->alive();
    channel.reset();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  expect_echo(*channel, 64, 1);
}

TEST(OpenQueuePairTest, SaysWhatFailedAndWhatToDo) {
  std::string why;
  const QueuePairOptions options;
  EXPECT_EQ(open_queue_pair("", options, why).error(), Error::invalid_argument);
  EXPECT_NE(why.find("write /dev/cipherdeck0"), std::string::npos) << why;
  EXPECT_EQ(open_queue_pair("tcp:host", options, why).error(), Error::invalid_argument);
  EXPECT_NE(why.find("\"tcp:host\""), std::string::npos) << why;
  EXPECT_EQ(open_queue_pair("/dev/cipherdeck999", options, why).error(), Error::not_found);
  EXPECT_NE(why.find("load the module"), std::string::npos) << why;
  EXPECT_EQ(open_queue_pair("/dev/null", options, why).error(), Error::not_supported);
  EXPECT_EQ(open_queue_pair("/dev/cipherdeck999, unix:/nowhere/*.sock", options, why).error(),
            Error::not_found);
  EXPECT_NE(why.find("load the module"), std::string::npos) << why;
  EXPECT_NE(why.find("start cipherdeckd"), std::string::npos) << why;
}

// Not a test of speed by itself: printed for a release build.
TEST(ChannelTest, RoundTripOfNop) {
  TestDevice device(64, 4 << 20);
  Channel channel(std::make_unique<TestQueuePair>(device));
  const Request request;
  constexpr int kRounds = 20000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(channel.execute(request));
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  RecordProperty("nop_round_trip_ns", static_cast<int>(took.count() * 1000 / kRounds));
  std::printf("  NOP round trip: %.2f us\n", took.count() / kRounds);
}

}  // namespace
}  // namespace cipherdeck::driver
