// SPDX-License-Identifier: Apache-2.0
#include "card/chip/chip.h"

#include "card/chip/trial.h"

#include <pthread.h>

#include <algorithm>

namespace cipherdeck::card::chip {
namespace {

// So many failed jobs in a row fence a chip, whatever its self-test says.
constexpr unsigned kMaxFailures = 3;

constexpr const char* kRemedy = ". Check the chip and its driver, then restart cipherdeckd.";

}  // namespace

Chip::Chip(const Plugin& plugin, std::string argument, const Limits& limits, Log log)
    : m_plugin(plugin), m_argument(std::move(argument)), m_limits(limits), m_log(std::move(log)) {}

std::shared_ptr<Chip> Chip::start(const Plugin& plugin, std::string argument, const Limits& limits,
                                  Log log) {
  std::shared_ptr<Chip> chip(new Chip(plugin, std::move(argument), limits, std::move(log)));
  chip->m_thread = std::thread([chip] { chip->loop(); });
  pthread_setname_np(chip->m_thread.native_handle(), "card-chip");
  std::unique_lock lock(chip->m_mutex);
  const bool started =
      chip->m_changed.wait_for(lock, limits.start, [&] { return chip->m_started; });
  lock.unlock();
  if (!started) {
    chip->fence("it did not get through its self-test within " +
                    std::to_string(limits.start.count()) + " ms",
                Thread::hung);
  }
  return chip;
}

// ---- any thread ---------------------------------------------------------------------------------

bool Chip::offers(std::uint32_t algorithm) const noexcept {
  return std::ranges::find(m_plugin.algorithms(), algorithm) != m_plugin.algorithms().end();
}

std::string Chip::fault() const {
  const std::lock_guard lock(m_mutex);
  return m_fault;
}

Chip::Numbers Chip::numbers() const {
  const std::lock_guard lock(m_mutex);
  return m_numbers;
}

void Chip::submit(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock(m_mutex);
    if (m_state.load() == State::working && !m_stopping) {
      m_load.fetch_add(1);
      m_waiting.push_back(std::move(job));
      m_changed.notify_all();
      return;
    }
  }
  job->sender->post({job, Error::chip_failed});
}

void Chip::supervise(Clock::time_point now) {
  std::string why;
  {
    const std::lock_guard lock(m_mutex);
    if (m_state.load() != State::working || !m_busy_since || now - *m_busy_since <= m_limits.job) {
      return;
    }
    why = m_at_work != nullptr
              ? "it did not finish a job of " + std::to_string(m_at_work->len) + " bytes within "
              : "it did not finish its self-test after a failed job within ";
  }
  fence(why + std::to_string(m_limits.job.count()) + " ms", Thread::hung);
}

// What waits and what is at work, to be told that it failed. The chip may go on with the latter.
std::vector<std::shared_ptr<Job>> Chip::take_all() {
  std::vector<std::shared_ptr<Job>> jobs(m_waiting.begin(), m_waiting.end());
  m_waiting.clear();
  if (m_at_work != nullptr) jobs.push_back(std::move(m_at_work));
  m_at_work.reset();
  m_numbers.failed += jobs.size();
  return jobs;
}

void Chip::fence(const std::string& why, Thread thread) {
  std::vector<std::shared_ptr<Job>> jobs;
  {
    const std::lock_guard lock(m_mutex);
    if (m_state.exchange(State::fenced) == State::fenced) return;
    m_fault = why + kRemedy;
    m_hung = thread == Thread::hung;
    m_busy_since.reset();
    jobs = take_all();
  }
  m_changed.notify_all();
  for (const auto& job : jobs) job->sender->post({job, Error::chip_failed});
  if (m_log) {
    m_log("chip " + std::string(m_plugin.name()) + " of " + std::string(m_plugin.vendor()) +
          " is fenced: " + why + kRemedy);
  }
}

void Chip::stop() {
  std::deque<std::shared_ptr<Job>> waiting;
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
    waiting.swap(m_waiting);
  }
  m_changed.notify_all();
  for (const auto& job : waiting) job->sender->post({job, Error::chip_failed});
  std::unique_lock lock(m_mutex);
  m_changed.wait_for(lock, m_limits.job, [this] { return m_ended || m_hung; });
  const bool ended = m_ended;
  lock.unlock();
  ended ? m_thread.join() : m_thread.detach();
}

// ---- the chip's thread --------------------------------------------------------------------------

void Chip::loop() {
  const std::string fault = start_up();
  if (!fault.empty()) fence(fault, Thread::sound);
  {
    const std::lock_guard lock(m_mutex);
    auto starting = State::starting;
    m_state.compare_exchange_strong(starting, State::working);
    m_started = true;
  }
  m_changed.notify_all();
  while (const auto job = next()) perform(job);
  if (m_opened) m_plugin.table().close(m_context);
  const std::lock_guard lock(m_mutex);
  m_ended = true;
  m_changed.notify_all();
}

std::string Chip::start_up() {
  if (m_plugin.table().open(m_argument.c_str(), &m_context) != CIPHERDECK_CHIP_OK) {
    return "it could not be opened";
  }
  m_opened = true;
  return try_chip(m_plugin, m_context);
}

// Waits for the next job; null: there will be none.
std::shared_ptr<Job> Chip::next() {
  std::unique_lock lock(m_mutex);
  m_changed.wait(
      lock, [this] { return m_stopping || m_state.load() == State::fenced || !m_waiting.empty(); });
  if (m_stopping || m_state.load() == State::fenced) return nullptr;
  m_at_work = std::move(m_waiting.front());
  m_waiting.pop_front();
  m_busy_since = Clock::now();
  return m_at_work;
}

void Chip::perform(const std::shared_ptr<Job>& job) {
  const bool wanted = !job->cancelled.load();
  const Result<void> result = wanted ? run_job(m_plugin.table(), m_context, *job) : Result<void>{};
  finish(job, result);
  if (wanted) examine(result);
  const std::lock_guard lock(m_mutex);
  m_busy_since.reset();
  m_load.fetch_sub(1);
}

// If the chip was fenced meanwhile, the job has had its outcome, and this one comes too late.
void Chip::finish(const std::shared_ptr<Job>& job, const Result<void>& result) {
  {
    const std::lock_guard lock(m_mutex);
    if (m_at_work != job) return;
    m_at_work.reset();
    m_busy_since = Clock::now();
    if (!result) {
      ++m_numbers.failed;
    } else if (!job->cancelled.load()) {
      ++m_numbers.jobs;
      m_numbers.bytes += job->len;
    }
  }
  job->sender->post({job, result});
}

void Chip::examine(const Result<void>& result) {
  if (result || result.error() != Error::chip_failed) {
    m_failures = 0;
    return;
  }
  if (++m_failures == kMaxFailures) {
    fence("it failed " + std::to_string(kMaxFailures) + " jobs in a row", Thread::sound);
  } else if (m_plugin.table().self_test(m_context) != CIPHERDECK_CHIP_OK) {
    fence("it failed its self-test after a failed job", Thread::sound);
  }
}

}  // namespace cipherdeck::card::chip
