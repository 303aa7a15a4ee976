// SPDX-License-Identifier: Apache-2.0
#include "card/store/store_impl.h"

#include "card/random/random.h"
#include "card/store/card_row.h"
#include "card/store/database.h"
#include "card/store/directory.h"
#include "card/store/key_file.h"
#include "card/store/schema.h"
#include "card/store/vault.h"

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>

namespace cipherdeck::card::store {
namespace {

bool fits_u32(std::int64_t value) noexcept {
  return value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
}

// A count that no writer gives is taken for the worst one.
std::uint32_t sane_failures(std::int64_t count) noexcept {
  return count < 0 || count > kMaxAccessFailures ? kMaxAccessFailures
                                                 : static_cast<std::uint32_t>(count);
}

// YYYYMMDD, batch 001, five digits (DEVICEINFO of GM/T 0018).
Result<std::string> make_serial(std::uint64_t now, RandomSource& random) {
  std::uint32_t number = 0;
  CIPHERDECK_TRY(random.fill({reinterpret_cast<std::uint8_t*>(&number), sizeof number}));
  const auto time = static_cast<std::time_t>(now);
  std::tm date{};
  gmtime_r(&time, &date);
  char text[64];
  std::snprintf(text, sizeof text, "%04d%02d%02d001%05u", date.tm_year + 1900, date.tm_mon + 1,
                date.tm_mday, number % 100'000);
  return std::string(text).substr(0, 16);
}

std::string key_name(const KeyPlace& place) {
  const char* const kind = is_sm9_kind(place.kind)            ? "SM9 key "
                           : place.kind == CIPHERDECK_KEY_KEK ? "KEK "
                                                              : "key pair ";
  return kind + std::to_string(place.index) + " of partition " + std::to_string(place.partition);
}

}  // namespace

Result<void> Store::Impl::open(const std::filesystem::path& directory) {
  std::string why;
  auto lock = claim_directory(directory, why);
  if (!lock) {
    (void)m_database.fail(why);
    return lock.error();
  }
  m_lock = *std::move(lock);
  CIPHERDECK_TRY(m_database.open(directory / "keys.db"));
  if (!sync_parent(directory / "keys.db", why)) return m_database.fail(why);
  CIPHERDECK_ASSIGN(const std::int64_t version, prepare_schema(m_database));
  CIPHERDECK_TRY(load_card(version));
  if (version < kSchemaVersion) CIPHERDECK_TRY(upgrade(version));
  if (m_management) CIPHERDECK_TRY(check_rows());
  return check_mark();
}

Result<void> Store::Impl::check_mark() {
  const bool marked = is_marked_initialised(m_lock);
  if (marked == m_row.has_value()) return {};
  if (marked) {
    return m_database.fail(
        "the store was initialised, but its database is gone or empty; restore it from a backup, "
        "or "
        "remove the store's directory to start anew");
  }
  // A process was killed between the commit and the mark.
  std::string why;
  if (!mark_initialised(m_lock, why)) return m_database.fail(why);
  return {};
}

Result<void> Store::Impl::load_card(std::int64_t version) {
  CIPHERDECK_ASSIGN(m_row, read_card_row(m_database, version));
  // A passphrase is given later.
  if (!m_row || m_row->protection.kind == ProtectionKind::passphrase) return {};
  return unlock({});
}

Result<RootKey> Store::Impl::root_key(Bytes passphrase) {
  std::string why;
  auto root = find_root_key(m_row->protection, m_sources, passphrase, why);
  if (!root && root.error() == Error::store_failed) return m_database.fail(why);
  return root;
}

Result<void> Store::Impl::unlock(Bytes passphrase) {
  CIPHERDECK_ASSIGN(const RootKey root, root_key(passphrase));
  CIPHERDECK_ASSIGN(SecretBuffer management, SecretBuffer::allocate(kRootKeyLen));
  const Result<void> opened = open_card_row(management.bytes(), *m_row, root);
  if (opened.ok()) {
    m_management = std::move(management);
    return {};
  }
  if (opened.error() == Error::store_failed) {
    return m_database.fail("the management key in the store is damaged; restore it from a backup");
  }
  const bool by_file = m_row->protection.kind == ProtectionKind::key_file;
  (void)m_database.fail((by_file ? "key file " + m_sources.key_file.string() : "the credential") +
                        " is not the one of this store; name the right one or restore it");
  return Error::decrypt_failed;
}

// Users that someone else made must not be believed; a trail that someone else changed is told of.
Result<void> Store::Impl::check_rows() {
  const Result<void> checked = users().check();
  if (!checked && checked.error() == Error::verify_failed) return Error::store_failed;
  CIPHERDECK_TRY(checked);
  CIPHERDECK_ASSIGN(const TrailReport report, trail().verify());
  if (!report.fault.empty()) {
    m_warnings.push_back("the audit trail was changed behind the card's back: " + report.fault +
                         "; compare it with what was exported");
  }
  return {};
}

// An older store gets the tables it lacks. Its management key is wrapped anew, for a version that
// is never taken for an older one.
Result<void> Store::Impl::upgrade(std::int64_t version) {
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_database));
  CIPHERDECK_TRY(upgrade_schema(m_database, version));
  if (!m_row) return transaction.commit();
  CIPHERDECK_ASSIGN(const auto random, random::Generator::create());
  CIPHERDECK_ASSIGN(const RootKey root, root_key({}));
  CardRow row = *m_row;
  row.info.version = kSchemaVersion;
  CIPHERDECK_TRY(seal_card_row(row, management(), root, *random));
  CIPHERDECK_TRY(write_card_row(m_database, row));
  CIPHERDECK_TRY(trail().start());
  CIPHERDECK_TRY(users().seal());
  CIPHERDECK_TRY(transaction.commit());
  m_row = std::move(row);
  return {};
}

Result<void> Store::Impl::store_new_card(const CardRow& row) {
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_database));
  CIPHERDECK_TRY(write_card_row(m_database, row));
  CIPHERDECK_TRY(trail().start());
  CIPHERDECK_TRY(users().seal());
  return commit(transaction);
}

Result<void> Store::Impl::require_open() const {
  if (!m_row) return Error::not_initialised;
  if (!m_management) return Error::card_locked;
  return {};
}

// What changes and the record of it are on disk together, or neither is.
Result<void> Store::Impl::commit(Transaction& transaction) {
  if (m_act) CIPHERDECK_TRY(trail().append(*m_act));
  CIPHERDECK_TRY(transaction.commit());
  m_act.reset();
  return {};
}

Result<RootKey> Store::Impl::master_key(PartitionId id) {
  CIPHERDECK_TRY(require_open());
  CIPHERDECK_ASSIGN(
      Statement partition,
      m_database.prepare("SELECT name, created, master_key FROM partition WHERE id = ?"));
  CIPHERDECK_ASSIGN(const bool row, partition.bind(1, std::int64_t{id}).step());
  if (!row) return Error::not_found;
  const PartitionInfo info{id, partition.text(0), static_cast<std::uint64_t>(partition.integer(1))};
  auto master = unwrap_master_key(management(), info, partition.blob(2));
  if (!master) {
    return m_database.fail("the master key of partition " + std::to_string(id) +
                           " is damaged; restore the store from a backup");
  }
  return master;
}

Result<void> Store::Impl::insert_key(const KeyPlace& place, Bytes record, const RootKey& master,
                                     RandomSource& random) {
  CIPHERDECK_ASSIGN(const Blob blob, wrap_key(record, master, place, random));
  CIPHERDECK_ASSIGN(Statement insert,
                    m_database.prepare("INSERT INTO key (partition, kind, number, created, secret) "
                                       "VALUES (?, ?, ?, ?, ?)"));
  return insert.bind(1, std::int64_t{place.partition})
      .bind(2, std::int64_t{place.kind})
      .bind(3, std::int64_t{place.index})
      .bind(4, static_cast<std::int64_t>(place.created))
      .bind(5, Bytes(blob))
      .run();
}

Result<void> Store::Impl::add_key(const KeyPlace& place, Bytes record, RandomSource& random) {
  CIPHERDECK_ASSIGN(const RootKey master, master_key(place.partition));
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_database));
  CIPHERDECK_TRY(insert_key(place, record, master, random));
  return commit(transaction);
}

Result<void> Store::Impl::replace_key(const KeyPlace& place, Bytes record, RandomSource& random) {
  CIPHERDECK_ASSIGN(const RootKey master, master_key(place.partition));
  CIPHERDECK_ASSIGN(const Blob blob, wrap_key(record, master, place, random));
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_database));
  CIPHERDECK_ASSIGN(Statement update,
                    m_database.prepare("UPDATE key SET created = ?, secret = ?, failures = 0 WHERE "
                                       "partition = ? AND kind = ? AND number = ?"));
  CIPHERDECK_TRY(update.bind(1, static_cast<std::int64_t>(place.created))
                     .bind(2, Bytes(blob))
                     .bind(3, std::int64_t{place.partition})
                     .bind(4, std::int64_t{place.kind})
                     .bind(5, std::int64_t{place.index})
                     .run());
  CIPHERDECK_TRY(require_change());
  return commit(transaction);
}

Result<void> Store::Impl::require_change() {
  if (m_database.changes() > 0) return {};
  return Error::key_not_found;
}

Result<void> Store::Impl::load_key(Partition& partition, const KeyPlace& place,
                                   const RootKey& master, Bytes blob) {
  if (place.kind == CIPHERDECK_KEY_PAIR) {
    KeyPairRecord record;
    CIPHERDECK_TRY(unwrap_key(record.span(), master, place, blob));
    CIPHERDECK_ASSIGN(KeyPair key_pair, to_key_pair(record, place.index, place.created));
    partition.put(std::make_shared<const KeyPair>(std::move(key_pair)));
    return {};
  }
  if (is_sm9_kind(place.kind)) {
    Sm9Record record = sm9_record_for(place.kind);
    CIPHERDECK_TRY(unwrap_key(record.span(), master, place, blob));
    CIPHERDECK_ASSIGN(Sm9Key key, to_sm9_key(record, place.kind, place.index, place.created));
    partition.put(std::make_shared<const Sm9Key>(std::move(key)));
    return {};
  }
  if (place.kind != CIPHERDECK_KEY_KEK) {
    if (blob.size() < kWrapOverhead) return Error::decrypt_failed;
    SecretBytes record(blob.size() - kWrapOverhead);
    CIPHERDECK_TRY(unwrap_key(record.bytes(), master, place, blob));
    CIPHERDECK_ASSIGN(OtherKey key,
                      to_other_key(record.bytes(), place.kind, place.index, place.created));
    partition.put(std::make_shared<const OtherKey>(std::move(key)));
    return {};
  }
  KekRecord record;
  CIPHERDECK_TRY(unwrap_key(record.span(), master, place, blob));
  CIPHERDECK_ASSIGN(Kek kek, to_kek(record, place.index, place.created));
  partition.put(std::make_shared<const Kek>(std::move(kek)));
  return {};
}

Result<void> Store::Impl::load_keys(Partition& partition, const RootKey& master) {
  CIPHERDECK_ASSIGN(Statement keys,
                    m_database.prepare("SELECT kind, number, created, secret, failures FROM key "
                                       "WHERE partition = ?"));
  keys.bind(1, std::int64_t{partition.id()});
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, keys.step());
    if (!row) return {};
    const KeyPlace place{partition.id(), static_cast<std::uint32_t>(keys.integer(0)),
                         static_cast<std::uint32_t>(keys.integer(1)),
                         static_cast<std::uint64_t>(keys.integer(2))};
    if (keys.integer(0) != place.kind || keys.integer(1) != place.index ||
        !load_key(partition, place, master, keys.blob(3))) {
      m_warnings.push_back(key_name(place) +
                           " is damaged and is not served; restore the store or "
                           "remove the key");
      continue;
    }
    partition.set_access_failures(place.kind, place.index, sane_failures(keys.integer(4)));
  }
}

// For use in a transaction.
Result<PartitionId> Store::Impl::insert_partition(const std::string& name, const RootKey& master,
                                                  RandomSource& random) {
  PartitionInfo info{0, name, now_seconds()};
  CIPHERDECK_ASSIGN(
      Statement insert,
      m_database.prepare("INSERT INTO partition (name, created, master_key) VALUES (?, ?, x'')"));
  CIPHERDECK_TRY(insert.bind(1, std::string_view(name))
                     .bind(2, static_cast<std::int64_t>(info.created))
                     .run());
  if (!fits_u32(m_database.last_row_id())) return Error::limit;
  info.id = static_cast<PartitionId>(m_database.last_row_id());
  // The blob names the id, which is known only now.
  CIPHERDECK_ASSIGN(const Blob blob, wrap_master_key(master, management(), info, random));
  CIPHERDECK_ASSIGN(Statement update,
                    m_database.prepare("UPDATE partition SET master_key = ? WHERE id = ?"));
  CIPHERDECK_TRY(update.bind(1, Bytes(blob)).bind(2, std::int64_t{info.id}).run());
  return info.id;
}

Result<void> Store::Impl::delete_binding(FunctionNumber function) {
  CIPHERDECK_ASSIGN(Statement remove, m_database.prepare("DELETE FROM binding WHERE function = ?"));
  return remove.bind(1, std::int64_t{function}).run();
}

Result<void> Store::Impl::put_binding(FunctionNumber function, PartitionId id) {
  const Blob mac = binding_mac(management(), function, id);
  CIPHERDECK_ASSIGN(
      Statement put,
      m_database.prepare(
          "INSERT INTO binding (function, partition, mac) VALUES (?, ?, ?) ON CONFLICT "
          "(function) DO UPDATE SET partition = excluded.partition, mac = excluded.mac"));
  return put.bind(1, std::int64_t{function}).bind(2, std::int64_t{id}).bind(3, Bytes(mac)).run();
}

Store::Store(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory,
                                           const KeySources& sources, std::string* why) {
  auto impl = std::make_unique<Impl>(sources);
  const Result<void> opened = impl->open(directory);
  if (opened.ok()) return std::unique_ptr<Store>(new Store(std::move(impl)));
  if (why != nullptr) *why = impl->m_database.error();
  return opened.error();
}

bool Store::initialised() const noexcept { return m_impl->m_row.has_value(); }
bool Store::locked() const noexcept { return m_impl->m_row && !m_impl->m_management; }
std::string Store::label() const { return m_impl->m_row ? m_impl->m_row->info.label : ""; }
std::string Store::serial() const { return m_impl->m_row ? m_impl->m_row->info.serial : ""; }
ProtectionKind Store::protection() const noexcept {
  return m_impl->m_row ? m_impl->m_row->protection.kind : ProtectionKind::key_file;
}
const std::string& Store::last_error() const noexcept { return m_impl->m_database.error(); }
const std::vector<std::string>& Store::warnings() const noexcept { return m_impl->m_warnings; }

void Store::set_act(std::optional<Act> act) { m_impl->m_act = std::move(act); }
bool Store::act_pending() const noexcept { return m_impl->m_act.has_value(); }

Result<void> Store::record(const Act& act) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(m_impl->trail().append(act));
  return transaction.commit();
}

Result<void> Store::initialise(const std::string& label, RandomSource& random,
                               ProtectionKind protection, Bytes passphrase) {
  if (initialised()) return Error::exists;
  std::string why;
  CardRow row;
  row.protection.kind = protection;
  const auto root = make_root_key(row.protection, m_impl->m_sources, passphrase, random, why);
  if (!root)
    return root.error() == Error::store_failed ? m_impl->m_database.fail(why) : root.error();
  CIPHERDECK_ASSIGN(SecretBuffer management, SecretBuffer::allocate(kRootKeyLen));
  CIPHERDECK_TRY(random.fill(management.bytes()));
  row.info.label = label;
  row.info.created = now_seconds();
  CIPHERDECK_ASSIGN(row.info.serial, make_serial(row.info.created, random));
  CIPHERDECK_TRY(seal_card_row(row, management.bytes(), *root, random));
  m_impl->m_management = std::move(management);
  const Result<void> stored = m_impl->store_new_card(row);
  if (!stored) {
    m_impl->m_management.reset();
    return stored;
  }
  m_impl->m_row = std::move(row);
  (void)mark_initialised(m_impl->m_lock, why);  // else the next open() does it
  return {};
}

Result<void> Store::unlock(Bytes passphrase) {
  if (!locked()) return Error::exists;
  const Result<void> unlocked = m_impl->unlock(passphrase);
  if (!unlocked) {
    const bool wrong =
        unlocked.error() == Error::decrypt_failed || unlocked.error() == Error::invalid_argument;
    return wrong ? Error::wrong_password : unlocked.error();
  }
  const Result<void> checked = m_impl->check_rows();
  if (!checked) m_impl->m_management.reset();
  return checked;
}

Result<void> Store::protect(ProtectionKind protection, Bytes passphrase, RandomSource& random) {
  CIPHERDECK_TRY(m_impl->require_open());
  std::string why;
  CardRow row = *m_impl->m_row;
  row.protection = {};
  row.protection.kind = protection;
  const auto root = make_root_key(row.protection, m_impl->m_sources, passphrase, random, why);
  if (!root)
    return root.error() == Error::store_failed ? m_impl->m_database.fail(why) : root.error();
  CIPHERDECK_TRY(seal_card_row(row, m_impl->management(), *root, random));
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(write_card_row(m_impl->m_database, row));
  CIPHERDECK_TRY(m_impl->commit(transaction));
  m_impl->m_row = std::move(row);
  return {};
}

Result<void> Store::zeroize() {
  // The management key goes first: without it the rest is noise, whatever fails later.
  m_impl->m_management.reset();
  m_impl->m_act.reset();
  std::string why;
  const bool by_file = m_impl->m_row && protection() == ProtectionKind::key_file;
  const Result<void> destroyed =
      by_file ? destroy_key_file(m_impl->m_sources.key_file, why) : Result<void>{};
  m_impl->m_row.reset();
  CIPHERDECK_TRY(empty_tables(m_impl->m_database));
  const Result<void> unmarked = mark_uninitialised(m_impl->m_lock, why);
  if (!destroyed || !unmarked) return m_impl->m_database.fail(why);
  return {};
}

Result<std::vector<std::shared_ptr<Partition>>> Store::load_partitions() {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Statement rows, m_impl->m_database.prepare(
                                        "SELECT id, name, created, master_key FROM partition"));
  std::vector<std::shared_ptr<Partition>> partitions;
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    if (!row) return partitions;
    const PartitionInfo info{static_cast<PartitionId>(rows.integer(0)), rows.text(1),
                             static_cast<std::uint64_t>(rows.integer(2))};
    const auto master = unwrap_master_key(m_impl->management(), info, rows.blob(3));
    if (!fits_u32(rows.integer(0)) || info.id == 0 || !master) {
      m_impl->m_warnings.push_back("partition " + std::to_string(rows.integer(0)) +
                                   " is damaged and is not served; restore the store or remove it");
      continue;
    }
    auto partition = std::make_shared<Partition>(info.id, info.name);
    CIPHERDECK_TRY(m_impl->load_keys(*partition, *master));
    partitions.push_back(std::move(partition));
  }
}

Result<std::map<FunctionNumber, PartitionId>> Store::load_bindings() {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Statement rows,
                    m_impl->m_database.prepare("SELECT function, partition, mac FROM binding"));
  std::map<FunctionNumber, PartitionId> bindings;
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    if (!row) return bindings;
    const auto function = static_cast<FunctionNumber>(rows.integer(0));
    const auto partition = static_cast<PartitionId>(rows.integer(1));
    if (!fits_u32(rows.integer(0)) || !fits_u32(rows.integer(1)) ||
        !equal_constant_time(binding_mac(m_impl->management(), function, partition),
                             rows.blob(2))) {
      m_impl->m_warnings.push_back("the binding of function " + std::to_string(rows.integer(0)) +
                                   " is damaged and not in force; bind it again");
      continue;
    }
    bindings[function] = partition;
  }
}

Result<PartitionId> Store::create_partition(const std::string& name, const KeyPair& device_key,
                                            RandomSource& random) {
  CIPHERDECK_TRY(m_impl->require_open());
  RootKey master;
  CIPHERDECK_TRY(random.fill(master.span()));
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_ASSIGN(const PartitionId id, m_impl->insert_partition(name, master, random));
  const KeyPlace place{id, CIPHERDECK_KEY_PAIR, device_key.index, device_key.created};
  CIPHERDECK_TRY(m_impl->insert_key(place, to_record(device_key).span(), master, random));
  CIPHERDECK_TRY(m_impl->commit(transaction));
  return id;
}

Result<void> Store::remove_partition(PartitionId id) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(m_impl->users().remove_of(id));
  CIPHERDECK_ASSIGN(Statement remove,
                    m_impl->m_database.prepare("DELETE FROM partition WHERE id = ?"));
  const Result<void> removed = remove.bind(1, std::int64_t{id}).run();
  if (!removed && removed.error() == Error::not_found)
    return Error::busy;  // a binding refers to it
  CIPHERDECK_TRY(removed);
  if (m_impl->m_database.changes() == 0) return Error::not_found;
  return m_impl->commit(transaction);
}

Result<void> Store::zeroize_partition(PartitionId id) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_ASSIGN(Statement unbind,
                    m_impl->m_database.prepare("DELETE FROM binding WHERE partition = ?"));
  CIPHERDECK_TRY(unbind.bind(1, std::int64_t{id}).run());
  CIPHERDECK_TRY(m_impl->users().remove_of(id));
  CIPHERDECK_ASSIGN(Statement remove,
                    m_impl->m_database.prepare("DELETE FROM partition WHERE id = ?"));
  CIPHERDECK_TRY(remove.bind(1, std::int64_t{id}).run());
  if (m_impl->m_database.changes() == 0) return Error::not_found;
  return m_impl->commit(transaction);
}

Result<void> Store::bind(FunctionNumber function, PartitionId id) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(id == 0 ? m_impl->delete_binding(function) : m_impl->put_binding(function, id));
  return m_impl->commit(transaction);
}

Result<void> Store::put_key_pair(PartitionId id, const KeyPair& key_pair, RandomSource& random) {
  const KeyPlace place{id, CIPHERDECK_KEY_PAIR, key_pair.index, key_pair.created};
  return m_impl->add_key(place, to_record(key_pair).span(), random);
}

Result<void> Store::put_kek(PartitionId id, const Kek& kek, RandomSource& random) {
  const KeyPlace place{id, CIPHERDECK_KEY_KEK, kek.index, kek.created};
  return m_impl->add_key(place, to_record(kek).span(), random);
}

Result<void> Store::put_sm9_key(PartitionId id, const Sm9Key& key, RandomSource& random) {
  const KeyPlace place{id, key.kind(), key.index, key.created};
  return m_impl->add_key(place, to_record(key).span(), random);
}

Result<void> Store::replace_sm9_key(PartitionId id, const Sm9Key& key, RandomSource& random) {
  const KeyPlace place{id, key.kind(), key.index, key.created};
  return m_impl->replace_key(place, to_record(key).span(), random);
}

Result<void> Store::replace_key_pair(PartitionId id, const KeyPair& key_pair,
                                     RandomSource& random) {
  const KeyPlace place{id, CIPHERDECK_KEY_PAIR, key_pair.index, key_pair.created};
  return m_impl->replace_key(place, to_record(key_pair).span(), random);
}

Result<void> Store::replace_kek(PartitionId id, const Kek& kek, RandomSource& random) {
  const KeyPlace place{id, CIPHERDECK_KEY_KEK, kek.index, kek.created};
  return m_impl->replace_key(place, to_record(kek).span(), random);
}

Result<void> Store::put_key(PartitionId id, const OtherKey& key, RandomSource& random) {
  const KeyPlace place{id, key.kind, key.index, key.created};
  return m_impl->add_key(place, to_record(key).bytes(), random);
}

Result<void> Store::replace_key(PartitionId id, const OtherKey& key, RandomSource& random) {
  const KeyPlace place{id, key.kind, key.index, key.created};
  return m_impl->replace_key(place, to_record(key).bytes(), random);
}

Result<void> Store::remove_key(PartitionId id, std::uint32_t kind, std::uint32_t index) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_ASSIGN(Statement remove,
                    m_impl->m_database.prepare(
                        "DELETE FROM key WHERE partition = ? AND kind = ? AND number = ?"));
  CIPHERDECK_TRY(remove.bind(1, std::int64_t{id})
                     .bind(2, std::int64_t{kind})
                     .bind(3, std::int64_t{index})
                     .run());
  CIPHERDECK_TRY(m_impl->require_change());
  return m_impl->commit(transaction);
}

Result<void> Store::put_access_failures(PartitionId id, std::uint32_t kind, std::uint32_t index,
                                        std::uint32_t count) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_ASSIGN(Statement update, m_impl->m_database.prepare(
                                          "UPDATE key SET failures = ? WHERE partition = ? AND "
                                          "kind = ? AND number = ?"));
  CIPHERDECK_TRY(update.bind(1, std::int64_t{count})
                     .bind(2, std::int64_t{id})
                     .bind(3, std::int64_t{kind})
                     .bind(4, std::int64_t{index})
                     .run());
  CIPHERDECK_TRY(m_impl->require_change());
  return m_impl->commit(transaction);
}

// ---- users -------------------------------------------------------------------------------------

Result<std::vector<User>> Store::users() {
  CIPHERDECK_TRY(m_impl->require_open());
  return m_impl->users().list();
}

Result<User> Store::check_password(const std::string& name, Bytes password) {
  CIPHERDECK_TRY(m_impl->require_open());
  return m_impl->users().check_password(name, password);
}

Result<void> Store::add_user(const User& user, Bytes password, RandomSource& random) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(m_impl->users().add(user, password, random));
  return m_impl->commit(transaction);
}

Result<void> Store::set_password(const std::string& name, Bytes password, RandomSource& random) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(m_impl->users().set_password(name, password, random));
  return m_impl->commit(transaction);
}

Result<void> Store::remove_user(const std::string& name) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(m_impl->users().remove(name));
  return m_impl->commit(transaction);
}

// ---- audit trail -------------------------------------------------------------------------------

Result<std::vector<TrailRecord>> Store::list_trail(std::uint64_t from, std::size_t max_num) {
  CIPHERDECK_TRY(m_impl->require_open());
  return m_impl->trail().list(from, max_num);
}

Result<TrailReport> Store::verify_trail() {
  CIPHERDECK_TRY(m_impl->require_open());
  return m_impl->trail().verify();
}

Result<void> Store::clear_trail(std::uint64_t up_to) {
  CIPHERDECK_TRY(m_impl->require_open());
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(m_impl->m_database));
  CIPHERDECK_TRY(m_impl->trail().clear(up_to));
  return m_impl->commit(transaction);
}

}  // namespace cipherdeck::card::store
