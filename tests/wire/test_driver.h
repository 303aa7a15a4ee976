// SPDX-License-Identifier: Apache-2.0
// A driver of one function over a RawClient: guest memory, admin queue pair, I/O queue pairs.
#pragma once

#include "ring/ring.h"
#include "wire/raw_client.h"

#include <memory>
#include <optional>
#include <vector>

namespace cipherdeck::wire {

/// A memory file that plays the guest's memory, mapped here.
class GuestMemory {
 public:
  enum class Seal { shrink, none };
  explicit GuestMemory(std::size_t len, Seal seal = Seal::shrink);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  [[nodiscard]] int fd() const noexcept { return m_fd.get(); }
  [[nodiscard]] std::uint8_t* at(std::size_t offset) const noexcept { return m_data + offset; }
  [[nodiscard]] std::size_t size() const noexcept { return m_len; }

 private:
  FileDescriptor m_fd;
  std::uint8_t* m_data = nullptr;
  std::size_t m_len;
};

/// Where one queue pair lies in guest memory: four slots of 64 KiB from `base`.
struct QueueLayout {
  std::size_t base = 0;
  std::uint32_t entries = 16;
  std::uint32_t arena_len = 0x10000;
  [[nodiscard]] std::size_t submission() const noexcept { return base; }
  [[nodiscard]] std::size_t completion() const noexcept { return base + 0x10000; }
  [[nodiscard]] std::size_t arena() const noexcept { return base + 0x20000; }
};

/// Takes a function up as a driver does. Guest memory is mapped at kBase.
class TestDriver {
 public:
  static constexpr std::uint64_t kBase = 0x100000000;
  static constexpr std::size_t kQueueLen = 0x40000;
  static constexpr std::size_t kGuestLen = 0x400000;

  explicit TestDriver(const std::filesystem::path& socket);

  /// Version, guest memory, doorbells, admin queue pair. False if a step fails.
  bool start(std::uint32_t entries = 16);
  bool enable(std::uint32_t entries = 16);

  RawClient& client() noexcept { return m_client; }
  GuestMemory& memory() noexcept { return m_memory; }
  [[nodiscard]] cipherdeck_doorbell* doorbell(std::uint32_t number) const noexcept;
  ring::DriverEnd& admin_ring() noexcept { return *m_admin; }

  /// Runs an admin command whose input and output lie in the admin arena at 0 and 0x4000.
  std::optional<ring::Completion> admin(cipherdeck_command command, Bytes input = {},
                                        std::uint32_t room = 0x1000);
  [[nodiscard]] Bytes admin_output(std::size_t len) const;

  /// Status of QUEUE_PAIR_CREATE for I/O queue pair `number`, at its place in guest memory.
  std::uint16_t create(std::uint32_t number, std::uint32_t vector = 1);
  std::uint16_t create(const cipherdeck_queue_pair_create& request);
  [[nodiscard]] static cipherdeck_queue_pair_create create_request(std::uint32_t number,
                                                                   std::uint32_t vector = 1);
  std::uint16_t destroy(std::uint32_t number);
  ring::DriverEnd& io_ring(std::uint32_t number);

  /// Sends `text` through I/O queue pair `number` and returns what came back; empty if nothing did.
  std::vector<std::uint8_t> echo(std::uint32_t number, Bytes text);

  [[nodiscard]] static QueueLayout layout(std::uint32_t number) noexcept;

 private:
  ring::QueueMemory queue_memory(std::uint32_t number, const QueueLayout& layout) const noexcept;

  RawClient m_client;
  GuestMemory m_memory{kGuestLen};
  FileDescriptor m_doorbell_fd;
  std::shared_ptr<std::uint8_t> m_doorbells;
  std::optional<ring::DriverEnd> m_admin;
  std::vector<std::optional<ring::DriverEnd>> m_io;
  std::uint16_t m_next_command = 1;
};

}  // namespace cipherdeck::wire
