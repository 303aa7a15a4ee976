// SPDX-License-Identifier: Apache-2.0
// The card's own row: its name, its wrapped management key, and what protects that.
#pragma once

#include "card/store/database.h"
#include "card/store/protection.h"
#include "card/store/vault.h"

#include <optional>

namespace cipherdeck::card::store {

struct CardRow {
  CardInfo info;
  Blob root_id;
  Blob management_key;
  Protection protection;
};

/// What the database of `version` holds; nothing if the card is not initialised. Not authenticated
/// until the management key has been unwrapped.
[[nodiscard]] Result<std::optional<CardRow>> read_card_row(Database& database,
                                                           std::int64_t version);

/// Writes the row anew, for use in a transaction.
Result<void> write_card_row(Database& database, const CardRow& row);

/// Unwraps the management key to `out`. Fails with decrypt_failed (the root key is another one) or
/// store_failed (the row is damaged).
Result<void> open_card_row(MutableBytes out, const CardRow& row, const RootKey& root);

/// Puts the management key into the row, wrapped under `root`.
Result<void> seal_card_row(CardRow& row, Bytes management, const RootKey& root,
                           RandomSource& random);

}  // namespace cipherdeck::card::store
