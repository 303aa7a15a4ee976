// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/user/fork_guard.h"
#include "driver/user/interrupt_vector.h"
#include "driver/user/queue_pair.h"
#include "driver/user/shared_memory.h"

#include <functional>

namespace cipherdeck::driver {

/// A queue pair made over a function's vfio-user socket. Its memory is one file: submission ring,
/// completion ring, arena, one after the other, at one DMA address.
class HostQueuePair final : public QueuePair {
 public:
  struct Parts {
    std::uint32_t number = 0;
    std::uint32_t entries = 0;
    std::uint32_t arena_len = 0;
    Mapping mapping;
    cipherdeck_doorbell* doorbell = nullptr;
    InterruptVector* vector = nullptr;
    int socket = -1;
    std::function<Result<void>(std::uint32_t number)> kick;
    /// Exchanges a doorbell page that is a copy with the device; null: it is the device's own.
    std::function<Result<void>(std::uint32_t number)> sync;
    std::function<bool()> alive;
    std::function<void(std::uint32_t number)> destroy;  // at the card, then the DMA mapping
  };

  [[nodiscard]] static constexpr std::size_t memory_len(const QueuePairOptions& options) {
    return ring::submission_len(options.entries) + ring::completion_len(options.entries) +
           options.arena_len;
  }

  explicit HostQueuePair(Parts parts);
  ~HostQueuePair() override;

  [[nodiscard]] const ring::QueueMemory& memory() const noexcept override { return m_memory; }
  Result<void> kick() noexcept override;
  Result<void> wait(std::chrono::milliseconds timeout) noexcept override;

 private:
  Parts m_parts;
  ring::QueueMemory m_memory;
  std::atomic<std::uint64_t> m_seen;  // of the vector's count
};

}  // namespace cipherdeck::driver
