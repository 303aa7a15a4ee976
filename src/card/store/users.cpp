// SPDX-License-Identifier: Apache-2.0
#include "card/store/users.h"

#include "card/store/seal.h"

namespace cipherdeck::card::store {
namespace {

constexpr std::string_view kSeal = "users";

// cost (3 * 4) || salt || Argon2id of the password
constexpr std::size_t kCostLen = 12;
constexpr std::size_t kVerifierLen = kCostLen + kSaltLen + 32;
using Verifier = Secret<kVerifierLen>;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Context context_of(const User& user) {
  return Context("user")
      .add(user.name)
      .add(static_cast<std::uint64_t>(user.role))
      .add(std::uint64_t{user.partition})
      .add(user.created);
}

User user_of(const Statement& row) {
  return {row.text(0), static_cast<Role>(row.integer(1)), static_cast<PartitionId>(row.integer(2)),
          static_cast<std::uint64_t>(row.integer(3))};
}

Result<void> fill_verifier(Verifier& verifier, const Stretching& stretching, Bytes password) {
  CIPHERDECK_ASSIGN(const Secret<32> key, stretch(password, stretching));
  store_be32(verifier.data(), stretching.cost.memory_kib);
  store_be32(verifier.data() + 4, stretching.cost.passes);
  store_be32(verifier.data() + 8, stretching.cost.lanes);
  std::memcpy(verifier.data() + kCostLen, stretching.salt.data(), kSaltLen);
  std::memcpy(verifier.data() + kCostLen + kSaltLen, key.data(), key.size());
  return {};
}

Stretching stretching_of(const Verifier& verifier) {
  Stretching stretching;
  stretching.cost = {load_be32(verifier.data()), load_be32(verifier.data() + 4),
                     load_be32(verifier.data() + 8)};
  std::memcpy(stretching.salt.data(), verifier.data() + kCostLen, kSaltLen);
  return stretching;
}

}  // namespace

Result<Blob> Users::mac() {
  CIPHERDECK_ASSIGN(Statement rows,
                    m_database.prepare(
                        "SELECT name, role, partition, created, verifier FROM user ORDER BY name"));
  Context context("users");
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    if (!row) return users_mac(m_management, context);
    context.add(rows.text(0)).add(static_cast<std::uint64_t>(rows.integer(1)));
    context.add(static_cast<std::uint64_t>(rows.integer(2)));
    context.add(static_cast<std::uint64_t>(rows.integer(3))).add(text_of(rows.blob(4)));
  }
}

Result<void> Users::check() {
  CIPHERDECK_ASSIGN(const Blob sealed, read_seal(m_database, kSeal));
  CIPHERDECK_ASSIGN(const Blob now, mac());
  if (equal_constant_time(sealed, now)) return {};
  (void)m_database.fail(
      "the users in the key store were changed behind the card's back; restore it from a backup");
  return Error::verify_failed;
}

Result<void> Users::seal() {
  CIPHERDECK_ASSIGN(const Blob now, mac());
  return write_seal(m_database, kSeal, now);
}

Result<std::vector<User>> Users::list() {
  CIPHERDECK_ASSIGN(
      Statement rows,
      m_database.prepare("SELECT name, role, partition, created FROM user ORDER BY name"));
  std::vector<User> users;
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    if (!row) return users;
    users.push_back(user_of(rows));
  }
}

Result<std::optional<User>> Users::find(const std::string& name) {
  CIPHERDECK_ASSIGN(
      Statement row,
      m_database.prepare("SELECT name, role, partition, created FROM user WHERE name = ?"));
  CIPHERDECK_ASSIGN(const bool there, row.bind(1, std::string_view(name)).step());
  return there ? std::optional(user_of(row)) : std::nullopt;
}

Result<Blob> Users::make_verifier(const User& user, Bytes password, RandomSource& random) {
  CIPHERDECK_ASSIGN(const Stretching stretching, make_stretching({}, random));
  Verifier verifier;
  CIPHERDECK_TRY(fill_verifier(verifier, stretching, password));
  return wrap_verifier(verifier.span(), m_management, context_of(user), random);
}

Result<void> Users::add(const User& user, Bytes password, RandomSource& random) {
  CIPHERDECK_ASSIGN(const std::int64_t num, m_database.query_integer("SELECT count(*) FROM user"));
  if (num >= static_cast<std::int64_t>(kMaxUsers)) return Error::limit;
  CIPHERDECK_ASSIGN(const Blob verifier, make_verifier(user, password, random));
  CIPHERDECK_ASSIGN(Statement insert,
                    m_database.prepare("INSERT INTO user (name, role, partition, created, "
                                       "verifier) VALUES (?, ?, ?, ?, ?)"));
  CIPHERDECK_TRY(insert.bind(1, std::string_view(user.name))
                     .bind(2, static_cast<std::int64_t>(user.role))
                     .bind(3, std::int64_t{user.partition})
                     .bind(4, static_cast<std::int64_t>(user.created))
                     .bind(5, Bytes(verifier))
                     .run());
  return seal();
}

Result<void> Users::set_password(const std::string& name, Bytes password, RandomSource& random) {
  CIPHERDECK_ASSIGN(const auto user, find(name));
  if (!user) return Error::not_found;
  CIPHERDECK_ASSIGN(const Blob verifier, make_verifier(*user, password, random));
  CIPHERDECK_ASSIGN(Statement update,
                    m_database.prepare("UPDATE user SET verifier = ? WHERE name = ?"));
  CIPHERDECK_TRY(update.bind(1, Bytes(verifier)).bind(2, std::string_view(name)).run());
  return seal();
}

Result<void> Users::remove(const std::string& name) {
  CIPHERDECK_ASSIGN(Statement remove, m_database.prepare("DELETE FROM user WHERE name = ?"));
  CIPHERDECK_TRY(remove.bind(1, std::string_view(name)).run());
  if (m_database.changes() == 0) return Error::not_found;
  return seal();
}

Result<void> Users::remove_of(PartitionId partition) {
  CIPHERDECK_ASSIGN(Statement remove, m_database.prepare("DELETE FROM user WHERE partition = ?"));
  CIPHERDECK_TRY(remove.bind(1, std::int64_t{partition}).run());
  return m_database.changes() == 0 ? Result<void>{} : seal();
}

Result<User> Users::check_password(const std::string& name, Bytes password) {
  CIPHERDECK_ASSIGN(Statement row, m_database.prepare("SELECT name, role, partition, created, "
                                                      "verifier FROM user WHERE name = ?"));
  CIPHERDECK_ASSIGN(const bool there, row.bind(1, std::string_view(name)).step());
  Verifier verifier;
  Stretching stretching;
  User user;
  if (there) {
    user = user_of(row);
    CIPHERDECK_TRY(unwrap_verifier(verifier.span(), m_management, context_of(user), row.blob(4)));
    stretching = stretching_of(verifier);
  }
  const auto key = stretch(password, stretching);
  if (!key) return key.error() == Error::invalid_argument ? Error::wrong_password : key.error();
  const bool right =
      equal_constant_time(key->span(), verifier.span().subspan<kCostLen + kSaltLen, 32>());
  if (!there || !right) return Error::wrong_password;
  return user;
}

}  // namespace cipherdeck::card::store
