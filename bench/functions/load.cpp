// SPDX-License-Identifier: Apache-2.0
#include "functions/load.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

namespace cipherdeck::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kIvLen = 16;
constexpr std::uint32_t kMinSlotLen = 256;
constexpr std::uint32_t kMinArenaLen = 64U << 10;
constexpr std::uint32_t kPageLen = 4096;
constexpr std::uint16_t kInvalidOpcode = 0x7fff;
constexpr std::uint8_t kKeyByte = 0x5a;  // all bytes of the session keys
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

std::uint32_t cipher_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::sm4_ctr:
      return CIPHERDECK_ALG_SM4_CTR;
    case Operation::sm1_cbc:
      return CIPHERDECK_ALG_SM1 | CIPHERDECK_ALG_CBC;
    case Operation::stand_in_cbc:
      return CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CBC;
    default:
      return CIPHERDECK_ALG_SM4_CBC;
  }
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

}  // namespace

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
  std::memset(arena, kKeyByte, engine::kSm4KeyLen);
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

Result<engine::Sm2PublicKey> Tenant::public_key() {
  const cipherdeck_command command{.opcode = CIPHERDECK_OP_PUBLIC_KEY_EXPORT,
                                   .session = m_sessions[0].number,
                                   .key = 1,
                                   .output = {0, engine::kSm2PointLen},
                                   .arg = {CIPHERDECK_USE_SIGN, 0}};
  CIPHERDECK_TRY(execute(command));
  std::array<std::uint8_t, engine::kSm2PointLen> point;
  std::memcpy(point.data(), m_end.memory().arena, point.size());
  return engine::Sm2PublicKey::from_bytes(point);
}

cipherdeck_command Tenant::command(std::uint32_t number) const noexcept {
  const Slot slot = slot_of(number, m_load.bytes);
  cipherdeck_command command{};
  command.command_id = static_cast<std::uint16_t>(number);
  command.opcode = CIPHERDECK_OP_NOP;
  if (m_load.operation == Operation::nop) return command;
  if (m_load.operation == Operation::invalid) {
    command.opcode = kInvalidOpcode;
    return command;
  }
  const Session& session = m_sessions[number % kSessions];
  command.session = session.number;
  command.input = slot.input;
  command.output = slot.output;
  switch (m_load.operation) {
    case Operation::sm4_cbc:
    case Operation::sm4_ctr:
    case Operation::sm1_cbc:
    case Operation::stand_in_cbc:
      command.opcode = CIPHERDECK_OP_ENCRYPT;
      command.key = session.key;
      command.algorithm = cipher_of(m_load.operation);
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
      const bool is_good = completion->status == CIPHERDECK_STATUS_OK;
      if (is_good == (m_load.operation == Operation::invalid)) {
        return is_good ? Error::verify_failed : from_status(completion->status);
      }
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

// Until half of what is in flight is done, or for a moment if there is no interrupt.
void Tenant::pause() {
  const std::uint32_t num = std::max(m_end.in_flight() / 2, 1U);
  if (!m_end.arm_interrupt(num)) (void)m_queue_pair->wait(std::chrono::milliseconds(100));
}

Result<ring::Completion> Tenant::execute(const cipherdeck_command& command) {
  if (!m_end.push(command)) return Error::busy;
  CIPHERDECK_TRY(submit());
  return wait();
}

Result<void> Tenant::prepare(const Load& load) {
  const Slot last = slot_of(load.depth - 1, load.bytes);
  const auto& memory = m_end.memory();
  if (load.depth > memory.entries || last.iv.offset + last.iv.len > memory.arena_len) {
    return Error::invalid_argument;
  }
  std::optional<engine::Sm2PublicKey> signer;
  if (load.operation == Operation::sm2_sign) {
    CIPHERDECK_ASSIGN(signer, public_key());
  }
  m_load = load;
  std::mt19937_64 random(std::random_device{}());
  std::memset(memory.arena, 0, last.iv.offset + last.iv.len);
  std::vector<Bytes> inputs;
  for (std::uint32_t number = 0; number < load.depth; ++number) {
    const MutableBytes input(memory.arena + slot_of(number, load.bytes).input.offset, load.bytes);
    std::ranges::generate(input, [&] { return static_cast<std::uint8_t>(random()); });
    inputs.emplace_back(input);
  }
  std::array<std::uint8_t, engine::kSm4KeyLen> key;
  key.fill(kKeyByte);
  m_known.emplace(load.operation, inputs, key, std::move(signer));
  return {};
}

Result<void> Tenant::send(std::uint32_t slot) {
  // The card leaves the IV for a next part of the message there, which there is none of.
  std::memset(m_end.memory().arena + slot_of(slot, m_load.bytes).iv.offset, 0, kIvLen);
  return m_end.push(command(slot)) ? submit() : Result<void>(Error::busy);
}

// The slot whose command is done.
Result<std::uint32_t> Tenant::finish_one() {
  CIPHERDECK_ASSIGN(const auto completion, wait());
  if (completion.command_id >= m_load.depth) return Error::ring_broken;
  return std::uint32_t{completion.command_id};
}

// Spoils the output, so that one which the card does not write next time is not right again.
Result<void> Tenant::check(std::uint32_t slot) {
  const MutableBytes output(m_end.memory().arena + slot_of(slot, m_load.bytes).output.offset,
                            m_known->output_len());
  if (output.empty()) return {};
  CIPHERDECK_TRY(m_known->check(slot, output));
  output.front() ^= 0xff;
  output.back() ^= 0xff;
  return {};
}

Result<Sample> Tenant::work() {
  std::vector<Clock::time_point> sent(m_load.depth);
  Latencies latencies;
  const auto start = Clock::now();
  const auto begin = [&](std::uint32_t slot) {
    sent[slot] = Clock::now();
    return send(slot);
  };
  for (std::uint32_t slot = 0; slot < m_load.depth; ++slot) CIPHERDECK_TRY(begin(slot));
  while (m_end.in_flight() > 0) {
    CIPHERDECK_ASSIGN(const std::uint32_t slot, finish_one());
    const auto now = Clock::now();
    latencies.add(now - sent[slot]);
    if (m_load.checking == Checking::every) CIPHERDECK_TRY(check(slot));
    if (now - start < m_load.duration) CIPHERDECK_TRY(begin(slot));
  }
  Sample sample = finish(latencies, start);
  if (m_load.checking == Checking::last) {
    for (std::uint32_t slot = 0; slot < m_load.depth; ++slot) CIPHERDECK_TRY(check(slot));
  }
  CIPHERDECK_TRY(m_known->finish());
  sample.num_checked = m_known->num_checked();
  return sample;
}

Result<Sample> Tenant::run(const Load& load) {
  CIPHERDECK_TRY(prepare(load));
  return work();
}

Result<Sample> Tenant::run_from_sleep(std::uint32_t count, std::chrono::milliseconds pause) {
  Latencies latencies;
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::this_thread::sleep_for(pause);
    const auto sent = Clock::now();
    CIPHERDECK_TRY(execute({.opcode = CIPHERDECK_OP_NOP}));
    latencies.add(Clock::now() - sent);
  }
  return finish(latencies, start);
}

Result<Tenant> open_tenant(const std::string& address, const Load& load, Waiting waiting,
                           std::string& why) {
  const Slot end = slot_of(load.depth, load.bytes);
  const driver::QueuePairOptions options{
      .entries = 64,
      .arena_len = (std::max(end.input.offset, kMinArenaLen) + kPageLen - 1) & ~(kPageLen - 1)};
  CIPHERDECK_ASSIGN(auto queue_pair, driver::open_queue_pair(address, options, why));
  auto tenant = Tenant::open(std::move(queue_pair), waiting);
  if (!tenant) why = to_string(tenant.error());
  return tenant;
}

std::string_view reason_of(Error error) noexcept {
  return error == Error::verify_failed ? "a result of the card is wrong" : to_string(error);
}

}  // namespace cipherdeck::bench
