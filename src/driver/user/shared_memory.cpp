// SPDX-License-Identifier: Apache-2.0
#include "driver/user/shared_memory.h"

#include "driver/user/fork_guard.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace cipherdeck::driver {

Result<Mapping> Mapping::map(int fd, std::uint64_t offset, std::size_t len) noexcept {
  void* const data =
      mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (data == MAP_FAILED) return errno == ENOMEM ? Error::no_memory : Error::io;
  madvise(data, len, MADV_DONTFORK);
  madvise(data, len, MADV_DONTDUMP);
  Mapping mapping;
  mapping.m_data = static_cast<std::uint8_t*>(data);
  mapping.m_len = len;
  mapping.m_generation = fork_generation();
  return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)),
      m_len(std::exchange(other.m_len, 0)),
      m_generation(other.m_generation) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    release();
    m_data = std::exchange(other.m_data, nullptr);
    m_len = std::exchange(other.m_len, 0);
    m_generation = other.m_generation;
  }
  return *this;
}

void Mapping::release() noexcept {
  // In a child of fork() the address was never mapped, or is another mapping by now.
  if (m_data != nullptr && m_generation == fork_generation()) munmap(m_data, m_len);
  m_data = nullptr;
}

Result<FileDescriptor> make_sealed_memory_file(const char* name, std::size_t len) noexcept {
  FileDescriptor file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return Error::io;
  if (ftruncate(file.get(), static_cast<off_t>(len)) != 0) return Error::no_memory;
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) return Error::io;
  return file;
}

}  // namespace cipherdeck::driver
