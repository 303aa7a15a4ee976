// SPDX-License-Identifier: Apache-2.0
// What a child of fork() must not do with its parent's device: descriptors registered here are
// closed in the child, and objects compare generations before they touch shared memory, which is
// not mapped there (MADV_DONTFORK).
#pragma once

#include "base/file_descriptor.h"

#include <cstdint>

namespace cipherdeck::driver {

/// Number of fork() calls between the process that loaded this code and the calling one. Cheap.
[[nodiscard]] std::uint64_t fork_generation() noexcept;

/// Owns a descriptor that a child of fork() does not inherit; left alone when destroyed there.
class GuardedDescriptor {
 public:
  GuardedDescriptor() = default;
  explicit GuardedDescriptor(FileDescriptor fd) noexcept;
  GuardedDescriptor(GuardedDescriptor&& other) noexcept;
  GuardedDescriptor& operator=(GuardedDescriptor&& other) noexcept;
  GuardedDescriptor(const GuardedDescriptor&) = delete;
  GuardedDescriptor& operator=(const GuardedDescriptor&) = delete;
  ~GuardedDescriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return m_fd.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(m_fd); }

 private:
  void reset() noexcept;

  FileDescriptor m_fd;
  int m_slot = -1;
  std::uint64_t m_generation = 0;
};

}  // namespace cipherdeck::driver
