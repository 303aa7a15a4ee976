// SPDX-License-Identifier: Apache-2.0
// SQLite as the store uses it: one connection, statements, transactions, errors as texts that name
// cause and remedy.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace cipherdeck::card::store {

class Database;

/// Statement is one prepared statement. Bound texts and blobs must outlive the steps. Columns that
/// are not of the type asked for come out empty or zero.
class Statement {
 public:
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, Bytes blob);

  /// True: there is a row.
  Result<bool> step();
  /// Runs a statement that gives no rows.
  Result<void> run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  /// Valid until the next step.
  [[nodiscard]] Bytes blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Statement(Database& database, sqlite3_stmt* statement)
      : m_database(&database), m_statement(statement) {}

  Database* m_database;
  std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
  int m_bind_error = 0;
};

/// Not thread-safe. Errors: exists (a key or name is there already), not_found (a reference to what
/// is not there), no_memory, store_failed; error() then tells more.
class Database {
 public:
  /// Opens `file`, or makes it with mode 0600, and turns on what the store relies on: a commit that
  /// has returned survives a killed process and lost power.
  Result<void> open(const std::filesystem::path& file);

  /// Fails unless the file is as long as its header says.
  Result<void> check_len();

  Result<Statement> prepare(std::string_view sql);
  /// Runs statements that give no rows that matter.
  Result<void> execute(const char* sql);
  /// The first column of the first row of `sql`, 0 if there is no row.
  Result<std::int64_t> query_integer(std::string_view sql);

  /// Rows changed by the last statement.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_row_id() const;

  [[nodiscard]] const std::string& error() const noexcept { return m_error; }
  /// Turns an SQLite result code into an Error and sets error().
  Error fail(int code);
  Error fail(std::string text);

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept;
  };
  [[nodiscard]] std::string describe(int code) const;

  std::unique_ptr<sqlite3, Close> m_connection;
  std::string m_file;
  std::string m_error;
};

/// Transaction is rolled back on destruction unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  /// On disk when it returns ok.
  Result<void> commit();

  Transaction(Transaction&& other) noexcept;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

 private:
  explicit Transaction(Database& database) : m_database(&database) {}
  Database* m_database;
};

}  // namespace cipherdeck::card::store
