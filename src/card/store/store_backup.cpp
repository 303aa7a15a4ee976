// SPDX-License-Identifier: Apache-2.0
// The store's partitions to and from backups.
#include "card/store/store_impl.h"

namespace cipherdeck::card::store {
namespace {

constexpr std::size_t kMaxPlaintextLen = kMaxBackupLen - kBackupHeaderLen - kWrapOverhead;

}  // namespace

Result<std::shared_ptr<Partition>> Store::load_partition(PartitionId id) {
  CIPHERDECK_ASSIGN(const RootKey master, m_impl->master_key(id));
  CIPHERDECK_ASSIGN(Statement row,
                    m_impl->m_database.prepare("SELECT name FROM partition WHERE id = ?"));
  CIPHERDECK_ASSIGN(const bool there, row.bind(1, std::int64_t{id}).step());
  if (!there) return Error::not_found;
  auto partition = std::make_shared<Partition>(id, row.text(0));
  CIPHERDECK_TRY(m_impl->load_keys(*partition, master));
  return partition;
}

// Unwraps the keys of a partition, of whatever kind, into a plaintext; gives its length.
Result<std::size_t> Store::Impl::collect_keys(MutableBytes room, PartitionId id,
                                              const RootKey& master) {
  CIPHERDECK_ASSIGN(Statement rows,
                    m_database.prepare("SELECT kind, number, created, secret FROM key WHERE "
                                       "partition = ? ORDER BY kind, number"));
  rows.bind(1, std::int64_t{id});
  std::size_t len = 0;
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    if (!row) return len;
    const KeyPlace place{id, static_cast<std::uint32_t>(rows.integer(0)),
                         static_cast<std::uint32_t>(rows.integer(1)),
                         static_cast<std::uint64_t>(rows.integer(2))};
    const Bytes blob = rows.blob(3);
    if (blob.size() <= kWrapOverhead) return m_database.fail("a key of the partition is damaged");
    CIPHERDECK_ASSIGN(SecretBuffer record, SecretBuffer::allocate(blob.size() - kWrapOverhead));
    if (!unwrap_key(record.bytes(), master, place, blob)) {
      return m_database.fail("a key of the partition is damaged; remove it first");
    }
    CIPHERDECK_TRY(put_backup_key(room, len, {place, record.bytes()}));
  }
}

Result<Blob> Store::export_partition(PartitionId id, const BackupId& backup, const RootKey& key,
                                     RandomSource& random) {
  CIPHERDECK_ASSIGN(const auto partition, load_partition(id));
  CIPHERDECK_ASSIGN(const RootKey master, m_impl->master_key(id));
  CIPHERDECK_ASSIGN(SecretBuffer plaintext, SecretBuffer::allocate(kMaxPlaintextLen));
  CIPHERDECK_ASSIGN(const std::size_t len, m_impl->collect_keys(plaintext.bytes(), id, master));
  return seal_backup({backup, now_seconds(), partition->name(), serial()},
                     plaintext.bytes().first(len), key, random);
}

// The keys are looked at as those of the store are, before anything is committed.
Result<void> Store::Impl::check_imported(PartitionId id, const RootKey& master) {
  const std::size_t num_warnings = m_warnings.size();
  Partition partition(id, "");
  CIPHERDECK_TRY(load_keys(partition, master));
  const bool damaged = m_warnings.size() != num_warnings || partition.key_pair(0) == nullptr;
  m_warnings.resize(num_warnings);
  if (damaged) return Error::invalid_key;
  return {};
}

Result<PartitionId> Store::import_partition(const std::string& name, Bytes backup,
                                            const RootKey& key, RandomSource& random) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(const SecretBuffer plaintext, open_backup(backup, key));
  CIPHERDECK_ASSIGN(const auto keys, read_backup_keys(plaintext.bytes()));
  RootKey master;
  CIPHERDECK_TRY(random.fill(master.span()));
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_ASSIGN(const PartitionId id, m_impl->insert_partition(name, master, random));
  for (const BackupKey& found : keys) {
    KeyPlace place = found.place;
    place.partition = id;
    CIPHERDECK_TRY(m_impl->insert_key(place, found.record, master, random));
  }
  CIPHERDECK_TRY(m_impl->check_imported(id, master));
  CIPHERDECK_TRY(m_impl->commit(transaction));
  return id;
}

}  // namespace cipherdeck::card::store
