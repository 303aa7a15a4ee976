// SPDX-License-Identifier: Apache-2.0
// Everything a tenant can write - rings, doorbells, arenas, in any order - against the real queue
// pairs, command processor, scheduler and engine, stepped by hand. Two functions share the worker:
// whatever the first one does, the second one's commands must go on being right.
#include "card/away/coprocessor.h"
#include "card/command/table.h"
#include "card/scheduler/scheduler.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace cipherdeck::fuzz {
namespace {

using card::scheduler::QueuePair;
using card::scheduler::Scheduler;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

class FixedRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(m_state = m_state * 167 + 13);
    return {};
  }

 private:
  std::uint32_t m_state = 1;
};

class NoInterrupts final : public card::InterruptLine {
 public:
  void raise() noexcept override {}
};

const std::string kCode = "fuzzcode";

// What no run changes, and is slow to make.
class Keys {
 public:
  Keys() {
    for (card::PartitionId id : {1, 2}) {
      auto partition = std::make_shared<card::Partition>(id, "p");
      for (std::uint32_t index : {0, 1}) partition->put(key_pair(index));
      auto kek = std::make_shared<card::Kek>();
      kek->index = 1;
      (void)random.fill(kek->key.span());
      partition->put(std::shared_ptr<const card::Kek>(std::move(kek)));
      put_sm9(*partition);
      partitions.put(std::move(partition));
      partitions.bind(id, id);
    }
  }

  /// Lifts the lock-out that an earlier run may have brought about.
  void unlock() {
    for (const auto& partition : partitions.all()) {
      for (const std::uint32_t index : {0, 1}) {
        for (const std::uint32_t kind :
             {CIPHERDECK_KEY_PAIR, CIPHERDECK_KEY_SM9_SIGN_USER, CIPHERDECK_KEY_SM9_ENCRYPT_USER}) {
          partition->set_access_failures(kind, index, 0);
        }
      }
    }
  }

  FixedRandom random;
  card::PartitionTable partitions;

 private:
  std::shared_ptr<const card::KeyPair> key_pair(std::uint32_t index) {
    auto sign = engine::Sm2PrivateKey::generate(random);
    auto encrypt = engine::Sm2PrivateKey::generate(random);
    auto access = card::make_access_verifier(as_bytes(kCode), random);
    require(sign && encrypt && access, "keys of the fixture");
    return std::make_shared<const card::KeyPair>(
        card::KeyPair{.index = index, .sign = *sign, .encrypt = *encrypt, .access = *access});
  }
  // A key of each kind at index 1.
  void put_sm9(card::Partition& partition) {
    auto sign = engine::Sm9SignMasterKey::generate(random);
    auto encrypt = engine::Sm9EncryptMasterKey::generate(random);
    const auto access = card::make_access_verifier(as_bytes(kCode), random);
    require(sign && encrypt && access, "SM9 keys of the fixture");
    const std::string id = "id";
    auto signer = sign->extract(as_bytes(id));
    auto reader = encrypt->extract(as_bytes(id), engine::Sm9Use::encrypt);
    auto peer = encrypt->extract(as_bytes(id), engine::Sm9Use::exchange);
    require(signer && reader && peer, "SM9 keys of the fixture");
    const auto put = [&](card::Sm9Key::Value value) {
      partition.put(
          std::make_shared<const card::Sm9Key>(card::Sm9Key{1, 0, std::move(value), id, *access}));
    };
    put(std::move(*sign));
    put(std::move(*encrypt));
    put(std::move(*signer));
    put(card::Sm9EncryptUserKeys{std::move(*reader), std::move(*peer)});
  }
};

// The memory of one queue pair, each part in a heap block of its own: whoever leaves it is caught.
class Memory {
 public:
  Memory(std::uint32_t entries, std::uint32_t arena_len)
      : m_submission(entries), m_completion(entries), m_arena(arena_len), m_doorbell(1) {}
  ring::QueueMemory view() {
    return {.submission = m_submission.data(),
            .completion = m_completion.data(),
            .arena = m_arena.data(),
            .doorbell = m_doorbell.data(),
            .entries = static_cast<std::uint32_t>(m_submission.size()),
            .arena_len = static_cast<std::uint32_t>(m_arena.size())};
  }

 private:
  std::vector<cipherdeck_command> m_submission;
  std::vector<cipherdeck_completion> m_completion;
  std::vector<std::uint8_t> m_arena;
  std::vector<cipherdeck_doorbell> m_doorbell;
};

// One tenant's queue pair, and both of its ends.
class Tenant {
 public:
  Tenant(Scheduler& scheduler, card::command::FunctionCounters& counters,
         card::FunctionNumber function, std::uint32_t entries, std::uint32_t arena_len)
      : m_scheduler(scheduler), m_memory(entries, arena_len), m_driver(m_memory.view()) {
    auto queue_pair = std::make_unique<QueuePair>();
    queue_pair->client.function = function;
    queue_pair->client.end = ring::DeviceEnd(m_memory.view());
    queue_pair->client.end.start();
    queue_pair->client.counters = &counters;
    queue_pair->interrupt = std::make_shared<NoInterrupts>();
    m_queue_pair = queue_pair.get();
    scheduler.add(std::move(queue_pair));
  }
  ~Tenant() { m_scheduler.remove(*m_queue_pair); }
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  void submit(const cipherdeck_command& command) {
    if (!m_driver.push(command)) return;
    if (m_driver.ring_doorbell()) m_scheduler.wake(*m_queue_pair);
  }
  ring::Completion call(const cipherdeck_command& command) {
    submit(command);
    for (int i = 0; i < 1000; ++i) {
      if (auto completion = m_driver.reap()) return *completion;
      m_scheduler.step();
    }
    require(false, "a well-behaved tenant's command never completed");
    return {};
  }
  ring::QueueMemory view() { return m_memory.view(); }
  ring::DriverEnd& driver() { return m_driver; }
  QueuePair& queue_pair() { return *m_queue_pair; }

 private:
  Scheduler& m_scheduler;
  Memory m_memory;
  ring::DriverEnd m_driver;
  QueuePair* m_queue_pair;
};

// The second function: encrypts a block over and over, and knows what should come of it.
class Bystander {
 public:
  Bystander(Scheduler& scheduler, card::command::FunctionCounters& counters)
      : m_tenant(scheduler, counters, 2, 4, 4096) {
    m_session = m_tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).value;
    m_key =
        m_tenant.call({.opcode = CIPHERDECK_OP_KEY_IMPORT, .session = m_session, .input = {64, 16}})
            .value;
    encrypt();
    std::memcpy(m_expected.data(), m_tenant.view().arena + 16, m_expected.size());
  }
  void check() {
    std::memset(m_tenant.view().arena + 16, 0, 16);
    encrypt();
    require(std::memcmp(m_expected.data(), m_tenant.view().arena + 16, 16) == 0,
            "the other tenant's result is wrong");
  }

 private:
  void encrypt() {
    const auto done = m_tenant.call({.opcode = CIPHERDECK_OP_ENCRYPT,
                                     .session = m_session,
                                     .key = m_key,
                                     .algorithm = CIPHERDECK_ALG_SM4_ECB,
                                     .input = {0, 16},
                                     .output = {16, 16}});
    require(done.status == 0 && done.output_len == 16, "the other tenant's command failed");
  }

  Tenant m_tenant;
  std::uint32_t m_session = 0;
  std::uint32_t m_key = 0;
  std::array<std::uint8_t, 16> m_expected{};
};

// The first function: does what the fuzzer says.
class Attacker {
 public:
  Attacker(FuzzedDataProvider& data, Scheduler& scheduler,
           card::command::FunctionCounters& counters, const engine::Sm2PublicKey& point)
      : m_data(data),
        m_point(point),
        m_scheduler(scheduler),
        m_tenant(scheduler, counters, 1, 1U << data.ConsumeIntegralInRange(1, 4),
                 4096 * data.ConsumeIntegralInRange(1, 48)) {
    // A session, keys of both lengths and an access right, so that what is behind them is reached.
    m_handles[0] = m_tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).value;
    for (std::uint32_t i = 1; i <= 2; ++i) {
      m_handles[i] = m_tenant
                         .call({.opcode = CIPHERDECK_OP_KEY_IMPORT,
                                .session = m_handles[0],
                                .input = {0, 16 * i}})
                         .value;
    }
    cipherdeck_command access = access_command();
    access.session = m_handles[0];
    access.key = 1;
    require(m_tenant.call(access).status == 0, "no access right");
  }

  void act() {
    switch (m_data.ConsumeIntegralInRange(0, 11)) {
      case 0:
        return scribble(m_tenant.view().arena, m_tenant.view().arena_len);
      case 1:
        return scribble(m_tenant.view().submission,
                        m_tenant.view().entries * sizeof(cipherdeck_command));
      case 2:
        return scribble(m_tenant.view().doorbell, sizeof(cipherdeck_doorbell));
      case 3:
        m_forged = true;
        return scribble(m_tenant.view().completion,
                        m_tenant.view().entries * sizeof(cipherdeck_completion));
      case 4:
        m_scheduler.wake(m_tenant.queue_pair());
        return;
      case 5:
        m_scheduler.tend(card::scheduler::Clock::now() + std::chrono::seconds(1));
        return;
      case 6:
        m_tenant.submit({.opcode = CIPHERDECK_OP_SESSION_OPEN});
        return;
      case 7:
        m_tenant.submit(access_command());
        return;
      default:
        m_tenant.submit(command());
        return;
    }
  }
  void reap() {
    while (const auto completion = m_tenant.driver().reap()) {
      require(m_forged || completion->status < CIPHERDECK_STATUS_COUNT, "a status that is not one");
      require(m_forged || completion->output_len <= CIPHERDECK_MAX_DATA_LEN,
              "more output than there can be");
      if (completion->status == 0 && completion->value != 0) {
        m_handles[3 + m_next_handle++ % (m_handles.size() - 3)] = completion->value;
      }
    }
  }

 private:
  void scribble(void* at, std::size_t len) {
    const auto bytes = m_data.ConsumeBytes<std::uint8_t>(m_data.ConsumeIntegralInRange(0, 64));
    if (bytes.empty()) return;
    const std::size_t offset = m_data.ConsumeIntegralInRange<std::size_t>(0, len - 1);
    std::memcpy(static_cast<std::uint8_t*>(at) + offset, bytes.data(),
                std::min(bytes.size(), len - offset));
  }
  std::uint32_t session() {
    return m_data.ConsumeIntegralInRange(0, 7) == 0 ? handle() : m_handles[0];
  }
  std::uint32_t handle() {
    if (m_data.ConsumeIntegralInRange(0, 15) == 0) return m_data.ConsumeIntegral<std::uint32_t>();
    return m_handles[m_data.ConsumeIntegralInRange<std::size_t>(0, m_handles.size() - 1)];
  }
  cipherdeck_extent extent(const card::command::OperandSpec& spec) {
    using card::command::Need;
    const int choice = m_data.ConsumeIntegralInRange(0, 15);
    if (choice == 0) {
      return {m_data.ConsumeIntegral<std::uint32_t>(), m_data.ConsumeIntegral<std::uint32_t>()};
    }
    if (spec.need == Need::absent || (spec.need == Need::optional && choice == 1)) return {};
    const std::uint32_t arena_len = m_tenant.view().arena_len;
    const std::uint32_t most = std::min(spec.max, choice < 4 ? arena_len : 300U);
    std::uint32_t len = m_data.ConsumeIntegralInRange(std::min(std::max(spec.min, 1U), most), most);
    if (choice % 2 == 0 && len > 16) len &= ~15U;
    return {m_data.ConsumeIntegralInRange(0U, arena_len - std::min(len, arena_len)), len};
  }
  std::uint32_t key(std::uint16_t opcode) {
    const bool by_handle =
        (opcode >= CIPHERDECK_OP_ENCRYPT && opcode < CIPHERDECK_OP_SM9_ID_EXPORT) ||
        opcode == CIPHERDECK_OP_KEY_DESTROY || opcode == CIPHERDECK_OP_AGREEMENT_FINISH ||
        opcode == CIPHERDECK_OP_SM9_AGREEMENT_FINISH;
    const auto choice = m_data.ConsumeIntegralInRange(0U, 7U);
    if (!by_handle) return choice < 7 ? choice % 3 : handle();
    return choice < 4 && opcode != CIPHERDECK_OP_KEY_DESTROY ? m_handles[1] : handle();
  }
  // What the opcode most likely takes, or anything.
  std::uint32_t algorithm(std::uint16_t opcode) {
    static constexpr std::uint32_t kCiphers[] = {CIPHERDECK_ALG_SM4_ECB, CIPHERDECK_ALG_SM4_CBC,
                                                 CIPHERDECK_ALG_SM4_CFB, CIPHERDECK_ALG_SM4_OFB,
                                                 CIPHERDECK_ALG_SM4_CTR, CIPHERDECK_ALG_SM4_XTS,
                                                 CIPHERDECK_ALG_ZUC_EEA3};
    const std::size_t choice = m_data.ConsumeIntegralInRange<std::size_t>(0, 15);
    if (choice == 15) return m_data.ConsumeIntegral<std::uint32_t>();
    switch (opcode) {
      case CIPHERDECK_OP_ENCRYPT:
      case CIPHERDECK_OP_DECRYPT:
        return kCiphers[choice % std::size(kCiphers)];
      case CIPHERDECK_OP_KEY_GENERATE_KEK:
      case CIPHERDECK_OP_KEY_IMPORT_KEK:
        return kCiphers[choice % 2];
      case CIPHERDECK_OP_MAC:
        return choice % 2 == 0 ? CIPHERDECK_ALG_SM4_MAC : CIPHERDECK_ALG_ZUC_EIA3;
      case CIPHERDECK_OP_AUTH_ENCRYPT:
      case CIPHERDECK_OP_AUTH_DECRYPT:
        return choice % 2 == 0 ? CIPHERDECK_ALG_SM4_GCM : CIPHERDECK_ALG_SM4_CCM;
      case CIPHERDECK_OP_HASH_INIT:
      case CIPHERDECK_OP_HASH:
      case CIPHERDECK_OP_HMAC_INIT:
        return CIPHERDECK_ALG_SM3;
      case CIPHERDECK_OP_SM9_ENCRYPT:
      case CIPHERDECK_OP_SM9_DECRYPT:
      case CIPHERDECK_OP_SM9_DECRYPT_EXTERNAL:
        return choice < 8 ? CIPHERDECK_ALG_SM9_ENCRYPT : kCiphers[choice % 4];
      default:
        return CIPHERDECK_ALG_SM2;
    }
  }
  std::uint64_t argument(std::uint16_t opcode) {
    const std::size_t choice = m_data.ConsumeIntegralInRange<std::size_t>(0, 15);
    if (choice == 15) return m_data.ConsumeIntegral<std::uint64_t>();
    if (opcode == CIPHERDECK_OP_PUBLIC_KEY_EXPORT || opcode == CIPHERDECK_OP_SM9_ID_EXPORT ||
        opcode == CIPHERDECK_OP_SM9_MASTER_EXPORT) {
      return choice % 2 + 1;
    }
    if (opcode == CIPHERDECK_OP_SM9_SIGN) return choice % 2;
    if (opcode >= CIPHERDECK_OP_SM9_KEY_GENERATE && opcode <= CIPHERDECK_OP_SM9_AGREEMENT_RESPOND) {
      return std::uint64_t{choice % 2} << 32 | (choice < 8 ? 128 : 256);
    }
    if (opcode == CIPHERDECK_OP_AUTH_ENCRYPT || opcode == CIPHERDECK_OP_AUTH_DECRYPT)
      return choice + 3;
    return choice % 2 == 0 ? 128 : 256;
  }
  // Points of the curve, for where public keys go.
  void put_points(const cipherdeck_extent& at) {
    for (std::uint32_t i = 0; i + 64 <= at.len && i < 128; i += 64) {
      if (at.offset > m_tenant.view().arena_len - i - 64) return;
      std::memcpy(m_tenant.view().arena + at.offset + i, m_point.bytes().data(), 64);
    }
  }
  // The right access code, so that what is behind it is reached.
  cipherdeck_command access_command() {
    std::memcpy(m_tenant.view().arena, kCode.data(), kCode.size());
    return {.opcode = CIPHERDECK_OP_KEY_ACCESS_GET,
            .session = session(),
            .key = m_data.ConsumeIntegralInRange(0U, 1U),
            .input = {0, static_cast<std::uint32_t>(kCode.size())}};
  }
  // A command that is nearly right.
  cipherdeck_command command() {
    using card::command::Need;
    const auto specs = card::command::all_specs();
    const auto& spec = specs[m_data.ConsumeIntegralInRange<std::size_t>(0, specs.size() - 1)];
    cipherdeck_command made{
        .opcode = spec.opcode,
        .session = spec.session == Need::absent ? 0 : session(),
        .input = extent(spec.input),
        .output = extent(spec.output),
        .params = extent(spec.params),
        .aux = extent(spec.aux),
    };
    if (spec.has_key) made.key = key(spec.opcode);
    if (spec.has_algorithm) made.algorithm = algorithm(spec.opcode);
    if (spec.has_arg) made.arg[0] = argument(spec.opcode);
    if (spec.opcode < CIPHERDECK_OP_ENCRYPT && m_data.ConsumeBool()) {
      put_points(made.params);
      put_points(made.aux);
    }
    return made;
  }

  FuzzedDataProvider& m_data;
  const engine::Sm2PublicKey m_point;
  Scheduler& m_scheduler;
  Tenant m_tenant;
  std::array<std::uint32_t, 6> m_handles{};
  std::size_t m_next_handle = 0;
  bool m_forged = false;  // the completions may be the fuzzer's own
};

void run(const std::uint8_t* bytes, std::size_t len) {
  static Keys keys;
  keys.unlock();
  static const std::atomic<std::uint32_t> state{CIPHERDECK_CARD_READY};
  static FixedRandom random;
  static card::away::Coprocessor coprocessor("coprocessor", random);
  const card::command::Services services{
      keys.partitions, state,
      keys.random,     [](card::FunctionNumber) { return cipherdeck_identity{}; },
      nullptr,         &coprocessor};
  std::array<card::command::FunctionCounters, 3> counters;
  FuzzedDataProvider data(bytes, len);
  Scheduler scheduler(services);
  {
    Bystander bystander(scheduler, counters[2]);
    Attacker attacker(data, scheduler, counters[1],
                      keys.partitions.find(1)->key_pair(1)->encrypt.public_key());
    for (int i = 0; i < 200 && data.remaining_bytes() != 0; ++i) {
      attacker.act();
      if (data.ConsumeBool()) continue;
      scheduler.step();
      attacker.reap();
    }
    bystander.check();
  }
  require(counters[1].sessions == 0 && counters[2].sessions == 0, "sessions left");
  require(!scheduler.polling(), "queue pairs left");
}

}  // namespace
}  // namespace cipherdeck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cipherdeck::fuzz::run(data, size);
  return 0;
}
