// SPDX-License-Identifier: Apache-2.0
// Which command is next. Functions get what was committed to them first, and share the rest of the
// worker's time by weighted deficit round robin, charged by what their commands cost; none gets
// more than its peak rate. Within that, a function that had nothing waiting when it was last looked
// at goes before those that keep the card busy: its small request does not queue behind their bulk.
// The queue pairs of a function take turns. Everything here belongs to one thread, and nothing here
// waits, for company in the lanes neither: what is there goes. Even a round that has begun is no
// wall: between its parts, small commands of functions that had nothing waiting are done. worker.h
// has the thread.
#pragma once

#include "card/card.h"
#include "card/command/away_jobs.h"
#include "card/command/processor.h"
#include "card/scheduler/share.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace cipherdeck::card::scheduler {

constexpr std::size_t kMaxFunctions = CIPHERDECK_TOTAL_VFS + 1;

/// Where a queue pair is kept: its function's number times CIPHERDECK_MAX_QUEUE_PAIRS, and which of
/// that function's it is.
using Place = std::uint16_t;
constexpr std::size_t kNumPlaces = kMaxFunctions * CIPHERDECK_MAX_QUEUE_PAIRS;

/// One attached queue pair.
struct QueuePair {
  command::Client client;
  Place place = 0;
  std::shared_ptr<InterruptLine> interrupt;
  std::chrono::microseconds moderation{0};

  bool polled = false;                     // on its function's list
  bool served = false;                     // on the list of this round
  bool is_away = false;                    // on the list of those with jobs away
  bool parked = false;                     // its next command waits for an outcome
  std::uint64_t blocked_round = 0;         // the round in which its next command must wait
  std::optional<cipherdeck_command> held;  // taken, but put off
  Clock::time_point last_work{};
  Clock::time_point last_interrupt{};
  bool interrupt_deferred = false;
};

/// A function on its way from one scheduler to another, with all that goes with it.
struct Departure {
  FunctionNumber function = 0;
  std::vector<std::unique_ptr<QueuePair>> queue_pairs;
  Allowance committed, peak;
};

struct SchedulerOptions {
  std::chrono::microseconds poll{200};  // a queue pair without work for so long wants a kick
  bool batching = true;                 // false: the engine gets one job at a time
  Clock::time_point (*clock)() = Clock::now;
};

class Scheduler {
 public:
  /// `services` outlives the scheduler.
  explicit Scheduler(const command::Services& services, const SchedulerOptions& options = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Takes over a queue pair whose doorbell page was filled by DeviceEnd::start(), and polls it.
  void add(std::unique_ptr<QueuePair> queue_pair);
  /// Drops the queue pair's jobs, wipes its sessions, and tells its driver that it is gone.
  void remove(QueuePair& queue_pair) noexcept;
  /// Polls the queue pair again.
  void wake(QueuePair& queue_pair);
  /// Takes no more commands of the function, so that depart() can succeed; or goes on after all.
  void set_leaving(FunctionNumber function, bool is_leaving) noexcept;
  /// Whether a chip or the coprocessor has work of the function, which it cannot leave behind.
  [[nodiscard]] bool has_away_jobs(FunctionNumber function) const noexcept;
  /// Gives up a function that is leaving, once nothing of it is in the batch or away. Its
  /// queue pairs stay as they are; nobody looks at them until arrive().
  [[nodiscard]] std::optional<Departure> depart(FunctionNumber function);
  void arrive(Departure departure);

  /// Of a valid share; holds from the next round on.
  void set_share(FunctionNumber function, const Share& share) noexcept;

  /// `wake` is called by other threads when the worker should go on: something came back.
  void set_wake(std::function<void()> wake);
  /// Whether something came back that step() is to collect. Takes no lock.
  [[nodiscard]] bool has_outcomes() const noexcept;

  /// One round: gathers commands, runs one batch, completes. False if there was nothing to do.
  bool step();

  /// What need not be done every round: raises interrupts that were deferred and are due now, and
  /// lets queue pairs that are idle fall off the poll list.
  void tend(Clock::time_point now);

  /// Whether any queue pair is polled whose function may have time now. If not, there is nothing to
  /// do until add(), wake() or next_event().
  [[nodiscard]] bool polling() const noexcept {
    return m_num_exhausted < m_active.size() || !m_batch.empty();
  }
  /// When the earliest deferred interrupt is due or a function that has used up its peak rate may
  /// go on.
  [[nodiscard]] std::optional<Clock::time_point> next_event() const noexcept;

 private:
  struct Function {
    std::vector<QueuePair*> polled;
    std::size_t turn = 0;
    Share share;
    Allowance committed;         // of what it gets in any case
    Allowance peak;              // of what it gets at most
    std::int64_t credit_ns = 0;  // of what it gets beside the others
    Clock::time_point last_active{};
    std::uint32_t carried_jobs = 0;  // in the batch since an earlier round
    bool backlogged = false;         // had commands left when it was last served
    bool waiting = false;            // has commands, but no credit
    bool exhausted = false;          // has used up its peak rate
    bool leaving = false;            // to another scheduler

    [[nodiscard]] std::int64_t quantum_ns() const noexcept;
    [[nodiscard]] bool is_newcomer() const noexcept { return !backlogged && carried_jobs == 0; }
  };
  // What pays for a command.
  enum class Purse : std::uint8_t { committed, credit };

  void gather();
  void serve_committed();
  void serve_newcomers();
  void serve_between();
  bool serve_small(Function& function);
  void serve_backlogged();
  void serve(Function& function, Purse purse);
  [[nodiscard]] static bool can_pay(const Function& function, Purse purse) noexcept;
  void charge(Function& function, Purse purse, std::uint32_t cost_ns) noexcept;
  void check_peak(Function& function) noexcept;
  void set_exhausted(Function& function, bool exhausted) noexcept;
  bool serve_one(Function& function, QueuePair& queue_pair, Purse purse, command::Batch& batch);
  [[nodiscard]] std::optional<cipherdeck_command> next_command(QueuePair& queue_pair);
  [[nodiscard]] bool can_serve(const QueuePair& queue_pair) const noexcept;
  [[nodiscard]] bool has_command(const Function& function) const noexcept;
  [[nodiscard]] std::uint64_t new_cost() const noexcept;
  [[nodiscard]] bool round_full() const noexcept;
  [[nodiscard]] bool has_room(const Function& function) const noexcept;
  bool top_up() noexcept;
  void finish_round();
  void deliver_interrupt(QueuePair& queue_pair);
  void raise(QueuePair& queue_pair, Clock::time_point now);
  void mark_served(QueuePair& queue_pair);
  void park(QueuePair& queue_pair);
  void collect_away();
  void drop_broken() noexcept;
  void drop_work(QueuePair& queue_pair) noexcept;
  void stop_polling(QueuePair& queue_pair) noexcept;
  void rest(Function& function);

  const command::Services& m_services;
  const SchedulerOptions m_options;
  command::AwayJobs m_away_jobs;
  command::Batch m_batch;
  command::Batch m_small;  // of those who come while m_batch runs
  const std::function<void()> m_between{[this] { serve_between(); }};
  std::vector<std::unique_ptr<QueuePair>> m_queue_pairs;
  std::vector<Function> m_functions = std::vector<Function>(kMaxFunctions);
  std::vector<Function*> m_active;  // functions with polled queue pairs
  std::size_t m_turn = 0;           // of the backlogged ones
  std::size_t m_newcomers_turn = 0;
  std::size_t m_num_committed = 0;     // functions with a committed rate
  std::size_t m_num_exhausted = 0;     // of the active ones
  std::vector<QueuePair*> m_served;    // took commands in this round, or have jobs in the batch
  std::vector<QueuePair*> m_broken;    // in this round
  std::vector<QueuePair*> m_away;      // have jobs at chips or the coprocessor
  std::vector<QueuePair*> m_parked;    // until the next outcome
  std::vector<QueuePair*> m_deferred;  // with an interrupt that waits
  std::uint64_t m_round = 0;
  std::uint64_t m_carried_cost = 0;  // of the batch when the round began
  std::uint64_t m_done_cost = 0;     // of commands that were done at once in this round
  Clock::time_point m_now;
};

}  // namespace cipherdeck::card::scheduler
