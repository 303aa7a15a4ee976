// SPDX-License-Identifier: Apache-2.0
#include "device/management_thread.h"

#include "base/secret.h"

#include <sys/eventfd.h>

#include <exception>
#include <system_error>

namespace cipherdeck::device {

Result<std::unique_ptr<ManagementThread>> ManagementThread::start(CardPort& card) {
  FileDescriptor ready(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ready) return Error::io;
  std::unique_ptr<ManagementThread> made(new ManagementThread(card, std::move(ready)));
  try {
    made->m_thread = std::thread([raw = made.get()] { raw->run(); });
  } catch (const std::system_error&) {
    return Error::io;
  }
  return made;
}

ManagementThread::~ManagementThread() {
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
  }
  m_work.notify_one();
  if (m_thread.joinable()) m_thread.join();
  for (ManagementJob& job : m_jobs) {
    wipe(job.input);
    wipe(job.token);
  }
}

void ManagementThread::submit(ManagementJob job) {
  {
    const std::lock_guard lock(m_mutex);
    m_jobs.push_back(std::move(job));
  }
  m_work.notify_one();
}

std::vector<ManagementResult> ManagementThread::take_results() {
  std::uint64_t count;
  [[maybe_unused]] const ssize_t got = read(m_ready.get(), &count, sizeof count);
  const std::lock_guard lock(m_mutex);
  return std::exchange(m_results, {});
}

ManagementResult ManagementThread::execute(ManagementJob job) {
  ManagementResult result{.epoch = job.epoch, .command = job.command, .reply = {}};
  try {
    result.reply = m_card.manage(job.command, job.input, job.token);
  } catch (const std::exception&) {
    result.reply = {.status = CIPHERDECK_STATUS_INTERNAL, .value = 0, .output = {}};
  }
  wipe(job.input);  // it may hold an access code
  wipe(job.token);
  return result;
}

void ManagementThread::run() {
  std::unique_lock lock(m_mutex);
  while (true) {
    m_work.wait(lock, [this] { return m_stopping || !m_jobs.empty(); });
    if (m_stopping) return;
    ManagementJob job = std::move(m_jobs.front());
    m_jobs.pop_front();
    lock.unlock();
    ManagementResult result = execute(std::move(job));
    lock.lock();
    m_results.push_back(std::move(result));
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_ready.get(), &one, sizeof one);
  }
}

}  // namespace cipherdeck::device
