// SPDX-License-Identifier: Apache-2.0
// Sockets, clients that come and go, and VFs that the PF's driver makes and removes.
#include "device/pci/config_space.h"
#include "wire/wire_fixture.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <fstream>

namespace cipherdeck::wire {
namespace {

namespace pci = device::pci;
using device::Device;
using device::DeviceOptions;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::size_t value = 0;
  while (status >> word) {
    if (word == "VmRSS:") status >> value;
  }
  return value;
}

class LifecycleTest : public WireTest {
 protected:
  void SetUp() override {}

  DeviceOptions options() const {
    DeviceOptions made;
    made.run_directory = m_directory.path();
    return made;
  }

  static int enable_vfs(RawClient& pf, std::uint16_t count) {
    const int numbered = pf.write_config(pci::kSriovNumVfs, count);
    const auto control = pf.read_config<std::uint16_t>(pci::kSriovControl);
    return numbered != 0 ? numbered
                         : pf.write_config<std::uint16_t>(pci::kSriovControl, control | 0x9);
  }
};

TEST_F(LifecycleTest, SocketsAppearWithTheirModeAndGoAgain) {
  DeviceOptions made = options();
  made.socket_mode = 0660;
  made.socket_gid = getegid();
  made.num_vfs = 3;
  auto started = Device::start(made, m_card);
  ASSERT_TRUE(started);
  struct stat info {};
  for (const auto& path : {pf(), vf(1), vf(3)}) {
    ASSERT_EQ(stat(path.c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode & 07777, path == pf() ? 0600U : 0660U);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
  }
  EXPECT_EQ((*started)->num_vfs(), 3U);
  EXPECT_EQ(m_card.num_vfs, 3U);
  EXPECT_FALSE(std::filesystem::exists(vf(4)));
  started.value().reset();
  EXPECT_TRUE(std::filesystem::is_empty(m_directory.path()));
}

TEST_F(LifecycleTest, ByDefaultASocketIsForItsOwnerOnly) {
  start_device(0);
  struct stat info {};
  ASSERT_EQ(stat(pf().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(LifecycleTest, ALiveDeviceIsNotReplacedAndADeadOnesSocketIs) {
  start_device(1);
  EXPECT_EQ(Device::start(options(), m_card).error(), Error::busy);
  RawClient still_there(pf());
  EXPECT_TRUE(still_there.negotiate());
  m_device.reset();

  // What a killed process leaves: a socket file that nobody listens on.
  {
    const FileDescriptor dead(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, pf().c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(pf()));
  auto started = Device::start(options(), m_card);
  ASSERT_TRUE(started);
  RawClient client(pf());
  EXPECT_TRUE(client.negotiate());
}

TEST_F(LifecycleTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(pf()) << "precious";
  EXPECT_EQ(Device::start(options(), m_card).error(), Error::io);
  std::string text;
  std::ifstream(pf()) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(LifecycleTest, BadOptionsAreRefused) {
  DeviceOptions made = options();
  made.num_vfs = 257;
  EXPECT_EQ(Device::start(made, m_card).error(), Error::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_empty(m_directory.path()));
  made = options();
  made.run_directory /= std::string(120, 'x');
  EXPECT_EQ(Device::start(made, m_card).error(), Error::invalid_argument);
  made = options();
  made.run_directory /= "absent";
  EXPECT_EQ(Device::start(made, m_card).error(), Error::io);
}

TEST_F(LifecycleTest, ASecondClientIsClosedAtOnce) {
  start_device(1);
  RawClient first(vf(1));
  ASSERT_TRUE(first.negotiate());
  RawClient second(vf(1));
  EXPECT_TRUE(second.closed_by_server());
  EXPECT_EQ(first.read_register(CIPHERDECK_REG_MAGIC), CIPHERDECK_MAGIC);
  first.close();
  ASSERT_TRUE(clients_become(0));
  RawClient third(vf(1));
  EXPECT_TRUE(third.negotiate());
}

TEST_F(LifecycleTest, AfterAClientTheFunctionIsReadyForTheNext) {
  start_device(1);
  const std::size_t before = open_descriptors();
  std::uint32_t generation = 0;
  for (int round = 0; round < 30; ++round) {
    TestDriver driver(vf(1));
    ASSERT_TRUE(driver.start()) << round;
    const FileDescriptor event(eventfd(0, EFD_NONBLOCK));
    ASSERT_EQ(driver.client().set_irqs(VFIO_PCI_MSI_IRQ_INDEX,
                                       VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 0,
                                       2, {event.get(), event.get()}),
              0);
    EXPECT_EQ(driver.client().write_config<std::uint16_t>(0x04, 0x0006), 0);
    EXPECT_EQ(driver.client().write_config<std::uint32_t>(pci::kMsiMask, 0xff), 0);
    ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
    EXPECT_EQ(driver.echo(1, as_bytes("hello")).size(), 5U);
    EXPECT_GT(driver.client().read_register(CIPHERDECK_REG_GENERATION) + 1, generation);
    generation = driver.client().read_register(CIPHERDECK_REG_GENERATION) + 1;
    driver.client().close();
    ASSERT_TRUE(clients_become(0));
    EXPECT_EQ(m_card.num_attached(), 0U);
    EXPECT_EQ(driver.doorbell(1)->state, CIPHERDECK_QUEUE_NONE);
  }
  EXPECT_EQ(open_descriptors(), before);
  RawClient next(vf(1));
  ASSERT_TRUE(next.negotiate());
  EXPECT_EQ(next.read_config<std::uint16_t>(0x04), 0);
  EXPECT_EQ(next.read_config<std::uint32_t>(pci::kMsiMask), 0U);
}

TEST_F(LifecycleTest, VfEnableMakesVfsAndTheClearedBitRemovesThem) {
  start_device(0);
  RawClient client(pf());
  ASSERT_TRUE(client.negotiate());
  EXPECT_EQ(client.read_config<std::uint16_t>(2), CIPHERDECK_PCI_DEVICE_PF);
  EXPECT_EQ(client.read_config<std::uint16_t>(pci::kSriovTotalVfs), 256);
  EXPECT_EQ(client.read_config<std::uint16_t>(pci::kSriovVfDevice), CIPHERDECK_PCI_DEVICE_VF);
  ASSERT_EQ(enable_vfs(client, 4), 0);
  EXPECT_EQ(m_device->num_vfs(), 4U);
  EXPECT_TRUE(std::filesystem::exists(vf(4)));
  EXPECT_FALSE(std::filesystem::exists(vf(5)));
  // NumVFs stands while VF Enable does.
  EXPECT_EQ(client.write_config<std::uint16_t>(pci::kSriovNumVfs, 8), 0);
  EXPECT_EQ(client.read_config<std::uint16_t>(pci::kSriovNumVfs), 4);

  TestDriver tenant(vf(3));
  ASSERT_TRUE(tenant.start());
  EXPECT_EQ(tenant.client().read_register(CIPHERDECK_REG_FUNCTION), 3U);
  ASSERT_EQ(tenant.create(1), CIPHERDECK_STATUS_OK);
  const FileDescriptor request(eventfd(0, EFD_NONBLOCK));
  ASSERT_EQ(tenant.client().set_irqs(VFIO_PCI_REQ_IRQ_INDEX,
                                     VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
                                     {request.get()}),
            0);

  ASSERT_EQ(client.write_config<std::uint16_t>(pci::kSriovControl, 0), 0);
  EXPECT_EQ(m_device->num_vfs(), 0U);
  EXPECT_EQ(m_card.num_vfs, 0U);
  EXPECT_EQ(m_card.num_attached(), 0U);
  EXPECT_FALSE(std::filesystem::exists(vf(1)));
  EXPECT_TRUE(tenant.client().closed_by_server());
  EXPECT_EQ(tenant.doorbell(1)->state, CIPHERDECK_QUEUE_NONE);
  std::uint64_t asked = 0;
  EXPECT_EQ(read(request.get(), &asked, sizeof asked), 8);  // it was told before
}

TEST_F(LifecycleTest, ResettingThePfRemovesVfsAndItsDriversLeavingDoesNot) {
  start_device(0);
  {
    RawClient client(pf());
    ASSERT_TRUE(client.negotiate());
    ASSERT_EQ(enable_vfs(client, 2), 0);
  }
  ASSERT_TRUE(clients_become(0));
  EXPECT_EQ(m_device->num_vfs(), 2U);
  RawClient again(pf());
  ASSERT_TRUE(again.negotiate());
  EXPECT_EQ(again.read_config<std::uint16_t>(pci::kSriovNumVfs), 2);
  EXPECT_EQ(again.read_config<std::uint16_t>(pci::kSriovControl) & 1, 1);
  // A reset of the queues is none of the function's configuration.
  EXPECT_EQ(again.write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET), 0);
  EXPECT_EQ(m_device->num_vfs(), 2U);
  EXPECT_EQ(again.reset(), 0);
  EXPECT_EQ(m_device->num_vfs(), 0U);
  EXPECT_EQ(again.read_config<std::uint16_t>(pci::kSriovNumVfs), 0);
  EXPECT_EQ(again.read_config<std::uint16_t>(pci::kSriovControl), 0);
  EXPECT_FALSE(std::filesystem::exists(vf(1)));
}

TEST_F(LifecycleTest, VfsThatCannotBeMadeLeaveVfEnableClear) {
  start_device(0);
  std::ofstream(vf(3)) << "in the way";
  RawClient client(pf());
  ASSERT_TRUE(client.negotiate());
  ASSERT_EQ(enable_vfs(client, 4), 0);
  EXPECT_EQ(client.read_config<std::uint16_t>(pci::kSriovControl) & 1, 0);
  EXPECT_EQ(m_device->num_vfs(), 0U);
  EXPECT_FALSE(std::filesystem::exists(vf(1)));
  std::filesystem::remove(vf(3));
  ASSERT_EQ(enable_vfs(client, 4), 0);
  EXPECT_EQ(m_device->num_vfs(), 4U);
}

TEST_F(LifecycleTest, AllVfsComeQuicklyAndIdleCheaply) {
  start_device(0);
  RawClient client(pf());
  ASSERT_TRUE(client.negotiate());
  ASSERT_EQ(enable_vfs(client, 8), 0);  // warms allocators up
  ASSERT_EQ(client.write_config<std::uint16_t>(pci::kSriovControl, 0), 0);
  const std::size_t before = resident_kib();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(enable_vfs(client, 256), 0);
  const auto took = std::chrono::steady_clock::now() - start;
  const std::size_t idle = resident_kib() - before;
  EXPECT_EQ(m_device->num_vfs(), 256U);
  EXPECT_LT(took, std::chrono::seconds(2));
  EXPECT_LT(idle, 256U * 64);
  RecordProperty("microseconds", static_cast<int>(took / std::chrono::microseconds(1)));
  printf("256 VFs made in %ld us, %.1f KiB each\n",
         static_cast<long>(took / std::chrono::microseconds(1)), static_cast<double>(idle) / 256);
  RawClient last(vf(256));
  ASSERT_TRUE(last.negotiate());
  EXPECT_EQ(last.read_register(CIPHERDECK_REG_FUNCTION), 256U);
}

TEST_F(LifecycleTest, StoppingUnderLoadIsClean) {
  for (int round = 0; round < 5; ++round) {
    start_device(4);
    TestDriver driver(vf(2));
    ASSERT_TRUE(driver.start());
    ASSERT_EQ(driver.create(1), CIPHERDECK_STATUS_OK);
    m_device.reset();
    EXPECT_EQ(m_card.num_attached(), 0U);
    EXPECT_TRUE(driver.client().closed_by_server());
    EXPECT_EQ(driver.doorbell(1)->state, CIPHERDECK_QUEUE_NONE);
    EXPECT_TRUE(std::filesystem::is_empty(m_directory.path()));
  }
}

// One process as root may become another user to see that it is turned away.
TEST_F(LifecycleTest, AnotherUserIsTurnedAwayUnlessAllowed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  constexpr uid_t kNobody = 65534;
  const auto can_use = [](const std::filesystem::path& socket) {
    if (seteuid(kNobody) != 0) return false;
    RawClient client(socket);
    const bool usable = client.connected() && client.negotiate();
    if (seteuid(0) != 0) std::abort();
    return usable;
  };
  ASSERT_EQ(chmod(m_directory.path().c_str(), 0755), 0);
  DeviceOptions made = options();
  made.socket_mode = 0666;
  made.num_vfs = 1;
  {
    auto started = Device::start(made, m_card);
    ASSERT_TRUE(started);
    EXPECT_FALSE(can_use(vf(1)));
  }
  made.allowed_uids = {kNobody};
  {
    auto started = Device::start(made, m_card);
    ASSERT_TRUE(started);
    EXPECT_TRUE(can_use(vf(1)));
    EXPECT_FALSE(can_use(pf()));
  }
  made.allowed_uids = {};
  made.allowed_gids = {getegid()};
  {
    auto started = Device::start(made, m_card);
    ASSERT_TRUE(started);
    EXPECT_TRUE(can_use(vf(1)));
  }
}

}  // namespace
}  // namespace cipherdeck::wire
