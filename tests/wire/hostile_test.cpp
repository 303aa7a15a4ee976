// SPDX-License-Identifier: Apache-2.0
// Clients that mean harm, while a well-behaved one on another function goes on and gets right
// answers.
#include "device/dma/dma_table.h"
#include "wire/wire_fixture.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <thread>

namespace cipherdeck::wire {
namespace {

// Descriptors of this process, in which client and server both are.
std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class HostileTest : public WireTest {
 protected:
  void SetUp() override {
    WireTest::SetUp();
    m_good = std::make_unique<TestDriver>(vf(2));
    ASSERT_TRUE(m_good->start());
    ASSERT_EQ(m_good->create(1), CIPHERDECK_STATUS_OK);
    m_thread = std::thread([this] { behave_well(); });
    m_descriptors = open_descriptors();
  }

  void TearDown() override {
    const std::uint32_t before = m_echoes;
    for (int i = 0; i < 5000 && m_echoes < before + 3; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GE(m_echoes, before + 3) << "the well-behaved client is stuck";
    m_stop = true;
    m_thread.join();
    EXPECT_EQ(m_wrong, 0U);
  }

  void behave_well() {
    std::uint32_t number = 0;
    while (!m_stop) {
      const std::string text = "well-behaved " + std::to_string(++number);
      const auto back = m_good->echo(1, as_bytes(text));
      if (std::string(back.begin(), back.end()) != text) ++m_wrong;
      ++m_echoes;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }

  /// Whether all descriptors that a test made are closed, its clients' too.
  [[nodiscard]] bool descriptors_return() const {
    for (int i = 0; i < 3000; ++i) {
      if (open_descriptors() <= m_descriptors) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  std::unique_ptr<TestDriver> m_good;
  std::thread m_thread;
  std::atomic<bool> m_stop = false;
  std::atomic<std::uint32_t> m_wrong = 0;
  std::atomic<std::uint32_t> m_echoes = 0;
  std::size_t m_descriptors = 0;
};

TEST_F(HostileTest, GarbageForAVersionEndsTheConnection) {
  const auto version = [](std::uint16_t major, std::string text) {
    Payload payload(VersionBody{major, 0});
    payload.add_bytes(as_bytes(text));
    return payload;
  };
  const Payload garbage[] = {
      Payload(),
      Payload(std::uint8_t{0}),
      version(1, ""),
      version(0xffff, ""),
      version(0, "{"),
      version(0, "{}"),  // does not end with a zero byte
      version(0, std::string("{\"capabilities\": 7}\0", 20)),
      version(0, std::string("[]\0", 3)),
      version(0, std::string("\xff\xfe\0", 3)),
      version(0, std::string(4000, '[') + '\0'),
      version(0, std::string(100000, 'x')),
  };
  for (const Payload& payload : garbage) {
    RawClient client(vf(1));
    const Answer answer = client.call(vu::Command::version, payload);
    EXPECT_EQ(answer.error(), EINVAL);
    EXPECT_NE(answer.header.flags & vu::kFlagError, 0U);
    EXPECT_TRUE(client.closed_by_server());
    client.close();
    ASSERT_TRUE(clients_become(1));
  }
}

TEST_F(HostileTest, CommandsOutOfOrderEndTheConnection) {
  {
    RawClient client(vf(1));
    EXPECT_EQ(client.call(vu::Command::device_reset).error(), EINVAL);
    EXPECT_TRUE(client.closed_by_server());
  }
  ASSERT_TRUE(clients_become(1));
  {
    RawClient client(vf(1));
    ASSERT_TRUE(client.negotiate());
    EXPECT_FALSE(client.negotiate());
    EXPECT_TRUE(client.closed_by_server());
  }
  for (const std::uint32_t flags : {0x1U, 0x2U, 0x20U, 0x80000000U}) {
    ASSERT_TRUE(clients_become(1));
    RawClient client(vf(1));
    ASSERT_TRUE(client.negotiate());
    ASSERT_TRUE(client.send(vu::Command::device_reset, {}, {}, flags));
    EXPECT_EQ(client.receive()->error(), EINVAL) << flags;
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST_F(HostileTest, HeadersWithImpossibleSizesEndTheConnection) {
  for (const std::uint32_t size : {0U, 1U, 15U, 0x101001U, 0x7fffffffU, 0xffffffffU}) {
    ASSERT_TRUE(clients_become(1));
    RawClient client(vf(1));
    const vu::Header header{.message_id = 1, .command = 1, .size = size, .flags = 0, .error = 0};
    ASSERT_TRUE(client.send_raw(object_bytes(header)));
    EXPECT_TRUE(client.closed_by_server()) << size;
  }
}

TEST_F(HostileTest, ShortMessagesAreRefused) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::pair<vu::Command, std::size_t> needs[] = {{vu::Command::dma_map, 32},
                                                       {vu::Command::dma_unmap, 24},
                                                       {vu::Command::device_get_info, 16},
                                                       {vu::Command::device_get_region_info, 32},
                                                       {vu::Command::device_get_irq_info, 16},
                                                       {vu::Command::device_set_irqs, 20},
                                                       {vu::Command::region_read, 16},
                                                       {vu::Command::region_write, 17},
                                                       {vu::Command::region_write_multi, 8}};
  for (const auto& need : needs) {
    for (std::size_t len = 0; len < need.second; ++len) {
      Payload payload;
      payload.add_bytes(std::vector<std::uint8_t>(len, 0xff));
      EXPECT_EQ(client.call(need.first, payload).error(), EINVAL) << len;
    }
  }
}

TEST_F(HostileTest, RegionAccessesBeyondTheEndAreRefused) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const vu::RegionAccess wrong[] = {
      {.offset = 4096, .region = 7, .count = 1},
      {.offset = 4095, .region = 7, .count = 2},
      {.offset = 0, .region = 7, .count = 4097},
      {.offset = UINT64_MAX, .region = 7, .count = 2},
      {.offset = 0, .region = 7, .count = 0},
      {.offset = 0, .region = 7, .count = 0xffffffff},
      {.offset = 0, .region = 1, .count = 4},
      {.offset = 0, .region = 0xffffffff, .count = 4},
      {.offset = CIPHERDECK_BAR_DOORBELLS_LEN - 2, .region = 2, .count = 4},
      {.offset = 0xffffffff00000000, .region = 2, .count = 4}};
  for (const vu::RegionAccess& access : wrong) {
    EXPECT_EQ(client.call(vu::Command::region_read, Payload(access)).error(), EINVAL);
    Payload write(access);
    write.add_bytes(std::vector<std::uint8_t>(std::min(access.count, 64U)));
    EXPECT_EQ(client.call(vu::Command::region_write, write).error(), EINVAL);
  }
  // More data than said, and less.
  const vu::RegionAccess access{.offset = 0, .region = 7, .count = 4};
  Payload more(access);
  more.add(std::uint64_t{0});
  EXPECT_EQ(client.call(vu::Command::region_write, more).error(), EINVAL);
  Payload less(access);
  less.add(std::uint16_t{0});
  EXPECT_EQ(client.call(vu::Command::region_write, less).error(), EINVAL);
}

TEST_F(HostileTest, WrongDmaMapsAreRefused) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const GuestMemory memory(0x4000);
  EXPECT_EQ(client.map(0x1000, 0, memory.fd()), EINVAL);
  EXPECT_EQ(client.map(0x1001, 0x1000, memory.fd()), EINVAL);
  EXPECT_EQ(client.map(0x1000, 0x1001, memory.fd()), EINVAL);
  EXPECT_EQ(client.map(0x1000, 0x1000, memory.fd(), 0x10), EINVAL);
  EXPECT_EQ(client.map(0xfffffffffffff000, 0x2000, memory.fd()), EINVAL);
  EXPECT_EQ(client.map(0x1000, 0x1000, memory.fd(), 0, 0x80), EINVAL);
  ASSERT_EQ(client.map(0x10000, 0x2000, memory.fd()), 0);
  EXPECT_EQ(client.map(0x11000, 0x2000, memory.fd()), EEXIST);
  EXPECT_EQ(client.map(0xf000, 0x8000), EEXIST);
  EXPECT_EQ(client.map(0xfffffffffffff000, 0x1000, memory.fd()), 0);           // the last page
  EXPECT_EQ(client.map(0x20000, 0x1000, memory.fd(), 0xfffffffffffff000), 0);  // recorded only
}

TEST_F(HostileTest, MapsAreBounded) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  for (std::uint64_t i = 0; i < device::dma::kMaxMaps; ++i) {
    ASSERT_EQ(client.map(i * 0x2000, 0x1000), 0) << i;
  }
  EXPECT_EQ(client.map(0x100000000, 0x1000), ENOSPC);
  EXPECT_EQ(client.unmap(0, 0x1000), 0);
  EXPECT_EQ(client.map(0x100000000, 0x1000), 0);
}

TEST_F(HostileTest, MemoryFilesAreBounded) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  for (std::uint64_t i = 0; i < device::dma::kMaxFiles; ++i) {
    const GuestMemory memory(0x1000);
    ASSERT_EQ(client.map(i * 0x1000, 0x1000, memory.fd()), 0) << i;
  }
  {
    const GuestMemory one_more(0x1000);
    EXPECT_EQ(client.map(0x100000000, 0x1000, one_more.fd()), ENOSPC);
  }
  client.close();
  EXPECT_TRUE(descriptors_return());
}

TEST_F(HostileTest, DescriptorsWhereNoneBelongAreClosed) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::size_t before = open_descriptors();
  {
    const GuestMemory memory(0x1000);
    for (const auto command : {vu::Command::device_get_info, vu::Command::device_reset,
                               vu::Command::region_read, vu::Command::region_write}) {
      EXPECT_EQ(client.call(command, {}, {memory.fd(), memory.fd()}).error(), EINVAL);
    }
    const vu::DmaMap two{.argsz = 32, .flags = 3, .offset = 0, .address = 0x1000, .size = 0x1000};
    EXPECT_EQ(client.call(vu::Command::dma_map, Payload(two), {memory.fd(), memory.fd()}).error(),
              EINVAL);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(HostileTest, MoreDescriptorsThanAMessageMayHaveEndTheConnection) {
  for (const std::size_t count : {17UL, 64UL, 253UL}) {
    ASSERT_TRUE(clients_become(1));
    RawClient client(vf(1));
    ASSERT_TRUE(client.negotiate());
    const GuestMemory memory(0x1000);
    ASSERT_TRUE(client.send(vu::Command::device_reset, {}, std::vector<int>(count, memory.fd())));
    EXPECT_TRUE(client.closed_by_server());
  }
  EXPECT_TRUE(descriptors_return());
}

TEST_F(HostileTest, DescriptorsSpreadOverTheBytesOfOneMessageAreBoundedToo) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const GuestMemory memory(0x1000);
  const vu::Header header{.message_id = 1, .command = 2, .size = 48, .flags = 0, .error = 0};
  ASSERT_TRUE(client.send_raw(object_bytes(header), std::vector<int>(10, memory.fd())));
  const std::uint8_t byte = 0;
  client.send_raw({&byte, 1}, std::vector<int>(10, memory.fd()));
  EXPECT_TRUE(client.closed_by_server());
  client.close();
  ASSERT_TRUE(clients_become(1));
}

TEST_F(HostileTest, HangingUpInMidMessageLeavesNothingBehind) {
  for (std::size_t len = 1; len < 48; len += 5) {
    ASSERT_TRUE(clients_become(1));
    RawClient client(vf(1));
    ASSERT_TRUE(client.negotiate());
    const GuestMemory memory(0x1000);
    const vu::Header header{.message_id = 1, .command = 2, .size = 48, .flags = 0, .error = 0};
    Payload message(header);
    message.add(vu::DmaMap{});
    ASSERT_TRUE(client.send_raw(message.bytes().first(len), {memory.fd()}));
  }
  ASSERT_TRUE(clients_become(1));
  EXPECT_TRUE(descriptors_return());
}

TEST_F(HostileTest, AMemoryFileThatCanShrinkIsNeverTouched) {
  TestDriver driver(vf(1));
  ASSERT_TRUE(driver.start());
  const GuestMemory memory(0x40000, GuestMemory::Seal::none);
  ASSERT_EQ(driver.client().map(0x40000000, 0x40000, memory.fd()), 0);
  ASSERT_EQ(ftruncate(memory.fd(), 0), 0);
  cipherdeck_queue_pair_create request{.number = 1,
                                       .entries = 16,
                                       .submission = 0x40000000,
                                       .completion = 0x40010000,
                                       .arena = 0x40020000,
                                       .arena_len = 0x10000,
                                       .vector = 0};
  EXPECT_EQ(driver.create(request), CIPHERDECK_STATUS_DMA_NOT_SHARED);
}

TEST_F(HostileTest, DoorbellsBeyondTheRingFailTheirQueuePairOnly) {
  TestDriver driver(vf(1));
  ASSERT_TRUE(driver.start());
  ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
  ASSERT_EQ(driver.create(2), CIPHERDECK_STATUS_OK);
  driver.doorbell(1)->sq_tail = 0x7fffffff;
  ASSERT_EQ(driver.client().write_register(CIPHERDECK_REG_KICK, 1), 0);
  EXPECT_EQ(driver.doorbell(1)->state, CIPHERDECK_QUEUE_FAILED);
  EXPECT_EQ(driver.doorbell(1)->error, std::uint32_t{CIPHERDECK_STATUS_RING_BROKEN});
  EXPECT_EQ(driver.client().read_register(CIPHERDECK_REG_STATUS), CIPHERDECK_STATE_READY);
  EXPECT_EQ(driver.echo(2, as_bytes("fine")).size(), 4U);
  EXPECT_EQ(driver.destroy(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
}

TEST_F(HostileTest, AnAdminDoorbellBeyondTheRingAsksForAReset) {
  TestDriver driver(vf(1));
  ASSERT_TRUE(driver.start());
  ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
  driver.doorbell(0)->sq_tail += 17;
  ASSERT_EQ(driver.client().write_register(CIPHERDECK_REG_KICK, 0), 0);
  EXPECT_EQ(driver.client().read_register(CIPHERDECK_REG_STATUS), CIPHERDECK_STATE_NEEDS_RESET);
  EXPECT_EQ(driver.client().read_register(CIPHERDECK_REG_ERROR),
            std::uint32_t{CIPHERDECK_STATUS_RING_BROKEN});
  EXPECT_EQ(driver.doorbell(0)->state, CIPHERDECK_QUEUE_FAILED);
  EXPECT_EQ(driver.doorbell(1)->state, CIPHERDECK_QUEUE_FAILED);
}

TEST_F(HostileTest, KickStormsAndUnknownKicksAreHarmless) {
  TestDriver driver(vf(1));
  ASSERT_TRUE(driver.start());
  ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
  const vu::RegionAccess access{.offset = CIPHERDECK_REG_KICK, .region = 0, .count = 4};
  for (std::uint32_t i = 0; i < 20000; ++i) {
    Payload kick(access);
    kick.add(i % 3 == 0 ? 0xffffffff : i % 70);
    ASSERT_TRUE(driver.client().send(vu::Command::region_write, kick, {}, vu::kFlagNoReply));
  }
  EXPECT_EQ(driver.echo(1, as_bytes("after the storm")).size(), 15U);
}

TEST_F(HostileTest, UnmappingWhileCommandsRunOnAnotherThread) {
  for (int round = 0; round < 20; ++round) {
    TestDriver driver(vf(1));
    ASSERT_TRUE(driver.start());
    ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
    cipherdeck_command command{};
    command.input = {0, 0x8000};
    command.output = {0x8000, 0x8000};
    const vu::RegionAccess access{.offset = CIPHERDECK_REG_KICK, .region = 0, .count = 4};
    Payload kick(access);
    kick.add(std::uint32_t{1});
    while (driver.io_ring(1).push(command)) {
    }
    ASSERT_TRUE(driver.io_ring(1).ring_doorbell());
    ASSERT_TRUE(driver.client().send(vu::Command::region_write, kick, {}, vu::kFlagNoReply));
    EXPECT_EQ(driver.client().unmap(0, 0, 2), 0);
    EXPECT_EQ(driver.doorbell(1)->state, CIPHERDECK_QUEUE_FAILED);
    EXPECT_EQ(driver.client().write_register(CIPHERDECK_REG_KICK, 1), 0);
    driver.client().close();
    ASSERT_TRUE(clients_become(1));
  }
}

TEST_F(HostileTest, RandomMessagesAndRandomRegisters) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(clients_become(1));
    TestDriver driver(vf(1));
    ASSERT_TRUE(driver.start());
    ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
    for (int i = 0; i < 200; ++i) {
      Payload payload;
      if (random() % 2 == 0) {
        const std::uint32_t regions[] = {0, 2, 7};
        const std::uint32_t count = 1U << (random() % 4);
        payload.add(vu::RegionAccess{
            .offset = random() % 0x200, .region = regions[random() % 3], .count = count});
        for (std::uint32_t n = 0; n < count; ++n) payload.add(static_cast<std::uint8_t>(random()));
        if (!driver.client().send(vu::Command::region_write, payload)) break;
      } else {
        const std::size_t len = random() % 64;
        for (std::size_t n = 0; n < len; ++n) payload.add(static_cast<std::uint8_t>(random() % 9));
        if (!driver.client().send(static_cast<vu::Command>(2 + random() % 18), payload)) break;
      }
      if (!driver.client().receive()) break;
    }
  }
}

TEST_F(HostileTest, AClientThatReadsNothingIsNotWaitedFor) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  ASSERT_EQ(fcntl(client.fd(), F_SETFL, O_NONBLOCK), 0);
  const vu::RegionAccess access{.offset = 0, .region = 2, .count = CIPHERDECK_BAR_DOORBELLS_LEN};
  for (int i = 0; i < 2000; ++i) {
    if (!client.send(vu::Command::region_read, Payload(access))) break;
  }
}

TEST_F(HostileTest, AReplyLargerThanTheSocketTakesArrivesWhole) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.read(2, 0, CIPHERDECK_BAR_DOORBELLS_LEN).size(),
              std::size_t{CIPHERDECK_BAR_DOORBELLS_LEN});
  }
}

// A counter that is full makes a write wait, unless the descriptor says otherwise, and that is for
// the client to say.
TEST_F(HostileTest, AFullEventfdStopsNobody) {
  TestDriver driver(vf(1));
  ASSERT_TRUE(driver.start());
  const FileDescriptor full(eventfd(0, 0));
  constexpr std::uint32_t kEventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  ASSERT_EQ(driver.client().set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kEventfds, 0, 1, {full.get()}), 0);
  const std::uint64_t most = 0xfffffffffffffffe;
  ASSERT_EQ(write(full.get(), &most, sizeof most), 8);
  ASSERT_EQ(fcntl(full.get(), F_SETFL, 0), 0);  // blocking again
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(driver.client().set_irqs(VFIO_PCI_MSI_IRQ_INDEX,
                                       VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1),
              0);
  }
}

TEST_F(HostileTest, WhatAnEarlierClientMappedShowsNothingOfALaterOne) {
  FileDescriptor kept;
  {
    TestDriver first(vf(1));
    ASSERT_TRUE(first.start());
    kept = first.client().doorbells();
  }
  ASSERT_TRUE(clients_become(1));
  TestDriver second(vf(1));
  ASSERT_TRUE(second.start());
  ASSERT_EQ(second.create(1), CIPHERDECK_STATUS_OK);
  std::uint32_t state = 99;
  ASSERT_EQ(pread(kept.get(), &state, 4, CIPHERDECK_DOORBELL_STRIDE + 68), 4);
  EXPECT_EQ(state, CIPHERDECK_QUEUE_NONE);
  const std::uint32_t tail = 0x7fffffff;
  ASSERT_EQ(pwrite(kept.get(), &tail, 4, CIPHERDECK_DOORBELL_STRIDE), 4);
  EXPECT_EQ(second.echo(1, as_bytes("mine")).size(), 4U);
}

}  // namespace
}  // namespace cipherdeck::wire
