// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "driver/user/host_function.h"
#include "driver/user/shared_memory.h"
#include "ring/ring.h"

#include <chrono>
#include <functional>
#include <mutex>

namespace cipherdeck::driver {

/// The admin queue pair of a function: one command at a time, completions polled for with growing
/// pauses. Thread-safe. Its memory is one file: submission ring, completion ring, arena.
class AdminQueue {
 public:
  static constexpr std::uint32_t kEntries = 16;
  static constexpr std::uint64_t kDmaAddress = 0x1000'0000;

  /// Where its parts lie for the card.
  [[nodiscard]] static constexpr std::uint64_t submission_address() { return kDmaAddress; }
  [[nodiscard]] static constexpr std::uint64_t completion_address() {
    return kDmaAddress + ring::submission_len(kEntries);
  }
  [[nodiscard]] static constexpr std::uint64_t arena_address() {
    return completion_address() + ring::completion_len(kEntries);
  }
  [[nodiscard]] static constexpr std::size_t memory_len() {
    return arena_address() - kDmaAddress + kArenaLen;
  }
  [[nodiscard]] static constexpr std::uint32_t arena_len() { return kArenaLen; }

  /// `kick` wakes the card; `alive` tells whether it is still there.
  AdminQueue(Mapping memory, cipherdeck_doorbell* doorbell, std::function<Result<void>()> kick,
             std::function<bool()> alive);

  /// `token` is that of a management login, or empty. What was secret in the arena is wiped.
  Result<AdminReply> execute(cipherdeck_command command, Bytes input, std::size_t output_room,
                             Bytes token = {});

 private:
  // Input and output, each of the most that a command may have, and a page for a token.
  static constexpr std::uint32_t kArenaLen = 2 * CIPHERDECK_MAX_DATA_LEN + 4096;

  Result<ring::Completion> run(const cipherdeck_command& command);
  Result<ring::Completion> wait_for(std::uint16_t command_id);

  Mapping m_mapping;
  std::mutex m_mutex;
  ring::DriverEnd m_end;
  std::uint16_t m_next_id = 0;
  bool m_failed = false;  // a command timed out: its completion may still come
  std::function<Result<void>()> m_kick;
  std::function<bool()> m_alive;
};

}  // namespace cipherdeck::driver
