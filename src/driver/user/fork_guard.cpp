// SPDX-License-Identifier: Apache-2.0
#include "driver/user/fork_guard.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <utility>

namespace cipherdeck::driver {
namespace {

constexpr int kEmpty = -1;
constexpr int kNumSlots = 1024;  // beyond it descriptors are inherited, which is only untidy

std::atomic<std::uint64_t> g_generation{0};
std::array<std::atomic<int>, kNumSlots> g_descriptors;  // descriptor + 1; 0: free

// Runs in the child, where only what is safe in a signal handler may be called.
void in_child() noexcept {
  g_generation.fetch_add(1, std::memory_order_relaxed);
  for (auto& entry : g_descriptors) {
    const int fd = entry.exchange(0, std::memory_order_relaxed) - 1;
    if (fd >= 0) close(fd);
  }
}

[[maybe_unused]] const int g_installed = pthread_atfork(nullptr, nullptr, in_child);

int remember(int fd) noexcept {
  for (int slot = 0; slot < kNumSlots; ++slot) {
    int expected = 0;
    if (g_descriptors[static_cast<std::size_t>(slot)].compare_exchange_strong(expected, fd + 1)) {
      return slot;
    }
  }
  return kEmpty;
}

}  // namespace

std::uint64_t fork_generation() noexcept { return g_generation.load(std::memory_order_relaxed); }

GuardedDescriptor::GuardedDescriptor(FileDescriptor fd) noexcept
    : m_fd(std::move(fd)),
      m_slot(m_fd ? remember(m_fd.get()) : kEmpty),
      m_generation(fork_generation()) {}

GuardedDescriptor::GuardedDescriptor(GuardedDescriptor&& other) noexcept
    : m_fd(std::move(other.m_fd)),
      m_slot(std::exchange(other.m_slot, kEmpty)),
      m_generation(other.m_generation) {}

GuardedDescriptor& GuardedDescriptor::operator=(GuardedDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    m_fd = std::move(other.m_fd);
    m_slot = std::exchange(other.m_slot, kEmpty);
    m_generation = other.m_generation;
  }
  return *this;
}

void GuardedDescriptor::reset() noexcept {
  if (!m_fd) return;
  if (m_generation != fork_generation()) {
    (void)m_fd.release();  // closed already, and the number may be another file's by now
    return;
  }
  if (m_slot >= 0) g_descriptors[static_cast<std::size_t>(m_slot)].store(0);
  m_slot = kEmpty;
  m_fd.reset();
}

}  // namespace cipherdeck::driver
