// SPDX-License-Identifier: Apache-2.0
#include "device/pci/config_space.h"

#include <cipherdeck/function.h>

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace cipherdeck::device::pci {
namespace {

using Kind = ConfigSpace::Kind;
constexpr std::uint64_t kSerial = 0x0123456789abcdef;

template <typename T>
T get(const ConfigSpace& config, std::uint64_t offset) {
  T value{};
  config.read(offset, {reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

template <typename T>
ConfigEffects put(ConfigSpace& config, std::uint64_t offset, T value) {
  return config.write(offset, object_bytes(value));
}

// Capability identifiers by offset, as an operating system finds them.
std::map<std::size_t, std::uint16_t> capabilities(const ConfigSpace& config) {
  std::map<std::size_t, std::uint16_t> found;
  for (std::size_t at = get<std::uint8_t>(config, 0x34); at != 0 && !found.contains(at);
       at = get<std::uint8_t>(config, at + 1)) {
    found[at] = get<std::uint8_t>(config, at);
  }
  for (std::size_t at = 0x100; at != 0 && !found.contains(at);
       at = get<std::uint32_t>(config, at) >> 20) {
    found[at] = get<std::uint16_t>(config, at);
  }
  return found;
}

TEST(ConfigSpace, HeaderNamesTheFunction) {
  const ConfigSpace pf(Kind::pf, kSerial);
  const ConfigSpace vf(Kind::vf, kSerial);
  EXPECT_EQ(get<std::uint32_t>(pf, 0), 0x5d01c1deU);
  EXPECT_EQ(get<std::uint32_t>(vf, 0), 0x5d02c1deU);
  EXPECT_EQ(get<std::uint32_t>(vf, 8), 0x10000001U);
  EXPECT_EQ(get<std::uint8_t>(vf, 0x0e), 0);
  EXPECT_EQ(get<std::uint8_t>(vf, 0x3d), 0);  // no INTx pin
  EXPECT_EQ(get<std::uint16_t>(vf, 6) & 0x10, 0x10);
}

TEST(ConfigSpace, CapabilitiesAreChained) {
  const std::map<std::size_t, std::uint16_t> on_vf = {
      {kPcieCap, 0x10}, {kMsiCap, 0x05}, {kAerCap, 0x01}, {kDsnCap, 0x03}};
  auto on_pf = on_vf;
  on_pf[kSriovCap] = 0x10;
  EXPECT_EQ(capabilities(ConfigSpace(Kind::vf, kSerial)), on_vf);
  EXPECT_EQ(capabilities(ConfigSpace(Kind::pf, kSerial)), on_pf);
}

TEST(ConfigSpace, SerialNumberSurvivesReset) {
  ConfigSpace vf(Kind::vf, kSerial);
  vf.reset();
  EXPECT_EQ(get<std::uint64_t>(vf, kDsnCap + 4), kSerial);
}

TEST(ConfigSpace, BarsAnswerSizing) {
  ConfigSpace vf(Kind::vf, kSerial);
  for (std::uint64_t bar = 0x10; bar <= 0x24; bar += 4) put<std::uint32_t>(vf, bar, 0xffffffff);
  EXPECT_EQ(get<std::uint64_t>(vf, 0x10), 0xfffffffffffff004U);
  EXPECT_EQ(get<std::uint64_t>(vf, 0x18), 0xfffffffffffc0004U);
  EXPECT_EQ(get<std::uint64_t>(vf, 0x20), 0U);
}

TEST(ConfigSpace, MsiHasEightMaskableVectors) {
  ConfigSpace vf(Kind::vf, kSerial);
  EXPECT_EQ(get<std::uint16_t>(vf, kMsiControl), 0x0186);
  put<std::uint16_t>(vf, kMsiControl, 0xffff);
  EXPECT_EQ(get<std::uint16_t>(vf, kMsiControl), 0x01f7);
  EXPECT_TRUE(put<std::uint32_t>(vf, kMsiMask, 0xffffffff).msi_mask_changed);
  EXPECT_EQ(vf.msi_mask(), 0xffU);
  EXPECT_FALSE(put<std::uint32_t>(vf, kMsiMask, 0xff).msi_mask_changed);
  EXPECT_TRUE(put<std::uint8_t>(vf, kMsiMask, 0xfe).msi_mask_changed);
  put<std::uint32_t>(vf, kMsiPending, 0xff);
  EXPECT_EQ(get<std::uint32_t>(vf, kMsiPending), 0U);
}

TEST(ConfigSpace, FunctionLevelResetIsAskedForByOneBitInAnyWidth) {
  ConfigSpace vf(Kind::vf, kSerial);
  EXPECT_EQ(get<std::uint32_t>(vf, kPcieCap + 4) >> 28 & 1, 1U);
  EXPECT_FALSE(put<std::uint16_t>(vf, kPcieDeviceControl, 0x7fff).function_level_reset);
  EXPECT_TRUE(put<std::uint16_t>(vf, kPcieDeviceControl, 0x8000).function_level_reset);
  EXPECT_TRUE(put<std::uint8_t>(vf, kPcieDeviceControl + 1, 0x80).function_level_reset);
  EXPECT_TRUE(put<std::uint32_t>(vf, kPcieDeviceControl, 0x8000).function_level_reset);
  EXPECT_FALSE(put<std::uint8_t>(vf, kPcieDeviceControl, 0x80).function_level_reset);
  EXPECT_EQ(get<std::uint16_t>(vf, kPcieDeviceControl) & 0x8000, 0);
}

TEST(ConfigSpace, SriovFollowsTheSpecification) {
  ConfigSpace pf(Kind::pf, kSerial);
  EXPECT_EQ(get<std::uint16_t>(pf, kSriovTotalVfs), 256);
  EXPECT_EQ(get<std::uint16_t>(pf, kSriovInitialVfs), 256);
  EXPECT_NE(get<std::uint16_t>(pf, kSriovFirstVfOffset), 0);
  EXPECT_NE(get<std::uint16_t>(pf, kSriovVfStride), 0);
  put<std::uint16_t>(pf, kSriovNumVfs, 257);
  EXPECT_EQ(get<std::uint16_t>(pf, kSriovNumVfs), 0);
  EXPECT_FALSE(put<std::uint16_t>(pf, kSriovNumVfs, 7).vf_enable_changed);
  EXPECT_EQ(pf.enabled_vfs(), 0);
  EXPECT_TRUE(put<std::uint16_t>(pf, kSriovControl, 0x9).vf_enable_changed);
  EXPECT_EQ(pf.enabled_vfs(), 7);
  put<std::uint16_t>(pf, kSriovNumVfs, 3);
  EXPECT_EQ(pf.enabled_vfs(), 7);
  EXPECT_FALSE(put<std::uint16_t>(pf, kSriovControl, 0x1).vf_enable_changed);
  EXPECT_TRUE(put<std::uint16_t>(pf, kSriovControl, 0).vf_enable_changed);
}

TEST(ConfigSpace, VfBarsAreSizedInSystemPages) {
  ConfigSpace pf(Kind::pf, kSerial);
  put<std::uint32_t>(pf, kSriovVfBar0, 0xffffffff);
  EXPECT_EQ(get<std::uint32_t>(pf, kSriovVfBar0), 0xfffff004U);
  put<std::uint32_t>(pf, kSriovSystemPage, 0x10);  // 64 KiB
  put<std::uint32_t>(pf, kSriovVfBar0, 0xffffffff);
  put<std::uint32_t>(pf, kSriovVfBar0 + 8, 0xffffffff);
  EXPECT_EQ(get<std::uint32_t>(pf, kSriovVfBar0), 0xffff0004U);
  EXPECT_EQ(get<std::uint32_t>(pf, kSriovVfBar0 + 8), 0xfffc0004U);
  put<std::uint32_t>(pf, kSriovSystemPage, 0x11);  // two sizes: no
  EXPECT_EQ(get<std::uint32_t>(pf, kSriovSystemPage), 0x10U);
  put<std::uint32_t>(pf, kSriovSystemPage, 0);
  EXPECT_EQ(get<std::uint32_t>(pf, kSriovSystemPage), 0x10U);
}

TEST(ConfigSpace, AVfHasNoSriov) {
  ConfigSpace vf(Kind::vf, kSerial);
  put<std::uint16_t>(vf, kSriovNumVfs, 4);
  EXPECT_FALSE(put<std::uint16_t>(vf, kSriovControl, 1).vf_enable_changed);
  EXPECT_EQ(vf.enabled_vfs(), 0);
  EXPECT_EQ(get<std::uint32_t>(vf, kSriovCap), 0U);
}

}  // namespace
}  // namespace cipherdeck::device::pci
