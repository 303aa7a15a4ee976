// SPDX-License-Identifier: Apache-2.0
// The tables of the store, their version, and the check that a database has just these.
#pragma once

#include "card/store/database.h"

namespace cipherdeck::card::store {

constexpr std::int64_t kSchemaVersion = 1;

/// Makes the tables in an empty database; refuses one that is damaged, not a key store, or of a
/// version this program does not know.
Result<void> prepare_schema(Database& database);

}  // namespace cipherdeck::card::store
