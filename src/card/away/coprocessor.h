// SPDX-License-Identifier: Apache-2.0
// A thread for operations that take a processor milliseconds, such as RSA's, or wait for the disk:
// the workers, who have hundreds of tenants to serve meanwhile, do not do them.
#pragma once

#include "base/random_source.h"
#include "card/away/job.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <thread>

namespace cipherdeck::card::away {

/// What the coprocessor does: `perform` is called on its thread, with its random source, and works
/// on what it owns. It is not called if the job was cancelled before.
struct Operation final : Job {
  using Perform = std::function<Result<void>(RandomSource&)>;
  Operation(std::size_t num_bytes, Perform to_perform)
      : Job(num_bytes), perform(std::move(to_perform)) {}

  const Perform perform;
};

/// Takes operations in the order they come. Thread-safe.
class Coprocessor {
 public:
  /// `name` is the thread's, up to 15 characters. `random` is the thread's own from now on and
  /// outlives it.
  Coprocessor(const std::string& name, RandomSource& random);
  /// Waits for the operation at work; those that wait come back with internal.
  ~Coprocessor();
  Coprocessor(const Coprocessor&) = delete;
  Coprocessor& operator=(const Coprocessor&) = delete;

  /// Never waits. The outcome comes to the job's sender.
  void submit(std::shared_ptr<Operation> operation);

 private:
  void loop();
  [[nodiscard]] std::shared_ptr<Operation> next();

  RandomSource& m_random;
  std::mutex m_mutex;  // for what follows
  std::condition_variable m_changed;
  std::deque<std::shared_ptr<Operation>> m_waiting;
  bool m_stopping = false;
  std::thread m_thread;
};

}  // namespace cipherdeck::card::away
