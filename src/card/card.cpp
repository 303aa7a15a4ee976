// SPDX-License-Identifier: Apache-2.0
#include "card/card.h"

#include "card/away/coprocessor.h"
#include "card/health/commands.h"
#include "card/random/noise_file.h"
#include "card/random/random.h"
#include "card/scheduler/workers.h"
#include "engine/batch.h"
#include "engine/inventory.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>

namespace cipherdeck::card {
namespace {

using health::put_text;
using scheduler::kMaxFunctions;

constexpr std::uint64_t kFeatures =
    CIPHERDECK_FEATURE_RANDOM | CIPHERDECK_FEATURE_SM2 | CIPHERDECK_FEATURE_SM3 |
    CIPHERDECK_FEATURE_SM4 | CIPHERDECK_FEATURE_SM4_AEAD | CIPHERDECK_FEATURE_SM4_XTS |
    CIPHERDECK_FEATURE_AGREEMENT | CIPHERDECK_FEATURE_MULTIPART | CIPHERDECK_FEATURE_RSA |
    CIPHERDECK_FEATURE_VPN | CIPHERDECK_FEATURE_SM9 | CIPHERDECK_FEATURE_ZUC;
constexpr std::uint32_t kSm2Uses = CIPHERDECK_ALG_SM2 | CIPHERDECK_ALG_SM2_SIGN |
                                   CIPHERDECK_ALG_SM2_EXCHANGE | CIPHERDECK_ALG_SM2_ENCRYPT;
constexpr std::uint32_t kSm9Uses = CIPHERDECK_ALG_SM9 | CIPHERDECK_ALG_SM9_SIGN |
                                   CIPHERDECK_ALG_SM9_EXCHANGE | CIPHERDECK_ALG_SM9_ENCRYPT;
constexpr std::uint32_t kModuli = 256 | 1024 | 2048 | 4096;  // of SM2, SM9 and RSA, ORed
constexpr std::uint32_t kSm4Modes =
    CIPHERDECK_ALG_SM4_ECB | CIPHERDECK_ALG_SM4_CBC | CIPHERDECK_ALG_SM4_CFB |
    CIPHERDECK_ALG_SM4_OFB | CIPHERDECK_ALG_SM4_MAC | CIPHERDECK_ALG_SM4_CTR |
    CIPHERDECK_ALG_SM4_XTS | CIPHERDECK_ALG_SM4_GCM | CIPHERDECK_ALG_SM4_CCM;
constexpr std::uint32_t kZuc = CIPHERDECK_ALG_ZUC_EEA3 | CIPHERDECK_ALG_ZUC_EIA3;
constexpr std::uint32_t kHashes = CIPHERDECK_ALG_SM3 | CIPHERDECK_ALG_SM3_HMAC |
                                  CIPHERDECK_ALG_SHA1 | CIPHERDECK_ALG_SHA256 |
                                  CIPHERDECK_ALG_SHA256_HMAC;

template <typename T>
void append(std::vector<std::uint8_t>& to, const T& record) {
  const Bytes bytes = object_bytes(record);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// What the worker is given when the generator could not be made: the card is then FAILED.
class NoRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    wipe(out);
    return Error::random_failed;
  }
};

// Runs `save` on a thread of its own some time after each notify(), and not too often: a tenant
// that tries access codes all day shall not keep the disk busy.
class AccessSaver {
 public:
  explicit AccessSaver(std::function<void()> save) : m_save(std::move(save)) {}
  ~AccessSaver() { stop(); }
  AccessSaver(const AccessSaver&) = delete;
  AccessSaver& operator=(const AccessSaver&) = delete;

  void start() {
    m_thread = std::thread([this] { loop(); });
  }

  void stop() noexcept {
    if (!m_thread.joinable()) return;
    m_stopping.store(true);
    notify();
    m_thread.join();
    m_save();  // what was notified during the last pause
  }

  /// Never blocks.
  void notify() noexcept {
    if (!m_notified.exchange(true)) m_work.release();
  }

 private:
  static constexpr std::chrono::milliseconds kPause{20};

  void loop() {
    while (!m_stopping.load()) {
      m_work.acquire();
      m_notified.store(false);
      m_save();
      if (!m_stopping.load()) std::this_thread::sleep_for(kPause);
    }
  }

  const std::function<void()> m_save;
  std::atomic<bool> m_notified{false};
  std::atomic<bool> m_stopping{false};
  std::counting_semaphore<> m_work{0};
  std::thread m_thread;
};

}  // namespace

class Card::Impl {
 public:
  Impl() : m_access_saver([this] { save_access_failures(); }) {}
  ~Impl() {
    m_workers.reset();
    if (m_monitor) m_monitor->stop();
    m_access_saver.stop();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start(const CardOptions& options);
  Result<QueuePairHandle> attach(std::unique_ptr<scheduler::QueuePair> queue_pair);
  void detach(QueuePairHandle handle) noexcept;
  void kick(QueuePairHandle handle) noexcept { m_workers->kick(handle); }
  ManagementReply manage(const cipherdeck_command& command, Bytes input, Bytes token);
  [[nodiscard]] cipherdeck_identity identity(FunctionNumber function) const;
  [[nodiscard]] std::uint64_t features() const noexcept;
  [[nodiscard]] std::uint32_t state() const noexcept { return m_state.load(); }
  [[nodiscard]] const std::vector<std::string>& messages() const noexcept { return m_messages; }
  void set_num_vfs(std::uint32_t num_vfs) noexcept { m_num_vfs.store(num_vfs); }

 private:
  Result<void> start_random(const CardOptions& options);
  Result<std::unique_ptr<random::Generator>> make_generator();
  Result<void> test(const CardOptions& options);
  Result<void> start_keys(const CardOptions& options);
  [[nodiscard]] RandomSource& random_of(unsigned thread) noexcept;
  void fail(std::uint16_t reason) noexcept;
  void refresh();
  void save_access_failures();
  [[nodiscard]] ManagementReply set_share(const cipherdeck_command& command, Bytes input);
  [[nodiscard]] Result<void> take_share(const cipherdeck_command& command, Bytes input);
  [[nodiscard]] ManagementReply card_status() const;
  [[nodiscard]] ManagementReply function_list() const;
  [[nodiscard]] ManagementReply chip_list() const;
  [[nodiscard]] cipherdeck_function_record function_record(FunctionNumber function) const;

  const std::chrono::steady_clock::time_point m_started = std::chrono::steady_clock::now();
  std::vector<command::FunctionCounters> m_counters =
      std::vector<command::FunctionCounters>(kMaxFunctions);
  std::atomic<std::uint32_t> m_num_vfs{0};
  std::atomic<std::uint32_t> m_state{CIPHERDECK_CARD_UNINITIALISED};
  std::atomic<std::uint16_t> m_reason{CIPHERDECK_STATUS_OK};
  std::vector<std::string> m_messages;  // of start()

  mutable std::mutex m_identity_mutex;  // for what follows, a copy that a worker may read
  std::string m_label;
  std::string m_serial;

  mutable std::mutex m_share_mutex;  // for what follows
  std::vector<scheduler::Share> m_shares = std::vector<scheduler::Share>(kMaxFunctions);

  AccessSaver m_access_saver;
  PartitionTable m_partitions{[this] { m_access_saver.notify(); }};
  std::mutex m_management_mutex;
  std::unique_ptr<Management> m_management;  // null: the card is FAILED

  std::unique_ptr<chip::ChipSet> m_chips;

  std::vector<std::shared_ptr<random::NoiseFile>> m_noise_files;
  std::string m_noise_names;
  NoRandom m_no_random;
  std::unique_ptr<health::Monitor> m_monitor;
  std::vector<std::unique_ptr<RandomSource>> m_randoms;  // the workers', and the coprocessor's
  std::unique_ptr<away::Coprocessor> m_coprocessor;
  std::vector<command::Services> m_services;  // the workers'
  std::unique_ptr<scheduler::Workers> m_workers;
};

// ---- starting ----------------------------------------------------------------------------------

void Card::Impl::fail(std::uint16_t reason) noexcept {
  m_reason.store(reason);
  m_state.store(CIPHERDECK_CARD_FAILED);
}

Result<std::unique_ptr<random::Generator>> Card::Impl::make_generator() {
  auto sources = random::default_sources();
  for (const auto& file : m_noise_files) sources.push_back(random::make_file_source(file));
  return random::Generator::create(std::move(sources),
                                   [this](const std::string& text) { m_monitor->alarm(text); });
}

// One generator for each worker, one for the coprocessor and one for the tests.
Result<void> Card::Impl::start_random(const CardOptions& options) {
  for (const std::filesystem::path& path : options.noise_files) {
    auto file = random::NoiseFile::open(path);
    if (!file) {
      m_messages.push_back("cannot open noise source " + path.string() + ": " +
                           std::string(to_string(file.error())) + ". Check --noise");
      return Error::random_failed;
    }
    m_noise_files.push_back(std::move(*file));
  }
  for (unsigned i = 0; i <= options.workers; ++i) {
    CIPHERDECK_ASSIGN(auto random, make_generator());
    m_noise_names = random->source_names();
    m_randoms.push_back(std::make_unique<health::WatchedRandom>(std::move(random), *m_monitor));
  }
  CIPHERDECK_ASSIGN(auto tested, make_generator());
  m_monitor->set_random(std::move(tested));
  return {};
}

// What is to hold before anything else is trusted. The monitor tells what failed.
Result<void> Card::Impl::test(const CardOptions& options) {
  (void)m_monitor->test_self();
  if (state() == CIPHERDECK_CARD_FAILED) return Error::card_failed;
  CIPHERDECK_TRY(start_random(options));
  if (options.power_on_random_test) {
    (void)m_monitor->test_random(health::Level::power_on, std::thread::hardware_concurrency());
  }
  return state() == CIPHERDECK_CARD_FAILED ? Result<void>(Error::random_failed) : Result<void>();
}

Result<void> Card::Impl::start_keys(const CardOptions& options) {
  CIPHERDECK_TRY(test(options));
  CIPHERDECK_ASSIGN(auto management_random, make_generator());
  std::string why;
  auto store = store::Store::open(options.store, {options.key_file, options.credential}, &why);
  if (!store) {
    m_messages.push_back(why);
    return store.error();
  }
  m_management = std::make_unique<Management>(std::move(*store), std::move(management_random),
                                              m_partitions, [this](FunctionNumber function) {
                                                return function < kMaxFunctions &&
                                                       m_counters[function].queue_pairs.load() != 0;
                                              });
  const auto loaded = m_management->load();
  if (!loaded) m_messages.push_back(m_management->last_error());
  const auto& warnings = m_management->warnings();
  m_messages.insert(m_messages.end(), warnings.begin(), warnings.end());
  return loaded;
}

// The generator of a worker or, after those, of the coprocessor.
RandomSource& Card::Impl::random_of(unsigned thread) noexcept {
  if (thread < m_randoms.size()) return *m_randoms[thread];
  return m_no_random;
}

Result<void> Card::Impl::start(const CardOptions& options) {
  std::vector<engine::SelfTest> tests = options.self_tests;
  for (engine::SelfTest& test : engine::self_tests()) tests.push_back(std::move(test));
  m_monitor = std::make_unique<health::Monitor>(
      std::move(tests), [this](std::uint16_t reason) { fail(reason); }, options.log);
  const auto keys = start_keys(options);
  if (!keys && m_messages.empty()) {
    const std::string fault = m_monitor->summary().fault;
    m_messages.push_back(fault.empty() ? std::string(to_string(keys.error())) : fault);
  }
  if (!keys) m_monitor->fail(keys.status(), m_messages.front());
  refresh();
  m_chips = std::make_unique<chip::ChipSet>(options.chips, options.chip_limits, options.log);
  m_coprocessor = std::make_unique<away::Coprocessor>("card-coproc", random_of(options.workers));
  m_services.reserve(options.workers);
  for (unsigned i = 0; i < options.workers; ++i) {
    m_services.push_back({m_partitions, m_state, random_of(i),
                          [this](FunctionNumber function) { return identity(function); },
                          m_chips.get(), m_coprocessor.get(), options.debugging});
  }
  m_access_saver.start();
  m_monitor->start(options.self_test_interval);
  CIPHERDECK_ASSIGN(m_workers,
                    scheduler::Workers::start(
                        m_services, m_counters,
                        {.cpus = options.cpus,
                         .scheduler = {.poll = options.poll, .batching = options.batching}}));
  return {};
}

// Takes over what a management command or the load has changed.
void Card::Impl::refresh() {
  if (m_management == nullptr) return;
  std::uint32_t before = m_state.load();
  if (m_management->state() == CIPHERDECK_CARD_FAILED) {
    const std::uint16_t reason = m_management->failure_reason();
    const std::string& why = m_management->last_error();
    m_monitor->fail(reason, why.empty() ? std::string(to_string(from_status(reason))) : why);
  } else if (before != CIPHERDECK_CARD_FAILED) {
    // Unless the card fails right now.
    m_state.compare_exchange_strong(before, m_management->state());
  }
  const std::lock_guard lock(m_identity_mutex);
  m_label = m_management->label();
  m_serial = m_management->serial();
}

// ---- queue pairs -------------------------------------------------------------------------------

Result<QueuePairHandle> Card::Impl::attach(std::unique_ptr<scheduler::QueuePair> queue_pair) {
  command::FunctionCounters& counters = m_counters[queue_pair->client.function];
  queue_pair->client.counters = &counters;
  counters.queue_pairs.fetch_add(1);
  auto attached = m_workers->attach(std::move(queue_pair));
  if (!attached) counters.queue_pairs.fetch_sub(1);
  return attached;
}

void Card::Impl::detach(QueuePairHandle handle) noexcept {
  const auto function = m_workers->detach(handle);
  if (function) m_counters[*function].queue_pairs.fetch_sub(1);
}

// ---- management --------------------------------------------------------------------------------

ManagementReply Card::Impl::manage(const cipherdeck_command& command, Bytes input, Bytes token) {
  if (command.opcode == CIPHERDECK_OP_CARD_STATUS) return card_status();
  if (health::has_command(command.opcode)) return health::execute(*m_monitor, command);
  if (command.opcode == CIPHERDECK_OP_CHIP_LIST) return chip_list();
  if (command.opcode == CIPHERDECK_OP_FUNCTION_LIST) return function_list();
  if (command.opcode == CIPHERDECK_OP_FUNCTION_SHARE) return set_share(command, input);
  const std::lock_guard lock(m_management_mutex);
  if (m_management == nullptr || state() == CIPHERDECK_CARD_FAILED) {
    return {.status = CIPHERDECK_STATUS_CARD_FAILED};
  }
  ManagementReply reply = m_management->execute(command, input, token);
  refresh();
  return reply;
}

ManagementReply Card::Impl::set_share(const cipherdeck_command& command, Bytes input) {
  return {.status = take_share(command, input).status()};
}

Result<void> Card::Impl::take_share(const cipherdeck_command& command, Bytes input) {
  cipherdeck_function_share sent{};
  const auto function = static_cast<FunctionNumber>(command.arg[0]);
  const bool has_rest = command.session != 0 || command.key != 0 || command.algorithm != 0 ||
                        command.output.len != 0 || command.params.len != 0 ||
                        command.aux.len != 0 || command.arg[1] != 0;
  if (has_rest || input.size() != sizeof sent) return Error::invalid_command;
  std::memcpy(&sent, input.data(), sizeof sent);
  const scheduler::Share share{sent.weight, sent.committed, sent.peak};
  if (command.arg[0] >= kMaxFunctions || sent.reserved != 0 || !scheduler::is_valid(share)) {
    return Error::invalid_argument;
  }
  const std::lock_guard lock(m_share_mutex);
  std::uint64_t committed = share.committed;
  for (std::size_t i = 0; i < m_shares.size(); ++i) {
    if (i != function) committed += m_shares[i].committed;
  }
  if (committed > scheduler::kMaxCommitted) return Error::limit;
  m_shares[function] = share;
  m_workers->set_share(function, share);
  return {};
}

void Card::Impl::save_access_failures() {
  const std::lock_guard lock(m_management_mutex);
  // What cannot be stored now is kept, and goes with the next change.
  if (m_management != nullptr) (void)m_management->flush_access_failures();
}

cipherdeck_function_record Card::Impl::function_record(FunctionNumber function) const {
  const command::FunctionCounters& counters = m_counters[function];
  const auto partition = m_partitions.bound_to(function);
  const std::lock_guard lock(m_share_mutex);
  const scheduler::Share& share = m_shares[function];
  return {.function = function,
          .partition = partition ? partition->id() : 0,
          .num_queue_pairs = counters.queue_pairs.load(),
          .num_sessions = counters.sessions.load(),
          .commands = counters.commands.load(),
          .bytes = counters.bytes.load(),
          .engine_ns = counters.engine_ns.load(),
          .share = {.weight = share.weight, .committed = share.committed, .peak = share.peak}};
}

ManagementReply Card::Impl::function_list() const {
  ManagementReply reply;
  const auto last = std::min<std::size_t>(m_num_vfs.load(), CIPHERDECK_TOTAL_VFS);
  for (FunctionNumber function = 0; function <= last; ++function) {
    append(reply.output, function_record(function));
  }
  reply.value = static_cast<std::uint32_t>(last + 1);
  return reply;
}

ManagementReply Card::Impl::chip_list() const {
  ManagementReply reply;
  for (const cipherdeck_chip_record& record : m_chips->records()) {
    append(reply.output, record);
    ++reply.value;
  }
  return reply;
}

ManagementReply Card::Impl::card_status() const {
  cipherdeck_card_status status{};
  status.state = state();
  status.reason = m_reason.load();
  {
    const std::lock_guard lock(m_identity_mutex);
    put_text(status.label, m_label);
    put_text(status.serial, m_serial);
  }
  put_text(status.version, CIPHERDECK_VERSION_TEXT);
  put_text(status.engines, engine::describe());
  put_text(status.random, m_noise_names);
  status.num_partitions = static_cast<std::uint32_t>(m_partitions.all().size());
  status.num_vfs = m_num_vfs.load();
  for (const command::FunctionCounters& counters : m_counters) {
    status.num_queue_pairs += counters.queue_pairs.load();
    status.num_sessions += counters.sessions.load();
    status.commands += counters.commands.load();
  }
  const auto uptime = std::chrono::steady_clock::now() - m_started;
  status.uptime_s =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(uptime).count());
  ManagementReply reply;
  append(reply.output, status);
  return reply;
}

std::uint64_t Card::Impl::features() const noexcept {
  const bool has_sm1 = (m_chips->abilities() & CIPHERDECK_ALG_SM1) != 0;
  return has_sm1 ? kFeatures | CIPHERDECK_FEATURE_CHIP_SM1 : kFeatures;
}

cipherdeck_identity Card::Impl::identity(FunctionNumber function) const {
  cipherdeck_identity identity{};
  put_text(identity.issuer, "CipherDeck project");
  put_text(identity.name, "CipherDeck");
  {
    const std::lock_guard lock(m_identity_mutex);
    // GM/T 0018: 16 characters, without a zero byte at the end.
    std::memcpy(identity.serial, m_serial.data(),
                std::min(m_serial.size(), sizeof identity.serial));
  }
  const auto partition = m_partitions.bound_to(function);
  identity.device_version = CIPHERDECK_VERSION;
  identity.standard_version = 2;  // GM/T 0018-2023
  identity.asym_alg_ability[0] = kSm2Uses | kSm9Uses | CIPHERDECK_ALG_RSA;
  identity.asym_alg_ability[1] = kModuli;
  identity.sym_alg_ability = kSm4Modes | kZuc | m_chips->abilities();
  identity.hash_alg_ability = kHashes;
  identity.max_data_len = CIPHERDECK_MAX_DATA_LEN;
  identity.function = function;
  identity.partition = partition ? partition->id() : 0;
  identity.max_sessions = session::kMaxSessions;
  identity.max_keys = session::kMaxKeys;
  identity.failure = m_reason.load();
  identity.features = features();
  return identity;
}

// ---- Card --------------------------------------------------------------------------------------

Card::Card(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Card::~Card() = default;

Result<std::unique_ptr<Card>> Card::open(const CardOptions& options) {
  if (options.workers < 1 || options.workers > kMaxWorkers) return Error::invalid_argument;
  auto impl = std::make_unique<Impl>();
  CIPHERDECK_TRY(impl->start(options));
  return std::unique_ptr<Card>(new Card(std::move(impl)));
}

Result<QueuePairHandle> Card::attach(FunctionNumber function, const ring::QueueMemory& memory,
                                     std::shared_ptr<InterruptLine> interrupt,
                                     std::chrono::microseconds moderation) {
  CIPHERDECK_TRY(ring::check_entries(memory.entries));
  const bool complete = memory.submission != nullptr && memory.completion != nullptr &&
                        memory.arena != nullptr && memory.doorbell != nullptr && interrupt;
  if (function >= kMaxFunctions || !complete || moderation.count() < 0) {
    return Error::invalid_argument;
  }
  auto queue_pair = std::make_unique<scheduler::QueuePair>();
  queue_pair->client.function = function;
  queue_pair->client.end = ring::DeviceEnd(memory);
  queue_pair->client.end.start();
  queue_pair->interrupt = std::move(interrupt);
  queue_pair->moderation = moderation;
  return m_impl->attach(std::move(queue_pair));
}

void Card::detach(QueuePairHandle handle) noexcept { m_impl->detach(handle); }

void Card::kick(QueuePairHandle handle) noexcept { m_impl->kick(handle); }

ManagementReply Card::manage(const cipherdeck_command& command, Bytes input, Bytes token) {
  return m_impl->manage(command, input, token);
}

cipherdeck_identity Card::identity(FunctionNumber function) const {
  return m_impl->identity(function);
}

std::uint64_t Card::features() const noexcept { return m_impl->features(); }

std::uint32_t Card::state() const noexcept { return m_impl->state(); }
const std::vector<std::string>& Card::messages() const noexcept { return m_impl->messages(); }

void Card::set_num_vfs(std::uint32_t num_vfs) noexcept { m_impl->set_num_vfs(num_vfs); }

}  // namespace cipherdeck::card
