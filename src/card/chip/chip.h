// SPDX-License-Identifier: Apache-2.0
// One chip: its thread, the jobs that wait for it, and whether it is still to be trusted with any.
#pragma once

#include "card/chip/job.h"
#include "card/chip/plugin.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace cipherdeck::card::chip {

using Clock = std::chrono::steady_clock;

struct Limits {
  std::chrono::milliseconds job{2000};      // for one job; a fence comes up to a quarter later
  std::chrono::milliseconds start{10'000};  // for open, self-test and trial
};

/// Gets a sentence for the log from any thread but a worker's; may block.
using Log = std::function<void(std::string_view)>;

/// A chip works until it hangs or fails: then it is fenced for good. Its thread keeps the chip
/// alive until the library's code returns, which may be never. Thread-safe.
class Chip : public std::enable_shared_from_this<Chip> {
 public:
  struct Numbers {
    std::uint64_t jobs = 0;    // done
    std::uint64_t bytes = 0;   // of those
    std::uint64_t failed = 0;  // or given up
  };

  /// Starts the thread, has the chip opened and tried there, and waits for that. If anything is
  /// wrong with it, the chip comes fenced.
  static std::shared_ptr<Chip> start(const Plugin& plugin, std::string argument,
                                     const Limits& limits, Log log);
  Chip(const Chip&) = delete;
  Chip& operator=(const Chip&) = delete;

  [[nodiscard]] const Plugin& plugin() const noexcept { return m_plugin; }
  [[nodiscard]] bool offers(std::uint32_t algorithm) const noexcept;
  [[nodiscard]] bool is_working() const noexcept { return m_state.load() == State::working; }
  /// Jobs that wait or are at work.
  [[nodiscard]] std::size_t load() const noexcept { return m_load.load(); }
  /// Why it is fenced and what to do; empty while it works.
  [[nodiscard]] std::string fault() const;
  [[nodiscard]] Numbers numbers() const;

  /// Never waits for the chip. The outcome comes to the job's sender: chip_failed at once if the
  /// chip is fenced.
  void submit(std::shared_ptr<Job> job);

  /// Fences the chip if its job at work is over its time.
  void supervise(Clock::time_point now);

  /// Ends the thread after the job at work; the jobs that wait come back with chip_failed. Waits
  /// for the thread as long as a job may take, not at all if the chip hangs: then it is left
  /// behind.
  void stop();

 private:
  enum class State : std::uint8_t { starting, working, fenced };
  enum class Thread : std::uint8_t { sound, hung };  // when the chip was fenced

  Chip(const Plugin& plugin, std::string argument, const Limits& limits, Log log);

  void loop();
  [[nodiscard]] std::string start_up();
  [[nodiscard]] std::shared_ptr<Job> next();
  void perform(const std::shared_ptr<Job>& job);
  void finish(const std::shared_ptr<Job>& job, const Result<void>& result);
  void examine(const Result<void>& result);
  void fence(const std::string& why, Thread thread);
  [[nodiscard]] std::vector<std::shared_ptr<Job>> take_all();

  const Plugin m_plugin;
  const std::string m_argument;
  const Limits m_limits;
  const Log m_log;
  std::atomic<State> m_state{State::starting};
  std::atomic<std::size_t> m_load{0};

  // The thread's own.
  void* m_context = nullptr;
  bool m_opened = false;
  unsigned m_failures = 0;  // in a row

  mutable std::mutex m_mutex;  // for what follows; never held while the library's code runs
  std::condition_variable m_changed;
  std::deque<std::shared_ptr<Job>> m_waiting;
  std::shared_ptr<Job> m_at_work;
  std::optional<Clock::time_point> m_busy_since;  // with a job, or the test after one that failed
  Numbers m_numbers;
  std::string m_fault;
  bool m_started = false;  // or failed to
  bool m_hung = false;
  bool m_stopping = false;
  bool m_ended = false;

  std::thread m_thread;
};

}  // namespace cipherdeck::card::chip
