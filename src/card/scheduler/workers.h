// SPDX-License-Identifier: Apache-2.0
// All workers of a card, and which of them serves which function. A function, with all its queue
// pairs, belongs to one worker at a time, so that no lock stands between tenants; when one worker
// is busy and another is not, functions are handed over by message.
#pragma once

#include "card/scheduler/worker.h"

#include <array>
#include <condition_variable>
#include <span>

namespace cipherdeck::card::scheduler {

/// Thread-safe.
class Workers {
 public:
  struct Options {
    std::vector<int> cpus;  // of the workers in turn; -1: any; empty: all any
    SchedulerOptions scheduler;
    std::chrono::milliseconds balance{200};  // between two looks at who has how much to do
  };

  /// One worker for each of `services`, which outlive them, as do the counters of all functions.
  /// Fails with io if there can be no thread.
  static Result<std::unique_ptr<Workers>> start(std::span<const command::Services> services,
                                                std::span<const command::FunctionCounters> counters,
                                                const Options& options);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// To the worker that has the function, or else to the one with the fewest. Fails with limit when
  /// the function can have no more queue pairs.
  Result<QueuePairHandle> attach(std::unique_ptr<QueuePair> queue_pair);
  /// The function the queue pair was of, once its worker has let go of it; nothing for a handle
  /// that names none.
  std::optional<FunctionNumber> detach(QueuePairHandle handle) noexcept;
  /// Never blocks.
  void kick(QueuePairHandle handle) noexcept;
  /// Of a valid share; holds soon after.
  void set_share(FunctionNumber function, const Share& share);

  /// Hands the function over to worker `to`. False, and nothing has changed, if it is there, has no
  /// queue pair, or cannot leave now.
  bool move(FunctionNumber function, unsigned to);
  /// The worker that has it, or had it last.
  [[nodiscard]] unsigned worker_of(FunctionNumber function) const noexcept;

 private:
  // A handle is a place and, above it, a number that is never used twice.
  static constexpr unsigned kPlaceBits = 15;
  static_assert(kNumPlaces <= std::size_t{1} << kPlaceBits);

  struct Function {
    std::atomic<unsigned> worker{0};
    // The rest is for whoever has the mutex.
    std::size_t num_queue_pairs = 0;
    std::uint64_t charged_ns = 0;  // at the last look
  };

  Workers(std::span<const command::FunctionCounters> counters, const Options& options)
      : m_counters(counters), m_options(options) {}

  [[nodiscard]] unsigned emptiest() const noexcept;
  bool move_locked(FunctionNumber function, unsigned to);
  void balance_loop();
  void balance();

  const std::span<const command::FunctionCounters> m_counters;
  const Options m_options;
  std::vector<std::unique_ptr<Worker>> m_workers;
  std::array<Function, kMaxFunctions> m_functions;

  std::mutex m_mutex;  // for what follows, and while a function changes its worker
  std::vector<QueuePairHandle> m_handles = std::vector<QueuePairHandle>(kNumPlaces);  // 0: free
  std::uint64_t m_next_number = 1;
  bool m_stopping = false;
  std::condition_variable m_stopped;
  std::thread m_balancer;
};

}  // namespace cipherdeck::card::scheduler
