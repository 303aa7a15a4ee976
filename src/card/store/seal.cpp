// SPDX-License-Identifier: Apache-2.0
#include "card/store/seal.h"

namespace cipherdeck::card::store {

Result<Blob> read_seal(Database& database, std::string_view name) {
  CIPHERDECK_ASSIGN(Statement row, database.prepare("SELECT value FROM seal WHERE name = ?"));
  CIPHERDECK_ASSIGN(const bool there, row.bind(1, name).step());
  if (!there) return Blob{};
  const Bytes value = row.blob(0);
  return Blob(value.begin(), value.end());
}

Result<void> write_seal(Database& database, std::string_view name, Bytes value) {
  CIPHERDECK_ASSIGN(Statement put,
                    database.prepare("INSERT OR REPLACE INTO seal (name, value) VALUES (?, ?)"));
  return put.bind(1, name).bind(2, value).run();
}

}  // namespace cipherdeck::card::store
