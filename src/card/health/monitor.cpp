// SPDX-License-Identifier: Apache-2.0
#include "card/health/monitor.h"

#include <exception>

namespace cipherdeck::card::health {
namespace {

using random::gmt0005::ItemReport;
using random::gmt0005::Report;

SelfTestResult run(const engine::SelfTest& test) {
  const auto start = std::chrono::steady_clock::now();
  SelfTestResult result{.name = test.name};
  try {
    result.passed = test.run();
  } catch (const std::exception&) {
    result.passed = false;
  }
  result.time = std::chrono::steady_clock::now() - start;
  return result;
}

// "the power-on random test failed (monobit, poker m=4)"
std::string describe(const Report& report) {
  std::string names;
  for (const ItemReport& item : report.items) {
    if (!item.passed) names += (names.empty() ? "" : ", ") + item.name;
  }
  return "the " + std::string(to_string(report.level)) + " random test failed (" + names + ")";
}

}  // namespace

Monitor::Monitor(std::vector<engine::SelfTest> tests, Fail fail, Log log)
    : m_tests(std::move(tests)), m_fail(std::move(fail)), m_log(std::move(log)) {}

Monitor::~Monitor() { stop(); }

void Monitor::stop() noexcept {
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
  }
  m_stop.notify_all();
  if (m_thread.joinable()) m_thread.join();
}

void Monitor::set_random(std::unique_ptr<RandomSource> source) {
  const std::lock_guard lock(m_run_mutex);
  m_random = std::move(source);
}

std::vector<SelfTestResult> Monitor::test_self() {
  const std::lock_guard running(m_run_mutex);
  std::vector<SelfTestResult> results;
  for (const engine::SelfTest& test : m_tests) {
    results.push_back(run(test));
    if (results.back().passed) continue;
    fail(CIPHERDECK_STATUS_CARD_FAILED,
         "self-test " + test.name +
             " failed. Restart the card; if it fails again, install it anew "
             "or try another processor");
  }
  const std::lock_guard lock(m_mutex);
  ++m_summary.self_tests;
  m_summary.last_self_test = std::chrono::system_clock::now();
  return results;
}

Result<Report> Monitor::test_random(Level level, unsigned num_threads) {
  const std::lock_guard running(m_run_mutex);
  if (m_random == nullptr) return Error::random_failed;
  auto report = run_suite(level, *m_random, num_threads);
  if (report && !report->passed()) {
    alarm(describe(*report) + " and is repeated");
    report = run_suite(level, *m_random, num_threads);
  }
  if (!report) {
    fail(report.status(),
         "the random source failed. Check the noise sources, then restart the card");
  } else if (!report->passed()) {
    fail(CIPHERDECK_STATUS_RANDOM_FAILED,
         describe(*report) + " twice. Check the noise sources, then restart the card");
  }
  const std::lock_guard lock(m_mutex);
  ++m_summary.random_tests;
  m_summary.last_random_test = std::chrono::system_clock::now();
  return report;
}

void Monitor::start(std::chrono::seconds interval) {
  m_interval = interval;
  if (interval.count() > 0) m_thread = std::thread([this] { loop(); });
}

void Monitor::loop() {
  std::unique_lock lock(m_mutex);
  while (!m_stop.wait_for(lock, interval(), [this] { return m_stopping; })) {
    lock.unlock();
    (void)test_self();  // they tell what fails
    (void)test_random(Level::periodic, 1);
    lock.lock();
  }
}

void Monitor::alarm(const std::string& what) {
  {
    const std::lock_guard lock(m_mutex);
    ++m_summary.alarms;
    m_summary.alarm = what;
  }
  if (m_log) m_log("alarm: " + what);
}

void Monitor::fail(std::uint16_t reason, const std::string& why) {
  {
    const std::lock_guard lock(m_mutex);
    if (!m_summary.fault.empty()) return;
    m_summary.fault = why;
  }
  m_fail(reason);
  if (m_log) m_log("the card refuses service: " + why);
}

Summary Monitor::summary() const {
  const std::lock_guard lock(m_mutex);
  return m_summary;
}

Result<void> WatchedRandom::fill(MutableBytes out) {
  const auto filled = m_source->fill(out);
  if (!filled) {
    m_monitor.fail(filled.status(),
                   "the random source failed. Check the noise sources, then restart the card");
  }
  return filled;
}

}  // namespace cipherdeck::card::health
