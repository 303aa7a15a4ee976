// SPDX-License-Identifier: Apache-2.0
// The management commands of the card, which arrive on the PF's admin queue pair: initialisation,
// partitions, bindings, the keys that only management makes, users and the audit trail. What it
// changes is in the store, committed, before it shows in memory and before the command completes.
#pragma once

#include "card/partition/logins.h"
#include "card/partition/partition.h"
#include "card/partition/permissions.h"
#include "card/random/random.h"
#include "card/store/store.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::card {

constexpr std::size_t kMaxPartitions = 1024;
constexpr std::size_t kMaxPartitionNameLen = 47;
constexpr std::size_t kMaxLabelLen = 31;

/// What a management command gives back; `status` is a CIPHERDECK_STATUS_ code.
struct ManagementReply {
  std::uint16_t status = CIPHERDECK_STATUS_OK;
  std::uint32_t value = 0;
  std::vector<std::uint8_t> output;
};

/// Not thread-safe: Card calls it on one thread at a time.
class Management {
 public:
  /// `busy` tells whether a function has open I/O queue pairs: its binding may not change then.
  Management(std::unique_ptr<store::Store> store, std::unique_ptr<random::Generator> random,
             PartitionTable& partitions, std::function<bool(FunctionNumber)> busy);

  /// Loads all partitions and bindings if the card is initialised and not locked. What is damaged
  /// is left out, and warnings() names it. A failure makes the state FAILED.
  Result<void> load();

  /// CIPHERDECK_CARD_ state and, if FAILED, its reason, a CIPHERDECK_STATUS_ code.
  [[nodiscard]] std::uint32_t state() const noexcept;
  [[nodiscard]] std::uint16_t failure_reason() const noexcept { return m_failure; }
  [[nodiscard]] std::string label() const;
  [[nodiscard]] std::string serial() const;

  /// The commands of function.h from CARD_INIT to AUDIT_CLEAR that have a handler here; `input` is
  /// a private copy, `token` that of a login or empty. Operands that a command does not name must
  /// be zero. Beyond function.h: what makes a private key, a KEK or a symmetric key takes an access
  /// code or none, with which no access right can be had until one is set; KEY_LIST takes in `key`
  /// the index to start from and in arg[1] a CIPHERDECK_KEY_ kind or 0 for all, and its value is
  /// the number of such keys, of which the output holds as many as CIPHERDECK_MAX_DATA_LEN allows,
  /// key pairs first. What permissions.h says is recorded goes to the audit trail, failures too.
  [[nodiscard]] ManagementReply execute(const cipherdeck_command& command, Bytes input,
                                        Bytes token = {});

  /// Stores the counts of wrong access codes that changed: to be called soon after the partition
  /// table's AccessListener was. Those that cannot be stored are kept for the next call.
  Result<void> flush_access_failures();

  /// Why the last command or load with STORE_FAILED failed, and what the load left out: texts for
  /// the log.
  [[nodiscard]] const std::string& last_error() const noexcept { return m_store->last_error(); }
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept {
    return m_store->warnings();
  }

 private:
  struct Request;
  struct Handler;
  static const Handler* find_handler(std::uint16_t opcode) noexcept;

  Result<void> card_init(const Request& request, ManagementReply& reply);
  Result<void> card_unlock(const Request& request, ManagementReply& reply);
  Result<void> card_protect(const Request& request, ManagementReply& reply);
  Result<void> card_zeroize(const Request& request, ManagementReply& reply);
  Result<void> partition_create(const Request& request, ManagementReply& reply);
  Result<void> partition_list(const Request& request, ManagementReply& reply);
  Result<void> partition_remove(const Request& request, ManagementReply& reply);
  Result<void> partition_zeroize(const Request& request, ManagementReply& reply);
  Result<void> function_bind(const Request& request, ManagementReply& reply);
  Result<void> key_pair_generate(const Request& request, ManagementReply& reply);
  Result<void> rsa_key_pair_generate(const Request& request, ManagementReply& reply);
  Result<void> symmetric_key_generate(const Request& request, ManagementReply& reply);
  Result<void> kek_generate(const Request& request, ManagementReply& reply);
  Result<void> sm9_master_generate(const Request& request, ManagementReply& reply);
  Result<void> sm9_user_key_generate(const Request& request, ManagementReply& reply);
  Result<void> key_list(const Request& request, ManagementReply& reply);
  Result<void> key_remove(const Request& request, ManagementReply& reply);
  Result<void> access_code_set(const Request& request, ManagementReply& reply);

  // management_backup.cpp
  Result<void> partition_backup(const Request& request, ManagementReply& reply);
  Result<void> partition_restore(const Request& request, ManagementReply& reply);

  // management_roles.cpp
  Result<void> login(const Request& request, ManagementReply& reply);
  Result<void> logout(const Request& request, ManagementReply& reply);
  Result<void> login_check(const Request& request, ManagementReply& reply);
  Result<void> role_add(const Request& request, ManagementReply& reply);
  Result<void> role_list(const Request& request, ManagementReply& reply);
  Result<void> role_remove(const Request& request, ManagementReply& reply);
  Result<void> password_set(const Request& request, ManagementReply& reply);
  Result<void> audit_list(const Request& request, ManagementReply& reply);
  Result<void> audit_verify(const Request& request, ManagementReply& reply);
  Result<void> audit_clear(const Request& request, ManagementReply& reply);
  Result<void> may_change(const Request& request, const store::User& other);
  Result<store::User> find_user(const std::string& name);
  /// Counts wrong passwords, and refuses to look at one too soon after another.
  template <typename Check>
  auto guess(const std::string& name, Check&& check) -> decltype(check());

  Result<void> load_all();
  Result<void> check_state(std::uint16_t opcode) const;
  /// Who gives the command: null if the card has no users.
  Result<const store::User*> authorise(const cipherdeck_command& command, Bytes token);
  Result<void> run(const cipherdeck_command& command, Bytes input, Bytes token,
                   ManagementReply& reply);
  Result<void> run_recorded(const Handler& handler, const Request& request, store::Act act,
                            ManagementReply& reply);
  void forget_partition(PartitionId id);
  Result<void> store_failures(PartitionId id, const AccessFailures& failures);
  Result<std::shared_ptr<Partition>> find_partition(std::uint64_t id) const;
  Result<std::shared_ptr<const KeyPair>> make_key_pair(std::uint32_t index, Bytes access_code);
  Result<void> replace_key_pair(Partition& partition, std::uint32_t index, Bytes access_code);
  Result<void> replace_kek(Partition& partition, std::uint32_t index, Bytes access_code);
  Result<void> replace_other_key(Partition& partition, std::uint32_t kind, std::uint32_t index,
                                 Bytes access_code);
  Result<void> add_key(Partition& partition, OtherKey key);
  Result<void> put_new(Partition& partition, Sm9Key key);
  Result<void> replace_sm9_key(Partition& partition, std::uint32_t kind, std::uint32_t index,
                               Bytes access_code);

  std::unique_ptr<store::Store> m_store;
  std::unique_ptr<random::Generator> m_random;
  PartitionTable& m_partitions;
  std::function<bool(FunctionNumber)> m_busy;
  std::uint16_t m_failure = CIPHERDECK_STATUS_OK;
  std::vector<store::User> m_users;  // as stored; looked at by every command
  Logins m_logins;
  GuessLimiter m_guesses;
};

}  // namespace cipherdeck::card
