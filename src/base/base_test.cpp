// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/status.h"

#include <gtest/gtest.h>

#include <set>

namespace cipherdeck {
namespace {

TEST(Status, EveryErrorHasATextOfItsOwn) {
  std::set<std::string_view> texts;
  for (std::uint16_t status = 1; status < CIPHERDECK_STATUS_COUNT; ++status) {
    EXPECT_EQ(to_status(from_status(status)), status);
    texts.insert(to_string(from_status(status)));
  }
  EXPECT_EQ(texts.size(), CIPHERDECK_STATUS_COUNT - 1U);
}

TEST(Status, UnknownNumbersBecomeInternal) {
  EXPECT_EQ(from_status(0), Error::internal);
  EXPECT_EQ(from_status(0x7fff), Error::internal);
}

Result<int> half(int number) {
  if (number % 2 != 0) return Error::invalid_argument;
  return number / 2;
}

Result<int> quarter(int number) {
  CIPHERDECK_ASSIGN(const int halved, half(number));
  return half(halved);
}

Result<void> check_even(int number) {
  CIPHERDECK_TRY(half(number));
  return {};
}

TEST(Result, CarriesValueOrError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error(), Error::invalid_argument);
  EXPECT_EQ(quarter(7).status(), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_TRUE(check_even(2).ok());
  EXPECT_EQ(check_even(3).error(), Error::invalid_argument);
}

TEST(Bytes, BigEndian) {
  std::array<std::uint8_t, 8> bytes{};
  store_be64(bytes.data(), 0x0102030405060708);
  EXPECT_EQ(bytes[0], 1);
  EXPECT_EQ(load_be64(bytes.data()), 0x0102030405060708U);
  EXPECT_EQ(load_be32(bytes.data() + 4), 0x05060708U);
}

TEST(Secret, EqualConstantTime) {
  const std::array<std::uint8_t, 3> a{1, 2, 3};
  const std::array<std::uint8_t, 3> b{1, 2, 4};
  EXPECT_TRUE(equal_constant_time(a, a));
  EXPECT_FALSE(equal_constant_time(a, b));
  EXPECT_FALSE(equal_constant_time(a, Bytes(a).first(2)));
}

TEST(Secret, BufferMovesAndHoldsBytes) {
  auto buffer = SecretBuffer::allocate(5000);
  ASSERT_TRUE(buffer);
  buffer->bytes()[4999] = 7;
  SecretBuffer moved = std::move(*buffer);
  EXPECT_EQ(moved.bytes()[4999], 7);
  EXPECT_EQ(SecretBuffer::allocate(0).error(), Error::invalid_argument);
}

TEST(Secret, WipeClears) {
  std::array<std::uint8_t, 16> bytes;
  bytes.fill(0x55);
  wipe(bytes);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 16>{}));
}

}  // namespace
}  // namespace cipherdeck
