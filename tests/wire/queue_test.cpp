// SPDX-License-Identifier: Apache-2.0
// A driver's life over the wire: admin queue pair, I/O queue pairs, interrupts, resets.
#include "device/pci/config_space.h"
#include "wire/wire_fixture.h"

#include <sys/eventfd.h>

#include <array>
#include <cerrno>

namespace cipherdeck::wire {
namespace {

namespace pci = device::pci;
constexpr std::uint32_t kEventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;

class QueueTest : public WireTest {
 protected:
  void SetUp() override {
    WireTest::SetUp();
    m_driver = std::make_unique<TestDriver>(vf(1));
    ASSERT_TRUE(m_driver->start());
  }

  RawClient& client() { return m_driver->client(); }

  static std::uint64_t count_of(int eventfd) {
    std::uint64_t count = 0;
    return read(eventfd, &count, sizeof count) == sizeof count ? count : 0;
  }

  FileDescriptor wire_vector(std::uint32_t vector) {
    FileDescriptor made(eventfd(0, EFD_NONBLOCK));
    EXPECT_EQ(client().set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kEventfds, vector, 1, {made.get()}), 0);
    return made;
  }

  std::unique_ptr<TestDriver> m_driver;
};

TEST_F(QueueTest, RegistersSayWhatTheFunctionIs) {
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_MAGIC), CIPHERDECK_MAGIC);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_VERSION), std::uint32_t{CIPHERDECK_VERSION});
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_FEATURES_LO), CIPHERDECK_FEATURE_RANDOM);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_FUNCTION), 1U);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_VECTORS), 8U);
  const std::uint32_t limits = client().read_register(CIPHERDECK_REG_LIMITS);
  EXPECT_EQ(CIPHERDECK_LIMITS_QUEUE_PAIRS(limits), 64U);
  EXPECT_EQ(CIPHERDECK_LIMITS_ENTRIES_LOG2(limits), 12U);
  EXPECT_EQ(CIPHERDECK_LIMITS_ARENA_LOG2(limits), 26U);
  m_card.card_state = CIPHERDECK_CARD_FAILED;
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_STATUS),
            CIPHERDECK_STATE_READY | CIPHERDECK_STATE_CARD_FAILED);
}

TEST_F(QueueTest, IdentifyIsAnsweredInTheArena) {
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_IDENTIFY;
  const auto done = m_driver->admin(command);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(done->output_len, sizeof(cipherdeck_identity));
  const auto identity =
      load<cipherdeck_identity>(m_driver->admin_output(sizeof(cipherdeck_identity)));
  EXPECT_EQ(identity.function, 1U);
  EXPECT_EQ(identity.name[0], 'E');

  const auto small = m_driver->admin(command, {}, 127);
  EXPECT_EQ(small->status, CIPHERDECK_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(small->output_len, sizeof(cipherdeck_identity));
  EXPECT_EQ(m_driver->admin(command, {}, 0xffffffff)->status, CIPHERDECK_STATUS_INVALID_EXTENT);
}

TEST_F(QueueTest, QueuePairIsMadeUsedAndDestroyed) {
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_driver->doorbell(1)->state, CIPHERDECK_QUEUE_LIVE);
  EXPECT_EQ(m_card.last_function, 1U);
  const auto text = as_bytes("sixteen tenants");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(m_driver->echo(1, text), std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  EXPECT_EQ(m_driver->destroy(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_driver->doorbell(1)->state, CIPHERDECK_QUEUE_NONE);
  EXPECT_EQ(m_card.num_attached(), 0U);
  EXPECT_EQ(m_driver->destroy(1), CIPHERDECK_STATUS_NOT_FOUND);
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_driver->echo(1, text).size(), text.size());
}

TEST_F(QueueTest, WrongQueuePairsAreRefused) {
  const auto good = TestDriver::create_request(2);
  const auto with = [&good](auto change) {
    auto made = good;
    change(made);
    return made;
  };
  using Create = cipherdeck_queue_pair_create;
  const std::pair<Create, std::uint16_t> cases[] = {
      {with([](Create& c) { c.number = 0; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.number = 64; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.entries = 3; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.entries = 8192; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.vector = 8; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.arena_len = 0; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.arena_len = 100; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.arena_len = 0x8000000; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.submission += 64; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.arena = c.submission; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.completion = c.arena + 0x1000; }),
       CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.arena = 0xfffffffffffff000; }), CIPHERDECK_STATUS_INVALID_ARGUMENT},
      {with([](Create& c) { c.arena = 0xffffffffffff0000; }), CIPHERDECK_STATUS_DMA_FAULT},
      {with([](Create& c) { c.submission = 0x1000; }), CIPHERDECK_STATUS_DMA_FAULT},
      {with([](Create& c) { c.completion = TestDriver::kBase + TestDriver::kGuestLen; }),
       CIPHERDECK_STATUS_DMA_FAULT},
      {with([](Create& c) { c.arena = TestDriver::kBase + TestDriver::kGuestLen - 0x1000; }),
       CIPHERDECK_STATUS_DMA_FAULT},
  };
  int number = 0;
  for (const auto& [request, status] : cases) {
    EXPECT_EQ(m_driver->create(request), status) << "case " << number++;
  }
  EXPECT_EQ(m_driver->create(good), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_driver->create(good), CIPHERDECK_STATUS_EXISTS);
  m_card.refuse_attach = true;
  EXPECT_EQ(m_driver->create(3), CIPHERDECK_STATUS_LIMIT);
  EXPECT_EQ(m_driver->doorbell(3)->state, CIPHERDECK_QUEUE_NONE);

  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_QUEUE_PAIR_CREATE;
  EXPECT_EQ(m_driver->admin(command, as_bytes("short"))->status, CIPHERDECK_STATUS_INVALID_COMMAND);
  command.opcode = CIPHERDECK_OP_NOP;
  EXPECT_EQ(m_driver->admin(command)->status, CIPHERDECK_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(m_driver->destroy(0), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(m_driver->destroy(64), CIPHERDECK_STATUS_INVALID_ARGUMENT);
}

TEST_F(QueueTest, MemoryThatIsNotSealedIsRecordedAndNotUsed) {
  const GuestMemory unsealed(0x40000, GuestMemory::Seal::none);
  ASSERT_EQ(client().map(0x40000000, 0x40000, unsealed.fd()), 0);
  ASSERT_EQ(client().map(0x50000000, 0x40000), 0);
  auto request = TestDriver::create_request(1);
  request.arena = 0x40000000;
  EXPECT_EQ(m_driver->create(request), CIPHERDECK_STATUS_DMA_NOT_SHARED);
  request.arena = 0x50000000;
  EXPECT_EQ(m_driver->create(request), CIPHERDECK_STATUS_DMA_NOT_SHARED);
  const GuestMemory short_file(0x1000);
  ASSERT_EQ(client().map(0x60000000, 0x40000, short_file.fd()), 0);
  request.arena = 0x60000000;
  EXPECT_EQ(m_driver->create(request), CIPHERDECK_STATUS_DMA_NOT_SHARED);
}

TEST_F(QueueTest, AQueueMaySpanMapsOfSeveralFiles) {
  const GuestMemory one(0x10000);
  const GuestMemory two(0x10000);
  ASSERT_EQ(client().map(0x40000000, 0x8000, one.fd(), 0x8000), 0);
  ASSERT_EQ(client().map(0x40008000, 0x8000, two.fd(), 0), 0);
  auto request = TestDriver::create_request(1);
  request.arena = 0x40000000;
  ASSERT_EQ(m_driver->create(request), CIPHERDECK_STATUS_OK);
  // Input in the first file, output in the second.
  const auto layout = TestDriver::layout(1);
  std::memcpy(one.at(0x8000 + 0x7ff0), "across two files", 16);
  ring::DriverEnd ring({.submission = reinterpret_cast<cipherdeck_command*>(
                            m_driver->memory().at(layout.submission())),
                        .completion = reinterpret_cast<cipherdeck_completion*>(
                            m_driver->memory().at(layout.completion())),
                        .arena = one.at(0x8000),
                        .doorbell = m_driver->doorbell(1),
                        .entries = layout.entries,
                        .arena_len = layout.arena_len});
  cipherdeck_command command{};
  command.input = {0x7ff0, 16};
  command.output = {0x8000, 16};
  ASSERT_TRUE(ring.push(command));
  ASSERT_TRUE(ring.ring_doorbell());
  client().write_register(CIPHERDECK_REG_KICK, 1);
  const auto done = ring.reap();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(std::memcmp(two.at(0), "across two files", 16), 0);
}

TEST_F(QueueTest, InterruptsComeWhenAskedFor) {
  const FileDescriptor admin = wire_vector(0);
  const FileDescriptor io = wire_vector(3);
  ASSERT_EQ(m_driver->create(1, 3), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(count_of(admin.get()), 0U);
  EXPECT_FALSE(m_driver->admin_ring().arm_interrupt());
  cipherdeck_command identify{};
  identify.opcode = CIPHERDECK_OP_IDENTIFY;
  ASSERT_TRUE(m_driver->admin(identify));
  EXPECT_EQ(count_of(admin.get()), 1U);
  ASSERT_TRUE(m_driver->admin(identify));
  EXPECT_EQ(count_of(admin.get()), 0U);

  m_driver->echo(1, as_bytes("quiet"));
  EXPECT_EQ(count_of(io.get()), 0U);
  EXPECT_FALSE(m_driver->io_ring(1).arm_interrupt());
  m_driver->echo(1, as_bytes("loud"));
  EXPECT_EQ(count_of(io.get()), 1U);
  EXPECT_EQ(m_driver->doorbell(1)->irq_count, 1U);
}

TEST_F(QueueTest, MaskedVectorsArePendingUntilUnmasked) {
  const FileDescriptor io = wire_vector(3);
  ASSERT_EQ(m_driver->create(1, 3), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(client().write_config<std::uint32_t>(pci::kMsiMask, 0xff), 0);
  EXPECT_FALSE(m_driver->io_ring(1).arm_interrupt());
  m_driver->echo(1, as_bytes("masked"));
  EXPECT_EQ(count_of(io.get()), 0U);
  EXPECT_EQ(client().read_config<std::uint32_t>(pci::kMsiPending), 1U << 3);
  EXPECT_EQ(client().write_config<std::uint32_t>(pci::kMsiMask, 0), 0);
  EXPECT_EQ(count_of(io.get()), 1U);
  EXPECT_EQ(client().read_config<std::uint32_t>(pci::kMsiPending), 0U);
}

TEST_F(QueueTest, ModerationIsHandedToTheCard) {
  EXPECT_EQ(client().write_register(CIPHERDECK_REG_MODERATION, 250), 0);
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_card.last_moderation.load(), std::chrono::microseconds(250));
}

TEST_F(QueueTest, EveryKindOfResetEndsAllQueuePairs) {
  const std::function<void()> resets[] = {
      [this] {
        EXPECT_EQ(client().write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET), 0);
      },
      [this] { EXPECT_EQ(client().reset(), 0); },
      [this] {
        EXPECT_EQ(client().write_config<std::uint16_t>(pci::kPcieDeviceControl, 0x8000), 0);
      }};
  for (const auto& reset : resets) {
    ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
    ASSERT_EQ(m_driver->create(2), CIPHERDECK_STATUS_OK);
    const std::uint32_t generation = client().read_register(CIPHERDECK_REG_GENERATION);
    reset();
    EXPECT_EQ(m_card.num_attached(), 0U);
    for (std::uint32_t number = 0; number <= 2; ++number) {
      EXPECT_EQ(m_driver->doorbell(number)->state, CIPHERDECK_QUEUE_NONE) << number;
    }
    EXPECT_EQ(client().read_register(CIPHERDECK_REG_GENERATION), generation + 1);
    EXPECT_EQ(client().read_register(CIPHERDECK_REG_STATUS), 0U);
    EXPECT_EQ(client().read_register(CIPHERDECK_REG_CONTROL), 0U);
    EXPECT_EQ(client().read_register(CIPHERDECK_REG_ADMIN_ENTRIES), 0U);
    ASSERT_TRUE(m_driver->enable());
  }
}

TEST_F(QueueTest, DisablingDropsQueuePairsAndIsNoReset) {
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  const std::uint32_t generation = client().read_register(CIPHERDECK_REG_GENERATION);
  EXPECT_EQ(client().write_register(CIPHERDECK_REG_CONTROL, 0), 0);
  EXPECT_EQ(m_card.num_attached(), 0U);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_STATUS), 0U);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_GENERATION), generation);
  ASSERT_TRUE(m_driver->enable());
  EXPECT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
}

TEST_F(QueueTest, UnmappingUnderAQueuePairFailsItAndAsksForAReset) {
  const FileDescriptor io = wire_vector(1);
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  const auto layout = TestDriver::layout(1);
  ASSERT_EQ(client().unmap(TestDriver::kBase + layout.arena() + 0x1000, 0x1000), 0);
  EXPECT_EQ(m_card.num_attached(), 0U);
  EXPECT_EQ(m_driver->doorbell(1)->state, CIPHERDECK_QUEUE_FAILED);
  EXPECT_EQ(m_driver->doorbell(1)->error, std::uint32_t{CIPHERDECK_STATUS_DMA_FAULT});
  EXPECT_EQ(m_driver->doorbell(0)->state, CIPHERDECK_QUEUE_FAILED);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_STATUS), CIPHERDECK_STATE_NEEDS_RESET);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_ERROR),
            std::uint32_t{CIPHERDECK_STATUS_DMA_FAULT});
  EXPECT_EQ(count_of(io.get()), 1U);  // whoever waits for a completion wakes up
  EXPECT_FALSE(m_driver->enable());   // takes no work until it is reset
  EXPECT_EQ(client().write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET), 0);
  EXPECT_EQ(client().map(TestDriver::kBase + layout.arena() + 0x1000, 0x1000,
                         m_driver->memory().fd(), layout.arena() + 0x1000),
            0);
  ASSERT_TRUE(m_driver->enable());
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_driver->echo(1, as_bytes("again")).size(), 5U);
}

TEST_F(QueueTest, UnmappingElsewhereDisturbsNothing) {
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(client().unmap(0, 0xfee00000), 0);
  EXPECT_EQ(client().unmap(TestDriver::kBase + TestDriver::kGuestLen - 0x1000, 0x1000), 0);
  EXPECT_EQ(m_driver->echo(1, as_bytes("still here")).size(), 10U);
}

TEST_F(QueueTest, UnmappingUnderTheAdminQueueAsksForAReset) {
  EXPECT_EQ(client().unmap(TestDriver::kBase, 0x1000), 0);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_STATUS), CIPHERDECK_STATE_NEEDS_RESET);
  EXPECT_EQ(m_driver->doorbell(0)->state, CIPHERDECK_QUEUE_FAILED);
}

TEST_F(QueueTest, EnablingWithoutMemoryAsksForAReset) {
  ASSERT_EQ(client().reset(), 0);
  EXPECT_EQ(client().write_register(CIPHERDECK_REG_ADMIN_ENTRIES, 5), 0);
  EXPECT_EQ(client().write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_ENABLE), 0);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_STATUS), CIPHERDECK_STATE_NEEDS_RESET);
  EXPECT_EQ(client().read_register(CIPHERDECK_REG_ERROR),
            std::uint32_t{CIPHERDECK_STATUS_INVALID_ARGUMENT});
  ASSERT_EQ(client().reset(), 0);
  EXPECT_TRUE(m_driver->enable());
}

TEST_F(QueueTest, ManagementIsForThePfOnly) {
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_PARTITION_CREATE;
  EXPECT_EQ(m_driver->admin(command, as_bytes("tenant"))->status, CIPHERDECK_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(m_card.managed, 0U);

  TestDriver pf_driver(pf());
  ASSERT_TRUE(pf_driver.start());
  command.arg[0] = 42;
  const auto done = pf_driver.admin(command, as_bytes("tenant"));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(done->value, 42U);
  EXPECT_EQ(std::memcmp(pf_driver.admin_output(6).data(), "tnanet", 6), 0);
  const auto small = pf_driver.admin(command, as_bytes("tenant"), 3);
  EXPECT_EQ(small->status, CIPHERDECK_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(small->output_len, 6U);
}

TEST_F(QueueTest, AnAnswerToACommandFromBeforeAResetIsDropped) {
  TestDriver pf_driver(pf());
  ASSERT_TRUE(pf_driver.start());
  m_card.hold_management = true;
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_PARTITION_CREATE;
  command.output = {0x4000, 64};
  ASSERT_TRUE(pf_driver.admin_ring().push(command));
  EXPECT_TRUE(pf_driver.admin_ring().ring_doorbell());
  ASSERT_EQ(pf_driver.client().write_register(CIPHERDECK_REG_KICK, 0), 0);
  // The other functions are served while the card works on it.
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  ASSERT_EQ(pf_driver.client().write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET), 0);
  ASSERT_TRUE(pf_driver.enable());
  m_card.hold_management = false;
  while (m_card.managed == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  cipherdeck_command identify{};
  identify.opcode = CIPHERDECK_OP_IDENTIFY;
  const auto done = pf_driver.admin(identify);
  ASSERT_TRUE(done);  // with the identifier of this command: nothing else was completed
  EXPECT_EQ(done->status, CIPHERDECK_STATUS_OK);
  EXPECT_FALSE(pf_driver.admin_ring().reap());
}

TEST_F(QueueTest, AFullAdminRingIsServedToTheEnd) {
  ASSERT_EQ(client().write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET), 0);
  ASSERT_TRUE(m_driver->enable(256));
  cipherdeck_command identify{};
  identify.opcode = CIPHERDECK_OP_IDENTIFY;
  identify.output = {0x4000, 128};
  while (m_driver->admin_ring().push(identify)) {
  }
  EXPECT_TRUE(m_driver->admin_ring().ring_doorbell());
  ASSERT_EQ(client().write_register(CIPHERDECK_REG_KICK, 0), 0);
  int reaped = 0;
  for (int i = 0; i < 5000 && reaped < 256; ++i) {
    while (m_driver->admin_ring().reap()) ++reaped;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(reaped, 256);
}

TEST_F(QueueTest, TrappedDoorbellsAreTheSameAsMappedOnes) {
  ASSERT_EQ(m_driver->create(1), CIPHERDECK_STATUS_OK);
  const std::uint64_t page = CIPHERDECK_DOORBELL_STRIDE;
  const std::uint32_t value = 0x12345678;
  EXPECT_EQ(client().write(VFIO_PCI_BAR2_REGION_INDEX, page + 8, object_bytes(value)), 0);
  EXPECT_EQ(m_driver->doorbell(1)->irq_at, value);
  const auto read_back = client().read(VFIO_PCI_BAR2_REGION_INDEX, page + 8, 4);
  EXPECT_EQ(load<std::uint32_t>(read_back), value);
  EXPECT_EQ(client().read(VFIO_PCI_BAR2_REGION_INDEX, page + 5, 3).size(), 3U);
}

}  // namespace
}  // namespace cipherdeck::wire
