// SPDX-License-Identifier: Apache-2.0
// The thread that owns a Scheduler, and the messages to it.
#pragma once

#include "base/file_descriptor.h"
#include "card/scheduler/scheduler.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>
#include <variant>
#include <vector>

namespace cipherdeck::card::scheduler {

/// Polls while there is work, then sleeps without a timeout until a message or a kick comes.
/// Thread-safe, but that nobody may name a place that another attaches to, detaches or hands over
/// at the same time: workers.h sees to that.
class Worker {
 public:
  struct Options {
    int cpu = -1;  // processor to run on; -1: any
    SchedulerOptions scheduler;
  };

  /// `services` outlives the worker. Fails with io if the thread's wake-up cannot be had.
  static Result<std::unique_ptr<Worker>> start(const command::Services& services,
                                               const Options& options);
  /// Queue pairs still attached are dropped.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Of a queue pair whose place is free.
  void attach(std::unique_ptr<QueuePair> queue_pair);
  /// Returns when the worker has let go of the queue pair at `place`, which is dropped.
  void detach(Place place) noexcept;
  /// Never blocks. For a place without a queue pair it does nothing.
  void kick(Place place) noexcept;
  /// Of a valid share; holds soon after.
  void set_share(FunctionNumber function, const Share& share);

  /// Gives up a function, once what it has in the batch is done: some rounds. Nothing, and the
  /// function stays, if work of it is away or it takes too long.
  [[nodiscard]] std::optional<Departure> release(FunctionNumber function);
  void adopt(Departure departure);

 private:
  static constexpr std::size_t kKickWords = (kNumPlaces + 63) / 64;
  static constexpr std::chrono::milliseconds kLongestRelease{50};

  struct Attach {
    std::unique_ptr<QueuePair> queue_pair;
  };
  struct Detach {
    Place place;
    std::binary_semaphore* done;
  };
  struct SetShare {
    FunctionNumber function;
    Share share;
  };
  struct Release {
    FunctionNumber function;
    Clock::time_point deadline;
    std::optional<Departure>* departure;
    std::binary_semaphore* done;
  };
  using Message = std::variant<Attach, Detach, SetShare, Release, Departure>;

  Worker(const command::Services& services, const Options& options, FileDescriptor wake_up);

  void send(Message message);
  void wake() noexcept;
  void loop();
  void handle_messages();
  void handle(Attach& message);
  void handle(Detach& message);
  void handle(SetShare& message);
  void handle(Release& message);
  void handle(Departure& message);
  void go_on_releasing();
  void handle_kicks();
  bool relax(std::uint32_t idle_rounds) const noexcept;
  void sleep();
  [[nodiscard]] bool called() const noexcept;

  const Options m_options;
  const bool m_alone;  // on one processor, whoever waits must let the others run
  Scheduler m_scheduler;
  FileDescriptor m_wake_up;  // eventfd

  // The thread's own.
  std::vector<QueuePair*> m_attached = std::vector<QueuePair*>(kNumPlaces);
  std::optional<Release> m_release;  // under way

  // Set by any thread, then wake(); cleared by the worker before it looks.
  std::atomic<bool> m_stopping{false};
  std::atomic<bool> m_has_messages{false};
  std::atomic<bool> m_has_kicks{false};
  std::array<std::atomic<std::uint64_t>, kKickWords> m_kicks{};  // a bit for each place
  std::atomic<bool> m_asleep{false};

  std::mutex m_mutex;  // for what follows
  std::vector<Message> m_messages;

  std::thread m_thread;
};

}  // namespace cipherdeck::card::scheduler
