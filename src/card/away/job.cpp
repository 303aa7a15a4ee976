// SPDX-License-Identifier: Apache-2.0
#include "card/away/job.h"

namespace cipherdeck::card::away {

void Mailbox::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(m_mutex);
  m_wake = std::move(wake);
}

void Mailbox::post(Outcome outcome) {
  // The job is in this mailbox now: if it named it still, and nobody took it out any more, neither
  // would ever go. Without this, the mailbox might go before the lock.
  const std::shared_ptr<Mailbox> keep = std::move(outcome.job->sender);
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

}  // namespace cipherdeck::card::away
