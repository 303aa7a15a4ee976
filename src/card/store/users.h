// SPDX-License-Identifier: Apache-2.0
// Who may manage the card. Each user's row has its password's verifier, wrapped; a seal over all
// rows tells when one was added, changed or removed behind the card's back.
#pragma once

#include "card/store/database.h"
#include "card/store/password.h"
#include "card/store/vault.h"

#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::card::store {

constexpr std::size_t kMaxUsers = 256;
constexpr std::size_t kMaxUserNameLen = 31;

enum class Role : std::uint32_t {
  administrator = CIPHERDECK_ROLE_ADMINISTRATOR,
  operator_ = CIPHERDECK_ROLE_OPERATOR,
  auditor = CIPHERDECK_ROLE_AUDITOR,
};

struct User {
  std::string name;
  Role role = Role::operator_;
  PartitionId partition = 0;  // 0: of the whole card
  std::uint64_t created = 0;
};

/// Not thread-safe. `management` is the management key. Calls that change belong in a transaction.
class Users {
 public:
  Users(Database& database, Bytes management) : m_database(database), m_management(management) {}

  /// Fails with verify_failed if the users are not those that the card wrote.
  Result<void> check();
  /// Writes the seal anew: after changes, and for a new store.
  Result<void> seal();
  [[nodiscard]] Result<std::vector<User>> list();
  [[nodiscard]] Result<std::optional<User>> find(const std::string& name);
  /// Fails with exists, limit, invalid_argument (the password's length).
  Result<void> add(const User& user, Bytes password, RandomSource& random);
  /// Fails with not_found.
  Result<void> set_password(const std::string& name, Bytes password, RandomSource& random);
  /// Fails with not_found.
  Result<void> remove(const std::string& name);
  /// Removes those of a partition, which goes.
  Result<void> remove_of(PartitionId partition);
  /// Takes the time of one guess, whether or not there is such a user. Fails with wrong_password.
  [[nodiscard]] Result<User> check_password(const std::string& name, Bytes password);

 private:
  [[nodiscard]] Result<Blob> mac();
  [[nodiscard]] Result<Blob> make_verifier(const User& user, Bytes password, RandomSource& random);

  Database& m_database;
  Bytes m_management;
};

}  // namespace cipherdeck::card::store
