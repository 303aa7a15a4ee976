// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "driver/user/fork_guard.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace cipherdeck::driver {

/// One MSI vector as an eventfd that several queue pairs may share: whoever reads it tells the
/// others. Thread-safe.
class InterruptVector {
 public:
  /// Fails with io.
  Result<void> create() noexcept;
  [[nodiscard]] int fd() const noexcept { return m_event.get(); }

  /// Interrupts seen so far; where a queue pair starts to count.
  [[nodiscard]] std::uint64_t count();

  /// Waits until the vector's count is past `seen`, and sets `seen` to it. Fails with timed_out, or
  /// with disconnected when the peer of `socket` hangs up.
  Result<void> wait(std::uint64_t& seen, int socket, std::chrono::milliseconds timeout);

 private:
  Result<void> wait_for_event(int socket, std::chrono::milliseconds timeout) noexcept;

  GuardedDescriptor m_event;
  std::mutex m_mutex;  // guards all below
  std::condition_variable m_changed;
  std::uint64_t m_count = 0;
  bool m_reading = false;  // a thread is in wait_for_event(), the mutex not held
};

}  // namespace cipherdeck::driver
