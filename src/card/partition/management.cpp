// SPDX-License-Identifier: Apache-2.0
#include "card/partition/management.h"

#include "card/partition/management_request.h"
#include "card/rsa/rsa.h"
#include "engine/sm4/sm4.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <optional>

namespace cipherdeck::card {
namespace {

std::uint64_t now_seconds() noexcept { return static_cast<std::uint64_t>(std::time(nullptr)); }

bool is_absent(const cipherdeck_extent& extent) noexcept {
  return extent.offset == 0 && extent.len == 0;
}

bool is_well_formed(const cipherdeck_command& command, Bytes input, Bytes token,
                    unsigned operands) noexcept {
  return command.session == 0 && command.algorithm == 0 && is_absent(command.aux) &&
         command.params.len == token.size() &&
         (token.empty() || token.size() == CIPHERDECK_TOKEN_LEN) &&
         ((operands & kInput) != 0 || input.empty()) &&
         ((operands & kKey) != 0 || command.key == 0) &&
         ((operands & kArg0) != 0 || command.arg[0] == 0) &&
         ((operands & kArg1) != 0 || command.arg[1] == 0);
}

// The passphrase in CARD_INIT, CARD_PROTECT.
bool is_protection(std::uint64_t kind, Bytes passphrase) noexcept {
  return kind <= CIPHERDECK_PROTECT_CREDENTIAL &&
         (kind == CIPHERDECK_PROTECT_PASSPHRASE) == !passphrase.empty();
}

// The partition that a command is about, for permissions and the audit trail; 0: none.
PartitionId partition_of(const cipherdeck_command& command) noexcept {
  std::uint64_t id = 0;
  switch (command.opcode) {
    case CIPHERDECK_OP_PARTITION_REMOVE:
    case CIPHERDECK_OP_PARTITION_ZEROIZE:
    case CIPHERDECK_OP_PARTITION_BACKUP:
    case CIPHERDECK_OP_KEY_PAIR_GENERATE:
    case CIPHERDECK_OP_KEK_GENERATE:
    case CIPHERDECK_OP_KEY_REMOVE:
    case CIPHERDECK_OP_ACCESS_CODE_SET:
      id = command.arg[0];
      break;
    case CIPHERDECK_OP_FUNCTION_BIND:
    case CIPHERDECK_OP_ROLE_ADD:
      id = command.arg[1];
      break;
    default:
      break;
  }
  return id > std::numeric_limits<PartitionId>::max() ? 0 : static_cast<PartitionId>(id);
}

// As people name it, in the audit trail.
std::string key_subject(std::uint64_t kind, std::uint32_t index) {
  static constexpr const char* kKinds[] = {"key",
                                           "pair",
                                           "kek",
                                           "rsa",
                                           "sm9-sign-master",
                                           "sm9-encrypt-master",
                                           "sm9-sign-user",
                                           "sm9-encrypt-user",
                                           "symmetric"};
  return std::string(kind < std::size(kKinds) ? kKinds[kind] : "key") + ' ' + std::to_string(index);
}

bool is_valid_label(Bytes label) noexcept {
  return label.size() <= kMaxLabelLen &&
         std::all_of(label.begin(), label.end(),
                     [](std::uint8_t c) { return c >= 0x20 && c < 0x7f; });
}

bool is_name_character(std::uint8_t c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool is_user_index(std::uint32_t index) noexcept { return index >= 1 && index <= kMaxKeyIndex; }

bool is_kind(std::uint64_t kind) noexcept {
  return kind == CIPHERDECK_KEY_PAIR || kind == CIPHERDECK_KEY_KEK || kind == CIPHERDECK_KEY_RSA ||
         kind == CIPHERDECK_KEY_SYMMETRIC || is_sm9_kind(kind);
}

bool has_access_code(std::uint64_t kind) noexcept {
  return is_kind(kind) && kind != CIPHERDECK_KEY_SM9_SIGN_MASTER &&
         kind != CIPHERDECK_KEY_SM9_ENCRYPT_MASTER;
}

// What a command is done to, for the audit trail. Nothing of an input that may hold a secret.
std::string subject_of(const cipherdeck_command& command, Bytes input) {
  switch (command.opcode) {
    case CIPHERDECK_OP_PARTITION_CREATE:
      return is_valid_name(input) ? text_of(input) : "";
    case CIPHERDECK_OP_PARTITION_BACKUP:
      return std::to_string(command.arg[1] & 0xff) + " of " + std::to_string(command.arg[1] >> 8);
    case CIPHERDECK_OP_PARTITION_RESTORE:
      if (command.arg[0] > std::min(input.size(), kMaxPartitionNameLen)) return {};
      input = input.first(static_cast<std::size_t>(command.arg[0]));
      return is_valid_name(input) ? text_of(input) : "";
    case CIPHERDECK_OP_FUNCTION_BIND:
      return "function " + std::to_string(command.arg[0]);
    case CIPHERDECK_OP_KEY_PAIR_GENERATE:
      return key_subject(CIPHERDECK_KEY_PAIR, command.key);
    case CIPHERDECK_OP_KEK_GENERATE:
      return key_subject(CIPHERDECK_KEY_KEK, command.key);
    case CIPHERDECK_OP_RSA_KEY_PAIR_GENERATE:
      return key_subject(CIPHERDECK_KEY_RSA, command.key);
    case CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE:
      return key_subject(CIPHERDECK_KEY_SYMMETRIC, command.key);
    case CIPHERDECK_OP_SM9_MASTER_GENERATE:
    case CIPHERDECK_OP_SM9_USER_KEY_GENERATE:
    case CIPHERDECK_OP_KEY_REMOVE:
    case CIPHERDECK_OP_ACCESS_CODE_SET:
      return key_subject(command.arg[1], command.key);
    case CIPHERDECK_OP_ROLE_REMOVE:
      return is_user_name(input) ? text_of(input) : "";
    case CIPHERDECK_OP_LOGIN:
    case CIPHERDECK_OP_ROLE_ADD:
    case CIPHERDECK_OP_PASSWORD_SET:
      return name_in(command, input);
    case CIPHERDECK_OP_AUDIT_CLEAR:
      return "to record " + std::to_string(command.arg[0]);
    default:
      return {};
  }
}

cipherdeck_key_record record_of(const Partition& partition, const KeyPair& key_pair) {
  cipherdeck_key_record record{};
  record.index = key_pair.index;
  record.kind = CIPHERDECK_KEY_PAIR;
  record.bits = 256;
  record.locked =
      partition.access_failures(CIPHERDECK_KEY_PAIR, key_pair.index) >= kMaxAccessFailures;
  record.created = key_pair.created;
  std::memcpy(record.sign_public_key, key_pair.sign.public_key().bytes().data(), 64);
  std::memcpy(record.encrypt_public_key, key_pair.encrypt.public_key().bytes().data(), 64);
  return record;
}

cipherdeck_key_record record_of(const Partition& partition, const Kek& kek) {
  cipherdeck_key_record record{};
  record.index = kek.index;
  record.kind = CIPHERDECK_KEY_KEK;
  record.bits = kek.bits;
  record.locked = partition.access_failures(CIPHERDECK_KEY_KEK, kek.index) >= kMaxAccessFailures;
  record.created = kek.created;
  return record;
}

cipherdeck_key_record record_of(const Partition& partition, const OtherKey& key) {
  cipherdeck_key_record record{};
  record.index = key.index;
  record.kind = key.kind;
  record.bits = key.material->bits();
  record.locked = partition.access_failures(key.kind, key.index) >= kMaxAccessFailures;
  record.created = key.created;
  return record;
}

// The public key or identity of an SM9 key, in 128 bytes.
struct Sm9PublicPart {
  std::uint8_t* to;

  void operator()(const engine::Sm9SignMasterKey& key) const {
    std::memcpy(to, key.public_key().bytes().data(), engine::kSm9G2Len);
  }
  void operator()(const engine::Sm9EncryptMasterKey& key) const {
    std::memcpy(to + engine::kSm9G1Len, key.public_key().bytes().data(), engine::kSm9G1Len);
  }
  template <typename UserKey>
  void operator()(const UserKey&) const {}
};

cipherdeck_key_record record_of(const Partition& partition, const Sm9Key& key) {
  cipherdeck_key_record record{};
  record.index = key.index;
  record.kind = key.kind();
  record.bits = 256;
  record.locked = partition.access_failures(key.kind(), key.index) >= kMaxAccessFailures;
  record.created = key.created;
  std::array<std::uint8_t, 128> part{};
  static_assert(sizeof record.sign_public_key + sizeof record.encrypt_public_key == part.size());
  std::visit(Sm9PublicPart{part.data()}, key.value);
  std::memcpy(part.data(), key.id.data(), key.id.size());
  std::memcpy(record.sign_public_key, part.data(), 64);
  std::memcpy(record.encrypt_public_key, part.data() + 64, 64);
  record.id_len = static_cast<std::uint32_t>(key.id.size());
  return record;
}

// A right code after wrong ones is none of the trail's business.
std::optional<store::Act> act_of(const Partition& partition, const AccessFailures& failures) {
  if (failures.count == 0) return std::nullopt;
  const std::uint16_t opcode = failures.kind == CIPHERDECK_KEY_KEK ? CIPHERDECK_OP_KEK_ACCESS_GET
                                                                   : CIPHERDECK_OP_KEY_ACCESS_GET;
  const bool locked = failures.count >= kMaxAccessFailures;
  return store::Act{"", opcode, partition.id(),
                    key_subject(failures.kind, failures.index) + ", " +
                        std::to_string(failures.count) + " wrong in a row",
                    static_cast<std::uint16_t>(locked ? CIPHERDECK_STATUS_LOCKED_OUT
                                                      : CIPHERDECK_STATUS_ACCESS_DENIED)};
}

// Appends the keys from index `first` on, as many as fit, and counts all of them.
template <typename Key>
void list_keys(ManagementReply& reply, const Partition& partition,
               const std::vector<std::shared_ptr<const Key>>& keys, std::uint32_t first) {
  for (const std::shared_ptr<const Key>& key : keys) {
    if (key->index < first) continue;
    ++reply.value;
    if (reply.output.size() + sizeof(cipherdeck_key_record) > CIPHERDECK_MAX_DATA_LEN) continue;
    append(reply.output, record_of(partition, *key));
  }
}

// The user's key for `kind`, from a master key of the partition.
Result<Sm9Key::Value> extract_user_key(const Partition& partition, std::uint32_t kind,
                                       std::uint32_t master, Bytes id) {
  if (kind == CIPHERDECK_KEY_SM9_SIGN_USER) {
    const auto found = partition.sm9_key(CIPHERDECK_KEY_SM9_SIGN_MASTER, master);
    if (found == nullptr) return Error::key_not_found;
    CIPHERDECK_ASSIGN(auto key, std::get<engine::Sm9SignMasterKey>(found->value).extract(id));
    return Sm9Key::Value(std::move(key));
  }
  const auto found = partition.sm9_key(CIPHERDECK_KEY_SM9_ENCRYPT_MASTER, master);
  if (found == nullptr) return Error::key_not_found;
  const auto& from = std::get<engine::Sm9EncryptMasterKey>(found->value);
  CIPHERDECK_ASSIGN(auto encrypt, from.extract(id, engine::Sm9Use::encrypt));
  CIPHERDECK_ASSIGN(auto exchange, from.extract(id, engine::Sm9Use::exchange));
  return Sm9Key::Value(Sm9EncryptUserKeys{encrypt, exchange});
}

}  // namespace

bool is_valid_name(Bytes name) noexcept {
  return !name.empty() && name.size() <= kMaxPartitionNameLen &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

const Management::Handler* Management::find_handler(std::uint16_t opcode) noexcept {
  using M = Management;
  static constexpr Handler kHandlers[] = {
      {CIPHERDECK_OP_CARD_INIT, kInput | kArg0 | kArg1, &M::card_init},
      {CIPHERDECK_OP_CARD_UNLOCK, kInput, &M::card_unlock},
      {CIPHERDECK_OP_CARD_PROTECT, kInput | kArg0, &M::card_protect},
      {CIPHERDECK_OP_CARD_ZEROIZE, 0, &M::card_zeroize},
      {CIPHERDECK_OP_PARTITION_CREATE, kInput, &M::partition_create},
      {CIPHERDECK_OP_PARTITION_LIST, 0, &M::partition_list},
      {CIPHERDECK_OP_PARTITION_REMOVE, kArg0, &M::partition_remove},
      {CIPHERDECK_OP_PARTITION_ZEROIZE, kArg0, &M::partition_zeroize},
      {CIPHERDECK_OP_PARTITION_BACKUP, kArg0 | kArg1, &M::partition_backup},
      {CIPHERDECK_OP_PARTITION_RESTORE, kInput | kArg0 | kArg1, &M::partition_restore},
      {CIPHERDECK_OP_FUNCTION_BIND, kArg0 | kArg1, &M::function_bind},
      {CIPHERDECK_OP_KEY_PAIR_GENERATE, kInput | kKey | kArg0, &M::key_pair_generate},
      {CIPHERDECK_OP_KEK_GENERATE, kInput | kKey | kArg0 | kArg1, &M::kek_generate},
      {CIPHERDECK_OP_SM9_MASTER_GENERATE, kKey | kArg0 | kArg1, &M::sm9_master_generate},
      {CIPHERDECK_OP_SM9_USER_KEY_GENERATE, kInput | kKey | kArg0 | kArg1,
       &M::sm9_user_key_generate},
      {CIPHERDECK_OP_KEY_LIST, kKey | kArg0 | kArg1, &M::key_list},
      {CIPHERDECK_OP_KEY_REMOVE, kKey | kArg0 | kArg1, &M::key_remove},
      {CIPHERDECK_OP_ACCESS_CODE_SET, kInput | kKey | kArg0 | kArg1, &M::access_code_set},
      {CIPHERDECK_OP_RSA_KEY_PAIR_GENERATE, kInput | kKey | kArg0 | kArg1,
       &M::rsa_key_pair_generate},
      {CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE, kInput | kKey | kArg0 | kArg1,
       &M::symmetric_key_generate},
      {CIPHERDECK_OP_LOGIN, kInput | kKey, &M::login},
      {CIPHERDECK_OP_LOGOUT, 0, &M::logout},
      {CIPHERDECK_OP_LOGIN_CHECK, kArg0 | kArg1, &M::login_check},
      {CIPHERDECK_OP_ROLE_ADD, kInput | kKey | kArg0 | kArg1, &M::role_add},
      {CIPHERDECK_OP_ROLE_LIST, 0, &M::role_list},
      {CIPHERDECK_OP_ROLE_REMOVE, kInput, &M::role_remove},
      {CIPHERDECK_OP_PASSWORD_SET, kInput | kKey, &M::password_set},
      {CIPHERDECK_OP_AUDIT_LIST, kArg0 | kArg1, &M::audit_list},
      {CIPHERDECK_OP_AUDIT_VERIFY, 0, &M::audit_verify},
      {CIPHERDECK_OP_AUDIT_CLEAR, kArg0, &M::audit_clear},
  };
  const auto* const found = std::find_if(std::begin(kHandlers), std::end(kHandlers),
                                         [opcode](const Handler& h) { return h.opcode == opcode; });
  return found == std::end(kHandlers) ? nullptr : found;
}

Management::Management(std::unique_ptr<store::Store> store,
                       std::unique_ptr<random::Generator> random, PartitionTable& partitions,
                       std::function<bool(FunctionNumber)> busy)
    : m_store(std::move(store)),
      m_random(std::move(random)),
      m_partitions(partitions),
      m_busy(std::move(busy)) {}

Result<void> Management::load() {
  const Result<void> loaded = load_all();
  if (!loaded) m_failure = loaded.status();
  return loaded;
}

Result<void> Management::load_all() {
  if (!m_store->initialised() || m_store->locked()) return {};
  CIPHERDECK_ASSIGN(m_users, m_store->users());
  CIPHERDECK_ASSIGN(const auto partitions, m_store->load_partitions());
  CIPHERDECK_ASSIGN(const auto bindings, m_store->load_bindings());
  for (const std::shared_ptr<Partition>& partition : partitions) m_partitions.put(partition);
  for (const auto& binding : bindings) m_partitions.bind(binding.first, binding.second);
  return {};
}

std::uint32_t Management::state() const noexcept {
  if (m_failure != CIPHERDECK_STATUS_OK) return CIPHERDECK_CARD_FAILED;
  if (!m_store->initialised()) return CIPHERDECK_CARD_UNINITIALISED;
  return m_store->locked() ? CIPHERDECK_CARD_LOCKED : CIPHERDECK_CARD_READY;
}

std::string Management::label() const { return m_store->label(); }
std::string Management::serial() const { return m_store->serial(); }

ManagementReply Management::execute(const cipherdeck_command& command, Bytes input, Bytes token) {
  ManagementReply reply;
  const Result<void> result = run(command, input, token, reply);
  if (result.ok()) return reply;
  // A generator that has failed stays so, and without it the card keeps no promise.
  if (result.error() == Error::random_failed) m_failure = result.status();
  wipe(reply.output);
  return {result.status(), 0, {}};
}

Result<void> Management::check_state(std::uint16_t opcode) const {
  if (m_failure != CIPHERDECK_STATUS_OK) return Error::card_failed;
  if (!m_store->initialised() && opcode != CIPHERDECK_OP_CARD_INIT) return Error::not_initialised;
  if (m_store->locked() && opcode != CIPHERDECK_OP_CARD_UNLOCK) return Error::card_locked;
  return {};
}

Result<const store::User*> Management::authorise(const cipherdeck_command& command, Bytes token) {
  const store::User* const user = m_logins.find(token, std::chrono::steady_clock::now());
  const Right right = right_for(command.opcode);
  if (m_users.empty() || right == Right::none) return user;
  if (user == nullptr) return Error::login_required;
  if (!has_right(*user, right, partition_of(command))) return Error::role_denied;
  return user;
}

Result<void> Management::run(const cipherdeck_command& command, Bytes input, Bytes token,
                             ManagementReply& reply) {
  const Handler* const handler = find_handler(command.opcode);
  if (handler == nullptr) return Error::not_supported;
  if (!is_well_formed(command, input, token, handler->operands)) return Error::invalid_command;
  CIPHERDECK_TRY(check_state(command.opcode));
  const auto user = authorise(command, token);
  const store::User* const known =
      user ? *user : m_logins.find(token, std::chrono::steady_clock::now());
  store::Act act{known == nullptr ? "" : known->name, command.opcode, partition_of(command),
                 subject_of(command, input), user.status()};
  if (!user) {
    if (is_recorded(command.opcode)) (void)m_store->record(act);
    return user.error();
  }
  const Request request{command, input, token, *user};
  if (is_recorded(command.opcode)) return run_recorded(*handler, request, std::move(act), reply);
  return (this->*handler->handle)(request, reply);
}

// A change is recorded in its own transaction, or does not happen; what changed nothing is recorded
// after it, if the trail takes it.
Result<void> Management::run_recorded(const Handler& handler, const Request& request,
                                      store::Act act, ManagementReply& reply) {
  m_store->set_act(act);
  const Result<void> result = (this->*handler.handle)(request, reply);
  const bool pending = m_store->act_pending();
  m_store->set_act(std::nullopt);
  if (result.ok() && !pending) return {};
  act.outcome = result.status();
  (void)m_store->record(act);
  return result;
}

Result<std::shared_ptr<Partition>> Management::find_partition(std::uint64_t id) const {
  if (id == 0 || id > std::numeric_limits<PartitionId>::max()) return Error::not_found;
  std::shared_ptr<Partition> partition = m_partitions.find(static_cast<PartitionId>(id));
  if (partition == nullptr) return Error::not_found;
  return partition;
}

Result<void> Management::card_init(const Request& request, ManagementReply&) {
  const cipherdeck_command& command = request.command;
  if (command.arg[1] > request.input.size()) return Error::invalid_command;
  const auto passphrase_len = static_cast<std::size_t>(command.arg[1]);
  const Bytes name = request.input.first(request.input.size() - passphrase_len);
  const Bytes passphrase = request.input.last(passphrase_len);
  if (!is_valid_label(name) || !is_protection(command.arg[0], passphrase)) {
    return Error::invalid_argument;
  }
  return m_store->initialise(name.empty() ? "CipherDeck" : text_of(name), *m_random,
                             static_cast<store::ProtectionKind>(command.arg[0]), passphrase);
}

Result<void> Management::card_unlock(const Request& request, ManagementReply&) {
  if (!m_store->locked()) return Error::exists;
  const unsigned wrong = m_guesses.wrong({});
  CIPHERDECK_TRY(guess({}, [&] { return m_store->unlock(request.input); }));
  CIPHERDECK_TRY(load());
  if (wrong == 0) return {};
  // Those could not be recorded when they came: the trail's key was locked too.
  return m_store->record({"", CIPHERDECK_OP_CARD_UNLOCK, 0,
                          std::to_string(wrong) + " wrong passphrases before",
                          CIPHERDECK_STATUS_WRONG_PASSWORD});
}

Result<void> Management::card_protect(const Request& request, ManagementReply&) {
  if (!is_protection(request.command.arg[0], request.input)) return Error::invalid_argument;
  return m_store->protect(static_cast<store::ProtectionKind>(request.command.arg[0]), request.input,
                          *m_random);
}

Result<void> Management::card_zeroize(const Request&, ManagementReply&) {
  for (const auto& partition : m_partitions.all()) m_partitions.remove(partition->id());
  m_users.clear();
  m_logins.close_all();
  return m_store->zeroize();
}

Result<void> Management::partition_create(const Request& request, ManagementReply& reply) {
  if (!is_valid_name(request.input)) return Error::invalid_argument;
  if (m_partitions.all().size() >= kMaxPartitions) return Error::limit;
  const std::string name = text_of(request.input);
  CIPHERDECK_ASSIGN(const auto device_key, make_key_pair(0, {}));
  CIPHERDECK_ASSIGN(const PartitionId id, m_store->create_partition(name, *device_key, *m_random));
  const auto partition = std::make_shared<Partition>(id, name);
  partition->put(device_key);
  m_partitions.put(partition);
  reply.value = id;
  return {};
}

Result<void> Management::partition_list(const Request&, ManagementReply& reply) {
  const std::map<FunctionNumber, PartitionId> bindings = m_partitions.bindings();
  for (const std::shared_ptr<Partition>& partition : m_partitions.all()) {
    cipherdeck_partition_record record{};
    record.id = partition->id();
    record.num_key_pairs = static_cast<std::uint32_t>(partition->key_pairs().size());
    record.num_keks = static_cast<std::uint32_t>(partition->keks().size());
    record.num_functions = static_cast<std::uint32_t>(std::count_if(
        bindings.begin(), bindings.end(),
        [&partition](const auto& binding) { return binding.second == partition->id(); }));
    const std::size_t len = std::min(partition->name().size(), sizeof record.name - 1);
    std::memcpy(record.name, partition->name().data(), len);
    append(reply.output, record);
    ++reply.value;
  }
  return {};
}

Result<void> Management::partition_remove(const Request& request, ManagementReply&) {
  const std::uint64_t arg = request.command.arg[0];
  if (arg == 0 || arg > std::numeric_limits<PartitionId>::max()) return Error::not_found;
  const auto id = static_cast<PartitionId>(arg);
  for (const auto& binding : m_partitions.bindings()) {
    if (binding.second == id) return Error::busy;
  }
  // Not looked for in memory first: a damaged partition is in the store only.
  CIPHERDECK_TRY(m_store->remove_partition(id));
  forget_partition(id);
  return {};
}

Result<void> Management::partition_zeroize(const Request& request, ManagementReply&) {
  const std::uint64_t id = request.command.arg[0];
  if (id == 0 || id > std::numeric_limits<PartitionId>::max()) return Error::not_found;
  CIPHERDECK_TRY(m_store->zeroize_partition(static_cast<PartitionId>(id)));
  forget_partition(static_cast<PartitionId>(id));
  return {};
}

void Management::forget_partition(PartitionId id) {
  m_partitions.remove(id);
  m_logins.close_partition(id);
  std::erase_if(m_users, [id](const store::User& user) { return user.partition == id; });
}

Result<void> Management::function_bind(const Request& request, ManagementReply&) {
  if (request.command.arg[0] > CIPHERDECK_TOTAL_VFS) return Error::invalid_argument;
  const auto function = static_cast<FunctionNumber>(request.command.arg[0]);
  PartitionId id = 0;
  if (request.command.arg[1] != 0) {
    CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[1]));
    id = partition->id();
  }
  const std::map<FunctionNumber, PartitionId> bindings = m_partitions.bindings();
  const auto bound = bindings.find(function);
  if ((bound == bindings.end() ? 0 : bound->second) == id) return {};
  if (m_busy && m_busy(function)) return Error::busy;
  CIPHERDECK_TRY(m_store->bind(function, id));
  m_partitions.bind(function, id);
  return {};
}

Result<std::shared_ptr<const KeyPair>> Management::make_key_pair(std::uint32_t index,
                                                                 Bytes access_code) {
  CIPHERDECK_ASSIGN(const AccessVerifier access, make_access_verifier(access_code, *m_random));
  CIPHERDECK_ASSIGN(const auto sign, engine::Sm2PrivateKey::generate(*m_random));
  CIPHERDECK_ASSIGN(const auto encrypt, engine::Sm2PrivateKey::generate(*m_random));
  return std::make_shared<const KeyPair>(KeyPair{index, now_seconds(), sign, encrypt, access});
}

Result<void> Management::key_pair_generate(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  if (!is_user_index(request.command.key)) return Error::invalid_argument;
  if (partition->key_pair(request.command.key) != nullptr) return Error::exists;
  CIPHERDECK_ASSIGN(const auto key_pair, make_key_pair(request.command.key, request.input));
  CIPHERDECK_TRY(m_store->put_key_pair(partition->id(), *key_pair, *m_random));
  partition->put(key_pair);
  return {};
}

Result<void> Management::rsa_key_pair_generate(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  const std::uint32_t index = request.command.key;
  if (!is_user_index(index) || request.command.arg[1] > rsa::kMaxBits) {
    return Error::invalid_argument;
  }
  const auto bits = static_cast<std::uint32_t>(request.command.arg[1]);
  if (partition->other_key(CIPHERDECK_KEY_RSA, index) != nullptr) return Error::exists;
  CIPHERDECK_ASSIGN(const AccessVerifier access, make_access_verifier(request.input, *m_random));
  CIPHERDECK_ASSIGN(auto sign, rsa::PrivateKey::generate(bits, *m_random));
  CIPHERDECK_ASSIGN(auto encrypt, rsa::PrivateKey::generate(bits, *m_random));
  return add_key(*partition,
                 {CIPHERDECK_KEY_RSA, index, now_seconds(), access,
                  std::make_shared<const rsa::KeyPair>(std::move(sign), std::move(encrypt))});
}

Result<void> Management::symmetric_key_generate(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  const std::uint32_t index = request.command.key;
  const std::uint64_t bits = request.command.arg[1];
  if (!is_user_index(index) || (bits != 128 && bits != 256)) return Error::invalid_argument;
  if (partition->other_key(CIPHERDECK_KEY_SYMMETRIC, index) != nullptr) return Error::exists;
  CIPHERDECK_ASSIGN(const AccessVerifier access, make_access_verifier(request.input, *m_random));
  SecretBytes bytes(bits / 8);
  CIPHERDECK_TRY(m_random->fill(bytes.bytes()));
  return add_key(*partition, {CIPHERDECK_KEY_SYMMETRIC, index, now_seconds(), access,
                              std::make_shared<const SymmetricKey>(std::move(bytes))});
}

// A key of one of the other kinds, which is not there yet.
Result<void> Management::add_key(Partition& partition, OtherKey key) {
  CIPHERDECK_TRY(m_store->put_key(partition.id(), key, *m_random));
  partition.put(std::make_shared<const OtherKey>(std::move(key)));
  return {};
}

Result<void> Management::kek_generate(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  if (!is_user_index(request.command.key) || request.command.arg[1] != 128) {
    return Error::invalid_argument;
  }
  if (partition->kek(request.command.key) != nullptr) return Error::exists;
  Kek made{request.command.key, now_seconds(), 128, {}, {}};
  CIPHERDECK_ASSIGN(made.access, make_access_verifier(request.input, *m_random));
  CIPHERDECK_TRY(m_random->fill(made.key.span().first(engine::kSm4KeyLen)));
  const auto kek = std::make_shared<const Kek>(made);
  CIPHERDECK_TRY(m_store->put_kek(partition->id(), *kek, *m_random));
  partition->put(kek);
  return {};
}

Result<void> Management::key_list(const Request& request, ManagementReply& reply) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  const std::uint64_t kind = request.command.arg[1];
  if (kind != 0 && !is_kind(kind)) return Error::invalid_argument;
  const std::uint32_t first = request.command.key;
  const auto is_wanted = [kind](std::uint64_t one) { return kind == 0 || kind == one; };
  if (is_wanted(CIPHERDECK_KEY_PAIR)) list_keys(reply, *partition, partition->key_pairs(), first);
  if (is_wanted(CIPHERDECK_KEY_KEK)) list_keys(reply, *partition, partition->keks(), first);
  for (std::uint32_t sm9 = CIPHERDECK_KEY_SM9_SIGN_MASTER; is_sm9_kind(sm9); ++sm9) {
    if (is_wanted(sm9)) list_keys(reply, *partition, partition->sm9_keys(sm9), first);
  }
  auto others = partition->other_keys();
  std::erase_if(others, [&](const auto& key) { return !is_wanted(key->kind); });
  list_keys(reply, *partition, others, first);
  return {};
}

Result<void> Management::key_remove(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  // The device key pair lives and dies with its partition.
  if (!is_kind(request.command.arg[1]) || !is_user_index(request.command.key)) {
    return Error::invalid_argument;
  }
  const auto kind = static_cast<std::uint32_t>(request.command.arg[1]);
  CIPHERDECK_TRY(m_store->remove_key(partition->id(), kind, request.command.key));
  partition->remove(kind, request.command.key);
  return {};
}

Result<void> Management::access_code_set(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  const std::uint64_t kind = request.command.arg[1];
  if (!has_access_code(kind) || request.input.empty()) return Error::invalid_argument;
  const std::uint32_t index = request.command.key;
  const auto small_kind = static_cast<std::uint32_t>(kind);
  if (is_sm9_kind(kind)) return replace_sm9_key(*partition, small_kind, index, request.input);
  switch (kind) {
    case CIPHERDECK_KEY_PAIR:
      return replace_key_pair(*partition, index, request.input);
    case CIPHERDECK_KEY_KEK:
      return replace_kek(*partition, index, request.input);
    default:
      return replace_other_key(*partition, small_kind, index, request.input);
  }
}

Result<void> Management::replace_key_pair(Partition& partition, std::uint32_t index,
                                          Bytes access_code) {
  const std::shared_ptr<const KeyPair> old = partition.key_pair(index);
  if (old == nullptr) return Error::key_not_found;
  KeyPair changed = *old;
  CIPHERDECK_ASSIGN(changed.access, make_access_verifier(access_code, *m_random));
  CIPHERDECK_TRY(m_store->replace_key_pair(partition.id(), changed, *m_random));
  partition.put(std::make_shared<const KeyPair>(changed));
  return {};
}

Result<void> Management::replace_kek(Partition& partition, std::uint32_t index, Bytes access_code) {
  const std::shared_ptr<const Kek> old = partition.kek(index);
  if (old == nullptr) return Error::key_not_found;
  Kek changed = *old;
  CIPHERDECK_ASSIGN(changed.access, make_access_verifier(access_code, *m_random));
  CIPHERDECK_TRY(m_store->replace_kek(partition.id(), changed, *m_random));
  partition.put(std::make_shared<const Kek>(changed));
  return {};
}

Result<void> Management::replace_other_key(Partition& partition, std::uint32_t kind,
                                           std::uint32_t index, Bytes access_code) {
  const std::shared_ptr<const OtherKey> old = partition.other_key(kind, index);
  if (old == nullptr) return Error::key_not_found;
  OtherKey changed = *old;
  CIPHERDECK_ASSIGN(changed.access, make_access_verifier(access_code, *m_random));
  CIPHERDECK_TRY(m_store->replace_key(partition.id(), changed, *m_random));
  partition.put(std::make_shared<const OtherKey>(std::move(changed)));
  return {};
}

Result<void> Management::put_new(Partition& partition, Sm9Key key) {
  CIPHERDECK_TRY(m_store->put_sm9_key(partition.id(), key, *m_random));
  partition.put(std::make_shared<const Sm9Key>(std::move(key)));
  return {};
}

Result<void> Management::sm9_master_generate(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  const std::uint64_t kind = request.command.arg[1];
  const bool is_sign = kind == CIPHERDECK_KEY_SM9_SIGN_MASTER;
  if (!is_user_index(request.command.key) ||
      (!is_sign && kind != CIPHERDECK_KEY_SM9_ENCRYPT_MASTER)) {
    return Error::invalid_argument;
  }
  const std::uint32_t index = request.command.key;
  if (partition->sm9_key(static_cast<std::uint32_t>(kind), index)) return Error::exists;
  if (is_sign) {
    CIPHERDECK_ASSIGN(auto key, engine::Sm9SignMasterKey::generate(*m_random));
    return put_new(*partition, {index, now_seconds(), std::move(key), {}, {}});
  }
  CIPHERDECK_ASSIGN(auto key, engine::Sm9EncryptMasterKey::generate(*m_random));
  return put_new(*partition, {index, now_seconds(), std::move(key), {}, {}});
}

Result<void> Management::sm9_user_key_generate(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  const std::uint64_t kind = request.command.arg[1];
  const bool is_user_kind =
      kind == CIPHERDECK_KEY_SM9_SIGN_USER || kind == CIPHERDECK_KEY_SM9_ENCRYPT_USER;
  if (!is_user_index(request.command.key) || !is_user_kind ||
      request.input.size() < sizeof(cipherdeck_sm9_user)) {
    return Error::invalid_argument;
  }
  const auto user = cipherdeck::load<cipherdeck_sm9_user>(request.input);
  const Bytes rest = request.input.subspan(sizeof user);
  if (user.access_code_len > rest.size()) return Error::invalid_argument;
  const Bytes id = rest.subspan(user.access_code_len);
  if (id.empty() || id.size() > CIPHERDECK_SM9_MAX_ID) return Error::invalid_argument;
  const auto small_kind = static_cast<std::uint32_t>(kind);
  if (partition->sm9_key(small_kind, request.command.key)) return Error::exists;
  CIPHERDECK_ASSIGN(auto value, extract_user_key(*partition, small_kind, user.master, id));
  CIPHERDECK_ASSIGN(const auto access,
                    make_access_verifier(rest.first(user.access_code_len), *m_random));
  return put_new(*partition,
                 {request.command.key, now_seconds(), std::move(value), text_of(id), access});
}

Result<void> Management::replace_sm9_key(Partition& partition, std::uint32_t kind,
                                         std::uint32_t index, Bytes access_code) {
  const std::shared_ptr<const Sm9Key> old = partition.sm9_key(kind, index);
  if (old == nullptr) return Error::key_not_found;
  Sm9Key changed = *old;
  CIPHERDECK_ASSIGN(changed.access, make_access_verifier(access_code, *m_random));
  CIPHERDECK_TRY(m_store->replace_sm9_key(partition.id(), changed, *m_random));
  partition.put(std::make_shared<const Sm9Key>(std::move(changed)));
  return {};
}

// The trail takes wrong codes while it has room for failures: the count matters more.
Result<void> Management::store_failures(PartitionId id, const AccessFailures& failures) {
  const auto store = [&] {
    return m_store->put_access_failures(id, failures.kind, failures.index, failures.count);
  };
  const Result<void> stored = store();
  if (stored.ok() || stored.error() != Error::trail_full) return stored;
  m_store->set_act(std::nullopt);
  return store();
}

Result<void> Management::flush_access_failures() {
  Result<void> result;
  for (const std::shared_ptr<Partition>& partition : m_partitions.all()) {
    for (const AccessFailures& failures : partition->take_unsaved_failures()) {
      m_store->set_act(act_of(*partition, failures));
      const Result<void> stored = store_failures(partition->id(), failures);
      m_store->set_act(std::nullopt);
      if (stored.ok() || stored.error() == Error::key_not_found) continue;
      partition->mark_unsaved(failures.kind, failures.index);
      result = stored;
    }
  }
  return result;
}

}  // namespace cipherdeck::card
