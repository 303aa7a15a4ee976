// SPDX-License-Identifier: Apache-2.0
#include "card/chip/job.h"

#include <new>

namespace cipherdeck::card::chip {
namespace {

constexpr std::size_t kPage = 4096;

std::uint8_t* allocate(std::size_t len) {
  void* const memory = std::aligned_alloc(kPage, (len + kPage - 1) & ~(kPage - 1));
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

Job::Job(std::uint32_t algorithm_id, std::uint32_t operation_id, Bytes key_bytes, Bytes input)
    : algorithm(algorithm_id),
      operation(operation_id),
      len(input.size()),
      pages(allocate(input.size())) {
  std::memcpy(key.data(), key_bytes.data(), std::min(key_bytes.size(), kMaxKeyLen));
  std::memcpy(pages.get(), input.data(), input.size());
}

void Mailbox::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(m_mutex);
  m_wake = std::move(wake);
}

void Mailbox::post(Outcome outcome) {
  const std::lock_guard lock(m_mutex);
  m_outcomes.push_back(std::move(outcome));
  m_has_outcomes.store(true);
  if (m_wake) m_wake();
}

std::vector<Outcome> Mailbox::take() {
  std::vector<Outcome> outcomes;
  const std::lock_guard lock(m_mutex);
  outcomes.swap(m_outcomes);
  m_has_outcomes.store(false);
  return outcomes;
}

}  // namespace cipherdeck::card::chip
