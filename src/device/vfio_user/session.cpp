// SPDX-License-Identifier: Apache-2.0
#include "device/vfio_user/session.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

namespace cipherdeck::device::vfio_user {
namespace {

constexpr std::uint16_t kMajor = 0;
constexpr std::uint16_t kMinor = 1;
constexpr std::size_t kMaxVersionLen = 4096;
constexpr std::uint32_t kUnmapAll = 2;  // VFIO_DMA_UNMAP_FLAG_ALL

// The first fields of struct vfio_device_info: later kernels append others.
struct DeviceInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t num_regions;
  std::uint32_t num_irqs;
};

// The answer for a region that can be mapped in part.
struct MappableRegionInfo {
  vfio_region_info info;
  vfio_info_cap_header header;
  std::uint32_t num_areas;
  std::uint32_t reserved;
  vfio_region_sparse_mmap_area area;
};
static_assert(sizeof(MappableRegionInfo) == 64);

Reply failure(int error) {
  Reply reply;
  reply.error = error;
  return reply;
}

template <typename T>
Reply success(const T& object) {
  const Bytes bytes = object_bytes(object);
  return {.error = 0, .payload = {bytes.begin(), bytes.end()}, .fd = -1};
}

int to_errno(Error error) noexcept {
  switch (error) {
    case Error::exists:
      return EEXIST;
    case Error::limit:
      return ENOSPC;
    case Error::no_memory:
      return ENOMEM;
    default:
      return EINVAL;
  }
}

bool takes_fds(std::uint16_t command) noexcept {
  // SPDK sends one with DMA_UNMAP, for nothing: it is closed.
  return command == static_cast<std::uint16_t>(Command::dma_map) ||
         command == static_cast<std::uint16_t>(Command::dma_unmap) ||
         command == static_cast<std::uint16_t>(Command::device_set_irqs);
}

template <typename T>
std::optional<T> read_struct(Bytes payload) noexcept {
  if (payload.size() < sizeof(T)) return std::nullopt;
  return load<T>(payload);
}

// ---- VERSION

std::string our_capabilities() {
  const nlohmann::json text = {{"capabilities",
                                {{"max_msg_fds", kMaxMessageFds},
                                 {"max_dma_maps", dma::kMaxMaps},
                                 {"max_data_xfer_size", kMaxDataTransfer},
                                 {"pgsizes", dma::kPageLen},
                                 {"write_multiple", true}}}};
  return text.dump();
}

bool is_valid_version(const Message& message) {
  if (message.payload.size() < sizeof(Version) || message.payload.size() > kMaxVersionLen) {
    return false;
  }
  if (load<Version>(message.payload).major != kMajor) return false;
  const Bytes text = Bytes(message.payload).subspan(sizeof(Version));
  if (text.empty()) return true;  // SPDK sends none
  if (text.back() != 0) return false;
  const auto end = std::find(text.begin(), text.end(), 0);
  const auto json = nlohmann::json::parse(text.begin(), end, nullptr, false);
  if (!json.is_object()) return false;
  const auto capabilities = json.find("capabilities");
  return capabilities == json.end() || capabilities->is_object();
}

// ---- DMA

bool is_valid_dma_map(const Message& message) {
  const auto request = read_struct<DmaMap>(message.payload);
  return request && request->argsz >= sizeof(DmaMap) && message.fds.size() <= 1 &&
         (request->flags & ~(kDmaRead | kDmaWrite)) == 0 &&
         dma::GuestRange::make(request->address, request->size).ok();
}

// What a DMA_UNMAP names, in whole pages: taking away more than was said is the safe side.
std::optional<dma::GuestRange> unmap_range(const DmaUnmap& request) {
  if (request.flags == kUnmapAll) {
    if (request.address != 0 || request.size != 0) return std::nullopt;
    return dma::GuestRange::everything();
  }
  if (request.flags != 0 || request.size == 0) return std::nullopt;
  const std::uint64_t room = UINT64_MAX - request.address;
  if (request.size - 1 > room) return std::nullopt;
  const std::uint64_t first = request.address & ~(dma::kPageLen - 1);
  const std::uint64_t last = (request.address + (request.size - 1)) | (dma::kPageLen - 1);
  if (first == 0 && last == UINT64_MAX) return dma::GuestRange::everything();
  const auto range = dma::GuestRange::make(first, last - first + 1);
  return range ? std::optional(*range) : std::nullopt;
}

// ---- interrupts

std::uint32_t num_irqs(std::uint32_t index) noexcept {
  switch (index) {
    case VFIO_PCI_MSI_IRQ_INDEX:
      return CIPHERDECK_MAX_VECTORS;
    case VFIO_PCI_ERR_IRQ_INDEX:
    case VFIO_PCI_REQ_IRQ_INDEX:
      return 1;
    default:
      return 0;
  }
}

constexpr std::size_t kIrqSetLen = sizeof(IrqSet);

bool is_valid_set_irqs(const Message& message) {
  const auto request = read_struct<IrqSet>(message.payload);
  if (!request || request->argsz < kIrqSetLen) return false;
  if (request->index >= VFIO_PCI_NUM_IRQS) return false;
  // Nothing here is masked by message: the MSI mask bits are in config space.
  if ((request->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER) return false;
  const std::uint32_t known = num_irqs(request->index);
  if (request->start > known || request->count > known - request->start) return false;
  switch (request->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
    case VFIO_IRQ_SET_DATA_NONE:
      return message.fds.empty();
    case VFIO_IRQ_SET_DATA_BOOL:
      return message.fds.empty() && message.payload.size() - kIrqSetLen >= request->count;
    case VFIO_IRQ_SET_DATA_EVENTFD:
      return request->count != 0 && message.fds.size() <= request->count;
    default:
      return false;
  }
}

// ---- regions

std::optional<Region> region_of(std::uint32_t index) noexcept {
  switch (index) {
    case VFIO_PCI_BAR0_REGION_INDEX:
      return Region::registers;
    case VFIO_PCI_BAR2_REGION_INDEX:
      return Region::doorbells;
    case VFIO_PCI_CONFIG_REGION_INDEX:
      return Region::config;
    default:
      return std::nullopt;
  }
}

bool is_within_region(std::uint32_t index, std::uint64_t offset, std::uint64_t count) noexcept {
  const auto region = region_of(index);
  if (!region) return false;
  const std::uint64_t len = Function::region_len(*region);
  return count != 0 && offset <= len && count <= len - offset;
}

bool is_valid_region_read(const Message& message) {
  const auto request = read_struct<RegionAccess>(message.payload);
  return request && message.payload.size() == sizeof(RegionAccess) &&
         is_within_region(request->region, request->offset, request->count);
}

bool is_valid_region_write(const Message& message) {
  const auto request = read_struct<RegionAccess>(message.payload);
  return request && message.payload.size() - sizeof(RegionAccess) == request->count &&
         is_within_region(request->region, request->offset, request->count);
}

bool is_valid_region_write_multi(const Message& message) {
  const auto count = read_struct<std::uint64_t>(message.payload);
  if (!count) return false;
  const std::size_t entries_len = message.payload.size() - sizeof(std::uint64_t);
  return entries_len % sizeof(RegionWriteMultiEntry) == 0 &&
         *count == entries_len / sizeof(RegionWriteMultiEntry);
}

bool is_valid_write(const RegionWriteMultiEntry& entry) noexcept {
  return entry.count <= sizeof entry.data &&
         is_within_region(entry.region, entry.offset, entry.count);
}

}  // namespace

Reply Session::handle(Message message) {
  const Header& header = message.header;
  const bool is_command = (header.flags & kFlagTypeMask) == kFlagCommand;
  const bool flags_known = (header.flags & ~(kFlagTypeMask | kFlagNoReply)) == 0;
  const bool starts_right =
      m_negotiated != (header.command == static_cast<std::uint16_t>(Command::version));
  if (!is_command || !flags_known || !starts_right) {
    m_finished = true;
    return failure(EINVAL);
  }
  if (!message.fds.empty() && !takes_fds(header.command)) return failure(EINVAL);
  return dispatch(message);
}

Reply Session::dispatch(Message& message) {
  switch (static_cast<Command>(message.header.command)) {
    case Command::version:
      return handle_version(message);
    case Command::dma_map:
      return handle_dma_map(message);
    case Command::dma_unmap:
      return handle_dma_unmap(message);
    case Command::device_get_info:
      return handle_get_info(message);
    case Command::device_get_region_info:
      return handle_get_region_info(message);
    case Command::device_get_irq_info:
      return handle_get_irq_info(message);
    case Command::device_set_irqs:
      return handle_set_irqs(message);
    case Command::region_read:
      return handle_region_read(message);
    case Command::region_write:
      return handle_region_write(message);
    case Command::region_write_multi:
      return handle_region_write_multi(message);
    case Command::device_reset:
      return handle_reset(message);
    case Command::dma_read:  // from us to a client only
    case Command::dma_write:
      return failure(EINVAL);
    default:
      return failure(ENOTSUP);
  }
}

Reply Session::handle_version(const Message& message) {
  if (!is_valid_version(message)) {
    m_finished = true;
    return failure(EINVAL);
  }
  m_negotiated = true;
  const auto asked = load<Version>(message.payload);
  Reply reply = success(Version{.major = kMajor, .minor = std::min(asked.minor, kMinor)});
  const std::string text = our_capabilities();
  reply.payload.insert(reply.payload.end(), text.begin(), text.end());
  reply.payload.push_back(0);
  return reply;
}

Reply Session::handle_dma_map(Message& message) {
  if (!is_valid_dma_map(message)) return failure(EINVAL);
  const auto request = load<DmaMap>(message.payload);
  FileDescriptor file = message.fds.empty() ? FileDescriptor() : std::move(message.fds.front());
  const dma::Access access{.read = (request.flags & kDmaRead) != 0,
                           .write = (request.flags & kDmaWrite) != 0};
  const auto mapped =
      m_function.map_dma(dma::GuestRange::make(request.address, request.size).value(),
                         request.offset, access, std::move(file));
  return mapped ? Reply{} : failure(to_errno(mapped.error()));
}

Reply Session::handle_dma_unmap(const Message& message) {
  const auto request = read_struct<DmaUnmap>(message.payload);
  if (!request || request->argsz < sizeof(DmaUnmap)) return failure(EINVAL);
  const auto range = unmap_range(*request);
  if (!range) return failure(EINVAL);
  m_function.unmap_dma(*range);
  DmaUnmap answer = *request;
  answer.argsz = sizeof answer;
  return success(answer);
}

Reply Session::handle_get_info(const Message& message) {
  const auto request = read_struct<DeviceInfo>(message.payload);
  if (!request || request->argsz < sizeof(DeviceInfo)) return failure(EINVAL);
  return success(DeviceInfo{.argsz = sizeof(DeviceInfo),
                            .flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
                            .num_regions = VFIO_PCI_NUM_REGIONS,
                            .num_irqs = VFIO_PCI_NUM_IRQS});
}

Reply Session::handle_get_region_info(const Message& message) {
  const auto request = read_struct<vfio_region_info>(message.payload);
  if (!request || request->argsz < sizeof(vfio_region_info)) return failure(EINVAL);
  if (request->index >= VFIO_PCI_NUM_REGIONS) return failure(EINVAL);
  const auto region = region_of(request->index);
  MappableRegionInfo answer{};
  answer.info.argsz = sizeof answer.info;
  answer.info.index = request->index;
  if (!region) return success(answer.info);

  answer.info.size = Function::region_len(*region);
  answer.info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
  const bool is_mappable = *region == Region::doorbells && !m_function.traps_doorbells();
  if (!is_mappable) return success(answer.info);

  // The offset is that inside the file, whose descriptor comes once there is room for all of this.
  answer.info.argsz = sizeof answer;
  answer.info.flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
  answer.info.cap_offset = sizeof answer.info;  // QEMU looks at it in the short reply already
  if (request->argsz < sizeof answer) return success(answer.info);
  answer.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1, .next = 0};
  answer.num_areas = 1;
  answer.area = {.offset = 0, .size = answer.info.size};
  Reply reply = success(answer);
  reply.fd = m_function.doorbell_fd();
  return reply;
}

Reply Session::handle_get_irq_info(const Message& message) {
  const auto request = read_struct<vfio_irq_info>(message.payload);
  if (!request || request->argsz < sizeof(vfio_irq_info)) return failure(EINVAL);
  if (request->index >= VFIO_PCI_NUM_IRQS) return failure(EINVAL);
  const std::uint32_t count = num_irqs(request->index);
  return success(vfio_irq_info{.argsz = sizeof(vfio_irq_info),
                               .flags = count != 0 ? VFIO_IRQ_INFO_EVENTFD : 0U,
                               .index = request->index,
                               .count = count});
}

Reply Session::handle_set_irqs(Message& message) {
  if (!is_valid_set_irqs(message)) return failure(EINVAL);
  const auto request = load<IrqSet>(message.payload);
  if ((request.flags & VFIO_IRQ_SET_DATA_TYPE_MASK) == VFIO_IRQ_SET_DATA_EVENTFD) {
    return wire_eventfds(request, std::move(message.fds));
  }
  const bool disable =
      (request.flags & VFIO_IRQ_SET_DATA_TYPE_MASK) == VFIO_IRQ_SET_DATA_NONE && request.count == 0;
  if (!disable) return trigger(request, Bytes(message.payload).subspan(kIrqSetLen));
  for (std::uint32_t vector = 0; vector < num_irqs(request.index); ++vector) {
    wire(request.index, vector, FileDescriptor());
  }
  return {};
}

// As many vectors are wired as there are descriptors; the rest of `count` is unwired.
Reply Session::wire_eventfds(const IrqSet& request, std::vector<FileDescriptor> fds) {
  for (const FileDescriptor& fd : fds) {
    if (!check_eventfd(fd.get())) return failure(EINVAL);
  }
  for (std::uint32_t i = 0; i < request.count; ++i) {
    wire(request.index, request.start + i, i < fds.size() ? std::move(fds[i]) : FileDescriptor());
  }
  return {};
}

void Session::wire(std::uint32_t index, std::uint32_t vector, FileDescriptor eventfd) {
  if (index == VFIO_PCI_MSI_IRQ_INDEX) {
    m_function.interrupts().wire(vector, std::move(eventfd));
  } else if (index == VFIO_PCI_ERR_IRQ_INDEX) {
    m_function.wire_error(std::move(eventfd));
  } else if (index == VFIO_PCI_REQ_IRQ_INDEX) {
    m_function.wire_request(std::move(eventfd));
  }
}

// A client's test of its own eventfds.
Reply Session::trigger(const IrqSet& request, Bytes data) {
  const bool chosen = (request.flags & VFIO_IRQ_SET_DATA_TYPE_MASK) == VFIO_IRQ_SET_DATA_BOOL;
  for (std::uint32_t i = 0; i < request.count; ++i) {
    if (chosen && data[i] == 0) continue;
    if (request.index == VFIO_PCI_MSI_IRQ_INDEX) m_function.interrupts().raise(request.start + i);
    if (request.index == VFIO_PCI_REQ_IRQ_INDEX) m_function.announce_removal();
    if (request.index == VFIO_PCI_ERR_IRQ_INDEX) m_function.announce_error();
  }
  return {};
}

Reply Session::handle_region_read(const Message& message) {
  if (!is_valid_region_read(message)) return failure(EINVAL);
  const auto request = load<RegionAccess>(message.payload);
  Reply reply = success(request);
  reply.payload.resize(sizeof request + request.count);
  m_function.read_region(*region_of(request.region), request.offset,
                         MutableBytes(reply.payload).subspan(sizeof request));
  return reply;
}

Reply Session::handle_region_write(const Message& message) {
  if (!is_valid_region_write(message)) return failure(EINVAL);
  const auto request = load<RegionAccess>(message.payload);
  m_function.write_region(*region_of(request.region), request.offset,
                          Bytes(message.payload).subspan(sizeof request));
  return success(request);
}

// Stops at the first write that is wrong; the answer says how many were done.
Reply Session::handle_region_write_multi(const Message& message) {
  if (!is_valid_region_write_multi(message)) return failure(EINVAL);
  const auto count = load<std::uint64_t>(message.payload);
  std::uint64_t done = 0;
  for (; done < count; ++done) {
    const auto entry = load<RegionWriteMultiEntry>(
        Bytes(message.payload).subspan(sizeof count + done * sizeof(RegionWriteMultiEntry)));
    if (!is_valid_write(entry)) break;
    m_function.write_region(*region_of(entry.region), entry.offset,
                            Bytes(entry.data).first(entry.count));
  }
  return success(done);
}

Reply Session::handle_reset(const Message& message) {
  if (!message.payload.empty()) return failure(EINVAL);
  m_function.function_level_reset();
  return {};
}

}  // namespace cipherdeck::device::vfio_user
