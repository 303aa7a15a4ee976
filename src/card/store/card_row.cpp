// SPDX-License-Identifier: Apache-2.0
#include "card/store/card_row.h"

#include <algorithm>

namespace cipherdeck::card::store {
namespace {

Blob blob_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

std::uint32_t cost_of(std::int64_t value) noexcept {
  return value < 0 || value > 0xffffffff ? 0 : static_cast<std::uint32_t>(value);
}

// A store of version 1 knew key files only.
Result<void> read_protection(Protection& protection, Database& database) {
  CIPHERDECK_ASSIGN(
      Statement row,
      database.prepare("SELECT kind, salt, memory_kib, passes, lanes FROM protection"));
  CIPHERDECK_ASSIGN(const bool there, row.step());
  const Bytes salt = there ? row.blob(1) : Bytes{};
  if (salt.size() != kSaltLen) {
    return database.fail("the key store does not tell what protects the card; restore it");
  }
  protection.kind = static_cast<ProtectionKind>(cost_of(row.integer(0)));
  std::copy(salt.begin(), salt.end(), protection.stretching.salt.begin());
  protection.stretching.cost = {cost_of(row.integer(2)), cost_of(row.integer(3)),
                                cost_of(row.integer(4))};
  const bool by_passphrase = protection.kind == ProtectionKind::passphrase;
  if (!by_passphrase || protection.stretching.cost.is_sane()) return {};
  return database.fail("the key store asks for an impossible cost of passphrases; restore it");
}

Result<void> write_protection(const Protection& protection, Database& database) {
  CIPHERDECK_ASSIGN(Statement put,
                    database.prepare("INSERT OR REPLACE INTO protection (id, kind, salt, "
                                     "memory_kib, passes, lanes) VALUES (1, ?, ?, ?, ?, ?)"));
  const PasswordCost& cost = protection.stretching.cost;
  return put.bind(1, static_cast<std::int64_t>(protection.kind))
      .bind(2, Bytes(protection.stretching.salt))
      .bind(3, std::int64_t{cost.memory_kib})
      .bind(4, std::int64_t{cost.passes})
      .bind(5, std::int64_t{cost.lanes})
      .run();
}

}  // namespace

Result<std::optional<CardRow>> read_card_row(Database& database, std::int64_t version) {
  CIPHERDECK_ASSIGN(
      Statement card,
      database.prepare("SELECT label, serial, created, key_file_id, management_key FROM card"));
  CIPHERDECK_ASSIGN(const bool there, card.step());
  if (!there) return std::optional<CardRow>{};
  CardRow row;
  row.info = {card.text(0), card.text(1), static_cast<std::uint64_t>(card.integer(2)), version};
  row.root_id = blob_of(card.blob(3));
  row.management_key = blob_of(card.blob(4));
  if (version > 1) CIPHERDECK_TRY(read_protection(row.protection, database));
  return std::optional(std::move(row));
}

Result<void> write_card_row(Database& database, const CardRow& row) {
  CIPHERDECK_ASSIGN(Statement put, database.prepare("INSERT OR REPLACE INTO card (id, label, "
                                                    "serial, created, key_file_id, "
                                                    "management_key) VALUES (1, ?, ?, ?, ?, ?)"));
  CIPHERDECK_TRY(put.bind(1, std::string_view(row.info.label))
                     .bind(2, std::string_view(row.info.serial))
                     .bind(3, static_cast<std::int64_t>(row.info.created))
                     .bind(4, Bytes(row.root_id))
                     .bind(5, Bytes(row.management_key))
                     .run());
  return write_protection(row.protection, database);
}

Result<void> open_card_row(MutableBytes out, const CardRow& row, const RootKey& root) {
  if (!equal_constant_time(root_key_id(root), row.root_id)) return Error::decrypt_failed;
  if (unwrap_management_key(out, root, row.info, row.management_key)) return {};
  return Error::store_failed;
}

Result<void> seal_card_row(CardRow& row, Bytes management, const RootKey& root,
                           RandomSource& random) {
  row.root_id = root_key_id(root);
  CIPHERDECK_ASSIGN(row.management_key, wrap_management_key(management, root, row.info, random));
  return {};
}

}  // namespace cipherdeck::card::store
