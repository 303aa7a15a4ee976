// SPDX-License-Identifier: Apache-2.0
// One tenant's load: commands of one kind kept in flight over a queue pair, and the same work given
// to the engine directly.
#pragma once

#include "base/result.h"
#include "driver/user/queue_pair.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace cipherdeck::bench {

enum class Operation : std::uint8_t { nop, sm4_cbc, sm4_ctr, sm3, sm2_sign };

/// How a tenant waits for completions: it polls all the time, which is for a processor of its own,
/// or sleeps on interrupts, as many tenants on one processor must.
enum class Waiting : std::uint8_t { poll, sleep };

[[nodiscard]] std::string_view name_of(Operation operation) noexcept;

/// What one measurement gave.
struct Sample {
  std::uint64_t operations = 0;
  double seconds = 0;
  double p50_us = 0;
  double p99_us = 0;

  [[nodiscard]] double ops_per_s() const noexcept {
    return static_cast<double>(operations) / seconds;
  }
};

/// A tenant with kSessions sessions, each with a session key and the access right to key index 1,
/// whose access code is kAccessCode. The commands of one session are done one after the other, so a
/// tenant that wants many at once spreads them over sessions.
class Tenant {
 public:
  static constexpr std::string_view kAccessCode = "benchmark";
  static constexpr std::size_t kSessions = 16;

  static Result<Tenant> open(std::unique_ptr<driver::QueuePair> queue_pair,
                             Waiting waiting = Waiting::poll);

  /// Keeps `depth` commands of `bytes` input bytes in flight for `duration`. Fails with the error
  /// of the first command that fails.
  Result<Sample> run(Operation operation, std::uint32_t bytes, std::uint32_t depth,
                     std::chrono::milliseconds duration);

  /// `count` single commands, each after a pause in which the card falls asleep.
  Result<Sample> run_from_sleep(std::uint32_t count, std::chrono::milliseconds pause);

 private:
  Tenant(std::unique_ptr<driver::QueuePair> queue_pair, Waiting waiting)
      : m_queue_pair(std::move(queue_pair)), m_end(m_queue_pair->memory()), m_waiting(waiting) {}

  struct Session {
    std::uint32_t number = 0;
    std::uint32_t key = 0;
  };

  Result<Session> open_session();
  [[nodiscard]] cipherdeck_command command(Operation operation, std::uint32_t bytes,
                                           std::uint32_t slot) const noexcept;
  Result<void> submit();
  Result<ring::Completion> wait();
  void pause();
  Result<ring::Completion> execute(const cipherdeck_command& command);

  std::unique_ptr<driver::QueuePair> m_queue_pair;
  ring::DriverEnd m_end;
  Waiting m_waiting;
  std::array<Session, kSessions> m_sessions;
};

/// The same work on the calling thread without any card: batches of `depth` jobs.
[[nodiscard]] Result<Sample> run_engine(Operation operation, std::uint32_t bytes,
                                        std::uint32_t depth, std::chrono::milliseconds duration);

}  // namespace cipherdeck::bench
