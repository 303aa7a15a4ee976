// SPDX-License-Identifier: Apache-2.0
#include "ring/ring.h"

#include <bit>

namespace cipherdeck::ring {
namespace {

std::uint32_t load_relaxed(std::uint32_t& word) noexcept {
  return std::atomic_ref(word).load(std::memory_order_relaxed);
}

std::uint32_t load_acquire(std::uint32_t& word) noexcept {
  return std::atomic_ref(word).load(std::memory_order_acquire);
}

void store_release(std::uint32_t& word, std::uint32_t value) noexcept {
  std::atomic_ref(word).store(value, std::memory_order_release);
}

void store_relaxed(std::uint32_t& word, std::uint32_t value) noexcept {
  std::atomic_ref(word).store(value, std::memory_order_relaxed);
}

// Orders this end's store before its next load of what the other end writes.
void fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

// The last four bytes of a completion: command_id and status_phase, stored and loaded as one.
std::uint32_t& tail_word(cipherdeck_completion& completion) noexcept {
  return *reinterpret_cast<std::uint32_t*>(&completion.command_id);
}

std::uint16_t phase_of(std::uint32_t index, std::uint32_t entries) noexcept {
  return (index & entries) == 0 ? 1 : 0;
}

}  // namespace

Result<void> check_entries(std::uint32_t entries) noexcept {
  const bool in_bounds = entries >= (1U << CIPHERDECK_MIN_ENTRIES_LOG2) &&
                         entries <= (1U << CIPHERDECK_MAX_ENTRIES_LOG2);
  if (!in_bounds || !std::has_single_bit(entries)) return Error::invalid_argument;
  return {};
}

Result<MutableBytes> resolve(const QueueMemory& memory, cipherdeck_extent extent) noexcept {
  if (extent.len == 0) return MutableBytes{};
  if (extent.offset > memory.arena_len || extent.len > memory.arena_len - extent.offset) {
    return Error::invalid_extent;
  }
  return MutableBytes{memory.arena + extent.offset, extent.len};
}

bool DriverEnd::push(const cipherdeck_command& command) noexcept {
  if (in_flight() >= m_memory.entries) return false;
  m_memory.submission[m_sq_tail & (m_memory.entries - 1)] = command;
  ++m_sq_tail;
  return true;
}

bool DriverEnd::ring_doorbell() noexcept {
  store_release(m_memory.doorbell->sq_tail, m_sq_tail);
  fence();
  return load_relaxed(m_memory.doorbell->needs_kick) != 0;
}

bool DriverEnd::completion_ready(std::uint32_t index) const noexcept {
  auto& slot = m_memory.completion[index & (m_memory.entries - 1)];
  const std::uint32_t word = load_acquire(tail_word(slot));
  return ((word >> 16) & 1) == phase_of(index, m_memory.entries);
}

std::optional<Completion> DriverEnd::reap() noexcept {
  if (in_flight() == 0 || !completion_ready(m_cq_head)) return std::nullopt;
  const cipherdeck_completion slot = m_memory.completion[m_cq_head & (m_memory.entries - 1)];
  ++m_cq_head;
  store_release(m_memory.doorbell->cq_head, m_cq_head);
  return Completion{.command_id = slot.command_id,
                    .status = static_cast<std::uint16_t>(slot.status_phase >> 1),
                    .value = slot.value,
                    .output_len = slot.output_len};
}

bool DriverEnd::arm_interrupt(std::uint32_t num) noexcept {
  const std::uint32_t last = m_cq_head + num - 1;
  store_relaxed(m_memory.doorbell->irq_at, last);
  fence();
  return completion_ready(last);
}

std::uint32_t DriverEnd::state() const noexcept { return load_acquire(m_memory.doorbell->state); }

void DeviceEnd::start() noexcept {
  cipherdeck_doorbell& doorbell = *m_memory.doorbell;
  store_relaxed(doorbell.sq_tail, 0);
  store_relaxed(doorbell.cq_head, 0);
  store_relaxed(doorbell.irq_at, UINT32_MAX);
  store_relaxed(doorbell.needs_kick, 1);
  store_relaxed(doorbell.irq_count, 0);
  store_relaxed(doorbell.error, 0);
  store_release(doorbell.state, CIPHERDECK_QUEUE_LIVE);
}

Result<std::uint32_t> DeviceEnd::pending() const noexcept {
  const std::uint32_t waiting = load_acquire(m_memory.doorbell->sq_tail) - m_sq_head;
  const std::uint32_t unreaped = m_cq_tail - load_acquire(m_memory.doorbell->cq_head);
  if (waiting > m_memory.entries || unreaped > m_memory.entries) return Error::ring_broken;
  const std::uint32_t spoken_for = unreaped + taken();
  const std::uint32_t room = spoken_for < m_memory.entries ? m_memory.entries - spoken_for : 0;
  return waiting < room ? waiting : room;
}

cipherdeck_command DeviceEnd::take() noexcept {
  const cipherdeck_command command = m_memory.submission[m_sq_head & (m_memory.entries - 1)];
  ++m_sq_head;
  // The copy is what counts from here on: the compiler may not read the slot again.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return command;
}

void DeviceEnd::complete(const Completion& completion) noexcept {
  cipherdeck_completion& slot = m_memory.completion[m_cq_tail & (m_memory.entries - 1)];
  slot.value = completion.value;
  slot.output_len = completion.output_len;
  slot.sq_head = m_sq_head;
  const std::uint32_t status_phase =
      (static_cast<std::uint32_t>(completion.status) << 1) | phase_of(m_cq_tail, m_memory.entries);
  store_release(tail_word(slot), completion.command_id | (status_phase << 16));
  ++m_cq_tail;
}

bool DeviceEnd::interrupt_due() noexcept {
  if (m_cq_tail == m_cq_told) return false;
  fence();
  const std::uint32_t wanted = load_relaxed(m_memory.doorbell->irq_at);
  const bool passed = wanted - m_cq_told < m_cq_tail - m_cq_told;
  m_cq_told = m_cq_tail;
  if (passed) {
    auto& count = m_memory.doorbell->irq_count;
    store_release(count, load_relaxed(count) + 1);
  }
  return passed;
}

bool DeviceEnd::announce_sleep() noexcept {
  store_relaxed(m_memory.doorbell->needs_kick, 1);
  fence();
  const auto waiting = pending();
  return waiting && *waiting == 0;
}

void DeviceEnd::announce_awake() noexcept { store_relaxed(m_memory.doorbell->needs_kick, 0); }

void DeviceEnd::stop() noexcept { store_release(m_memory.doorbell->state, CIPHERDECK_QUEUE_NONE); }

void DeviceEnd::fail(Error reason) noexcept {
  store_relaxed(m_memory.doorbell->error, to_status(reason));
  store_release(m_memory.doorbell->state, CIPHERDECK_QUEUE_FAILED);
}

}  // namespace cipherdeck::ring
