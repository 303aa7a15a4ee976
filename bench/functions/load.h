// SPDX-License-Identifier: Apache-2.0
// One tenant's load: commands of one kind kept in flight over a queue pair, their results checked.
#pragma once

#include "base/result.h"
#include "driver/user/queue_pair.h"
#include "functions/known_results.h"
#include "functions/operation.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cipherdeck::bench {

/// How a tenant waits for completions: it polls all the time, which is for a processor of its own,
/// or sleeps on interrupts, as many tenants on one processor must.
enum class Waiting : std::uint8_t { poll, sleep };

/// Which results are compared with what the engine of this process says: the last of each command
/// that is kept in flight, once the time is over, or every one within the time.
enum class Checking : std::uint8_t { last, every };

/// What a tenant does.
struct Load {
  Operation operation = Operation::sm4_ctr;
  std::uint32_t bytes = 0;  // of one command's input; SM2 signs 32
  std::uint32_t depth = 1;  // commands kept in flight
  std::chrono::milliseconds duration{500};
  Checking checking = Checking::last;
};

/// What one measurement gave.
struct Sample {
  std::uint64_t operations = 0;
  double seconds = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::uint64_t num_checked = 0;  // results that were compared, and right

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

  /// Makes inputs and known results for a load, not yet in its time. Fails with invalid_argument if
  /// the load does not fit the queue pair.
  Result<void> prepare(const Load& load);

  /// Does the prepared load. Fails with the error of the first command that fails, verify_failed if
  /// a result is wrong.
  Result<Sample> work();

  /// Prepares and does a load.
  Result<Sample> run(const Load& load);

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
  Result<engine::Sm2PublicKey> public_key();
  [[nodiscard]] cipherdeck_command command(std::uint32_t slot) const noexcept;
  Result<void> submit();
  Result<void> send(std::uint32_t slot);
  Result<std::uint32_t> finish_one();
  Result<void> check(std::uint32_t slot);
  Result<ring::Completion> wait();
  void pause();
  Result<ring::Completion> execute(const cipherdeck_command& command);

  std::unique_ptr<driver::QueuePair> m_queue_pair;
  ring::DriverEnd m_end;
  Waiting m_waiting;
  std::array<Session, kSessions> m_sessions;
  Load m_load;
  std::optional<KnownResults> m_known;
};

/// A tenant at `address`, as driver::open_queue_pair takes it, with a queue pair large enough for
/// the load. `why` says in a sentence what failed.
[[nodiscard]] Result<Tenant> open_tenant(const std::string& address, const Load& load,
                                         Waiting waiting, std::string& why);

/// What went wrong in Tenant::work(), for messages: there, verify_failed is a wrong result.
[[nodiscard]] std::string_view reason_of(Error error) noexcept;

}  // namespace cipherdeck::bench
