// SPDX-License-Identifier: Apache-2.0
// The messages of the vfio-user protocol 0.0 as QEMU speaks it, shared by our server and our
// client. What follows a header reuses the structures of <linux/vfio.h>.
#pragma once

#include <linux/vfio.h>

#include <cstddef>
#include <cstdint>

namespace cipherdeck::device::vfio_user {

enum class Command : std::uint16_t {
  version = 1,
  dma_map = 2,
  dma_unmap = 3,
  device_get_info = 4,
  device_get_region_info = 5,
  device_get_region_io_fds = 6,
  device_get_irq_info = 7,
  device_set_irqs = 8,
  region_read = 9,
  region_write = 10,
  dma_read = 11,
  dma_write = 12,
  device_reset = 13,
  region_write_multi = 15,
  device_feature = 16,
  mig_data_read = 17,
  mig_data_write = 18,
};

constexpr std::uint32_t kFlagTypeMask = 0xf;
constexpr std::uint32_t kFlagCommand = 0x0;
constexpr std::uint32_t kFlagReply = 0x1;
constexpr std::uint32_t kFlagNoReply = 0x10;
constexpr std::uint32_t kFlagError = 0x20;

/// Before every message. `size` counts the header; `error` is an errno, valid with kFlagError.
struct Header {
  std::uint16_t message_id;
  std::uint16_t command;
  std::uint32_t size;
  std::uint32_t flags;
  std::uint32_t error;
};
static_assert(sizeof(Header) == 16);

/// Followed by a JSON text that ends with a zero byte, or by nothing.
struct Version {
  std::uint16_t major;
  std::uint16_t minor;
};
static_assert(sizeof(Version) == 4);

constexpr std::uint32_t kDmaRead = 0x1;   // the device may read
constexpr std::uint32_t kDmaWrite = 0x2;  // the device may write

/// `offset` is in the file whose descriptor comes with the message, if one does.
struct DmaMap {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t offset;
  std::uint64_t address;
  std::uint64_t size;
};
static_assert(sizeof(DmaMap) == 32);

struct DmaUnmap {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t address;
  std::uint64_t size;
};
static_assert(sizeof(DmaUnmap) == 24);

/// region_read and region_write: followed by `count` bytes where they carry data.
struct RegionAccess {
  std::uint64_t offset;
  std::uint32_t region;
  std::uint32_t count;
};
static_assert(sizeof(RegionAccess) == 16);

/// region_write_multi: a 64-bit count, then so many of these.
struct RegionWriteMultiEntry {
  std::uint64_t offset;
  std::uint32_t region;
  std::uint32_t count;
  std::uint8_t data[8];
};
static_assert(sizeof(RegionWriteMultiEntry) == 24);

struct DmaAccess {
  std::uint64_t address;
  std::uint64_t count;
};
static_assert(sizeof(DmaAccess) == 16);

constexpr std::size_t kMaxDataTransfer = 1U << 20;  // bytes of data in one message
constexpr std::size_t kMaxMessageFds = 16;
constexpr std::size_t kMaxMessageLen = kMaxDataTransfer + 4096;
constexpr std::uint32_t kMaxDmaMaps = 65535;

}  // namespace cipherdeck::device::vfio_user
