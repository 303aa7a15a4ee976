// SPDX-License-Identifier: Apache-2.0
// The work of one round: jobs for the engine from all queue pairs, gathered by kind, run together,
// then completed. A large job is done in slices, a slice a round, so that no round is long.
#pragma once

#include "card/command/bounce.h"
#include "card/command/calibration.h"
#include "card/command/services.h"
#include "engine/batch.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace cipherdeck::card::command {

constexpr std::size_t kMaxJobs = 128;  // in the batch at once
// Of a job in one round: as little as another may have to wait for; more in the lanes, which have
// to be laid out for each slice.
constexpr std::uint32_t kSliceNs = 12'000;
constexpr std::uint32_t kLaneSliceNs = 50'000;
constexpr std::size_t kSliceUnit = 4096;  // bytes

class AwayJobs;

/// Whom a job is for.
struct Origin {
  Client* client = nullptr;
  session::Session* session = nullptr;
  std::uint16_t command_id = 0;
};

/// Random bytes, run like an engine's job.
struct RandomJob {
  MutableBytes output;
  Result<void> result;
};

// What stands beside each job until it is completed. `rest` counts bytes of slices to come.

struct CipherTask {
  using Job = engine::CipherJob;
  Origin origin;
  std::array<std::uint8_t, engine::kSm4BlockLen> iv{};
  std::uint8_t* iv_out = nullptr;  // in the arena; null: none
  std::size_t len = 0;
  std::size_t rest = 0;
};

/// Of modes that the engine runs side by side: timed apart from the others.
struct ChainedCipherTask : CipherTask {};

struct MacTask {
  using Job = engine::MacJob;
  Origin origin;
  std::array<std::uint8_t, engine::kSm4BlockLen> iv{};
  std::uint8_t* iv_out = nullptr;
  std::uint8_t* output = nullptr;
  std::size_t rest = 0;
};

struct AeadTask {
  using Job = engine::AeadJob;
  Origin origin;
  MutableBytes output;              // in the arena
  std::uint8_t* tag_out = nullptr;  // in the arena; null: decryption
};

struct HashTask {
  using Job = engine::HashJob;
  Origin origin;
  engine::Sm3 state;  // of a hash at once
  bool own_state = false;
  engine::Sm3Digest digest{};
  std::uint8_t* output = nullptr;  // where the digest goes; null: no digest
  std::size_t rest = 0;
};

struct ZucTask {
  using Job = engine::ZucJob;
  Origin origin;
  engine::ZucEea3 state;
  std::size_t len = 0;
  std::size_t rest = 0;
};

struct ZucMacTask {
  using Job = engine::ZucMacJob;
  Origin origin;
  engine::ZucEia3 state;
  std::uint8_t* output = nullptr;
  std::size_t rest = 0;
};

struct RandomTask {
  using Job = RandomJob;
  Origin origin;
  std::size_t len = 0;
  std::size_t rest = 0;
};

struct SignTask {
  using Job = engine::Sm2SignJob;
  Origin origin;
  std::shared_ptr<const KeyPair> key_pair;
  std::uint8_t* output = nullptr;
};

struct VerifyTask {
  using Job = engine::Sm2VerifyJob;
  Origin origin;
  std::shared_ptr<const KeyPair> key_pair;
  std::optional<engine::Sm2PublicKey> public_key;  // an external one
};

struct EncryptTask {
  using Job = engine::Sm2EncryptJob;
  Origin origin;
  std::shared_ptr<const KeyPair> key_pair;
  std::optional<engine::Sm2PublicKey> public_key;
  std::uint8_t* output = nullptr;
};

struct DecryptTask {
  using Job = engine::Sm2DecryptJob;
  Origin origin;
  std::shared_ptr<const KeyPair> key_pair;
  std::uint8_t* output = nullptr;
};

/// Posts the completion of a command of `client`.
void complete(Client& client, const ring::Completion& completion) noexcept;

struct BatchOptions {
  std::chrono::steady_clock::time_point (*clock)() = std::chrono::steady_clock::now;
  // False: the engine gets the jobs one by one, to measure what company is worth.
  bool together = true;
};

/// Not thread-safe. Allocates nothing once it is made.
class Batch {
 public:
  /// Both outlive it.
  Batch(RandomSource& random, AwayJobs& away_jobs, const BatchOptions& options = {});

  /// Adds a job; the batch must not be full. Pointers of the job into the task (IV, state, public
  /// key) are set here. Gives back what the whole job will cost in the company that jobs of its
  /// kind had of late, in nanoseconds.
  template <typename Task>
  std::uint32_t add(Task task, typename Task::Job job);

  [[nodiscard]] bool full() const noexcept { return m_num_jobs >= kMaxJobs; }
  [[nodiscard]] bool empty() const noexcept { return m_num_jobs == 0; }
  [[nodiscard]] std::size_t num_jobs() const noexcept { return m_num_jobs; }

  /// Private memory until the end of the round.
  [[nodiscard]] Bounce& bounce() noexcept { return m_bounce; }

  /// Jobs of the same worker that others do, and that take no part in its rounds.
  [[nodiscard]] AwayJobs& away_jobs() const noexcept { return m_away_jobs; }

  /// Runs one slice of every job and completes those that are done. `between` is called now and
  /// then, where waiting longer would gain nothing, and must leave this batch alone.
  void run(const std::function<void()>& between = {}) noexcept;

  /// What the slices now in the batch will take, in nanoseconds.
  /// A place beside a job that is there anyway costs nothing.
  [[nodiscard]] std::uint64_t cost_ns() const noexcept { return m_cost_ns; }

  /// Forgets the jobs of `client` without completing them; between rounds only.
  void drop(const Client& client) noexcept;

 private:
  template <typename Task>
  struct Lane {
    std::vector<typename Task::Job> jobs;
    std::vector<Task> tasks;
    std::size_t width = 1;       // so many jobs go side by side in the engine
    std::uint64_t model_ns = 0;  // of all slices, each alone
    std::uint64_t cost_ns = 0;   // what they will take together
    Calibration charge;          // what a job takes in the company it has
    Calibration slot;            // what its place side by side takes, in use or not
  };

  template <typename Task>
  Lane<Task>& lane() noexcept {
    return std::get<Lane<Task>>(m_lanes);
  }
  template <typename Task>
  std::uint32_t put(Task task, typename Task::Job job);
  template <typename Task>
  void run_lane(Lane<Task>& lane, const std::function<void()>& between) noexcept;
  template <typename Task>
  void set_cost(Lane<Task>& lane) noexcept;
  template <typename Job>
  void run_jobs(std::span<Job> jobs) noexcept;
  template <typename Task>
  void finish_lane(Lane<Task>& lane) noexcept;
  template <typename Task, typename Keep>
  void keep_if(Lane<Task>& lane, Keep keep) noexcept;
  void leave(const Origin& origin) noexcept;

  RandomSource& m_random;
  AwayJobs& m_away_jobs;
  const BatchOptions m_options;
  Bounce m_bounce;
  std::size_t m_num_jobs = 0;
  std::uint64_t m_cost_ns = 0;
  std::tuple<Lane<CipherTask>, Lane<ChainedCipherTask>, Lane<MacTask>, Lane<AeadTask>,
             Lane<HashTask>, Lane<ZucTask>, Lane<ZucMacTask>, Lane<RandomTask>, Lane<SignTask>,
             Lane<VerifyTask>, Lane<EncryptTask>, Lane<DecryptTask>>
      m_lanes;
};

}  // namespace cipherdeck::card::command
