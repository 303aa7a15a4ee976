// SPDX-License-Identifier: Apache-2.0
// Work that a worker hands to another thread, because it would take too long or belongs to
// something else: a chip, the coprocessor. And how it comes back.
#pragma once

#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace cipherdeck::card::away {

class Mailbox;

/// One job, with private copies of everything it needs: neither its tenant nor whoever does it can
/// disturb the other. Belongs to its sender until it is submitted, and again when its outcome has
/// come.
struct Job {
  explicit Job(std::size_t num_bytes) : len(num_bytes) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  const std::size_t len;     // bytes of private memory, roughly, of which a function has so many
  std::uint64_t ticket = 0;  // the sender's
  std::shared_ptr<Mailbox> sender;
  std::atomic<bool> cancelled{false};  // set by the sender: not worth doing any more
};

/// Every job submitted comes back as one of these, once.
struct Outcome {
  std::shared_ptr<Job> job;
  Result<void> result;
};

/// Outcomes for one worker. Thread-safe.
class Mailbox {
 public:
  /// `wake` is called after each outcome, by the posting thread, and must not block.
  void set_wake(std::function<void()> wake);
  /// Takes the mailbox's name off the job.
  void post(Outcome outcome);
  /// Takes no lock.
  [[nodiscard]] bool has_outcomes() const noexcept { return m_has_outcomes.load(); }
  [[nodiscard]] std::vector<Outcome> take();

 private:
  std::atomic<bool> m_has_outcomes{false};
  std::mutex m_mutex;  // for what follows
  std::vector<Outcome> m_outcomes;
  std::function<void()> m_wake;
};

}  // namespace cipherdeck::card::away
