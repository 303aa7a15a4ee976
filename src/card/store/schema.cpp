// SPDX-License-Identifier: Apache-2.0
#include "card/store/schema.h"

#include <array>
#include <string>

namespace cipherdeck::card::store {
namespace {

constexpr std::int64_t kApplicationId = 0x4344434b;  // "CDCK"

struct Table {
  const char* name;
  const char* sql;
};

// In order of their names. SQLite keeps the text of each statement, which is compared on opening: a
// trigger or a column that someone added is refused.
constexpr std::array<Table, 4> kTables = {{
    {"binding",
     "CREATE TABLE binding (function INTEGER PRIMARY KEY, partition INTEGER NOT NULL REFERENCES "
     "partition (id), mac BLOB NOT NULL) STRICT"},
    {"card",
     "CREATE TABLE card (id INTEGER PRIMARY KEY CHECK (id = 1), label TEXT NOT NULL, serial TEXT "
     "NOT "
     "NULL, created INTEGER NOT NULL, key_file_id BLOB NOT NULL, management_key BLOB NOT NULL) "
     "STRICT"},
    {"key",
     "CREATE TABLE key (partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE, "
     "kind "
     "INTEGER NOT NULL, number INTEGER NOT NULL, created INTEGER NOT NULL, secret BLOB NOT NULL, "
     "failures INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (partition, kind, number)) STRICT, WITHOUT "
     "ROWID"},
    {"partition",
     "CREATE TABLE partition (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, "
     "created "
     "INTEGER NOT NULL, master_key BLOB NOT NULL) STRICT"},
}};

Result<void> make_tables(Database& database) {
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(database));
  for (const Table& table : kTables) CIPHERDECK_TRY(database.execute(table.sql));
  const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                            "; PRAGMA user_version = " + std::to_string(kSchemaVersion);
  CIPHERDECK_TRY(database.execute(marks.c_str()));
  return transaction.commit();
}

Result<void> check_pages(Database& database) {
  CIPHERDECK_ASSIGN(Statement check, database.prepare("PRAGMA quick_check(1)"));
  CIPHERDECK_ASSIGN(const bool row, check.step());
  if (row && check.text(0) == "ok") return {};
  return database.fail("the key store is damaged (" + check.text(0) +
                       "); restore it from a backup");
}

Result<void> check_tables(Database& database) {
  CIPHERDECK_ASSIGN(Statement tables,
                    database.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE "
                                     "'sqlite\\_%' ESCAPE '\\' ORDER BY name"));
  std::size_t num = 0;
  for (;; ++num) {
    CIPHERDECK_ASSIGN(const bool row, tables.step());
    if (!row) break;
    if (num >= kTables.size() || tables.text(0) != kTables[num].name ||
        tables.text(1) != kTables[num].sql) {
      return database.fail("the key store has a table that this program did not make (" +
                           tables.text(0) + "); restore it from a backup");
    }
  }
  if (num == kTables.size()) return {};
  return database.fail("the key store lacks a table; restore it from a backup");
}

}  // namespace

Result<void> prepare_schema(Database& database) {
  CIPHERDECK_ASSIGN(const std::int64_t version, database.query_integer("PRAGMA user_version"));
  CIPHERDECK_ASSIGN(const std::int64_t application,
                    database.query_integer("PRAGMA application_id"));
  CIPHERDECK_ASSIGN(const std::int64_t num_tables,
                    database.query_integer("SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && application == 0 && num_tables == 0) return make_tables(database);
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
  if (version != kSchemaVersion) {
    return database.fail("the key store is of unknown version " + std::to_string(version));
  }
  CIPHERDECK_TRY(database.check_len());
  CIPHERDECK_TRY(check_pages(database));
  return check_tables(database);
}

}  // namespace cipherdeck::card::store
