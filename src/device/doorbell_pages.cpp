// SPDX-License-Identifier: Apache-2.0
#include "device/doorbell_pages.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <utility>

namespace cipherdeck::device {
namespace {

bool whole_words(std::uint64_t offset, std::size_t len) noexcept {
  return offset % sizeof(std::uint32_t) == 0 && len % sizeof(std::uint32_t) == 0;
}

}  // namespace

Result<DoorbellPages> DoorbellPages::make() {
  FileDescriptor fd(memfd_create("cipherdeck-doorbells", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ftruncate(fd.get(), CIPHERDECK_BAR_DOORBELLS_LEN) != 0) return Error::no_memory;
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return Error::no_memory;
  }
  void* const base =
      mmap(nullptr, CIPHERDECK_BAR_DOORBELLS_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) return Error::no_memory;
  return DoorbellPages(std::move(fd), static_cast<std::uint8_t*>(base));
}

DoorbellPages::DoorbellPages(DoorbellPages&& other) noexcept
    : m_fd(std::move(other.m_fd)), m_base(std::exchange(other.m_base, nullptr)) {}

DoorbellPages& DoorbellPages::operator=(DoorbellPages&& other) noexcept {
  std::swap(m_fd, other.m_fd);
  std::swap(m_base, other.m_base);
  return *this;
}

DoorbellPages::~DoorbellPages() {
  if (m_base != nullptr) munmap(m_base, CIPHERDECK_BAR_DOORBELLS_LEN);
}

cipherdeck_doorbell* DoorbellPages::page(std::uint32_t queue_pair) const noexcept {
  return reinterpret_cast<cipherdeck_doorbell*>(m_base + std::size_t{queue_pair} *
                                                             CIPHERDECK_DOORBELL_STRIDE);
}

void DoorbellPages::read(std::uint64_t offset, MutableBytes out) const noexcept {
  if (!whole_words(offset, out.size())) {
    std::memcpy(out.data(), m_base + offset, out.size());
    return;
  }
  for (std::size_t i = 0; i < out.size(); i += sizeof(std::uint32_t)) {
    auto& word = *reinterpret_cast<std::uint32_t*>(m_base + offset + i);
    const std::uint32_t value = std::atomic_ref(word).load(std::memory_order_acquire);
    std::memcpy(out.data() + i, &value, sizeof value);
  }
}

void DoorbellPages::write(std::uint64_t offset, Bytes data) noexcept {
  if (!whole_words(offset, data.size())) {
    std::memcpy(m_base + offset, data.data(), data.size());
    return;
  }
  for (std::size_t i = 0; i < data.size(); i += sizeof(std::uint32_t)) {
    auto& word = *reinterpret_cast<std::uint32_t*>(m_base + offset + i);
    std::atomic_ref(word).store(load<std::uint32_t>(data.subspan(i)), std::memory_order_release);
  }
}

}  // namespace cipherdeck::device
