// SPDX-License-Identifier: Apache-2.0
#include "driver/user/host_queue_pair.h"

#include <algorithm>

namespace cipherdeck::driver {
namespace {

constexpr std::chrono::milliseconds kEmulatedWait{1};

}  // namespace

HostQueuePair::HostQueuePair(Parts parts)
    : m_parts(std::move(parts)), m_seen(m_parts.vector->count()) {
  std::uint8_t* const base = m_parts.mapping.data();
  const std::size_t completion_at = ring::submission_len(m_parts.entries);
  m_memory.submission = reinterpret_cast<cipherdeck_command*>(base);
  m_memory.completion = reinterpret_cast<cipherdeck_completion*>(base + completion_at);
  m_memory.arena = base + completion_at + ring::completion_len(m_parts.entries);
  m_memory.doorbell = m_parts.doorbell;
  m_memory.entries = m_parts.entries;
  m_memory.arena_len = m_parts.arena_len;
}

HostQueuePair::~HostQueuePair() {
  if (m_parts.alive()) m_parts.destroy(m_parts.number);
}

Result<void> HostQueuePair::kick() noexcept { return m_parts.kick(m_parts.number); }

Result<void> HostQueuePair::wait(std::chrono::milliseconds timeout) noexcept {
  if (!m_parts.alive()) return Error::disconnected;
  if (m_parts.sync) {
    CIPHERDECK_TRY(m_parts.sync(m_parts.number));
    // What completed before the device knew of irq_at raised nothing: whoever waits looks again.
    timeout = std::min(timeout, kEmulatedWait);
  }
  std::uint64_t seen = m_seen.load(std::memory_order_relaxed);
  auto result = m_parts.vector->wait(seen, m_parts.socket, timeout);
  m_seen.store(seen, std::memory_order_relaxed);
  return result;
}

}  // namespace cipherdeck::driver
