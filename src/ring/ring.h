// SPDX-License-Identifier: Apache-2.0
// Both ends of a queue pair: the driver's end submits commands and reaps completions, the device's
// end takes commands and posts completions. The layout is in include/cipherdeck/function.h. Each
// end belongs to one thread at a time; neither trusts a number that the other can write.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cipherdeck/function.h>

#include <atomic>
#include <cstdint>
#include <optional>

namespace cipherdeck::ring {

/// The memory of one queue pair, mapped by whoever uses it. Submission and completion ring have the
/// same number of entries, a power of two from 2 to 4096.
struct QueueMemory {
  cipherdeck_command* submission = nullptr;
  cipherdeck_completion* completion = nullptr;
  std::uint8_t* arena = nullptr;
  cipherdeck_doorbell* doorbell = nullptr;
  std::uint32_t entries = 0;
  std::uint32_t arena_len = 0;
};

/// Bytes that a ring of `entries` takes, in whole pages.
[[nodiscard]] constexpr std::size_t submission_len(std::uint32_t entries) noexcept {
  return (entries * sizeof(cipherdeck_command) + 4095) & ~std::size_t{4095};
}
[[nodiscard]] constexpr std::size_t completion_len(std::uint32_t entries) noexcept {
  return (entries * sizeof(cipherdeck_completion) + 4095) & ~std::size_t{4095};
}

/// Fails with invalid_argument unless `entries` is a power of two within the interface's bounds.
[[nodiscard]] Result<void> check_entries(std::uint32_t entries) noexcept;

/// Bytes of the arena that `extent` names, or invalid_extent.
[[nodiscard]] Result<MutableBytes> resolve(const QueueMemory& memory,
                                           cipherdeck_extent extent) noexcept;

/// One reaped completion.
struct Completion {
  std::uint16_t command_id = 0;
  std::uint16_t status = 0;
  std::uint32_t value = 0;
  std::uint32_t output_len = 0;
};

/// The driver's end.
class DriverEnd {
 public:
  explicit DriverEnd(const QueueMemory& memory) noexcept : m_memory(memory) {}

  /// Writes one command to the ring without telling the device; false if the ring is full. A ring
  /// is full when `entries` commands are submitted and not yet reaped.
  [[nodiscard]] bool push(const cipherdeck_command& command) noexcept;

  /// Tells the device of all pushed commands. True: the device sleeps and must be kicked.
  [[nodiscard]] bool ring_doorbell() noexcept;

  /// The next completion if there is one.
  [[nodiscard]] std::optional<Completion> reap() noexcept;

  /// Asks for an interrupt when `num` completions are there, 1 to in_flight(). True: they are there
  /// already, do not wait. Who keeps many commands in flight and asks for half of them is
  /// interrupted seldom, and the card has work meanwhile.
  [[nodiscard]] bool arm_interrupt(std::uint32_t num = 1) noexcept;

  /// Commands submitted and not yet reaped.
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return m_sq_tail - m_cq_head; }

  /// CIPHERDECK_QUEUE_ state as the device last stored it.
  [[nodiscard]] std::uint32_t state() const noexcept;

  [[nodiscard]] const QueueMemory& memory() const noexcept { return m_memory; }

 private:
  [[nodiscard]] bool completion_ready(std::uint32_t index) const noexcept;

  QueueMemory m_memory;
  std::uint32_t m_sq_tail = 0;
  std::uint32_t m_cq_head = 0;
};

/// The device's end.
class DeviceEnd {
 public:
  DeviceEnd() = default;
  explicit DeviceEnd(const QueueMemory& memory) noexcept : m_memory(memory) {}

  /// Fills the doorbell page for a new queue pair and sets its state LIVE.
  void start() noexcept;

  /// Commands waiting, at most as many as there is room for completions; ring_broken if an index of
  /// the driver cannot be.
  [[nodiscard]] Result<std::uint32_t> pending() const noexcept;

  /// Copies the next command out of the ring. Call only while pending() says there is one.
  [[nodiscard]] cipherdeck_command take() noexcept;

  /// Writes a completion; the driver sees it at once. Every taken command gets exactly one.
  void complete(const Completion& completion) noexcept;

  /// Whether the completions written since the last call passed the one the driver wants an
  /// interrupt for. Call after a run of complete(); counts the interrupt in the doorbell page.
  [[nodiscard]] bool interrupt_due() noexcept;

  /// Says that the device goes to sleep. False: work came in the meantime, and it must not.
  [[nodiscard]] bool announce_sleep() noexcept;
  void announce_awake() noexcept;

  /// Ends the queue pair in the driver's sight: NONE, or FAILED with its reason.
  void stop() noexcept;
  void fail(Error reason) noexcept;

  [[nodiscard]] const QueueMemory& memory() const noexcept { return m_memory; }
  /// Commands taken and not completed.
  [[nodiscard]] std::uint32_t taken() const noexcept { return m_sq_head - m_cq_tail; }

 private:
  QueueMemory m_memory;
  std::uint32_t m_sq_head = 0;
  std::uint32_t m_cq_tail = 0;
  std::uint32_t m_cq_told = 0;  // m_cq_tail at the last interrupt_due()
};

}  // namespace cipherdeck::ring
