// SPDX-License-Identifier: Apache-2.0
#include "card/command/batch.h"

#include <algorithm>

namespace cipherdeck::card::command {
namespace {

constexpr double kRandomNsPerByte = 1.2;
constexpr std::uint32_t kRandomNs = 5000;

std::uint32_t cost_of(const RandomJob& job) noexcept {
  return kRandomNs +
         static_cast<std::uint32_t>(kRandomNsPerByte * static_cast<double>(job.output.size()));
}

template <typename Job>
std::uint32_t cost_of(const Job& job) noexcept {
  return engine::cost_ns(job);
}

constexpr std::uint64_t kPartNs = 10'000;  // between two looks at who has come

// Side by side, more than so many gain little.
constexpr std::size_t kMostWidth = 16;

std::size_t lanes_of_job(const RandomJob&) noexcept { return 1; }

template <typename Job>
std::size_t lanes_of_job(const Job& job) noexcept {
  return std::min(engine::lanes_of(job), kMostWidth);
}

// What `num` jobs of `model_ns` in all would be if every place beside them had one, too.
std::uint64_t with_places(std::uint64_t model_ns, std::size_t num, std::size_t width) noexcept {
  if (num == 0) return 0;
  return model_ns * ((num + width - 1) / width * width) / num;
}

// ---- slices -------------------------------------------------------------------------------------

// How much of `len` bytes, which cost `cost` nanoseconds, goes into one round.
std::size_t affordable(std::size_t len, std::uint32_t cost, std::size_t width) noexcept {
  const std::uint32_t slice = width == 1 ? kSliceNs : kLaneSliceNs;
  if (cost <= slice) return len;
  const std::size_t share = len * slice / cost;
  return std::min(len, std::max(kSliceUnit, share & ~(kSliceUnit - 1)));
}

// Each of these cuts a job of all `len` bytes that are left to its first slice, and gives back the
// rest.

std::size_t cut(engine::CipherJob& job) noexcept {
  const std::size_t len = job.len;
  job.len = affordable(len, cost_of(job), lanes_of_job(job));
  // XTS steals ciphertext between its last two blocks: the last slice must have both.
  const std::size_t rest = len - job.len;
  if (job.mode == engine::CipherMode::xts && rest != 0 && rest < engine::kSm4BlockLen) {
    job.len -= engine::kSm4BlockLen;
  }
  return len - job.len;
}

std::size_t cut(engine::MacJob& job) noexcept {
  const std::size_t len = job.len;
  job.len = affordable(len, cost_of(job), lanes_of_job(job));
  return len - job.len;
}

std::size_t cut(engine::ZucJob& job) noexcept {
  const std::size_t len = job.len;
  job.len = affordable(len, cost_of(job), lanes_of_job(job));
  return len - job.len;
}

template <typename Job>
std::size_t cut_input(Job& job) noexcept {
  const std::size_t len = job.input.size();
  job.input = job.input.first(affordable(len, cost_of(job), lanes_of_job(job)));
  return len - job.input.size();
}

std::size_t cut(engine::HashJob& job) noexcept { return cut_input(job); }
std::size_t cut(engine::ZucMacJob& job) noexcept { return cut_input(job); }

std::size_t cut(RandomJob& job) noexcept {
  const std::size_t len = job.output.size();
  job.output = job.output.first(affordable(len, cost_of(job), lanes_of_job(job)));
  return len - job.output.size();
}

// Moves a job on to the `rest` bytes after its slice.

void skip(engine::CipherJob& job, std::size_t rest) noexcept {
  job.input += job.len;
  job.output += job.len;
  job.len = rest;
}

void skip(engine::MacJob& job, std::size_t rest) noexcept {
  job.input += job.len;
  job.len = rest;
}

void skip(engine::ZucJob& job, std::size_t rest) noexcept {
  job.input += job.len;
  job.output += job.len;
  job.len = rest;
}

void skip(engine::HashJob& job, std::size_t rest) noexcept {
  job.input = {job.input.data() + job.input.size(), rest};
}

void skip(engine::ZucMacJob& job, std::size_t rest) noexcept {
  job.input = {job.input.data() + job.input.size(), rest};
}

void skip(RandomJob& job, std::size_t rest) noexcept {
  job.output = {job.output.data() + job.output.size(), rest};
}

template <typename Task>
concept Sliced = requires(Task task) {
  task.rest;
};

template <typename Task>
void begin(Task& task, typename Task::Job& job) noexcept {
  if constexpr (Sliced<Task>) task.rest = cut(job);
}

// False: there is no next slice.
template <typename Task>
bool advance(Task& task, typename Task::Job& job) noexcept {
  if constexpr (Sliced<Task>) {
    if (!job.result || task.rest == 0) return false;
    skip(job, task.rest);
    task.rest = cut(job);
    return true;
  } else {
    return false;
  }
}

// ---- pointers of a job into its task, which moves when those before it are done
// ------------------

void bind(CipherTask& task, engine::CipherJob& job) noexcept { job.iv = task.iv.data(); }
void bind(ChainedCipherTask& task, engine::CipherJob& job) noexcept { job.iv = task.iv.data(); }
void bind(MacTask& task, engine::MacJob& job) noexcept { job.iv = task.iv.data(); }

void bind(HashTask& task, engine::HashJob& job) noexcept {
  if (task.own_state) job.state = &task.state;
  const bool last = task.rest == 0 && task.output != nullptr;
  job.digest = last ? task.digest.data() : nullptr;
}

void bind(ZucTask& task, engine::ZucJob& job) noexcept {
  job.state = &task.state;
  job.is_last = task.rest == 0;
}

void bind(ZucMacTask& task, engine::ZucMacJob& job) noexcept { job.state = &task.state; }

void bind(VerifyTask& task, engine::Sm2VerifyJob& job) noexcept {
  if (task.public_key) job.key = &*task.public_key;
}

void bind(EncryptTask& task, engine::Sm2EncryptJob& job) noexcept {
  if (task.public_key) job.key = &*task.public_key;
}

template <typename Task>
void bind(Task&, typename Task::Job&) noexcept {}

// ---- results, written to the arena; the length of the output ------------------------------------

std::size_t deliver(CipherTask& task, engine::CipherJob&) noexcept {
  if (task.iv_out != nullptr) std::memcpy(task.iv_out, task.iv.data(), task.iv.size());
  return task.len;
}

std::size_t deliver(MacTask& task, engine::MacJob&) noexcept {
  std::memcpy(task.output, task.iv.data(), task.iv.size());
  std::memcpy(task.iv_out, task.iv.data(), task.iv.size());
  return task.iv.size();
}

std::size_t deliver(AeadTask& task, engine::AeadJob& job) noexcept {
  if (job.len != 0) std::memcpy(task.output.data(), job.output, job.len);
  if (task.tag_out == nullptr) return job.len;
  std::memcpy(task.tag_out, job.tag, job.tag_len);
  return job.len + job.tag_len;
}

std::size_t deliver(HashTask& task, engine::HashJob&) noexcept {
  if (task.output == nullptr) return 0;
  std::memcpy(task.output, task.digest.data(), task.digest.size());
  return task.digest.size();
}

std::size_t deliver(ZucTask& task, engine::ZucJob&) noexcept { return task.len; }

std::size_t deliver(ZucMacTask& task, engine::ZucMacJob&) noexcept {
  const auto mac = task.state.finish();
  std::memcpy(task.output, mac.data(), mac.size());
  return mac.size();
}

std::size_t deliver(RandomTask& task, RandomJob&) noexcept { return task.len; }

std::size_t deliver(SignTask& task, engine::Sm2SignJob& job) noexcept {
  std::memcpy(task.output, job.signature.data(), job.signature.size());
  return job.signature.size();
}

std::size_t deliver(VerifyTask&, engine::Sm2VerifyJob&) noexcept { return 0; }

std::size_t deliver(EncryptTask& task, engine::Sm2EncryptJob& job) noexcept {
  std::memcpy(task.output, job.ciphertext.data(), job.ciphertext.size());
  return job.ciphertext.size();
}

std::size_t deliver(DecryptTask& task, engine::Sm2DecryptJob& job) noexcept {
  std::memcpy(task.output, job.plaintext.data(), job.plaintext.size());
  return job.plaintext.size();
}

template <typename Function, typename Lanes>
void for_each_lane(Lanes& lanes, Function function) {
  std::apply([&](auto&... lane) { (function(lane), ...); }, lanes);
}

}  // namespace

void complete(Client& client, const ring::Completion& completion) noexcept {
  if (client.broken) return;
  client.end.complete(completion);
  client.touched = true;
  auto& commands = client.counters->commands;
  commands.store(commands.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

Batch::Batch(RandomSource& random, AwayJobs& away_jobs, const BatchOptions& options)
    : m_random(random), m_away_jobs(away_jobs), m_options(options) {
  for_each_lane(m_lanes, [](auto& lane) {
    lane.jobs.reserve(kMaxJobs);
    lane.tasks.reserve(kMaxJobs);
  });
}

template <typename Task>
std::uint32_t Batch::add(Task task, typename Task::Job job) {
  if constexpr (std::is_same_v<Task, CipherTask>) {
    if (engine::lanes_of(job) > 1) return put(ChainedCipherTask{std::move(task)}, std::move(job));
  }
  return put(std::move(task), std::move(job));
}

template <typename Task>
std::uint32_t Batch::put(Task task, typename Task::Job job) {
  Lane<Task>& to = lane<Task>();
  const std::uint32_t whole_cost = to.charge(cost_of(job));
  to.width = lanes_of_job(job);
  begin(task, job);
  to.tasks.push_back(std::move(task));
  to.jobs.push_back(std::move(job));
  bind(to.tasks.back(), to.jobs.back());
  const Origin& origin = to.tasks.back().origin;
  origin.session->at_work = true;
  ++origin.client->jobs;
  ++m_num_jobs;
  to.model_ns += cost_of(to.jobs.back());
  set_cost(to);
  return whole_cost;
}

template std::uint32_t Batch::add(CipherTask, engine::CipherJob);
template std::uint32_t Batch::add(MacTask, engine::MacJob);
template std::uint32_t Batch::add(AeadTask, engine::AeadJob);
template std::uint32_t Batch::add(HashTask, engine::HashJob);
template std::uint32_t Batch::add(ZucTask, engine::ZucJob);
template std::uint32_t Batch::add(ZucMacTask, engine::ZucMacJob);
template std::uint32_t Batch::add(RandomTask, RandomJob);
template std::uint32_t Batch::add(SignTask, engine::Sm2SignJob);
template std::uint32_t Batch::add(VerifyTask, engine::Sm2VerifyJob);
template std::uint32_t Batch::add(EncryptTask, engine::Sm2EncryptJob);
template std::uint32_t Batch::add(DecryptTask, engine::Sm2DecryptJob);

template <typename Job>
void Batch::run_jobs(std::span<Job> jobs) noexcept {
  constexpr bool takes_nonces =
      std::is_same_v<Job, engine::Sm2SignJob> || std::is_same_v<Job, engine::Sm2EncryptJob>;
  if constexpr (std::is_same_v<Job, RandomJob>) {
    for (RandomJob& job : jobs) job.result = m_random.fill(job.output);
  } else if constexpr (takes_nonces) {
    engine::run(jobs, m_random);
  } else {
    engine::run(jobs);
  }
}

template <typename Task>
void Batch::set_cost(Lane<Task>& lane) noexcept {
  m_cost_ns -= lane.cost_ns;
  lane.cost_ns = lane.slot(with_places(lane.model_ns, lane.jobs.size(), lane.width));
  m_cost_ns += lane.cost_ns;
}

template <typename Task>
void Batch::run_lane(Lane<Task>& lane, const std::function<void()>& between) noexcept {
  const std::span jobs(lane.jobs);
  std::chrono::nanoseconds took{0};
  for (std::size_t i = 0, num = 0; i < jobs.size(); i += num) {
    // Jobs that gain nothing from one another go in small parts.
    std::uint64_t part_ns = 0;
    for (num = 0; i + num < jobs.size(); ++num) {
      if (num != 0 && (!m_options.together || (lane.width == 1 && part_ns >= kPartNs))) break;
      part_ns += lane.charge(cost_of(jobs[i + num]));
    }
    const auto start = m_options.clock();
    run_jobs(jobs.subspan(i, num));
    took += m_options.clock() - start;
    if (between) between();
  }
  lane.charge.learn(lane.model_ns, took);
  lane.slot.learn(with_places(lane.model_ns, jobs.size(), lane.width), took);
}

void Batch::run(const std::function<void()>& between) noexcept {
  for_each_lane(m_lanes, [&](auto& lane) {
    if (!lane.jobs.empty()) run_lane(lane, between);
  });
  for_each_lane(m_lanes, [this](auto& lane) {
    if (!lane.jobs.empty()) finish_lane(lane);
  });
  m_bounce.clear();
}

void Batch::leave(const Origin& origin) noexcept {
  origin.session->at_work = false;
  --origin.client->jobs;
  --m_num_jobs;
}

template <typename Task, typename Keep>
void Batch::keep_if(Lane<Task>& lane, Keep keep) noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < lane.jobs.size(); ++i) {
    if (!keep(lane.tasks[i], lane.jobs[i])) {
      leave(lane.tasks[i].origin);
      continue;
    }
    if (kept != i) {
      lane.tasks[kept] = std::move(lane.tasks[i]);
      lane.jobs[kept] = std::move(lane.jobs[i]);
    }
    bind(lane.tasks[kept], lane.jobs[kept]);
    ++kept;
  }
  lane.tasks.erase(lane.tasks.begin() + kept, lane.tasks.end());
  lane.jobs.erase(lane.jobs.begin() + kept, lane.jobs.end());
  lane.model_ns = 0;
  for (const auto& job : lane.jobs) lane.model_ns += cost_of(job);
  set_cost(lane);
}

template <typename Task>
void Batch::finish_lane(Lane<Task>& lane) noexcept {
  keep_if(lane, [&](Task& task, typename Task::Job& job) {
    if (advance(task, job)) {
      return true;
    }
    ring::Completion completion{.command_id = task.origin.command_id,
                                .status = job.result.status()};
    if (job.result && !task.origin.client->broken) {
      completion.output_len = static_cast<std::uint32_t>(deliver(task, job));
    }
    complete(*task.origin.client, completion);
    return false;
  });
}

void Batch::drop(const Client& client) noexcept {
  for_each_lane(m_lanes, [&](auto& lane) {
    keep_if(lane, [&](auto& task, auto&) { return task.origin.client != &client; });
  });
}

}  // namespace cipherdeck::card::command
