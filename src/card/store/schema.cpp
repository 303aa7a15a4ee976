// SPDX-License-Identifier: Apache-2.0
#include "card/store/schema.h"

#include <string>

namespace cipherdeck::card::store {
namespace {

constexpr std::int64_t kApplicationId = 0x4344434b;  // "CDCK"

struct Table {
  std::int64_t since;  // version of the store
  const char* name;
  const char* sql;
};

// In order of their names. SQLite keeps the text of each statement, which is compared on opening: a
// trigger or a column that someone added is refused.
constexpr Table kTables[] = {
    {2, "audit",
     "CREATE TABLE audit (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, "
     "action INTEGER NOT NULL, partition INTEGER NOT NULL, subject TEXT NOT NULL, outcome INTEGER "
     "NOT NULL, mac BLOB NOT NULL) STRICT"},
    {1, "binding",
     "CREATE TABLE binding (function INTEGER PRIMARY KEY, partition INTEGER NOT NULL REFERENCES "
     "partition (id), mac BLOB NOT NULL) STRICT"},
    {1, "card",
     "CREATE TABLE card (id INTEGER PRIMARY KEY CHECK (id = 1), label TEXT NOT NULL, serial TEXT "
     "NOT "
     "NULL, created INTEGER NOT NULL, key_file_id BLOB NOT NULL, management_key BLOB NOT NULL) "
     "STRICT"},
    {2, "identity",
     "CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT"},
    {1, "key",
     "CREATE TABLE key (partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE, "
     "kind "
     "INTEGER NOT NULL, number INTEGER NOT NULL, created INTEGER NOT NULL, secret BLOB NOT NULL, "
     "failures INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (partition, kind, number)) STRICT, WITHOUT "
     "ROWID"},
    {2, "key_label",
     "CREATE TABLE key_label (partition INTEGER NOT NULL, kind INTEGER NOT NULL, number INTEGER "
     "NOT "
     "NULL, label TEXT NOT NULL, mac BLOB NOT NULL, PRIMARY KEY (partition, kind, number), FOREIGN "
     "KEY (partition, kind, number) REFERENCES key ON DELETE CASCADE) STRICT, WITHOUT ROWID"},
    {1, "partition",
     "CREATE TABLE partition (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, "
     "created "
     "INTEGER NOT NULL, master_key BLOB NOT NULL) STRICT"},
    {2, "protection",
     "CREATE TABLE protection (id INTEGER PRIMARY KEY CHECK (id = 1), kind INTEGER NOT NULL, salt "
     "BLOB NOT NULL, memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL, lanes INTEGER NOT NULL) "
     "STRICT"},
    {2, "seal",
     "CREATE TABLE seal (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"},
    {2, "user",
     "CREATE TABLE user (name TEXT PRIMARY KEY, role INTEGER NOT NULL, partition INTEGER NOT NULL, "
     "created INTEGER NOT NULL, verifier BLOB NOT NULL) STRICT, WITHOUT ROWID"},
};

Result<void> make_tables(Database& database) {
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(database));
  CIPHERDECK_TRY(upgrade_schema(database, 0));
  const std::string mark = "PRAGMA application_id = " + std::to_string(kApplicationId);
  CIPHERDECK_TRY(database.execute(mark.c_str()));
  return transaction.commit();
}

Result<void> check_pages(Database& database) {
  CIPHERDECK_ASSIGN(Statement check, database.prepare("PRAGMA quick_check(1)"));
  CIPHERDECK_ASSIGN(const bool row, check.step());
  if (row && check.text(0) == "ok") return {};
  return database.fail("the key store is damaged (" + check.text(0) +
                       "); restore it from a backup");
}

Error strange(Database& database, const Statement& tables) {
  return database.fail("the key store has a table that this program did not make (" +
                       tables.text(0) + "); restore it from a backup");
}

Result<void> check_tables(Database& database, std::int64_t version) {
  CIPHERDECK_ASSIGN(Statement tables,
                    database.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE "
                                     "'sqlite\\_%' ESCAPE '\\' ORDER BY name"));
  for (const Table& table : kTables) {
    if (table.since > version) continue;
    CIPHERDECK_ASSIGN(const bool row, tables.step());
    if (!row) return database.fail("the key store lacks a table; restore it from a backup");
    if (tables.text(0) != table.name || tables.text(1) != table.sql)
      return strange(database, tables);
  }
  CIPHERDECK_ASSIGN(const bool more, tables.step());
  if (more) return strange(database, tables);
  return {};
}

}  // namespace

Result<void> upgrade_schema(Database& database, std::int64_t version) {
  for (const Table& table : kTables) {
    if (table.since > version) CIPHERDECK_TRY(database.execute(table.sql));
  }
  const std::string mark = "PRAGMA user_version = " + std::to_string(kSchemaVersion);
  return database.execute(mark.c_str());
}

Result<std::int64_t> prepare_schema(Database& database) {
  CIPHERDECK_ASSIGN(const std::int64_t version, database.query_integer("PRAGMA user_version"));
  CIPHERDECK_ASSIGN(const std::int64_t application,
                    database.query_integer("PRAGMA application_id"));
  CIPHERDECK_ASSIGN(const std::int64_t num_tables,
                    database.query_integer("SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && application == 0 && num_tables == 0) {
    CIPHERDECK_TRY(make_tables(database));
    return kSchemaVersion;
  }
  if (application != kApplicationId) {
    return database.fail(
        "the database in the store's directory is not a key store; remove it or name "
        "another directory");
  }
  if (version > kSchemaVersion) {
    return database.fail("the key store is of version " + std::to_string(version) +
                         ", made by a newer program (this one knows " +
                         std::to_string(kSchemaVersion) + "); install that one");
  }
  if (version < 1) {
    return database.fail("the key store is of unknown version " + std::to_string(version));
  }
  CIPHERDECK_TRY(database.check_len());
  CIPHERDECK_TRY(check_pages(database));
  CIPHERDECK_TRY(check_tables(database, version));
  return version;
}

Result<void> empty_tables(Database& database) {
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(database));
  CIPHERDECK_TRY(database.execute("PRAGMA defer_foreign_keys = 1"));
  for (const Table& table : kTables) {
    CIPHERDECK_TRY(database.execute(("DELETE FROM " + std::string(table.name)).c_str()));
  }
  return transaction.commit();
}

}  // namespace cipherdeck::card::store
