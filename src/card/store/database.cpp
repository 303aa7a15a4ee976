// SPDX-License-Identifier: Apache-2.0
#include "card/store/database.h"

#include "base/file_descriptor.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cipherdeck::card::store {
namespace {

// A rollback journal rather than a write-ahead log: what was committed is in the one database file,
// not in a log whose damaged tail would be dropped without a word. EXTRA syncs the directory too
// when the journal goes, which is what commits. secure_delete zeroes what is removed.
constexpr const char* kSettings =
    "PRAGMA journal_mode = DELETE;"
    "PRAGMA synchronous = EXTRA;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA mmap_size = 0;";
constexpr int kBusyTimeoutMs = 2000;

// SQLite would make it with the mode that the umask leaves.
int make_private(const std::filesystem::path& file) {
  const FileDescriptor made(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  return made ? 0 : errno;
}

const char* failed_call(int code) {
  switch (code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
      return "reading";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
      return "syncing";
    case SQLITE_IOERR_LOCK:
    case SQLITE_IOERR_RDLOCK:
    case SQLITE_IOERR_UNLOCK:
      return "locking";
    default:
      return "writing";
  }
}

}  // namespace

Statement& Statement::bind(int parameter, std::int64_t value) {
  m_bind_error |= sqlite3_bind_int64(m_statement.get(), parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  m_bind_error |= sqlite3_bind_text(m_statement.get(), parameter, text.data(),
                                    static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int parameter, Bytes blob) {
  m_bind_error |= sqlite3_bind_blob(m_statement.get(), parameter, blob.data(),
                                    static_cast<int>(blob.size()), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::step() {
  if (m_bind_error != SQLITE_OK) return m_database->fail(m_bind_error);
  const int code = sqlite3_step(m_statement.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return m_database->fail(code);
}

Result<void> Statement::run() {
  CIPHERDECK_TRY(step());
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(m_statement.get(), column);
}

std::string Statement::text(int column) const {
  if (sqlite3_column_type(m_statement.get(), column) != SQLITE_TEXT) return {};
  const auto* const text =
      reinterpret_cast<const char*>(sqlite3_column_text(m_statement.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(m_statement.get(), column))};
}

Bytes Statement::blob(int column) const {
  if (sqlite3_column_type(m_statement.get(), column) != SQLITE_BLOB) return {};
  const void* const data = sqlite3_column_blob(m_statement.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const std::uint8_t*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(m_statement.get(), column))};
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

Result<void> Database::open(const std::filesystem::path& file) {
  m_file = file.string();
  if (const int error = make_private(file); error != 0) {
    return fail(m_file + " cannot be opened for writing: " + std::strerror(error) +
                "; give the directory to this user on a file system mounted writable");
  }
  sqlite3* connection = nullptr;
  const int code =
      sqlite3_open_v2(m_file.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  m_connection.reset(connection);
  if (code != SQLITE_OK) return fail(code);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return execute(kSettings);
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(m_connection.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return fail(code);
  return Statement(*this, statement);
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(m_connection.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(code);
  return {};
}

Result<std::int64_t> Database::query_integer(std::string_view sql) {
  CIPHERDECK_ASSIGN(Statement statement, prepare(sql));
  CIPHERDECK_ASSIGN(const bool row, statement.step());
  return row ? statement.integer(0) : std::int64_t{0};
}

Result<void> Database::check_len() {
  CIPHERDECK_ASSIGN(const std::int64_t num_pages, query_integer("PRAGMA page_count"));
  CIPHERDECK_ASSIGN(const std::int64_t page_len, query_integer("PRAGMA page_size"));
  std::error_code error;
  const std::uintmax_t len = std::filesystem::file_size(m_file, error);
  if (!error && len == static_cast<std::uintmax_t>(num_pages * page_len)) return {};
  return fail(SQLITE_CORRUPT);
}

std::int64_t Database::changes() const { return sqlite3_changes64(m_connection.get()); }

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(m_connection.get()); }

Error Database::fail(std::string text) {
  m_error = std::move(text);
  return Error::store_failed;
}

Error Database::fail(int code) {
  m_error = describe(code);
  switch (code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return Error::exists;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return Error::not_found;
    default:
      return (code & 0xff) == SQLITE_NOMEM ? Error::no_memory : Error::store_failed;
  }
}

std::string Database::describe(int code) const {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "no space is left for " + m_file + "; free some and try again";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return m_file +
             " cannot be opened for writing; give the directory to this user on a file system "
             "mounted writable";
    case SQLITE_IOERR:
      return std::string(failed_call(code)) + " " + m_file +
             " failed; look for free space, file size limits and a failing disk";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return m_file + " is damaged; restore it from a backup";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program has " + m_file + " locked; end it";
    default:
      return m_file + ": " +
             (m_connection ? sqlite3_errmsg(m_connection.get()) : sqlite3_errstr(code));
  }
}

Result<Transaction> Transaction::begin(Database& database) {
  CIPHERDECK_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Result<void> Transaction::commit() {
  // On failure the destructor rolls back what SQLite itself did not.
  CIPHERDECK_TRY(m_database->execute("COMMIT"));
  m_database = nullptr;
  return {};
}

Transaction::Transaction(Transaction&& other) noexcept
    : m_database(std::exchange(other.m_database, nullptr)) {}

Transaction::~Transaction() {
  if (m_database == nullptr) return;
  const std::string cause = m_database->error();
  (void)m_database->execute("ROLLBACK");  // fails where SQLite has rolled back already
  (void)m_database->fail(cause);
}

}  // namespace cipherdeck::card::store
