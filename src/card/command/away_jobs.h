// SPDX-License-Identifier: Apache-2.0
// The commands of one worker that are away: at a chip or the coprocessor, which work on private
// copies of their data. They are completed when their outcomes come.
#pragma once

#include "card/away/job.h"
#include "card/command/processor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace cipherdeck::card::command {

/// What one function may have away: so many jobs, and bytes in them.
constexpr std::uint32_t kMaxAwayJobs = 8;
constexpr std::size_t kMaxAwayBytes = CIPHERDECK_MAX_DATA_LEN;

/// A command that is away. Its session is at work until it is back.
struct AwayTask {
  Origin origin;  // client null: dropped, nobody waits for it
  FunctionNumber function = 0;
  std::shared_ptr<away::Job> job;
  /// Called on the worker when the job is done: writes results to the arena, and makes the
  /// completion. What it captures of the call stays valid until then.
  std::function<Result<Reply>()> finish;
};

/// Not thread-safe, but for what other threads put into its mailbox.
class AwayJobs {
 public:
  AwayJobs() = default;
  ~AwayJobs() { m_mailbox->set_wake({}); }
  AwayJobs(const AwayJobs&) = delete;
  AwayJobs& operator=(const AwayJobs&) = delete;

  /// `wake` is called by other threads when outcomes have come, and must not block.
  void set_wake(std::function<void()> wake) { m_mailbox->set_wake(std::move(wake)); }

  /// Whether the function may have `len` more bytes away. Always, if it has nothing there.
  [[nodiscard]] bool has_room(FunctionNumber function, std::size_t len) const noexcept;

  /// To be called before the job is submitted to whoever does it. There must be room. The job's
  /// ticket and sender are set here.
  void send(AwayTask task);

  /// Whether there is anything to collect. Takes no lock.
  [[nodiscard]] bool has_outcomes() const noexcept { return m_mailbox->has_outcomes(); }
  /// Completes the commands whose outcomes have come.
  void collect() noexcept;

  /// Forgets the jobs of `client` without completing them. What becomes of them goes nowhere.
  void drop(const Client& client) noexcept;

 private:
  struct Usage {
    std::uint32_t jobs = 0;
    std::size_t bytes = 0;
  };

  std::shared_ptr<away::Mailbox> m_mailbox = std::make_shared<away::Mailbox>();
  std::unordered_map<std::uint64_t, AwayTask> m_tasks;  // by ticket; the dropped ones, too
  std::unordered_map<FunctionNumber, Usage> m_usage;
  std::uint64_t m_next_ticket = 1;
};

/// Has the coprocessor do what a command takes: `perform` on `len` bytes of copies, then `finish`
/// as AwayTask says. Puts the command off if the function has too much away.
[[nodiscard]] Result<Reply> send_to_coprocessor(Call& call, std::size_t len,
                                                std::function<Result<void>(RandomSource&)> perform,
                                                std::function<Result<Reply>()> finish);

}  // namespace cipherdeck::card::command
