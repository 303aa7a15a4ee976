// SPDX-License-Identifier: Apache-2.0
// The interrupts of one function: eventfds that its client gave us, and the MSI mask bits.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"
#include "card/card.h"

#include <cipherdeck/function.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

namespace cipherdeck::device {

/// Signals eventfds that belong to others without ever waiting: a client that fills its counter
/// must not stop the thread that serves everybody. A write() would wait, since the client may take
/// O_NONBLOCK away again at any time, so the kernel is asked to signal the eventfd as the end of
/// an asynchronous read of nothing. Where there is no asynchronous I/O (kernel or seccomp filter),
/// it polls and writes. Thread-safe.
class EventSignaller {
 public:
  EventSignaller() noexcept;
  ~EventSignaller();
  EventSignaller(const EventSignaller&) = delete;
  EventSignaller& operator=(const EventSignaller&) = delete;

  void signal(int eventfd) noexcept;
  [[nodiscard]] bool asynchronous() const noexcept { return m_context != 0; }

 private:
  [[nodiscard]] bool signal_asynchronously(int eventfd) noexcept;

  std::uint64_t m_context = 0;  // aio_context_t
  FileDescriptor m_source;
};

/// Fails with invalid_argument unless `fd` looks like an eventfd; makes it non-blocking.
Result<void> check_eventfd(int fd) noexcept;

/// Thread-safe: the message thread sets, the card's worker raises.
class InterruptTable {
 public:
  explicit InterruptTable(std::shared_ptr<EventSignaller> signaller)
      : m_signaller(std::move(signaller)) {}

  /// `vector` is below CIPHERDECK_MAX_VECTORS. None: the vector is not wired.
  void wire(std::uint32_t vector, FileDescriptor eventfd);
  void unwire_all();

  /// Signals a vector, or remembers it while it is masked. Not wired: nothing.
  void raise(std::uint32_t vector) noexcept;
  /// Sets the mask bits; raises what became unmasked and is pending.
  void set_masked(std::uint32_t bits) noexcept;
  /// Bits of vectors raised while masked.
  [[nodiscard]] std::uint32_t pending() const noexcept;
  void clear_pending() noexcept;

 private:
  void signal_locked(std::uint32_t vector) noexcept;

  mutable std::mutex m_mutex;  // held for one signal at most
  std::array<FileDescriptor, CIPHERDECK_MAX_VECTORS> m_eventfds;
  std::uint32_t m_masked = 0;
  std::uint32_t m_pending = 0;
  std::shared_ptr<EventSignaller> m_signaller;
};

/// One vector as the card sees it.
class VectorLine final : public card::InterruptLine {
 public:
  VectorLine(std::shared_ptr<InterruptTable> table, std::uint32_t vector)
      : m_table(std::move(table)), m_vector(vector) {}
  void raise() noexcept override { m_table->raise(m_vector); }

 private:
  std::shared_ptr<InterruptTable> m_table;
  std::uint32_t m_vector;
};

}  // namespace cipherdeck::device
