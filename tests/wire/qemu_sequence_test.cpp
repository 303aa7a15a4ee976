// SPDX-License-Identifier: Apache-2.0
// What QEMU 11.1 sends to a vfio-user device, message by message, and what other clients do
// differently.
#include "device/pci/config_space.h"
#include "wire/wire_fixture.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <nlohmann/json.hpp>

namespace cipherdeck::wire {
namespace {

namespace pci = device::pci;

class QemuSequence : public WireTest {
 protected:
  static Answer region_info(RawClient& client, std::uint32_t index, std::uint32_t argsz) {
    vfio_region_info request{};
    request.argsz = argsz;
    request.index = index;
    return client.call(vu::Command::device_get_region_info, Payload(request));
  }

  static vfio_irq_info irq_info(RawClient& client, std::uint32_t index) {
    const vfio_irq_info request{.argsz = sizeof request, .flags = 0, .index = index, .count = 0};
    return client.call(vu::Command::device_get_irq_info, Payload(request)).as<vfio_irq_info>();
  }
};

bool fired(int eventfd) {
  std::uint64_t count = 0;
  return read(eventfd, &count, sizeof count) == sizeof count && count != 0;
}

TEST_F(QemuSequence, VersionIsAnsweredWithItsOwnMinorAndOurLimits) {
  RawClient client(vf(1));
  Payload payload(VersionBody{0, 0});
  payload.add_bytes(as_bytes(R"({"capabilities": {"max_msg_fds": 16}})")).add(std::uint8_t{0});
  const Answer answer = client.call(vu::Command::version, payload);
  ASSERT_EQ(answer.error(), 0);
  EXPECT_EQ(answer.header.flags, vu::kFlagReply);
  EXPECT_EQ(answer.as<VersionBody>().major, 0);
  EXPECT_EQ(answer.as<VersionBody>().minor, 0);  // QEMU refuses 0.1
  ASSERT_EQ(answer.payload.back(), 0);
  const auto json =
      nlohmann::json::parse(answer.payload.begin() + sizeof(VersionBody), answer.payload.end() - 1);
  const auto& capabilities = json.at("capabilities");
  EXPECT_EQ(capabilities.at("max_msg_fds"), 16);
  EXPECT_EQ(capabilities.at("pgsizes"), 4096);
  EXPECT_EQ(capabilities.at("max_data_xfer_size"), 1048576);
  EXPECT_LE(capabilities.at("max_dma_maps").get<std::uint32_t>(), vu::kMaxDmaMaps);
  EXPECT_EQ(capabilities.at("write_multiple"), true);
}

TEST_F(QemuSequence, SpdkStyleVersionWithoutTextAndWithMessageIdZeroWorks) {
  RawClient client(vf(1));
  const vu::Header header{.message_id = 0, .command = 1, .size = 20, .flags = 0, .error = 0};
  Payload payload(header);
  payload.add(VersionBody{0, 1});
  ASSERT_TRUE(client.send_raw(payload.bytes()));
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error(), 0);
  EXPECT_EQ(answer->header.message_id, 0);
  EXPECT_EQ(answer->as<VersionBody>().minor, 1);
}

TEST_F(QemuSequence, LaterMinorVersionsAreAnsweredWithOurs) {
  RawClient client(vf(1));
  const Answer answer = client.call(vu::Command::version, Payload(VersionBody{0, 9}));
  EXPECT_EQ(answer.error(), 0);
  EXPECT_EQ(answer.as<VersionBody>().minor, 1);
}

TEST_F(QemuSequence, DeviceInfoIsThatOfAResettablePciDevice) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::uint32_t request[4] = {16, 0, 0, 0};
  const Answer answer = client.call(vu::Command::device_get_info, Payload(request));
  ASSERT_EQ(answer.payload.size(), 16U);
  EXPECT_EQ(answer.as<std::uint32_t>(0), 16U);
  EXPECT_EQ(answer.as<std::uint32_t>(4), VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
  EXPECT_EQ(answer.as<std::uint32_t>(8), 9U);
  EXPECT_EQ(answer.as<std::uint32_t>(12), 5U);
}

TEST_F(QemuSequence, DescriptorOfTheDoorbellsComesWithTheSecondRegionInfoOnly) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const Answer first = region_info(client, VFIO_PCI_BAR2_REGION_INDEX, 32);
  EXPECT_EQ(first.as<vfio_region_info>().argsz, 64U);
  EXPECT_EQ(first.as<vfio_region_info>().cap_offset, 32U);
  EXPECT_EQ(first.payload.size(), 32U);
  EXPECT_TRUE(first.fds.empty());

  const Answer second = region_info(client, VFIO_PCI_BAR2_REGION_INDEX, 64);
  const auto info = second.as<vfio_region_info>();
  ASSERT_EQ(second.payload.size(), 64U);
  EXPECT_EQ(info.size, std::uint64_t{CIPHERDECK_BAR_DOORBELLS_LEN});
  EXPECT_EQ(info.offset, 0U);  // inside the file
  EXPECT_EQ(info.flags, VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
                            VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS);
  ASSERT_EQ(info.cap_offset, 32U);
  EXPECT_EQ(second.as<vfio_info_cap_header>(32).id, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
  EXPECT_EQ(second.as<std::uint32_t>(40), 1U);
  EXPECT_EQ(second.as<vfio_region_sparse_mmap_area>(48).size,
            std::uint64_t{CIPHERDECK_BAR_DOORBELLS_LEN});
  ASSERT_EQ(second.fds.size(), 1U);
  const int seals = fcntl(second.fds[0].get(), F_GET_SEALS);
  EXPECT_EQ(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_NE(ftruncate(second.fds[0].get(), 0), 0);
}

TEST_F(QemuSequence, RegionInfoOfEveryRegion) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::uint64_t sizes[] = {0x1000, 0, CIPHERDECK_BAR_DOORBELLS_LEN, 0, 0, 0, 0, 4096, 0};
  for (std::uint32_t index = 0; index < 9; ++index) {
    const Answer answer = region_info(client, index, 32);
    EXPECT_EQ(answer.error(), 0) << index;
    EXPECT_EQ(answer.as<vfio_region_info>().size, sizes[index]) << index;
  }
  EXPECT_EQ(region_info(client, 9, 32).error(), EINVAL);
  EXPECT_EQ(region_info(client, 0, 31).error(), EINVAL);
  // SPDK asks with a message longer than the structure, and a larger argsz.
  std::uint32_t oversized[64] = {256, 0, VFIO_PCI_BAR2_REGION_INDEX};
  const Answer answer = client.call(vu::Command::device_get_region_info, Payload(oversized));
  EXPECT_EQ(answer.error(), 0);
  EXPECT_EQ(answer.payload.size(), 64U);
  EXPECT_EQ(answer.fds.size(), 1U);
}

TEST_F(QemuSequence, IrqInfoOffersMsiErrAndReq) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::uint32_t counts[] = {0, 8, 0, 1, 1};
  for (std::uint32_t index = 0; index < 5; ++index) {
    EXPECT_EQ(irq_info(client, index).count, counts[index]) << index;
  }
}

TEST_F(QemuSequence, DmaMapsComeAndGoAsSeaBiosDrivesThem) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const GuestMemory ram(0x200000);
  EXPECT_EQ(client.map(0, 0xc0000, ram.fd()), 0);
  EXPECT_EQ(client.map(0xfffc0000, 0x40000), 0);  // ROM: no descriptor
  EXPECT_EQ(client.map(0xfee00000, 0x1000), 0);
  EXPECT_EQ(client.map(0x100000, 0x100000, ram.fd(), 0x100000), 0);
  EXPECT_EQ(client.unmap(0, 0xfee00000), 0);  // matches no map
  EXPECT_EQ(client.map(0, 0xa0000, ram.fd()), 0);
  EXPECT_EQ(client.unmap(0xfee00000, 0 - 0xfee00000ULL), 0);  // ends at 2^64
  EXPECT_EQ(client.unmap(0xfee00000, 0 - 0xfee00000ULL), 0);  // nothing there
  EXPECT_EQ(client.unmap(0, 0xffffffffffffffff), 0);
  EXPECT_EQ(client.map(0, 0xc0000, ram.fd()), 0);               // all was gone
  EXPECT_EQ(client.unmap(0xfffffffffffff000, 0x2000), EINVAL);  // wraps
  EXPECT_EQ(client.unmap(0, 0), EINVAL);
  EXPECT_EQ(client.unmap(0, 0, 2), 0);            // all of them
  EXPECT_EQ(client.unmap(0, 0x1000, 1), EINVAL);  // dirty pages are not tracked
}

TEST_F(QemuSequence, UnmapTakesADescriptorAndClosesIt) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const GuestMemory ram(0x1000);
  ASSERT_EQ(client.map(0x1000, 0x1000, ram.fd()), 0);
  const vu::DmaUnmap request{.argsz = 24, .flags = 0, .address = 0x1000, .size = 0x1000};
  const Answer answer = client.call(vu::Command::dma_unmap, Payload(request), {ram.fd()});
  EXPECT_EQ(answer.error(), 0);
  EXPECT_EQ(answer.as<vu::DmaUnmap>().size, 0x1000U);
}

TEST_F(QemuSequence, ConfigSpaceIsReadWholeAndProbed) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const auto config = client.read(VFIO_PCI_CONFIG_REGION_INDEX, 0, 4096);
  ASSERT_EQ(config.size(), 4096U);
  EXPECT_EQ(load<std::uint16_t>(config), CIPHERDECK_PCI_VENDOR);
  EXPECT_EQ(load<std::uint16_t>(Bytes(config).subspan(2)), CIPHERDECK_PCI_DEVICE_VF);
  EXPECT_EQ(client.write_config<std::uint32_t>(0x30, 0xfffff800), 0);  // ROM BAR: none
  EXPECT_EQ(client.read_config<std::uint32_t>(0x30), 0U);
  EXPECT_EQ(client.write_config<std::uint32_t>(0x10, 0xffffffff), 0);
  EXPECT_EQ(client.read_config<std::uint32_t>(0x10), 0xfffff004U);
  EXPECT_EQ(client.write_config<std::uint32_t>(0x18, 0xffffffff), 0);
  EXPECT_EQ(client.read_config<std::uint32_t>(0x18), 0xfffc0004U);
}

TEST_F(QemuSequence, MsiIsWiredWithNoneThenVectorByVector) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  constexpr std::uint32_t kEventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  constexpr std::uint32_t kNone = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
  constexpr std::uint32_t kBool = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER;
  const FileDescriptor a(eventfd(0, EFD_NONBLOCK));
  const FileDescriptor b(eventfd(0, EFD_NONBLOCK));
  const FileDescriptor err(eventfd(0, EFD_NONBLOCK));

  EXPECT_EQ(client.set_irqs(VFIO_PCI_ERR_IRQ_INDEX, kEventfds, 0, 1, {err.get()}), 0);
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kEventfds, 0, 8), 0);
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kEventfds, 0, 1, {a.get()}), 0);
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kEventfds, 1, 1, {b.get()}), 0);
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kNone, 1, 1), 0);  // triggers
  EXPECT_FALSE(fired(a.get()));
  EXPECT_TRUE(fired(b.get()));
  const std::uint8_t chosen[] = {1, 0};
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kBool, 0, 2, {}, chosen), 0);
  EXPECT_TRUE(fired(a.get()));
  EXPECT_FALSE(fired(b.get()));
  EXPECT_EQ(client.set_irqs(VFIO_PCI_ERR_IRQ_INDEX, kNone, 0, 1), 0);
  EXPECT_TRUE(fired(err.get()));
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kNone, 0, 0), 0);  // disables
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSI_IRQ_INDEX, kNone, 0, 2), 0);
  EXPECT_FALSE(fired(a.get()));
  EXPECT_EQ(client.set_irqs(VFIO_PCI_INTX_IRQ_INDEX, kNone, 0, 0), 0);
}

TEST_F(QemuSequence, WrongInterruptRequestsAreRefused) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  constexpr std::uint32_t kEventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  constexpr std::uint32_t kBool = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER;
  const FileDescriptor event(eventfd(0, EFD_NONBLOCK));
  const GuestMemory file(0x1000);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const FileDescriptor reader(pipe_ends[0]);
  const FileDescriptor writer(pipe_ends[1]);
  constexpr std::uint32_t kMsi = VFIO_PCI_MSI_IRQ_INDEX;
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 0, 1, {file.fd()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 0, 1, {writer.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 0, 9), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 8, 1, {event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 0xffffffff, 2, {event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 1, 0xffffffff, {event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kEventfds, 0, 1, {event.get(), event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, kBool, 0, 8), EINVAL);  // no data
  EXPECT_EQ(client.set_irqs(VFIO_PCI_INTX_IRQ_INDEX, kEventfds, 0, 1, {event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(VFIO_PCI_MSIX_IRQ_INDEX, kEventfds, 0, 1, {event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(5, kEventfds, 0, 1, {event.get()}), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, 0, 1), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, 0, 0, 1), EINVAL);
  EXPECT_EQ(client.set_irqs(kMsi, 0x3f, 0, 1), EINVAL);
}

TEST_F(QemuSequence, ResetIsAnsweredAndCounted) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::uint32_t before = client.read_register(CIPHERDECK_REG_GENERATION);
  EXPECT_EQ(client.reset(), 0);
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_GENERATION), before + 1);
}

TEST_F(QemuSequence, FunctionLevelResetComesAsAConfigWrite) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const std::uint32_t before = client.read_register(CIPHERDECK_REG_GENERATION);
  EXPECT_EQ(client.write_config<std::uint16_t>(0x04, 0x0006), 0);
  const auto control = client.read_config<std::uint16_t>(pci::kPcieDeviceControl);
  EXPECT_EQ(client.write_config<std::uint16_t>(pci::kPcieDeviceControl, control | 0x8000), 0);
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_GENERATION), before + 1);
  EXPECT_EQ(client.read_config<std::uint16_t>(0x04), 0);
  EXPECT_EQ(client.read_config<std::uint16_t>(pci::kPcieDeviceControl) & 0x8000, 0);
}

TEST_F(QemuSequence, NoReplyIsHonoured) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const vu::RegionAccess access{.offset = CIPHERDECK_REG_MODERATION, .region = 0, .count = 4};
  Payload write(access);
  write.add(std::uint32_t{77});
  ASSERT_TRUE(client.send(vu::Command::region_write, write, {}, vu::kFlagNoReply));
  const vu::RegionAccess wrong{.offset = 1, .region = 6, .count = 4};
  ASSERT_TRUE(client.send(vu::Command::region_read, Payload(wrong), {}, vu::kFlagNoReply));
  // The next answer is that of the next command: there was none before it.
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_MODERATION), 77U);
}

TEST_F(QemuSequence, ManyWritesInOneMessage) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const auto entry = [](std::uint32_t region, std::uint64_t offset, std::uint32_t value) {
    vu::RegionWriteMultiEntry made{.offset = offset, .region = region, .count = 4, .data = {}};
    std::memcpy(made.data, &value, sizeof value);
    return made;
  };
  Payload good(std::uint64_t{2});
  good.add(entry(0, CIPHERDECK_REG_MODERATION, 5)).add(entry(0, CIPHERDECK_REG_ADMIN_ENTRIES, 8));
  const Answer done = client.call(vu::Command::region_write_multi, good);
  EXPECT_EQ(done.as<std::uint64_t>(), 2U);
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_MODERATION), 5U);
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_ADMIN_ENTRIES), 8U);

  Payload half(std::uint64_t{2});
  half.add(entry(0, CIPHERDECK_REG_MODERATION, 6)).add(entry(6, 0, 1));
  EXPECT_EQ(client.call(vu::Command::region_write_multi, half).as<std::uint64_t>(), 1U);
  Payload lying(std::uint64_t{0x1000000000000001});
  lying.add(entry(0, CIPHERDECK_REG_MODERATION, 7));
  EXPECT_EQ(client.call(vu::Command::region_write_multi, lying).error(), EINVAL);
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_MODERATION), 6U);
}

TEST_F(QemuSequence, CommandsThatWeDoNotHaveAreRefusedAndTheConnectionGoesOn) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  for (const int command : {6, 14, 16, 17, 18, 19, 999}) {
    EXPECT_EQ(client.call(static_cast<vu::Command>(command)).error(), ENOTSUP) << command;
  }
  EXPECT_EQ(client.call(vu::Command::dma_read).error(), EINVAL);
  EXPECT_EQ(client.read_register(CIPHERDECK_REG_MAGIC), CIPHERDECK_MAGIC);
}

TEST_F(QemuSequence, SplitAndJoinedMessagesAreTheSameToUs) {
  RawClient client(vf(1));
  ASSERT_TRUE(client.negotiate());
  const vu::RegionAccess access{.offset = 0, .region = 0, .count = 4};
  const vu::Header header{.message_id = 7, .command = 9, .size = 32, .flags = 0, .error = 0};
  Payload one(header);
  one.add(access);
  for (const std::uint8_t byte : one.bytes()) ASSERT_TRUE(client.send_raw({&byte, 1}));
  Payload three(header);
  three.add(access).add(header).add(access).add(header).add(access);
  ASSERT_TRUE(client.send_raw(three.bytes()));
  for (int i = 0; i < 4; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->as<std::uint32_t>(16), CIPHERDECK_MAGIC);
  }
}

}  // namespace
}  // namespace cipherdeck::wire
