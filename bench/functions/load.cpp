// SPDX-License-Identifier: Apache-2.0
#include "functions/load.h"

#include "base/bytes.h"
#include "card/random/random.h"
#include "engine/batch.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace cipherdeck::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kIvLen = 16;
constexpr std::uint32_t kMinSlotLen = 256;
constexpr std::chrono::seconds kCommandTimeout{10};
constexpr unsigned kPollsBeforeSleep = 64;  // some microseconds

// One slot of the arena: input, then output, then IV.
struct Slot {
  cipherdeck_extent input;
  cipherdeck_extent output;
  cipherdeck_extent iv;
};

Slot slot_of(std::uint32_t number, std::uint32_t bytes) noexcept {
  const std::uint32_t part = std::max(bytes, kMinSlotLen);
  const std::uint32_t base = number * (2 * part + kMinSlotLen);
  return {{base, bytes}, {base + part, part}, {base + 2 * part, kIvLen}};
}

// Latencies of one measurement, in nanoseconds.
class Latencies {
 public:
  Latencies() { m_ns.reserve(1U << 20); }

  void add(Clock::duration latency) {
    m_ns.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(latency).count()));
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return m_ns.size(); }
  double percentile_us(unsigned percent) {
    if (m_ns.empty()) return 0;
    const auto at = m_ns.begin() + static_cast<std::ptrdiff_t>(m_ns.size() * percent / 100);
    std::nth_element(m_ns.begin(), at, m_ns.end());
    return *at / 1000.0;
  }

 private:
  std::vector<std::uint32_t> m_ns;
};

Sample finish(Latencies& latencies, Clock::time_point start) {
  return {.operations = latencies.count(),
          .seconds = std::chrono::duration<double>(Clock::now() - start).count(),
          .p50_us = latencies.percentile_us(50),
          .p99_us = latencies.percentile_us(99)};
}

// Calls `batch`, which does `depth` operations, for `duration`.
template <typename Batch>
Sample repeat(std::uint32_t depth, std::chrono::milliseconds duration, Batch batch) {
  const auto start = Clock::now();
  std::uint64_t operations = 0;
  auto now = start;
  for (; now - start < duration; now = Clock::now()) {
    batch();
    operations += depth;
  }
  return {.operations = operations, .seconds = std::chrono::duration<double>(now - start).count()};
}

Sample engine_sm4_ctr(std::uint32_t bytes, std::uint32_t depth,
                      std::chrono::milliseconds duration) {
  const engine::Sm4Key key(std::array<std::uint8_t, engine::kSm4KeyLen>{1, 2, 3});
  std::vector<std::uint8_t> input(std::size_t{bytes} * depth);
  std::vector<std::uint8_t> output(input.size());
  std::vector<std::array<std::uint8_t, kIvLen>> ivs(depth);
  std::vector<engine::CipherJob> jobs(depth);
  for (std::uint32_t i = 0; i < depth; ++i) {
    jobs[i] = {.key = &key,
               .mode = engine::CipherMode::ctr,
               .iv = ivs[i].data(),
               .input = input.data() + std::size_t{i} * bytes,
               .output = output.data() + std::size_t{i} * bytes,
               .len = bytes};
  }
  return repeat(depth, duration, [&] { engine::run(jobs); });
}

Sample engine_sm3(std::uint32_t bytes, std::uint32_t depth, std::chrono::milliseconds duration) {
  std::vector<std::uint8_t> input(std::size_t{bytes} * depth);
  std::vector<engine::Sm3> states(depth);
  std::vector<engine::Sm3Digest> digests(depth);
  std::vector<engine::HashJob> jobs(depth);
  for (std::uint32_t i = 0; i < depth; ++i) {
    jobs[i] = {.state = &states[i],
               .input = Bytes(input).subspan(std::size_t{i} * bytes, bytes),
               .digest = digests[i].data()};
  }
  return repeat(depth, duration, [&] { engine::run(jobs); });
}

Result<Sample> engine_sm2_sign(std::uint32_t depth, std::chrono::milliseconds duration) {
  CIPHERDECK_ASSIGN(const auto random, card::random::Generator::create());
  CIPHERDECK_ASSIGN(const auto key, engine::Sm2PrivateKey::generate(*random));
  std::vector<engine::Sm2SignJob> jobs(depth);
  for (auto& job : jobs) job.key = &key;
  return repeat(depth, duration, [&] { engine::run(jobs, *random); });
}

}  // namespace

std::string_view name_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::nop:
      return "nop";
    case Operation::sm4_cbc:
      return "sm4-cbc";
    case Operation::sm4_ctr:
      return "sm4-ctr";
    case Operation::sm3:
      return "sm3";
    case Operation::sm2_sign:
      return "sm2-sign";
  }
  return "?";
}

Result<Sample> run_engine(Operation operation, std::uint32_t bytes, std::uint32_t depth,
                          std::chrono::milliseconds duration) {
  switch (operation) {
    case Operation::sm4_ctr:
      return engine_sm4_ctr(bytes, depth, duration);
    case Operation::sm3:
      return engine_sm3(bytes, depth, duration);
    case Operation::sm2_sign:
      return engine_sm2_sign(depth, duration);
    case Operation::nop:
    case Operation::sm4_cbc:
      break;
  }
  return Error::invalid_argument;
}

Result<Tenant> Tenant::open(std::unique_ptr<driver::QueuePair> queue_pair, Waiting waiting) {
  Tenant tenant(std::move(queue_pair), waiting);
  for (Session& session : tenant.m_sessions) {
    CIPHERDECK_ASSIGN(session, tenant.open_session());
  }
  return tenant;
}

Result<Tenant::Session> Tenant::open_session() {
  CIPHERDECK_ASSIGN(const auto session, execute({.opcode = CIPHERDECK_OP_SESSION_OPEN}));

  std::uint8_t* const arena = m_end.memory().arena;
  std::memset(arena, 0x5a, engine::kSm4KeyLen);
  CIPHERDECK_ASSIGN(const auto key, execute({.opcode = CIPHERDECK_OP_KEY_IMPORT,
                                             .session = session.value,
                                             .input = {0, engine::kSm4KeyLen}}));

  std::memcpy(arena, kAccessCode.data(), kAccessCode.size());
  CIPHERDECK_TRY(execute({.opcode = CIPHERDECK_OP_KEY_ACCESS_GET,
                          .session = session.value,
                          .key = 1,
                          .input = {0, static_cast<std::uint32_t>(kAccessCode.size())}}));
  return Session{session.value, key.value};
}

cipherdeck_command Tenant::command(Operation operation, std::uint32_t bytes,
                                   std::uint32_t number) const noexcept {
  const Slot slot = slot_of(number, bytes);
  cipherdeck_command command{};
  command.command_id = static_cast<std::uint16_t>(number);
  command.opcode = CIPHERDECK_OP_NOP;
  if (operation == Operation::nop) return command;
  const Session& session = m_sessions[number % kSessions];
  command.session = session.number;
  command.input = slot.input;
  command.output = slot.output;
  switch (operation) {
    case Operation::sm4_cbc:
    case Operation::sm4_ctr:
      command.opcode = CIPHERDECK_OP_ENCRYPT;
      command.key = session.key;
      command.algorithm =
          operation == Operation::sm4_cbc ? CIPHERDECK_ALG_SM4_CBC : CIPHERDECK_ALG_SM4_CTR;
      command.params = slot.iv;
      break;
    case Operation::sm3:
      command.opcode = CIPHERDECK_OP_HASH;
      command.algorithm = CIPHERDECK_ALG_SM3;
      break;
    default:
      command.opcode = CIPHERDECK_OP_SM2_SIGN;
      command.key = 1;
      break;
  }
  return command;
}

Result<void> Tenant::submit() {
  return m_end.ring_doorbell() ? m_queue_pair->kick() : Result<void>();
}

Result<ring::Completion> Tenant::wait() {
  const auto deadline = Clock::now() + kCommandTimeout;
  for (unsigned polls = 1;; ++polls) {
    if (const auto completion = m_end.reap()) {
      if (completion->status != CIPHERDECK_STATUS_OK) return from_status(completion->status);
      return *completion;
    }
    if (polls % 4096 == 0 && m_end.state() != CIPHERDECK_QUEUE_LIVE) return Error::disconnected;
    if (polls % 4096 == 0 && Clock::now() > deadline) return Error::timed_out;
    if (m_waiting == Waiting::sleep && polls % kPollsBeforeSleep == 0) {
      pause();
    } else {
      __builtin_ia32_pause();
    }
  }
}

// Until the next interrupt, or for a moment if there is none.
void Tenant::pause() {
  if (!m_end.arm_interrupt()) (void)m_queue_pair->wait(std::chrono::milliseconds(100));
}

Result<ring::Completion> Tenant::execute(const cipherdeck_command& command) {
  if (!m_end.push(command)) return Error::busy;
  CIPHERDECK_TRY(submit());
  return wait();
}

Result<Sample> Tenant::run(Operation operation, std::uint32_t bytes, std::uint32_t depth,
                           std::chrono::milliseconds duration) {
  const Slot last = slot_of(depth - 1, bytes);
  const auto& memory = m_end.memory();
  if (depth > memory.entries || last.iv.offset + last.iv.len > memory.arena_len) {
    return Error::invalid_argument;
  }
  std::vector<Clock::time_point> sent(depth);
  Latencies latencies;
  const auto start = Clock::now();
  const auto push = [&](std::uint32_t slot) {
    sent[slot] = Clock::now();
    return m_end.push(command(operation, bytes, slot)) ? submit() : Result<void>(Error::busy);
  };
  for (std::uint32_t slot = 0; slot < depth; ++slot) CIPHERDECK_TRY(push(slot));
  while (m_end.in_flight() > 0) {
    CIPHERDECK_ASSIGN(const auto completion, wait());
    const auto now = Clock::now();
    latencies.add(now - sent[completion.command_id]);
    if (now - start < duration) CIPHERDECK_TRY(push(completion.command_id));
  }
  return finish(latencies, start);
}

Result<Sample> Tenant::run_from_sleep(std::uint32_t count, std::chrono::milliseconds pause) {
  Latencies latencies;
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::this_thread::sleep_for(pause);
    const auto sent = Clock::now();
    CIPHERDECK_TRY(execute(command(Operation::nop, 0, 0)));
    latencies.add(Clock::now() - sent);
  }
  return finish(latencies, start);
}

}  // namespace cipherdeck::bench
