// SPDX-License-Identifier: Apache-2.0
#include "driver/user/kernel_queue_pair.h"

#include "driver/user/fork_guard.h"
#include "driver/user/shared_memory.h"

#include <cipherdeck/ioctl.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

namespace cipherdeck::driver {
namespace {

Error error_of_errno(int number) noexcept {
  switch (number) {
    case ENOENT:
    case ENXIO:
      return Error::not_found;
    case EACCES:
    case EPERM:
      return Error::access_denied;
    case EBUSY:
      return Error::busy;
    case ENOSPC:
      return Error::limit;
    case ENOMEM:
      return Error::no_memory;
    case EINVAL:
      return Error::invalid_argument;
    case ENOTTY:
      return Error::not_supported;
    case ENODEV:
      return Error::disconnected;
    default:
      return Error::io;
  }
}

class KernelQueuePair final : public QueuePair {
 public:
  static Result<std::unique_ptr<QueuePair>> open(FileDescriptor file,
                                                 const cipherdeck_ioc_setup& setup);

  [[nodiscard]] const ring::QueueMemory& memory() const noexcept override { return m_memory; }
  Result<void> kick() noexcept override;
  Result<void> wait(std::chrono::milliseconds timeout) noexcept override;

 private:
  explicit KernelQueuePair(FileDescriptor file) : m_file(std::move(file)) {}

  GuardedDescriptor m_file;  // destroyed last: closing it destroys the queue pair
  Mapping m_submission;
  Mapping m_completion;
  Mapping m_doorbell;
  Mapping m_arena;
  ring::QueueMemory m_memory;
};

Result<std::unique_ptr<QueuePair>> KernelQueuePair::open(FileDescriptor file,
                                                         const cipherdeck_ioc_setup& setup) {
  std::unique_ptr<KernelQueuePair> pair(new KernelQueuePair(std::move(file)));
  const int fd = pair->m_file.get();
  CIPHERDECK_ASSIGN(pair->m_submission, Mapping::map(fd, CIPHERDECK_MMAP_SUBMISSION,
                                                     ring::submission_len(setup.entries)));
  CIPHERDECK_ASSIGN(pair->m_completion, Mapping::map(fd, CIPHERDECK_MMAP_COMPLETION,
                                                     ring::completion_len(setup.entries)));
  CIPHERDECK_ASSIGN(pair->m_doorbell,
                    Mapping::map(fd, CIPHERDECK_MMAP_DOORBELL, CIPHERDECK_DOORBELL_STRIDE));
  CIPHERDECK_ASSIGN(pair->m_arena, Mapping::map(fd, CIPHERDECK_MMAP_ARENA, setup.arena_len));
  pair->m_memory = {
      .submission = reinterpret_cast<cipherdeck_command*>(pair->m_submission.data()),
      .completion = reinterpret_cast<cipherdeck_completion*>(pair->m_completion.data()),
      .arena = pair->m_arena.data(),
      .doorbell = reinterpret_cast<cipherdeck_doorbell*>(pair->m_doorbell.data()),
      .entries = setup.entries,
      .arena_len = setup.arena_len};
  return std::unique_ptr<QueuePair>(std::move(pair));
}

Result<void> KernelQueuePair::kick() noexcept {
  if (ioctl(m_file.get(), CIPHERDECK_IOC_KICK) == 0) return {};
  return error_of_errno(errno);
}

Result<void> KernelQueuePair::wait(std::chrono::milliseconds timeout) noexcept {
  pollfd event{m_file.get(), POLLIN, 0};
  const int ready = poll(&event, 1, static_cast<int>(timeout.count()));
  if (ready < 0) return errno == EINTR ? Error::timed_out : Error::io;
  if (ready == 0) return Error::timed_out;
  if ((event.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return Error::disconnected;
  return {};
}

}  // namespace

Result<std::unique_ptr<QueuePair>> open_kernel_queue_pair(const std::filesystem::path& device,
                                                          const QueuePairOptions& options) {
  FileDescriptor file(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return error_of_errno(errno);
  cipherdeck_ioc_info info{};
  if (ioctl(file.get(), CIPHERDECK_IOC_INFO, &info) != 0) return error_of_errno(errno);
  if ((info.version >> 16) != CIPHERDECK_VERSION_MAJOR) return Error::not_supported;
  cipherdeck_ioc_setup setup{.entries = std::min(options.entries, info.max_entries),
                             .arena_len = std::min(options.arena_len, info.max_arena_len),
                             .number = 0,
                             .reserved = 0};
  if (ioctl(file.get(), CIPHERDECK_IOC_SETUP, &setup) != 0) return error_of_errno(errno);
  return KernelQueuePair::open(std::move(file), setup);
}

}  // namespace cipherdeck::driver
