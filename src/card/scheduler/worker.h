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
/// Thread-safe.
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

  /// Fails with limit when no more queue pairs can be attached.
  Result<QueuePairHandle> attach(std::unique_ptr<QueuePair> queue_pair);
  /// The function the queue pair was of, once the worker has let go of it; nothing for a handle
  /// that names none.
  std::optional<FunctionNumber> detach(QueuePairHandle handle) noexcept;
  void kick(QueuePairHandle handle) noexcept;
  /// Of a valid share; holds soon after.
  void set_share(FunctionNumber function, const Share& share);

 private:
  // A handle is a slot and, above it, a number that is never used twice.
  static constexpr unsigned kSlotBits = 15;
  static constexpr std::size_t kNumSlots = std::size_t{1} << kSlotBits;
  static_assert(kNumSlots >= kMaxFunctions * CIPHERDECK_MAX_QUEUE_PAIRS);
  static constexpr std::size_t kKickWords = kNumSlots / 64;

  struct Attach {
    std::size_t slot;
    std::unique_ptr<QueuePair> queue_pair;
  };
  struct Detach {
    std::size_t slot;
    std::binary_semaphore* done;
  };
  struct SetShare {
    FunctionNumber function;
    Share share;
  };
  using Message = std::variant<Attach, Detach, SetShare>;
  struct Slot {
    QueuePairHandle handle = 0;  // 0: free
    FunctionNumber function = 0;
  };

  Worker(const command::Services& services, const Options& options, FileDescriptor wake_up);

  void send(Message message);
  void wake() noexcept;
  void loop();
  void handle_messages();
  void handle(Attach& message);
  void handle(Detach& message);
  void handle(SetShare& message);
  void handle_kicks();
  bool relax(std::uint32_t idle_rounds) const noexcept;
  void sleep();
  [[nodiscard]] bool called() const noexcept;

  const Options m_options;
  const bool m_alone;  // on one processor, whoever waits must let the others run
  Scheduler m_scheduler;
  FileDescriptor m_wake_up;                                                 // eventfd
  std::vector<QueuePair*> m_attached = std::vector<QueuePair*>(kNumSlots);  // by slot; the worker's

  // Set by any thread, then wake(); cleared by the worker before it looks.
  std::atomic<bool> m_stopping{false};
  std::atomic<bool> m_has_messages{false};
  std::atomic<bool> m_has_kicks{false};
  std::array<std::atomic<std::uint64_t>, kKickWords> m_kicks{};  // a bit per slot
  std::atomic<bool> m_asleep{false};

  std::mutex m_mutex;  // for what follows
  std::vector<Message> m_messages;
  std::vector<Slot> m_slots;
  std::vector<std::uint32_t> m_free_slots;
  std::uint64_t m_next_number = 1;

  std::thread m_thread;
};

}  // namespace cipherdeck::card::scheduler
