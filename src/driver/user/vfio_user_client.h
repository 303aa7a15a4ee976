// SPDX-License-Identifier: Apache-2.0
// The client's side of the vfio-user protocol: requests and their replies over one connection.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "device/vfio_user/protocol.h"
#include "driver/user/fork_guard.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace cipherdeck::driver {

/// Thread-safe. Every call but post() waits for the server's reply, at most kReplyTimeout; a reply
/// that is late, malformed or of another request ends the connection, and all calls then fail with
/// disconnected.
class VfioUserClient {
 public:
  struct Region {
    std::uint64_t len = 0;
    bool mappable = false;
    std::uint64_t offset = 0;  // in the file `fd`
    FileDescriptor fd;
  };

  /// Connects and agrees on the protocol version. Fails with not_found (nobody listens),
  /// access_denied, busy (another client is served), not_supported or disconnected.
  static Result<std::unique_ptr<VfioUserClient>> connect(const std::filesystem::path& socket);

  Result<Region> region(std::uint32_t index);
  Result<std::uint32_t> num_interrupts(std::uint32_t index);
  /// Hands one eventfd to each of the first interrupts of `index`.
  Result<void> set_interrupts(std::uint32_t index, std::span<const int> event_fds);
  Result<void> map_dma(int fd, std::uint64_t address, std::uint64_t len);
  Result<void> unmap_dma(std::uint64_t address, std::uint64_t len);
  Result<void> read(std::uint32_t region, std::uint64_t offset, MutableBytes bytes);
  Result<void> write(std::uint32_t region, std::uint64_t offset, Bytes bytes);
  /// Writes without waiting: the server sends no reply.
  Result<void> post(std::uint32_t region, std::uint64_t offset, Bytes bytes);

  /// False in a child of fork(), whose parent's the connection is.
  [[nodiscard]] bool connected() const noexcept {
    return !m_broken.load() && m_generation == fork_generation();
  }
  /// Hangs up (POLLRDHUP, POLLHUP) when the server does; for poll() without POLLIN.
  [[nodiscard]] int socket() const noexcept { return m_socket.get(); }

 private:
  struct Reply {
    std::vector<std::uint8_t> body;
    std::vector<FileDescriptor> fds;
  };

  explicit VfioUserClient(FileDescriptor socket) : m_socket(std::move(socket)) {}

  Result<void> negotiate();
  Result<Reply> call(device::vfio_user::Command command, Bytes fixed, Bytes data = {},
                     std::span<const int> fds = {});
  Result<void> send(const device::vfio_user::Header& header, Bytes fixed, Bytes data,
                    std::span<const int> fds);
  Result<Reply> receive(const device::vfio_user::Header& request);
  Result<void> receive_exactly(MutableBytes bytes, std::vector<FileDescriptor>& fds);
  Error broken() noexcept;

  GuardedDescriptor m_socket;
  std::mutex m_call_mutex;  // one request at a time; taken before m_send_mutex
  std::mutex m_send_mutex;  // held while a message is written
  std::atomic<bool> m_broken{false};
  const std::uint64_t m_generation = fork_generation();
  std::atomic<std::uint16_t> m_next_id{1};
};

}  // namespace cipherdeck::driver
