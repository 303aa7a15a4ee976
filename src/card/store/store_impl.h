// SPDX-License-Identifier: Apache-2.0
// What the files of the store share; nobody else includes it.
#pragma once

#include "base/file_descriptor.h"
#include "card/store/card_row.h"
#include "card/store/database.h"
#include "card/store/store.h"
#include "card/store/vault.h"

#include <optional>

namespace cipherdeck::card::store {

class Store::Impl {
 public:
  explicit Impl(KeySources sources) : m_sources(std::move(sources)) {}

  Result<void> open(const std::filesystem::path& directory);
  Result<void> load_card(std::int64_t version);
  Result<void> check_mark();
  Result<RootKey> root_key(Bytes passphrase);
  Result<void> unlock(Bytes passphrase);
  Result<void> check_rows();
  Result<void> upgrade(std::int64_t version);
  Result<void> require_open() const;
  Result<void> store_new_card(const CardRow& row);
  Result<void> commit(Transaction& transaction);
  Result<RootKey> master_key(PartitionId id);
  Result<PartitionId> insert_partition(const std::string& name, const RootKey& master,
                                       RandomSource& random);
  Result<void> insert_key(const KeyPlace& place, Bytes record, const RootKey& master,
                          RandomSource& random);
  Result<void> add_key(const KeyPlace& place, Bytes record, RandomSource& random);
  Result<void> replace_key(const KeyPlace& place, Bytes record, RandomSource& random);
  Result<void> load_keys(Partition& partition, const RootKey& master);
  Result<void> load_key(Partition& partition, const KeyPlace& place, const RootKey& master,
                        Bytes blob);
  Result<std::size_t> collect_keys(MutableBytes room, PartitionId id, const RootKey& master);
  Result<void> check_imported(PartitionId id, const RootKey& master);
  Result<void> require_change();
  Result<void> delete_binding(FunctionNumber function);
  Result<void> put_binding(FunctionNumber function, PartitionId id);
  [[nodiscard]] Bytes management() const noexcept { return m_management->bytes(); }

  [[nodiscard]] Trail trail() { return {m_database, management()}; }
  [[nodiscard]] Users users() { return {m_database, management()}; }

  FileDescriptor m_lock;
  Database m_database;
  const KeySources m_sources;
  std::optional<CardRow> m_row;              // there if the card is initialised
  std::optional<SecretBuffer> m_management;  // there if it is not locked either
  std::optional<Act> m_act;                  // goes with the next commit
  std::vector<std::string> m_warnings;
};

}  // namespace cipherdeck::card::store
