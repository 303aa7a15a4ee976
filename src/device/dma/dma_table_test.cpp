// SPDX-License-Identifier: Apache-2.0
#include "device/dma/dma_table.h"

#include "device/dma/queue_mapping.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace cipherdeck::device::dma {
namespace {

constexpr Access kBoth{.read = true, .write = true};

GuestRange range(std::uint64_t first, std::uint64_t len) {
  return GuestRange::make(first, len).value();
}

// A sealed memory file whose pages hold their own numbers.
FileDescriptor numbered_pages(std::size_t pages, int seals = F_SEAL_SHRINK) {
  FileDescriptor file(memfd_create("pages", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  for (std::size_t page = 0; page < pages; ++page) {
    const std::vector<std::uint8_t> bytes(kPageLen, static_cast<std::uint8_t>(page));
    EXPECT_EQ(pwrite(file.get(), bytes.data(), kPageLen, static_cast<off_t>(page * kPageLen)),
              static_cast<ssize_t>(kPageLen));
  }
  EXPECT_EQ(fcntl(file.get(), F_ADD_SEALS, seals), 0);
  return file;
}

TEST(GuestRange, NeverWraps) {
  EXPECT_FALSE(GuestRange::make(0, 0));
  EXPECT_FALSE(GuestRange::make(UINT64_MAX, 2));
  EXPECT_FALSE(GuestRange::make(0x1000, UINT64_MAX));
  EXPECT_EQ(range(UINT64_MAX, 1).last(), UINT64_MAX);
  EXPECT_EQ(range(0xfee00000, 0 - 0xfee00000ULL).last(), UINT64_MAX);
  EXPECT_TRUE(GuestRange::everything().contains(range(UINT64_MAX, 1)));
  EXPECT_FALSE(range(0, 0x1000).overlaps(range(0x1000, 0x1000)));
  EXPECT_TRUE(range(0, 0x1001).overlaps(range(0x1000, 0x1000)));
}

TEST(Table, ResolvesToThePagesOfTheFile) {
  Table table;
  ASSERT_TRUE(table.map(range(0x10000, 0x4000), 0x2000, kBoth, numbered_pages(8)));
  const auto mapping = table.resolve(range(0x11000, 0x2000), kBoth);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->size(), 0x2000U);
  EXPECT_EQ(mapping->as<std::uint8_t>()[0], 3);
  EXPECT_EQ(mapping->as<std::uint8_t>()[0x1fff], 4);
}

TEST(Table, ComposesAdjacentMapsInOnePiece) {
  Table table;
  ASSERT_TRUE(table.map(range(0x10000, 0x2000), 0x1000, kBoth, numbered_pages(4)));
  ASSERT_TRUE(table.map(range(0x12000, 0x1000), 0x7000, kBoth, numbered_pages(8)));
  ASSERT_TRUE(table.map(range(0x13000, 0x1000), 0, kBoth, numbered_pages(1)));
  const auto mapping = table.resolve(range(0x11000, 0x3000), kBoth);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->as<std::uint8_t>()[0x0000], 2);
  EXPECT_EQ(mapping->as<std::uint8_t>()[0x1000], 7);
  EXPECT_EQ(mapping->as<std::uint8_t>()[0x2000], 0);
}

TEST(Table, HolesAndForbiddenAccessAreFaults) {
  Table table;
  ASSERT_TRUE(table.map(range(0x10000, 0x1000), 0, kBoth, numbered_pages(1)));
  ASSERT_TRUE(table.map(range(0x12000, 0x1000), 0, {.read = true}, numbered_pages(1)));
  EXPECT_EQ(table.resolve(range(0x10000, 0x3000), kBoth).error(), Error::dma_fault);
  EXPECT_EQ(table.resolve(range(0xf000, 0x1000), kBoth).error(), Error::dma_fault);
  EXPECT_EQ(table.resolve(range(0x13000, 0x1000), kBoth).error(), Error::dma_fault);
  EXPECT_EQ(table.resolve(range(0x12000, 0x1000), kBoth).error(), Error::dma_fault);
  EXPECT_TRUE(table.resolve(range(0x12000, 0x1000), {.read = true}));
  EXPECT_EQ(table.resolve(range(0x10001, 0x1000), kBoth).error(), Error::invalid_argument);
}

TEST(Table, OnlySealedMemoryFilesAreShared) {
  Table table;
  ASSERT_TRUE(table.map(range(0x1000, 0x1000), 0, kBoth, FileDescriptor()));
  ASSERT_TRUE(table.map(range(0x2000, 0x1000), 0, kBoth, numbered_pages(1, 0)));
  ASSERT_TRUE(table.map(range(0x3000, 0x1000), 0, kBoth, numbered_pages(1, F_SEAL_GROW)));
  ASSERT_TRUE(
      table.map(range(0x4000, 0x1000), 0, kBoth, FileDescriptor(open("/dev/zero", O_RDWR))));
  ASSERT_TRUE(table.map(range(0x5000, 0x2000), 0, kBoth, numbered_pages(1)));  // too short
  ASSERT_TRUE(table.map(range(0x8000, 0x1000), UINT64_MAX - 0xfff, kBoth, numbered_pages(1)));
  ASSERT_TRUE(
      table.map(range(0x9000, 0x1000), 0, kBoth, numbered_pages(1, F_SEAL_SHRINK | F_SEAL_WRITE)));
  for (const std::uint64_t at : {0x1000U, 0x2000U, 0x3000U, 0x4000U, 0x5000U, 0x8000U, 0x9000U}) {
    EXPECT_EQ(table.resolve(range(at, 0x1000), kBoth).error(), Error::dma_not_shared) << at;
  }
}

TEST(Table, OverlapIsRefused) {
  Table table;
  ASSERT_TRUE(table.map(range(0x10000, 0x3000), 0, kBoth, numbered_pages(3)));
  for (const auto& wrong : {range(0xf000, 0x2000), range(0x11000, 0x1000), range(0x12000, 0x9000),
                            range(0x0, 0x100000)}) {
    EXPECT_EQ(table.map(wrong, 0, kBoth, FileDescriptor()).error(), Error::exists);
  }
  EXPECT_TRUE(table.map(range(0x13000, 0x1000), 0, kBoth, FileDescriptor()));
  EXPECT_TRUE(table.map(range(UINT64_MAX - 0xfff, 0x1000), 0, kBoth, FileDescriptor()));
}

TEST(Table, UnmapTrimsWhatLiesInItInPart) {
  Table table;
  ASSERT_TRUE(table.map(range(0x10000, 0x8000), 0, kBoth, numbered_pages(8)));
  table.unmap(range(0x12000, 0x2000));
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.resolve(range(0x12000, 0x1000), kBoth).error(), Error::dma_fault);
  EXPECT_EQ(table.resolve(range(0x11000, 0x1000), kBoth)->as<std::uint8_t>()[0], 1);
  EXPECT_EQ(table.resolve(range(0x14000, 0x1000), kBoth)->as<std::uint8_t>()[0], 4);
  table.unmap(range(0, 0xfee00000));
  EXPECT_EQ(table.size(), 0U);
  table.unmap(GuestRange::everything());
}

TEST(Table, MapsAndFilesAreBounded) {
  Table table;
  for (std::uint64_t i = 0; i < kMaxMaps; ++i) {
    ASSERT_TRUE(table.map(range(i * 0x3000, 0x3000), 0, kBoth, FileDescriptor()));
  }
  EXPECT_EQ(table.map(range(1ULL << 40, 0x1000), 0, kBoth, FileDescriptor()).error(), Error::limit);
  table.unmap(range(0x1000, 0x1000));  // would make one more
  EXPECT_LE(table.size(), kMaxMaps);
  table.clear();
  const FileDescriptor one = numbered_pages(1);
  for (std::uint64_t i = 0; i < kMaxFiles + 1; ++i) {
    EXPECT_TRUE(table.map(range(i * 0x1000, 0x1000), 0, kBoth, FileDescriptor(dup(one.get()))));
  }
}

TEST(Table, AMappingOutlivesTheTable) {
  Result<HostMapping> mapping = Error::internal;
  {
    Table table;
    ASSERT_TRUE(table.map(range(0, 0x2000), 0, kBoth, numbered_pages(2)));
    mapping = table.resolve(range(0x1000, 0x1000), kBoth);
  }
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->as<std::uint8_t>()[5], 1);
}

TEST(QueueMapping, ChecksEverythingItIsTold) {
  Table table;
  ASSERT_TRUE(table.map(range(0x10000, 0x10000), 0, kBoth, numbered_pages(16)));
  cipherdeck_doorbell doorbell{};
  const QueueAddresses good{.submission = GuestAddress{0x10000},
                            .completion = GuestAddress{0x11000},
                            .arena = GuestAddress{0x12000},
                            .entries = 64,
                            .arena_len = 0x2000};
  const auto mapping = QueueMapping::make(table, good, &doorbell);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->memory().entries, 64U);
  EXPECT_EQ(mapping->memory().arena[0x1000], 3);
  EXPECT_TRUE(mapping->overlaps(range(0x13000, 0x1000)));
  EXPECT_FALSE(mapping->overlaps(range(0x14000, 0x1000)));
  const auto fails = [&](auto change) {
    QueueAddresses bad = good;
    change(bad);
    return QueueMapping::make(table, bad, &doorbell).error();
  };
  EXPECT_EQ(fails([](auto& q) { q.entries = 1; }), Error::invalid_argument);
  EXPECT_EQ(fails([](auto& q) { q.entries = 65; }), Error::invalid_argument);
  EXPECT_EQ(fails([](auto& q) { q.entries = 128; }), Error::invalid_argument);  // overlaps
  EXPECT_EQ(fails([](auto& q) { q.arena_len = 0; }), Error::invalid_argument);
  EXPECT_EQ(fails([](auto& q) { q.arena_len = 0x7ffff000; }), Error::invalid_argument);
  EXPECT_EQ(fails([](auto& q) { q.arena = GuestAddress{0x12008}; }), Error::invalid_argument);
  EXPECT_EQ(fails([](auto& q) { q.arena = GuestAddress{UINT64_MAX - 0xfff}; }),
            Error::invalid_argument);
  EXPECT_EQ(fails([](auto& q) { q.arena = GuestAddress{0x1f000}; }), Error::dma_fault);
}

}  // namespace
}  // namespace cipherdeck::device::dma
