// SPDX-License-Identifier: Apache-2.0
// A vfio-user client that sends what it is told to, right or wrong, over a live socket.
#pragma once

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "device/vfio_user/protocol.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace cipherdeck::wire {

namespace vu = device::vfio_user;

/// What the server sent back.
struct Answer {
  vu::Header header{};
  std::vector<std::uint8_t> payload;
  std::vector<FileDescriptor> fds;

  [[nodiscard]] int error() const noexcept { return static_cast<int>(header.error); }
  template <typename T>
  [[nodiscard]] T as(std::size_t offset = 0) const {
    T value{};
    if (payload.size() >= offset + sizeof value) value = load<T>(Bytes(payload).subspan(offset));
    return value;
  }
};

class Payload {
 public:
  Payload() = default;
  template <typename T>
  explicit Payload(const T& object) {
    add(object);
  }
  template <typename T>
  Payload& add(const T& object) {
    return add_bytes(object_bytes(object));
  }
  Payload& add_bytes(Bytes bytes) {
    m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
    return *this;
  }
  [[nodiscard]] Bytes bytes() const noexcept { return m_bytes; }

 private:
  std::vector<std::uint8_t> m_bytes;
};

struct VersionBody {
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
};

class RawClient {
 public:
  explicit RawClient(const std::filesystem::path& socket);

  [[nodiscard]] bool connected() const noexcept { return static_cast<bool>(m_socket); }
  [[nodiscard]] int fd() const noexcept { return m_socket.get(); }
  void close() noexcept { m_socket.reset(); }

  /// Bytes as they are, with descriptors. False: the peer is gone.
  bool send_raw(Bytes bytes, const std::vector<int>& fds = {});
  bool send(vu::Command command, const Payload& payload = {}, const std::vector<int>& fds = {},
            std::uint32_t flags = 0);
  /// The next message of the server; none if it hung up or ten seconds have passed.
  std::optional<Answer> receive();
  /// send() and receive(); an answer with error ENOTCONN if there is none.
  Answer call(vu::Command command, const Payload& payload = {}, const std::vector<int>& fds = {});

  /// Whether the server closes the connection within ten seconds, saying nothing more.
  bool closed_by_server();

  /// VERSION as QEMU sends it; true if it was accepted.
  bool negotiate();
  /// These return the errno of the answer.
  int map(std::uint64_t address, std::uint64_t size, int fd = -1, std::uint64_t offset = 0,
          std::uint32_t flags = vu::kDmaRead | vu::kDmaWrite);
  int unmap(std::uint64_t address, std::uint64_t size, std::uint32_t flags = 0);
  int reset();
  int set_irqs(std::uint32_t index, std::uint32_t flags, std::uint32_t start, std::uint32_t count,
               const std::vector<int>& fds = {}, Bytes data = {});
  std::vector<std::uint8_t> read(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  int write(std::uint32_t region, std::uint64_t offset, Bytes data);

  template <typename T>
  T read_config(std::uint64_t offset) {
    return read_as<T>(VFIO_PCI_CONFIG_REGION_INDEX, offset);
  }
  template <typename T>
  int write_config(std::uint64_t offset, T value) {
    return write(VFIO_PCI_CONFIG_REGION_INDEX, offset, object_bytes(value));
  }
  std::uint32_t read_register(std::uint64_t offset) {
    return read_as<std::uint32_t>(VFIO_PCI_BAR0_REGION_INDEX, offset);
  }
  int write_register(std::uint64_t offset, std::uint32_t value) {
    return write(VFIO_PCI_BAR0_REGION_INDEX, offset, object_bytes(value));
  }
  /// The descriptor of the doorbell pages.
  FileDescriptor doorbells();

 private:
  template <typename T>
  T read_as(std::uint32_t region, std::uint64_t offset) {
    const auto bytes = read(region, offset, sizeof(T));
    return bytes.size() == sizeof(T) ? load<T>(bytes) : T{};
  }
  bool read_whole(MutableBytes into, std::vector<FileDescriptor>& fds);

  FileDescriptor m_socket;
  std::uint16_t m_next_id = 1;
};

}  // namespace cipherdeck::wire
