// SPDX-License-Identifier: Apache-2.0
#include "host/manager/sriov.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace cipherdeck::manager {
namespace {

/// A configuration space in memory. Like a device it takes NumVFs only while VF Enable is clear.
class MemoryConfig final : public ConfigSpace {
 public:
  Result<void> read(std::uint32_t offset, MutableBytes bytes) override {
    if (offset + bytes.size() > m_bytes.size()) return Error::io;
    ++m_num_reads;
    std::memcpy(bytes.data(), m_bytes.data() + offset, bytes.size());
    return {};
  }
  Result<void> write(std::uint32_t offset, Bytes bytes) override {
    if (offset + bytes.size() > m_bytes.size()) return Error::io;
    m_writes.push_back(offset);
    if (offset == m_sriov + 0x10 && (m_bytes[m_sriov + 8] & 1) != 0) return {};
    std::memcpy(m_bytes.data() + offset, bytes.data(), bytes.size());
    return {};
  }

  void put32(std::uint32_t offset, std::uint32_t value) {
    std::memcpy(m_bytes.data() + offset, &value, sizeof value);
  }
  void put16(std::uint32_t offset, std::uint16_t value) {
    std::memcpy(m_bytes.data() + offset, &value, sizeof value);
  }
  void header(std::uint32_t offset, std::uint16_t id, std::uint32_t next) {
    put32(offset, id | 1U << 16 | next << 20);
  }
  /// ARI, AER, then SR-IOV with `total` VFs.
  void fill(std::uint16_t total) {
    header(0x100, 0x000e, 0x148);
    header(0x148, 0x0001, 0x200);
    header(0x200, 0x0010, 0);
    m_sriov = 0x200;
    put16(m_sriov + 0x0e, total);
  }

  std::array<std::uint8_t, 4096> m_bytes{};
  std::uint32_t m_sriov = 0x200;
  std::vector<std::uint32_t> m_writes;
  int m_num_reads = 0;
};

TEST(FindExtendedCapability, WalksTheChain) {
  MemoryConfig config;
  config.fill(256);
  EXPECT_EQ(find_extended_capability(config, 0x000e).value(), 0x100U);
  EXPECT_EQ(find_extended_capability(config, 0x0010).value(), 0x200U);
  EXPECT_EQ(find_extended_capability(config, 0x0019).error(), Error::not_found);
}

TEST(FindExtendedCapability, FindsNothingInAnEmptySpace) {
  MemoryConfig config;
  EXPECT_EQ(find_extended_capability(config, 0x0010).error(), Error::not_found);
  config.m_bytes.fill(0xff);  // a device that is gone
  EXPECT_EQ(find_extended_capability(config, 0x0010).error(), Error::not_found);
}

TEST(FindExtendedCapability, RefusesBrokenChains) {
  MemoryConfig config;
  for (const std::uint32_t next : {0x40U, 0x102U, 0xffdU}) {
    config.header(0x100, 0x0001, next);
    EXPECT_EQ(find_extended_capability(config, 0x0010).error(), Error::invalid_argument) << next;
  }
}

TEST(FindExtendedCapability, EndsInARing) {
  MemoryConfig config;
  config.header(0x100, 0x0001, 0x140);
  config.header(0x140, 0x0002, 0x100);
  EXPECT_EQ(find_extended_capability(config, 0x0010).error(), Error::invalid_argument);
  EXPECT_LT(config.m_num_reads, 2000);
}

TEST(Sriov, RefusesACapabilityThatDoesNotFit) {
  MemoryConfig config;
  config.header(0x100, 0x0001, 0xff8);
  config.header(0xff8, 0x0010, 0);
  EXPECT_EQ(Sriov::find(config).error(), Error::invalid_argument);
}

TEST(Sriov, MakesAndRemovesVfs) {
  MemoryConfig config;
  config.fill(256);
  auto sriov = Sriov::find(config);
  ASSERT_TRUE(sriov);
  EXPECT_EQ(sriov->total_vfs(), 256U);
  EXPECT_EQ(sriov->num_vfs().value(), 0U);
  ASSERT_TRUE(sriov->set_num_vfs(4));
  EXPECT_EQ(sriov->num_vfs().value(), 4U);
  EXPECT_EQ(config.m_bytes[0x208] & 9, 9);  // VF Enable and VF Memory Space Enable
  ASSERT_TRUE(sriov->set_num_vfs(0));
  EXPECT_EQ(sriov->num_vfs().value(), 0U);
}

TEST(Sriov, ClearsVfEnableToChangeTheNumber) {
  MemoryConfig config;
  config.fill(256);
  auto sriov = Sriov::find(config);
  ASSERT_TRUE(sriov->set_num_vfs(4));
  config.m_writes.clear();
  ASSERT_TRUE(sriov->set_num_vfs(6));
  EXPECT_EQ(sriov->num_vfs().value(), 6U);
  EXPECT_EQ(config.m_writes, (std::vector<std::uint32_t>{0x208, 0x210, 0x208}));
}

TEST(Sriov, LeavesVfsAloneWhenTheNumberIsRight) {
  MemoryConfig config;
  config.fill(256);
  auto sriov = Sriov::find(config);
  ASSERT_TRUE(sriov->set_num_vfs(4));
  config.m_writes.clear();
  ASSERT_TRUE(sriov->set_num_vfs(4));
  EXPECT_TRUE(config.m_writes.empty());
}

TEST(Sriov, RefusesMoreThanTheCardHas) {
  MemoryConfig config;
  config.fill(7);
  auto sriov = Sriov::find(config);
  EXPECT_EQ(sriov->set_num_vfs(8).error(), Error::invalid_argument);
  EXPECT_TRUE(config.m_writes.empty());
}

}  // namespace
}  // namespace cipherdeck::manager
