// SPDX-License-Identifier: Apache-2.0
// A queue pair as an opener has it, whichever driver made it: the Linux module (/dev/cipherdeckN)
// or the user-space driver (a function's vfio-user socket).
#pragma once

#include "base/result.h"
#include "ring/ring.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace cipherdeck::driver {

/// Kicking and waiting may be called from any thread; the memory is for one user at a time.
class QueuePair {
 public:
  virtual ~QueuePair() = default;

  [[nodiscard]] virtual const ring::QueueMemory& memory() const noexcept = 0;

  /// Wakes a card that asked for it in needs_kick.
  virtual Result<void> kick() noexcept = 0;

  /// Waits for the next interrupt, or until `timeout` has passed (timed_out). Fails with
  /// disconnected when the device is gone or was reset.
  virtual Result<void> wait(std::chrono::milliseconds timeout) noexcept = 0;
};

struct QueuePairOptions {
  std::uint32_t entries = 64;
  std::uint32_t arena_len = 4U << 20;
};

/// Opens a queue pair at `address`: "/dev/cipherdeck0", "unix:/run/cipherdeck/vf1.sock", or a list
/// of such separated by commas, where a socket may be a pattern ("unix:/run/cipherdeck/vf*.sock"):
/// the first that is free is taken. `why` says in a sentence what failed and what to do.
[[nodiscard]] Result<std::unique_ptr<QueuePair>> open_queue_pair(const std::string& address,
                                                                 const QueuePairOptions& options,
                                                                 std::string& why);

}  // namespace cipherdeck::driver
