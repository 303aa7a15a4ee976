// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace cipherdeck {
namespace {

std::size_t whole_pages(std::size_t len) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (len + page - 1) / page * page;
}

}  // namespace

void wipe(MutableBytes bytes) noexcept {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

bool equal_constant_time(Bytes a, Bytes b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<std::uint8_t>(a[i] ^ b[i]);
  return difference == 0;
}

Result<SecretBuffer> SecretBuffer::allocate(std::size_t len) {
  if (len == 0) return Error::invalid_argument;
  const std::size_t mapped = whole_pages(len);
  void* const pages =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return Error::no_memory;
  if (mlock(pages, mapped) != 0 || madvise(pages, mapped, MADV_DONTDUMP) != 0) {
    munmap(pages, mapped);
    return Error::no_memory;
  }
  return SecretBuffer(static_cast<std::uint8_t*>(pages), len);
}

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)), m_len(std::exchange(other.m_len, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
  if (this != &other) {
    release();
    m_data = std::exchange(other.m_data, nullptr);
    m_len = std::exchange(other.m_len, 0);
  }
  return *this;
}

SecretBuffer::~SecretBuffer() { release(); }

void SecretBuffer::release() noexcept {
  if (m_data == nullptr) return;
  wipe({m_data, m_len});
  munmap(m_data, whole_pages(m_len));
  m_data = nullptr;
}

}  // namespace cipherdeck
