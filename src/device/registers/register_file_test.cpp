// SPDX-License-Identifier: Apache-2.0
#include "device/registers/register_file.h"

#include "device/registers/function_registers.h"

#include <gtest/gtest.h>

#include <array>

namespace cipherdeck::device::registers {
namespace {

constexpr std::array kSpecs = {
    RegisterSpec{0x00, 4, 0x11223344, 0x0000ffff},
    RegisterSpec{0x04, 2, 0x00ff, 0, 0x000f},
    RegisterSpec{0x08, 1, 0x5a, 0x0f, 0x80},
};

std::uint32_t read32(const RegisterFile& file, std::uint64_t offset) {
  std::uint32_t value = 0xdeadbeef;
  file.read(offset, {reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

TEST(RegisterFile, StartsWithResetValuesAndHolesReadZero) {
  const RegisterLayout layout(12, kSpecs);
  const RegisterFile file(layout);
  EXPECT_EQ(read32(file, 0), 0x11223344U);
  EXPECT_EQ(read32(file, 4), 0x000000ffU);
  EXPECT_EQ(read32(file, 8), 0x0000005aU);
  EXPECT_EQ(read32(file, 10), 0U);  // runs over the end
  EXPECT_EQ(read32(file, 12), 0U);
  EXPECT_EQ(read32(file, UINT64_MAX), 0U);
}

TEST(RegisterFile, MasksHoldWhateverTheWidthOfTheWrite) {
  const RegisterLayout layout(12, kSpecs);
  RegisterFile file(layout);
  const std::uint32_t ones = 0xffffffff;
  file.write(0, object_bytes(ones));
  EXPECT_EQ(read32(file, 0), 0x1122ffffU);
  const std::uint8_t byte = 0x77;
  file.write(1, object_bytes(byte));
  EXPECT_EQ(read32(file, 0), 0x112277ffU);
  file.write(2, object_bytes(byte));
  EXPECT_EQ(read32(file, 0), 0x112277ffU);
}

TEST(RegisterFile, OnesClearWhatIsClearedByOnes) {
  const RegisterLayout layout(12, kSpecs);
  RegisterFile file(layout);
  const std::uint16_t five = 0x0005;
  file.write(4, object_bytes(five));
  EXPECT_EQ(read32(file, 4), 0x000000faU);
  file.set<std::uint8_t>(8, 0xff);
  const std::uint8_t both = 0x83;
  file.write(8, object_bytes(both));
  EXPECT_EQ(file.get<std::uint8_t>(8), 0x73);
}

TEST(RegisterFile, WritesBeyondTheEndAreIgnored) {
  const RegisterLayout layout(12, kSpecs);
  RegisterFile file(layout);
  const std::uint64_t ones = UINT64_MAX;
  file.write(8, object_bytes(ones));
  file.write(12, object_bytes(ones));
  file.write(UINT64_MAX - 3, object_bytes(ones));
  EXPECT_EQ(file.get<std::uint8_t>(8), 0x5f);
  file.reset();
  EXPECT_EQ(file.get<std::uint8_t>(8), 0x5a);
}

TEST(FunctionRegisters, IdentityIsReadOnlyAndAddressesAreWholePages) {
  RegisterFile file(function_layout());
  const std::uint32_t ones = 0xffffffff;
  for (std::uint64_t at = 0; at < CIPHERDECK_REG_END; at += 4) file.write(at, object_bytes(ones));
  EXPECT_EQ(read32(file, CIPHERDECK_REG_MAGIC), CIPHERDECK_MAGIC);
  EXPECT_EQ(read32(file, CIPHERDECK_REG_VERSION), std::uint32_t{CIPHERDECK_VERSION});
  EXPECT_EQ(read32(file, CIPHERDECK_REG_STATUS), 0U);
  EXPECT_EQ(read32(file, CIPHERDECK_REG_KICK), 0U);
  EXPECT_EQ(read32(file, CIPHERDECK_REG_CONTROL), CIPHERDECK_CONTROL_ENABLE);
  EXPECT_EQ(address_at(file, CIPHERDECK_REG_ADMIN_CQ_LO), 0xfffffffffffff000U);
  EXPECT_EQ(read32(file, CIPHERDECK_REG_ADMIN_ARENA_LEN), 0xfffff000U);
  EXPECT_EQ(read32(file, CIPHERDECK_REG_MODERATION), kModerationMask);
}

}  // namespace
}  // namespace cipherdeck::device::registers
