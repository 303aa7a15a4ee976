// SPDX-License-Identifier: Apache-2.0
// Watches over the card: known answers, the program's integrity and the random source, at the
// start, from time to time and on demand; and what has failed.
#pragma once

#include "base/random_source.h"
#include "card/random/gmt0005/suite.h"
#include "engine/self_test.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cipherdeck::card::health {

using random::gmt0005::Level;

struct SelfTestResult {
  std::string name;
  bool passed = false;
  std::chrono::nanoseconds time{0};
};

/// What happened since the start, for CARD_HEALTH.
struct Summary {
  std::uint32_t self_tests = 0;
  std::uint32_t random_tests = 0;
  std::uint32_t alarms = 0;
  std::chrono::system_clock::time_point last_self_test{};
  std::chrono::system_clock::time_point last_random_test{};
  std::string fault;  // of the first failure that stopped the service; empty: none
  std::string alarm;  // the last one
};

/// Called once, by whatever thread saw it: the card refuses service from now on.
using Fail = std::function<void(std::uint16_t reason)>;
/// Called with each alarm and fault, by any thread.
using Log = std::function<void(std::string_view)>;

/// Thread-safe. Runs one test at a time. A failure is final: service comes back by a restart, which
/// tests everything again.
class Monitor {
 public:
  Monitor(std::vector<engine::SelfTest> tests, Fail fail, Log log);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Where test_random() takes its samples; before the first one.
  void set_random(std::unique_ptr<RandomSource> source);

  /// Runs all self-tests, some ten milliseconds; the first that fails stops the service.
  std::vector<SelfTestResult> test_self();

  /// Runs a suite on up to `num_threads` threads. One that fails is an alarm, and repeated; a
  /// second failure stops the service, as does a source that gives nothing (random_failed).
  Result<random::gmt0005::Report> test_random(Level level, unsigned num_threads);

  /// From now on runs the self-tests and the periodic random test each `interval`, on a thread of
  /// its own. Not twice.
  void start(std::chrono::seconds interval);

  /// Ends that thread; waits for the test at work.
  void stop() noexcept;

  /// Something failed and is tried again, or was made good.
  void alarm(const std::string& what);

  /// Stops the service for a CIPHERDECK_STATUS_ reason. Only the first fault is kept.
  void fail(std::uint16_t reason, const std::string& why);

  [[nodiscard]] Summary summary() const;
  [[nodiscard]] std::chrono::seconds interval() const noexcept { return m_interval.load(); }

 private:
  void loop();

  const std::vector<engine::SelfTest> m_tests;
  const Fail m_fail;
  const Log m_log;
  std::unique_ptr<RandomSource> m_random;
  std::mutex m_run_mutex;  // one run at a time

  mutable std::mutex m_mutex;  // for what follows
  Summary m_summary;
  bool m_stopping = false;

  std::atomic<std::chrono::seconds> m_interval{};
  std::condition_variable m_stop;
  std::thread m_thread;
};

/// A worker's source of random bytes: its failure is the card's.
class WatchedRandom final : public RandomSource {
 public:
  WatchedRandom(std::unique_ptr<RandomSource> source, Monitor& monitor)
      : m_source(std::move(source)), m_monitor(monitor) {}
  Result<void> fill(MutableBytes out) override;

 private:
  std::unique_ptr<RandomSource> m_source;
  Monitor& m_monitor;
};

}  // namespace cipherdeck::card::health
