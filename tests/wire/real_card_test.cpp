// SPDX-License-Identifier: Apache-2.0
// The device on top of the card itself.
#include "wire/wire_fixture.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

namespace cipherdeck::wire {
namespace {

// GB/T 32905-2016, example 1: the digest of "abc".
constexpr std::uint8_t kDigestOfAbc[32] = {
    0x66, 0xc7, 0xf0, 0xf4, 0x62, 0xee, 0xed, 0xd9, 0xd1, 0xf2, 0xd4, 0x6b, 0xdc, 0x10, 0xe4, 0xe2,
    0x41, 0x67, 0xc4, 0x87, 0x5c, 0xf2, 0xf7, 0xa2, 0x29, 0x7d, 0xa0, 0x2b, 0x8f, 0x4b, 0xa8, 0xe0};

class RealCardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = card::Card::open(
        {.store = m_directory.path() / "store", .key_file = m_directory.path() / "key"});
    ASSERT_TRUE(opened) << to_string(opened.error());
    m_card = std::move(opened).value();
    ASSERT_EQ(mkdir((m_directory.path() / "run").c_str(), 0700), 0);
    device::DeviceOptions options;
    options.run_directory = m_directory.path() / "run";
    options.num_vfs = 3;
    auto started = device::Device::start(std::move(options), *m_card);
    ASSERT_TRUE(started) << to_string(started.error());
    m_device = std::move(started).value();
  }

  [[nodiscard]] std::filesystem::path socket(const std::string& name) const {
    return m_directory.path() / "run" / (name + ".sock");
  }

  /// Runs a command on I/O queue pair 1; input lies in the arena at 0, output at 0x8000.
  static std::optional<ring::Completion> run(TestDriver& driver, cipherdeck_command command) {
    ring::DriverEnd& ring = driver.io_ring(1);
    if (!ring.push(command)) return std::nullopt;
    if (ring.ring_doorbell()) driver.client().write_register(CIPHERDECK_REG_KICK, 1);
    for (int i = 0; i < 50000; ++i) {
      if (auto done = ring.reap()) return done;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return std::nullopt;
  }

  static bool hashes_abc(TestDriver& driver, std::uint32_t session) {
    ring::DriverEnd& ring = driver.io_ring(1);
    std::memcpy(ring.memory().arena, "abc", 3);
    std::memset(ring.memory().arena + 0x8000, 0, 32);
    cipherdeck_command hash{};
    hash.opcode = CIPHERDECK_OP_HASH;
    hash.session = session;
    hash.algorithm = CIPHERDECK_ALG_SM3;
    hash.input = {0, 3};
    hash.output = {0x8000, 32};
    const auto done = run(driver, hash);
    return done && done->status == CIPHERDECK_STATUS_OK &&
           std::memcmp(ring.memory().arena + 0x8000, kDigestOfAbc, 32) == 0;
  }

  static std::optional<std::uint32_t> open_session(TestDriver& driver) {
    cipherdeck_command open{};
    open.opcode = CIPHERDECK_OP_SESSION_OPEN;
    const auto done = run(driver, open);
    if (!done || done->status != CIPHERDECK_STATUS_OK) return std::nullopt;
    return done->value;
  }

  /// Initialises the card and binds VFs 1 to `count` to a partition each.
  void provision(std::uint32_t count) {
    TestDriver pf(socket("pf"));
    ASSERT_TRUE(pf.start());
    cipherdeck_command command{};
    command.opcode = CIPHERDECK_OP_CARD_INIT;
    ASSERT_EQ(pf.admin(command, as_bytes("wire test"))->status, CIPHERDECK_STATUS_OK);
    for (std::uint32_t number = 1; number <= count; ++number) {
      command = {};
      command.opcode = CIPHERDECK_OP_PARTITION_CREATE;
      const auto made = pf.admin(command, as_bytes("tenant" + std::to_string(number)));
      ASSERT_EQ(made->status, CIPHERDECK_STATUS_OK);
      command = {};
      command.opcode = CIPHERDECK_OP_FUNCTION_BIND;
      command.arg[0] = number;
      command.arg[1] = made->value;
      ASSERT_EQ(pf.admin(command)->status, CIPHERDECK_STATUS_OK);
    }
  }

  test::TemporaryDirectory m_directory;
  std::unique_ptr<card::Card> m_card;
  std::unique_ptr<device::Device> m_device;
};

TEST_F(RealCardTest, ThePfManagesAndAVfHashes) {
  provision(1);
  TestDriver pf(socket("pf"));
  ASSERT_TRUE(pf.start());
  cipherdeck_command status{};
  status.opcode = CIPHERDECK_OP_CARD_STATUS;
  ASSERT_EQ(pf.admin(status)->status, CIPHERDECK_STATUS_OK);
  const auto card = load<cipherdeck_card_status>(pf.admin_output(sizeof(cipherdeck_card_status)));
  EXPECT_EQ(card.state, CIPHERDECK_CARD_READY);
  EXPECT_EQ(card.num_vfs, 3U);
  EXPECT_EQ(card.num_partitions, 1U);

  TestDriver vf(socket("vf1"));
  ASSERT_TRUE(vf.start());
  ASSERT_EQ(vf.create(1), CIPHERDECK_STATUS_OK);
  const auto session = open_session(vf);
  ASSERT_TRUE(session);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(hashes_abc(vf, *session)) << i;
}

TEST_F(RealCardTest, InterruptsWakeADriverThatSleeps) {
  provision(1);
  TestDriver vf(socket("vf1"));
  ASSERT_TRUE(vf.start());
  const FileDescriptor event(eventfd(0, 0));
  ASSERT_EQ(vf.client().set_irqs(VFIO_PCI_MSI_IRQ_INDEX,
                                 VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1, 1,
                                 {event.get()}),
            0);
  ASSERT_EQ(vf.create(1, 1), CIPHERDECK_STATUS_OK);
  ring::DriverEnd& ring = vf.io_ring(1);
  for (int i = 0; i < 50; ++i) {
    cipherdeck_command nop{};
    ASSERT_TRUE(ring.push(nop));
    if (!ring.arm_interrupt()) {
      if (ring.ring_doorbell()) vf.client().write_register(CIPHERDECK_REG_KICK, 1);
      pollfd state{.fd = event.get(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(poll(&state, 1, 10000), 1) << i;
      std::uint64_t count = 0;
      ASSERT_EQ(read(event.get(), &count, sizeof count), 8);
    }
    ASSERT_TRUE(ring.reap()) << i;
  }
}

TEST_F(RealCardTest, UnmappingResettingAndLeavingInTheMidstOfWork) {
  provision(2);
  TestDriver good(socket("vf2"));
  ASSERT_TRUE(good.start());
  ASSERT_EQ(good.create(1), CIPHERDECK_STATUS_OK);
  const auto good_session = open_session(good);
  ASSERT_TRUE(good_session);
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> right = 0;
  std::thread neighbour([&] {
    while (!stop) ++(hashes_abc(good, *good_session) ? right : wrong);
  });

  for (int round = 0; round < 30; ++round) {
    TestDriver bad(socket("vf1"));
    for (int i = 0; i < 2000 && !bad.client().connected(); ++i) std::this_thread::yield();
    // The server may not yet have seen the last client go.
    if (!bad.start()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    ASSERT_EQ(bad.create(1), CIPHERDECK_STATUS_OK);
    const auto session = open_session(bad);
    ASSERT_TRUE(session);
    cipherdeck_command hash{};
    hash.opcode = CIPHERDECK_OP_HASH;
    hash.session = *session;
    hash.algorithm = CIPHERDECK_ALG_SM3;
    hash.input = {0, 0x8000};
    hash.output = {0x8000, 32};
    while (bad.io_ring(1).push(hash)) {
    }
    if (bad.io_ring(1).ring_doorbell()) bad.client().write_register(CIPHERDECK_REG_KICK, 1);
    switch (round % 4) {
      case 0:
        EXPECT_EQ(bad.client().unmap(0, 0, 2), 0);
        EXPECT_EQ(bad.doorbell(1)->state, CIPHERDECK_QUEUE_FAILED);
        break;
      case 1:
        EXPECT_EQ(bad.client().reset(), 0);
        EXPECT_EQ(bad.doorbell(1)->state, CIPHERDECK_QUEUE_NONE);
        break;
      case 2:
        EXPECT_EQ(bad.destroy(1), CIPHERDECK_STATUS_OK);
        break;
      default:
        break;
    }
  }
  stop = true;
  neighbour.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 0);
}

TEST_F(RealCardTest, ABrokenRingFailsItsQueuePairOnly) {
  provision(1);
  TestDriver vf(socket("vf1"));
  ASSERT_TRUE(vf.start());
  ASSERT_EQ(vf.create(1), CIPHERDECK_STATUS_OK);
  ASSERT_EQ(vf.create(2), CIPHERDECK_STATUS_OK);
  vf.doorbell(2)->sq_tail = 0x7fffffff;
  ASSERT_EQ(vf.client().write_register(CIPHERDECK_REG_KICK, 2), 0);
  for (int i = 0; i < 5000 && vf.doorbell(2)->state != CIPHERDECK_QUEUE_FAILED; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(vf.doorbell(2)->state, CIPHERDECK_QUEUE_FAILED);
  EXPECT_EQ(vf.doorbell(2)->error, std::uint32_t{CIPHERDECK_STATUS_RING_BROKEN});
  EXPECT_EQ(vf.client().read_register(CIPHERDECK_REG_STATUS), CIPHERDECK_STATE_READY);
  const auto session = open_session(vf);
  ASSERT_TRUE(session);
  EXPECT_TRUE(hashes_abc(vf, *session));
  EXPECT_EQ(vf.destroy(2), CIPHERDECK_STATUS_OK);
}

}  // namespace
}  // namespace cipherdeck::wire
