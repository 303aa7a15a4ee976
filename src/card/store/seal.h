// SPDX-License-Identifier: Apache-2.0
// Seals: short authenticated notes in the store by which missing rows of other tables are noticed.
#pragma once

#include "card/store/database.h"
#include "card/store/vault.h"

namespace cipherdeck::card::store {

/// Empty if there is none.
[[nodiscard]] Result<Blob> read_seal(Database& database, std::string_view name);
Result<void> write_seal(Database& database, std::string_view name, Bytes value);

}  // namespace cipherdeck::card::store
