// SPDX-License-Identifier: Apache-2.0
#include "device/interrupt.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cipherdeck::device {
namespace {

constexpr unsigned kContextEvents = 128;

void reap(aio_context_t context) noexcept {
  std::array<io_event, 8> events;
  timespec now{};
  syscall(SYS_io_getevents, context, 0L, static_cast<long>(events.size()), events.data(), &now);
}

void poll_and_write(int eventfd) noexcept {
  pollfd state{.fd = eventfd, .events = POLLOUT, .revents = 0};
  if (poll(&state, 1, 0) != 1 || (state.revents & POLLOUT) == 0) return;
  const std::uint64_t one = 1;
  // A counter that is full is an interrupt that is pending already.
  [[maybe_unused]] const ssize_t written = write(eventfd, &one, sizeof one);
}

}  // namespace

EventSignaller::EventSignaller() noexcept : m_source(open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  aio_context_t context = 0;
  if (m_source && syscall(SYS_io_setup, kContextEvents, &context) == 0) m_context = context;
}

EventSignaller::~EventSignaller() {
  if (m_context != 0) syscall(SYS_io_destroy, m_context);
}

bool EventSignaller::signal_asynchronously(int eventfd) noexcept {
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_PREAD;
  request.aio_fildes = static_cast<std::uint32_t>(m_source.get());
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = static_cast<std::uint32_t>(eventfd);
  iocb* requests[] = {&request};
  const long submitted = syscall(SYS_io_submit, m_context, 1L, requests);
  const int why = errno;
  reap(m_context);
  return submitted == 1 || why == EINVAL || why == EBADF;
}

void EventSignaller::signal(int eventfd) noexcept {
  if (m_context != 0 && signal_asynchronously(eventfd)) return;
  poll_and_write(eventfd);
}

Result<void> check_eventfd(int fd) noexcept {
  struct stat info {};
  // Files of no type are the kernel's anonymous ones; of those only an eventfd can be signalled.
  if (fstat(fd, &info) != 0 || (info.st_mode & S_IFMT) != 0) return Error::invalid_argument;
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return Error::invalid_argument;
  return {};
}

void InterruptTable::wire(std::uint32_t vector, FileDescriptor eventfd) {
  const std::lock_guard lock(m_mutex);
  m_eventfds[vector] = std::move(eventfd);
}

void InterruptTable::unwire_all() {
  const std::lock_guard lock(m_mutex);
  for (FileDescriptor& eventfd : m_eventfds) eventfd.reset();
  m_pending = 0;
}

void InterruptTable::signal_locked(std::uint32_t vector) noexcept {
  if (m_eventfds[vector]) m_signaller->signal(m_eventfds[vector].get());
}

void InterruptTable::raise(std::uint32_t vector) noexcept {
  if (vector >= CIPHERDECK_MAX_VECTORS) return;
  const std::lock_guard lock(m_mutex);
  if ((m_masked & (1U << vector)) != 0) {
    m_pending |= 1U << vector;
  } else {
    signal_locked(vector);
  }
}

void InterruptTable::set_masked(std::uint32_t bits) noexcept {
  const std::lock_guard lock(m_mutex);
  m_masked = bits;
  const std::uint32_t due = m_pending & ~m_masked;
  m_pending &= m_masked;
  for (std::uint32_t vector = 0; vector < CIPHERDECK_MAX_VECTORS; ++vector) {
    if ((due & (1U << vector)) != 0) signal_locked(vector);
  }
}

std::uint32_t InterruptTable::pending() const noexcept {
  const std::lock_guard lock(m_mutex);
  return m_pending;
}

void InterruptTable::clear_pending() noexcept {
  const std::lock_guard lock(m_mutex);
  m_pending = 0;
}

}  // namespace cipherdeck::device
