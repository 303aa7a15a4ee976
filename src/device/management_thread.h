// SPDX-License-Identifier: Apache-2.0
// Runs management commands, which may wait for the disk, away from the message thread.
#pragma once

#include "base/file_descriptor.h"
#include "device/function.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace cipherdeck::device {

struct ManagementResult {
  std::uint64_t epoch = 0;
  cipherdeck_command command{};
  card::ManagementReply reply;
};

/// Takes jobs from the message thread and gives results back to it. The destructor waits for the
/// command at work and drops the rest.
class ManagementThread {
 public:
  /// Fails with io when an eventfd or a thread cannot be had.
  static Result<std::unique_ptr<ManagementThread>> start(CardPort& card);
  ~ManagementThread();

  void submit(ManagementJob job);
  /// Readable while there are results.
  [[nodiscard]] int ready_fd() const noexcept { return m_ready.get(); }
  [[nodiscard]] std::vector<ManagementResult> take_results();

 private:
  ManagementThread(CardPort& card, FileDescriptor ready)
      : m_card(card), m_ready(std::move(ready)) {}
  void run();
  ManagementResult execute(ManagementJob job);

  CardPort& m_card;
  FileDescriptor m_ready;
  std::mutex m_mutex;
  std::condition_variable m_work;
  std::deque<ManagementJob> m_jobs;
  std::vector<ManagementResult> m_results;
  bool m_stopping = false;
  std::thread m_thread;
};

}  // namespace cipherdeck::device
