// SPDX-License-Identifier: Apache-2.0
// The tables of the store, their version, and the check that a database has just these.
#pragma once

#include "card/store/database.h"

namespace cipherdeck::card::store {

constexpr std::int64_t kSchemaVersion = 2;

/// Makes the tables in an empty database; refuses one that is damaged, not a key store, or of a
/// version this program does not know. Gives the version of what is there, which may be older than
/// kSchemaVersion: upgrade_schema() is then due.
Result<std::int64_t> prepare_schema(Database& database);

/// Makes the tables that a store of `version` lacks, and marks it as one of kSchemaVersion. For use
/// in a transaction, together with what the new tables must hold.
Result<void> upgrade_schema(Database& database, std::int64_t version);

/// Removes all rows of all tables; SQLite overwrites them with zeros.
Result<void> empty_tables(Database& database);

}  // namespace cipherdeck::card::store
