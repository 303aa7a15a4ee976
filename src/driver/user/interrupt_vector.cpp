// SPDX-License-Identifier: Apache-2.0
#include "driver/user/interrupt_vector.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cipherdeck::driver {

Result<void> InterruptVector::create() noexcept {
  FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return Error::io;
  m_event = GuardedDescriptor(std::move(event));
  return {};
}

std::uint64_t InterruptVector::count() {
  const std::lock_guard lock(m_mutex);
  return m_count;
}

Result<void> InterruptVector::wait(std::uint64_t& seen, int socket,
                                   std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::unique_lock lock(m_mutex);
  while (m_count == seen && m_reading) {
    if (m_changed.wait_until(lock, deadline) == std::cv_status::timeout) return Error::timed_out;
  }
  if (m_count == seen) {
    m_reading = true;
    lock.unlock();
    const auto waited = wait_for_event(socket, timeout);
    lock.lock();
    m_reading = false;
    if (waited) ++m_count;
    m_changed.notify_all();
    if (!waited) return waited;
  }
  seen = m_count;
  return {};
}

Result<void> InterruptVector::wait_for_event(int socket,
                                             std::chrono::milliseconds timeout) noexcept {
  std::array<pollfd, 2> fds{{{m_event.get(), POLLIN, 0}, {socket, POLLRDHUP, 0}}};
  const int ready = poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  if (ready < 0) return errno == EINTR ? Error::timed_out : Error::io;
  if ((fds[0].revents & POLLIN) != 0) {
    std::uint64_t value;
    (void)!::read(m_event.get(), &value, sizeof value);
    return {};
  }
  return fds[1].revents != 0 ? Error::disconnected : Error::timed_out;
}

}  // namespace cipherdeck::driver
