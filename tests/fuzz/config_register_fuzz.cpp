// SPDX-License-Identifier: Apache-2.0
// Accesses of any offset and width to config space, registers and doorbells of a real function;
// what must hold after each is checked.
#include "device_harness.h"

namespace cipherdeck::fuzz {
namespace {

namespace pci = device::pci;
using device::Region;

class Checker {
 public:
  explicit Checker(bool pf) : m_function(pf ? 0 : 3, m_card, m_host, signaller()) {
    require(m_function.connect().ok(), "no doorbell pages");
  }

  void access(FuzzedDataProvider& data) {
    constexpr Region kRegions[] = {Region::registers, Region::doorbells, Region::config};
    const Region region = kRegions[data.ConsumeIntegralInRange(0, 2)];
    const std::size_t len = device::Function::region_len(region);
    const std::size_t near = region == Region::config ? 0x1b0 : 0x60;
    const std::size_t offset = data.ConsumeBool()
                                   ? data.ConsumeIntegralInRange<std::size_t>(0, near)
                                   : data.ConsumeIntegralInRange<std::size_t>(0, len - 1);
    const std::size_t most = std::min<std::size_t>(len - offset, data.ConsumeBool() ? 8 : 64);
    const std::size_t count = data.ConsumeIntegralInRange<std::size_t>(1, most);
    if (data.ConsumeBool()) {
      std::vector<std::uint8_t> bytes = data.ConsumeBytes<std::uint8_t>(count);
      bytes.resize(count, 0xff);
      m_function.write_region(region, offset, bytes);
    } else {
      std::vector<std::uint8_t> bytes(count, 0xa5);
      m_function.read_region(region, offset, bytes);
      check_whole(region, offset, bytes);
    }
    check();
  }

 private:
  std::uint32_t read32(Region region, std::uint64_t offset) {
    std::uint32_t value = 0;
    m_function.read_region(region, offset, {reinterpret_cast<std::uint8_t*>(&value), 4});
    return value;
  }

  // A read of many bytes is the same as many reads.
  void check_whole(Region region, std::uint64_t offset, const std::vector<std::uint8_t>& bytes) {
    if (region == Region::registers) return;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::uint8_t byte = 0;
      m_function.read_region(region, offset + i, {&byte, 1});
      require(byte == bytes[i], "a wide read differs from narrow ones");
    }
  }

  void check() {
    const bool pf = m_function.is_pf();
    require(read32(Region::registers, CIPHERDECK_REG_MAGIC) == CIPHERDECK_MAGIC, "magic");
    require(read32(Region::registers, CIPHERDECK_REG_FUNCTION) == m_function.number(), "number");
    require(read32(Region::registers, CIPHERDECK_REG_KICK) == 0, "kick holds something");
    require((read32(Region::registers, CIPHERDECK_REG_CONTROL) & ~1U) == 0, "control");
    require((read32(Region::registers, CIPHERDECK_REG_STATUS) & ~7U) == 0, "status");
    require((read32(Region::registers, CIPHERDECK_REG_ADMIN_SQ_LO) & 0xfff) == 0, "alignment");
    const std::uint32_t id = pf ? CIPHERDECK_PCI_DEVICE_PF : CIPHERDECK_PCI_DEVICE_VF;
    require(read32(Region::config, 0) == (id << 16 | CIPHERDECK_PCI_VENDOR), "identity");
    require((read32(Region::config, 0x10) & 0xfff) == 4, "BAR 0");
    require((read32(Region::config, 0x18) & 0x3ffff) == 4, "BAR 2");
    require(read32(Region::config, 0x20) == 0 && read32(Region::config, 0x30) == 0, "other BARs");
    require((read32(Region::config, 0x34) & 0xff) == pci::kPcieCap, "capability pointer");
    require((read32(Region::config, pci::kPcieCap) & 0xffff) == (pci::kMsiCap << 8 | 0x10), "PCIe");
    require((read32(Region::config, pci::kPcieDeviceControl) & 0x8000) == 0, "FLR bit sticks");
    require(read32(Region::config, pci::kAerCap) >> 20 == pci::kDsnCap, "AER");
    require(read32(Region::config, pci::kDsnCap) >> 20 == (pf ? pci::kSriovCap : 0), "serial");
    if (pf) {
      require((read32(Region::config, pci::kSriovNumVfs) & 0xffff) <= CIPHERDECK_TOTAL_VFS, "VFs");
      require((read32(Region::config, pci::kSriovVfBar0) & 0xfff) == 4, "VF BAR");
    }
    require(m_function.num_io_queue_pairs() == 0, "a queue pair out of nothing");
  }

  wire::EchoCard m_card;
  Host m_host;
  device::Function m_function;
};

}  // namespace
}  // namespace cipherdeck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t len) {
  FuzzedDataProvider data(bytes, len);
  cipherdeck::fuzz::Checker checker(data.ConsumeBool());
  for (int i = 0; i < 64 && data.remaining_bytes() != 0; ++i) checker.access(data);
  return 0;
}
