// SPDX-License-Identifier: Apache-2.0
#include "host/manager/card_control.h"

#include "base/secret.h"

#include <algorithm>
#include <iterator>

namespace cipherdeck::manager {
namespace {

constexpr std::size_t kFirstListRoom = std::size_t{16} << 10;
constexpr std::size_t kMostListRoom = CIPHERDECK_MAX_DATA_LEN;

cipherdeck_command command_of(std::uint16_t opcode, std::uint64_t arg0 = 0, std::uint64_t arg1 = 0,
                              std::uint32_t key = 0) {
  cipherdeck_command command{};
  command.opcode = opcode;
  command.key = key;
  command.arg[0] = arg0;
  command.arg[1] = arg1;
  return command;
}

// Name and then password, or label and then passphrase; wiped with its scope.
class TwoTexts {
 public:
  TwoTexts(const std::string& first, const std::string& second) : m_text(first + second) {}
  ~TwoTexts() { wipe({reinterpret_cast<std::uint8_t*>(m_text.data()), m_text.size()}); }
  TwoTexts(const TwoTexts&) = delete;
  TwoTexts& operator=(const TwoTexts&) = delete;
  [[nodiscard]] Bytes bytes() const noexcept { return as_bytes(m_text); }

 private:
  std::string m_text;
};

}  // namespace

Result<driver::AdminReply> CardControl::admin(const cipherdeck_command& command, Bytes input,
                                              std::size_t output_room) {
  return m_driver.admin(command, input, output_room, m_token);
}

Result<void> CardControl::run(const cipherdeck_command& command, Bytes input) {
  CIPHERDECK_TRY(admin(command, input));
  return {};
}

template <typename Record>
Result<std::vector<Record>> CardControl::list(const cipherdeck_command& command) {
  std::size_t room = kFirstListRoom;
  auto reply = admin(command, {}, room);
  while (!reply && reply.error() == Error::buffer_too_small && room < kMostListRoom) {
    room *= 4;
    reply = admin(command, {}, room);
  }
  if (!reply) return reply.error();
  const Bytes output = reply->output;
  if (output.size() % sizeof(Record) != 0) return Error::internal;
  std::vector<Record> records(output.size() / sizeof(Record));
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i] = load<Record>(output.subspan(i * sizeof(Record), sizeof(Record)));
  }
  return records;
}

template <typename Record>
Result<Record> CardControl::one(const cipherdeck_command& command) {
  CIPHERDECK_ASSIGN(const auto reply, admin(command, {}, sizeof(Record)));
  if (reply.output.size() != sizeof(Record)) return Error::internal;
  return load<Record>(reply.output);
}

Result<cipherdeck_card_status> CardControl::status() {
  return one<cipherdeck_card_status>(command_of(CIPHERDECK_OP_CARD_STATUS));
}

Result<cipherdeck_identity> CardControl::identity() {
  return one<cipherdeck_identity>(command_of(CIPHERDECK_OP_IDENTIFY));
}

Result<std::vector<cipherdeck_chip_record>> CardControl::chips() {
  return list<cipherdeck_chip_record>(command_of(CIPHERDECK_OP_CHIP_LIST));
}

Result<cipherdeck_card_health> CardControl::health() {
  return one<cipherdeck_card_health>(command_of(CIPHERDECK_OP_CARD_HEALTH));
}

Result<std::vector<cipherdeck_self_test_record>> CardControl::self_test() {
  return list<cipherdeck_self_test_record>(command_of(CIPHERDECK_OP_CARD_SELF_TEST));
}

Result<std::vector<cipherdeck_random_test_record>> CardControl::test_random(std::uint32_t level) {
  return list<cipherdeck_random_test_record>(command_of(CIPHERDECK_OP_CARD_RANDOM_TEST, level));
}

Result<void> CardControl::initialise(const std::string& label, const Protection& protection) {
  const TwoTexts input(label, protection.passphrase);
  return run(command_of(CIPHERDECK_OP_CARD_INIT, protection.kind, protection.passphrase.size()),
             input.bytes());
}

Result<void> CardControl::unlock(const std::string& passphrase) {
  return run(command_of(CIPHERDECK_OP_CARD_UNLOCK), as_bytes(passphrase));
}

Result<void> CardControl::protect(const Protection& protection) {
  return run(command_of(CIPHERDECK_OP_CARD_PROTECT, protection.kind),
             as_bytes(protection.passphrase));
}

Result<void> CardControl::zeroize() { return run(command_of(CIPHERDECK_OP_CARD_ZEROIZE)); }

Result<LoginToken> CardControl::login(const std::string& name, const std::string& password) {
  const TwoTexts input(name, password);
  CIPHERDECK_ASSIGN(auto reply, admin(command_of(CIPHERDECK_OP_LOGIN, 0, 0,
                                                 static_cast<std::uint32_t>(name.size())),
                                      input.bytes(), CIPHERDECK_TOKEN_LEN));
  return std::move(reply.output);
}

Result<void> CardControl::logout() { return run(command_of(CIPHERDECK_OP_LOGOUT)); }

Result<cipherdeck_user_record> CardControl::check_login(std::uint16_t opcode) {
  return one<cipherdeck_user_record>(command_of(CIPHERDECK_OP_LOGIN_CHECK, opcode));
}

Result<std::vector<cipherdeck_user_record>> CardControl::users() {
  return list<cipherdeck_user_record>(command_of(CIPHERDECK_OP_ROLE_LIST));
}

Result<void> CardControl::add_user(const std::string& name, std::uint32_t role,
                                   std::uint32_t partition, const std::string& password) {
  const TwoTexts input(name, password);
  return run(
      command_of(CIPHERDECK_OP_ROLE_ADD, role, partition, static_cast<std::uint32_t>(name.size())),
      input.bytes());
}

Result<void> CardControl::remove_user(const std::string& name) {
  return run(command_of(CIPHERDECK_OP_ROLE_REMOVE), as_bytes(name));
}

Result<void> CardControl::set_password(const std::string& name, const std::string& password) {
  const TwoTexts input(name, password);
  return run(command_of(CIPHERDECK_OP_PASSWORD_SET, 0, 0, static_cast<std::uint32_t>(name.size())),
             input.bytes());
}

Result<std::vector<cipherdeck_audit_record>> CardControl::audit_records(std::uint64_t from,
                                                                        std::uint64_t max_num) {
  return list<cipherdeck_audit_record>(command_of(CIPHERDECK_OP_AUDIT_LIST, from, max_num));
}

Result<cipherdeck_audit_report> CardControl::verify_audit() {
  return one<cipherdeck_audit_report>(command_of(CIPHERDECK_OP_AUDIT_VERIFY));
}

Result<void> CardControl::clear_audit(std::uint64_t up_to) {
  return run(command_of(CIPHERDECK_OP_AUDIT_CLEAR, up_to));
}

Result<std::vector<cipherdeck_partition_record>> CardControl::partitions() {
  return list<cipherdeck_partition_record>(command_of(CIPHERDECK_OP_PARTITION_LIST));
}

Result<std::uint32_t> CardControl::create_partition(const std::string& name) {
  CIPHERDECK_ASSIGN(const auto reply,
                    admin(command_of(CIPHERDECK_OP_PARTITION_CREATE), as_bytes(name)));
  return reply.value;
}

Result<void> CardControl::remove_partition(std::uint32_t partition) {
  return run(command_of(CIPHERDECK_OP_PARTITION_REMOVE, partition));
}

Result<void> CardControl::zeroize_partition(std::uint32_t partition) {
  return run(command_of(CIPHERDECK_OP_PARTITION_ZEROIZE, partition));
}

PartitionBackup::~PartitionBackup() { wipe(shares); }

Result<PartitionBackup> CardControl::backup_partition(std::uint32_t partition,
                                                      std::uint32_t threshold,
                                                      std::uint32_t num_shares) {
  CIPHERDECK_ASSIGN(auto reply, admin(command_of(CIPHERDECK_OP_PARTITION_BACKUP, partition,
                                                 threshold | num_shares << 8),
                                      {}, CIPHERDECK_MAX_DATA_LEN));
  const auto shares_len = static_cast<std::ptrdiff_t>(num_shares * CIPHERDECK_SHARE_LEN);
  if (std::ssize(reply.output) <= shares_len) return Error::internal;
  PartitionBackup made;
  made.shares.assign(reply.output.begin(), reply.output.begin() + shares_len);
  made.backup.assign(reply.output.begin() + shares_len, reply.output.end());
  wipe(reply.output);
  return made;
}

Result<std::uint32_t> CardControl::restore_partition(const std::string& name,
                                                     const PartitionBackup& backup) {
  std::vector<std::uint8_t> input;
  input.reserve(name.size() + backup.shares.size() + backup.backup.size());
  input.insert(input.end(), name.begin(), name.end());
  input.insert(input.end(), backup.shares.begin(), backup.shares.end());
  input.insert(input.end(), backup.backup.begin(), backup.backup.end());
  const auto reply = admin(command_of(CIPHERDECK_OP_PARTITION_RESTORE, name.size(),
                                      backup.shares.size() / CIPHERDECK_SHARE_LEN),
                           input);
  wipe(input);
  if (!reply) return reply.error();
  return reply->value;
}

Result<std::vector<cipherdeck_function_record>> CardControl::functions() {
  CIPHERDECK_ASSIGN(auto records,
                    list<cipherdeck_function_record>(command_of(CIPHERDECK_OP_FUNCTION_LIST)));
  std::erase_if(records, [](const auto& record) { return record.function == 0; });
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.function < b.function; });
  return records;
}

Result<void> CardControl::bind(std::uint32_t function, std::uint32_t partition) {
  return run(command_of(CIPHERDECK_OP_FUNCTION_BIND, function, partition));
}

Result<void> CardControl::set_share(std::uint32_t function,
                                    const cipherdeck_function_share& share) {
  return run(command_of(CIPHERDECK_OP_FUNCTION_SHARE, function), object_bytes(share));
}

Result<std::vector<cipherdeck_key_record>> CardControl::keys(std::uint32_t partition) {
  return list<cipherdeck_key_record>(command_of(CIPHERDECK_OP_KEY_LIST, partition));
}

Result<void> CardControl::generate_key_pair(std::uint32_t partition, std::uint32_t index,
                                            Bytes access_code) {
  return run(command_of(CIPHERDECK_OP_KEY_PAIR_GENERATE, partition, 0, index), access_code);
}

Result<void> CardControl::generate_kek(std::uint32_t partition, std::uint32_t index,
                                       std::uint32_t bits, Bytes access_code) {
  return run(command_of(CIPHERDECK_OP_KEK_GENERATE, partition, bits, index), access_code);
}

Result<void> CardControl::generate_symmetric_key(std::uint32_t partition, std::uint32_t index,
                                                 std::uint32_t bits, Bytes access_code) {
  return run(command_of(CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE, partition, bits, index), access_code);
}

Result<void> CardControl::generate_rsa_key_pair(std::uint32_t partition, std::uint32_t index,
                                                std::uint32_t bits, Bytes access_code) {
  return run(command_of(CIPHERDECK_OP_RSA_KEY_PAIR_GENERATE, partition, bits, index), access_code);
}

Result<void> CardControl::generate_sm9_master(std::uint32_t partition, KeyKind kind,
                                              std::uint32_t index) {
  return run(command_of(CIPHERDECK_OP_SM9_MASTER_GENERATE, partition,
                        static_cast<std::uint32_t>(kind), index));
}

Result<void> CardControl::generate_sm9_user_key(std::uint32_t partition, std::uint32_t index,
                                                const Sm9User& user, Bytes access_code) {
  const cipherdeck_sm9_user header{user.master, static_cast<std::uint32_t>(access_code.size())};
  std::vector<std::uint8_t> input;
  input.reserve(sizeof header + access_code.size() + user.id.size());  // no copy of the code stays
  for (const Bytes part : {object_bytes(header), access_code, as_bytes(user.id)}) {
    input.insert(input.end(), part.begin(), part.end());
  }
  const auto made = run(command_of(CIPHERDECK_OP_SM9_USER_KEY_GENERATE, partition,
                                   static_cast<std::uint32_t>(user.kind), index),
                        input);
  wipe(input);
  return made;
}

Result<void> CardControl::remove_key(std::uint32_t partition, KeyKind kind, std::uint32_t index) {
  return run(
      command_of(CIPHERDECK_OP_KEY_REMOVE, partition, static_cast<std::uint32_t>(kind), index));
}

Result<void> CardControl::set_access_code(std::uint32_t partition, KeyKind kind,
                                          std::uint32_t index, Bytes access_code) {
  return run(
      command_of(CIPHERDECK_OP_ACCESS_CODE_SET, partition, static_cast<std::uint32_t>(kind), index),
      access_code);
}

}  // namespace cipherdeck::manager
