// SPDX-License-Identifier: Apache-2.0
// The user-space driver against a real device and card in this process.
#include "driver/user/host_function.h"

#include "card/card.h"
#include "device/device.h"
#include "driver/user/channel.h"

#include <gtest/gtest.h>
#include <temporary_directory.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace cipherdeck::driver {
namespace {

constexpr std::uint32_t kNumVfs = 2;

class HostFunctionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto card = card::Card::open(
        {.store = m_directory.path() / "store", .key_file = m_directory.path() / "key"});
    ASSERT_TRUE(card);
    m_card = std::move(card).value();
    device::DeviceOptions options;
    options.run_directory = m_directory.path();
    options.num_vfs = kNumVfs;
    auto device = device::Device::start(options, *m_card);
    ASSERT_TRUE(device);
    m_device = std::move(device).value();
  }

  void TearDown() override {
    m_device.reset();
    m_card.reset();
  }

  std::shared_ptr<HostFunction> open(const char* socket) {
    // The card may not have seen yet that the last test's client has gone.
    auto function = HostFunction::open(m_directory.path() / socket);
    EXPECT_TRUE(function) << to_string(function.error());
    return function ? *function : nullptr;
  }

  Result<AdminReply> admin(HostFunction& function, std::uint16_t opcode, std::size_t room = 0,
                           std::uint64_t arg0 = 0, std::uint64_t arg1 = 0, Bytes input = {}) {
    cipherdeck_command command{};
    command.opcode = opcode;
    command.arg[0] = arg0;
    command.arg[1] = arg1;
    return function.admin(command, input, room);
  }

  // A partition for VF 1, so that sessions can be opened there.
  void bind_partition() {
    const auto pf = open("pf.sock");
    ASSERT_TRUE(admin(*pf, CIPHERDECK_OP_CARD_INIT));
    const auto made = admin(*pf, CIPHERDECK_OP_PARTITION_CREATE, 0, 0, 0, as_bytes("tenant"));
    ASSERT_TRUE(made);
    ASSERT_TRUE(admin(*pf, CIPHERDECK_OP_FUNCTION_BIND, 0, 1, made->value));
  }

  test::TemporaryDirectory m_directory;
  std::unique_ptr<card::Card> m_card;
  std::unique_ptr<device::Device> m_device;
};

Result<Reply> run(Channel& channel, std::uint16_t opcode, std::uint32_t session = 0,
                  MutableBytes output = {}) {
  Request request;
  request.opcode = opcode;
  request.session = session;
  request.output = output;
  return channel.execute(request);
}

TEST_F(HostFunctionTest, PfIsWhatItSaysAndRunsTheCard) {
  const auto pf = open("pf.sock");
  std::uint32_t id = 0;
  ASSERT_TRUE(pf->read_config(0, {reinterpret_cast<std::uint8_t*>(&id), sizeof id}));
  EXPECT_EQ(id, CIPHERDECK_PCI_VENDOR | CIPHERDECK_PCI_DEVICE_PF << 16);
  EXPECT_EQ(*pf->read_register(CIPHERDECK_REG_MAGIC), CIPHERDECK_MAGIC);
  const auto status = admin(*pf, CIPHERDECK_OP_CARD_STATUS, sizeof(cipherdeck_card_status));
  ASSERT_TRUE(status);
  ASSERT_EQ(status->output.size(), sizeof(cipherdeck_card_status));
  EXPECT_EQ(load<cipherdeck_card_status>(status->output).num_vfs, kNumVfs);
  EXPECT_EQ(admin(*pf, CIPHERDECK_OP_PARTITION_REMOVE, 0, 99).error(), Error::not_initialised);
  EXPECT_EQ(admin(*pf, 0x8fff).error(), Error::not_supported);
  EXPECT_EQ(admin(*pf, CIPHERDECK_OP_CARD_STATUS, 4).error(), Error::buffer_too_small);
}

TEST_F(HostFunctionTest, OpenSaysWhyNot) {
  EXPECT_EQ(HostFunction::open(m_directory.path() / "vf9.sock").error(), Error::not_found);
  EXPECT_EQ(HostFunction::open("/" + std::string(200, 'x')).error(), Error::invalid_argument);
  std::ofstream(m_directory.path() / "file") << "no socket";
  EXPECT_EQ(HostFunction::open(m_directory.path() / "file").error(), Error::not_found);
  const auto vf = open("vf1.sock");
  EXPECT_EQ(HostFunction::open(m_directory.path() / "vf1.sock").error(), Error::busy);
}

TEST_F(HostFunctionTest, QueuePairsComeAndGo) {
  const auto vf = open("vf1.sock");
  for (int i = 0; i < 100; ++i) {
    auto first = vf->create_queue_pair({.entries = 16, .arena_len = 1 << 20});
    auto second = vf->create_queue_pair({});
    ASSERT_TRUE(first) << i;
    ASSERT_TRUE(second) << i;
    Channel one(std::move(first).value()), two(std::move(second).value());
    EXPECT_TRUE(run(one, CIPHERDECK_OP_NOP));
    EXPECT_TRUE(run(two, CIPHERDECK_OP_NOP));
  }
  EXPECT_EQ(vf->create_queue_pair({.entries = 3}).error(), Error::invalid_argument);
  EXPECT_EQ(vf->create_queue_pair({.arena_len = 100}).error(), Error::invalid_argument);
}

TEST_F(HostFunctionTest, QueuePairsHaveALimit) {
  const auto vf = open("vf1.sock");
  std::vector<std::unique_ptr<QueuePair>> pairs;
  for (;;) {
    auto pair = vf->create_queue_pair({.entries = 2, .arena_len = 4096});
    if (!pair) {
      EXPECT_EQ(pair.error(), Error::limit);
      break;
    }
    pairs.push_back(std::move(pair).value());
    ASSERT_LT(pairs.size(), CIPHERDECK_MAX_QUEUE_PAIRS);
  }
  EXPECT_GE(pairs.size(), 8u);
  pairs.pop_back();
  EXPECT_TRUE(vf->create_queue_pair({.entries = 2, .arena_len = 4096}));
}

TEST_F(HostFunctionTest, QueuePairKeepsItsFunction) {
  auto vf = open("vf1.sock");
  auto pair = vf->create_queue_pair({});
  ASSERT_TRUE(pair);
  vf.reset();
  Channel channel(std::move(pair).value());
  EXPECT_TRUE(run(channel, CIPHERDECK_OP_NOP));
}

// More queue pairs than MSI vectors, each waiting for work that is longer than a spin.
TEST_F(HostFunctionTest, QueuePairsShareVectors) {
  bind_partition();
  const auto vf = open("vf1.sock");
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 12; ++t) {
    auto pair = vf->create_queue_pair({.entries = 8, .arena_len = 4 << 20});
    ASSERT_TRUE(pair);
    threads.emplace_back([&good, queue_pair = std::move(pair).value()]() mutable {
      Channel channel(std::move(queue_pair));
      const auto session = run(channel, CIPHERDECK_OP_SESSION_OPEN);
      std::vector<std::uint8_t> bytes(200000);
      for (int i = 0; session && i < 10; ++i) {
        if (run(channel, CIPHERDECK_OP_RANDOM, session->value, bytes)) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 120);
}

TEST_F(HostFunctionTest, ResetDisconnectsChannels) {
  const auto vf = open("vf1.sock");
  auto pair = vf->create_queue_pair({});
  ASSERT_TRUE(pair);
  Channel channel(std::move(pair).value());
  EXPECT_TRUE(run(channel, CIPHERDECK_OP_NOP));
  ASSERT_TRUE(vf->write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(run(channel, CIPHERDECK_OP_NOP).error(), Error::disconnected);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_FALSE(channel.alive());
}

TEST_F(HostFunctionTest, EndOfTheDeviceDisconnects) {
  const auto vf = open("vf1.sock");
  auto pair = vf->create_queue_pair({});
  ASSERT_TRUE(pair);
  Channel channel(std::move(pair).value());
  m_device.reset();
  EXPECT_EQ(run(channel, CIPHERDECK_OP_NOP).error(), Error::disconnected);
  EXPECT_FALSE(vf->read_register(0));
  EXPECT_FALSE(vf->connected());
}

// Printed for release builds on quiet machines.
TEST_F(HostFunctionTest, RoundTripOfNop) {
  const auto vf = open("vf1.sock");
  auto pair = vf->create_queue_pair({});
  ASSERT_TRUE(pair);
  Channel channel(std::move(pair).value());
  constexpr int kRounds = 20000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(run(channel, CIPHERDECK_OP_NOP));
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  std::printf("  NOP round trip: %.2f us\n", took.count() / kRounds);
}

}  // namespace
}  // namespace cipherdeck::driver
