// SPDX-License-Identifier: Apache-2.0
#include "card/store/store.h"

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

std::uint64_t now_seconds() noexcept { return static_cast<std::uint64_t>(std::time(nullptr)); }

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

class Store::Impl {
 public:
  Result<void> open(const std::filesystem::path& directory, const std::filesystem::path& key_file);
  Result<void> load_card();
  Result<void> check_mark();
  Result<RootKey> key_file_for_initialise(RandomSource& random);
  Result<RootKey> master_key(PartitionId id);
  Result<void> insert_key(const KeyPlace& place, Bytes record, const RootKey& master,
                          RandomSource& random);
  Result<void> add_key(const KeyPlace& place, Bytes record, RandomSource& random);
  Result<void> replace_key(const KeyPlace& place, Bytes record, RandomSource& random);
  Result<void> load_keys(Partition& partition, const RootKey& master);
  Result<void> load_key(Partition& partition, const KeyPlace& place, const RootKey& master,
                        Bytes blob);
  Result<void> require_change();
  [[nodiscard]] Bytes management() const noexcept { return m_management->bytes(); }

  FileDescriptor m_lock;
  Database m_database;
  std::filesystem::path m_key_file;
  std::optional<SecretBuffer> m_management;  // there if the card is initialised
  CardInfo m_info;
  std::vector<std::string> m_warnings;
};

Result<void> Store::Impl::open(const std::filesystem::path& directory,
                               const std::filesystem::path& key_file) {
  m_key_file = key_file;
  std::string why;
  auto lock = claim_directory(directory, why);
  if (!lock) {
    (void)m_database.fail(why);
    return lock.error();
  }
  m_lock = *std::move(lock);
  CIPHERDECK_TRY(m_database.open(directory / "keys.db"));
  if (!sync_parent(directory / "keys.db", why)) return m_database.fail(why);
  CIPHERDECK_TRY(prepare_schema(m_database));
  CIPHERDECK_TRY(load_card());
  return check_mark();
}

Result<void> Store::Impl::check_mark() {
  const bool marked = is_marked_initialised(m_lock);
  if (marked == m_management.has_value()) return {};
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

Result<void> Store::Impl::load_card() {
  CIPHERDECK_ASSIGN(
      Statement card,
      m_database.prepare("SELECT label, serial, created, key_file_id, management_key FROM card"));
  CIPHERDECK_ASSIGN(const bool row, card.step());
  if (!row) return {};
  const CardInfo info{card.text(0), card.text(1), static_cast<std::uint64_t>(card.integer(2))};
  std::string why;
  const auto key_file = read_key_file(m_key_file, why);
  if (!key_file) return m_database.fail(why);
  if (!equal_constant_time(key_file_id(*key_file), card.blob(3))) {
    (void)m_database.fail("key file " + m_key_file.string() +
                          " is not the one of this store; name the right one or restore it");
    return Error::decrypt_failed;
  }
  CIPHERDECK_ASSIGN(SecretBuffer management, SecretBuffer::allocate(kRootKeyLen));
  if (!unwrap_management_key(management.bytes(), *key_file, info, card.blob(4))) {
    return m_database.fail("the management key in the store is damaged; restore it from a backup");
  }
  m_info = info;
  m_management = std::move(management);
  return {};
}

// A key file that is there already was made by an initialisation that did not get to the end, or
// put there by the operator. Both will do: nothing is wrapped under it in this store yet.
Result<RootKey> Store::Impl::key_file_for_initialise(RandomSource& random) {
  std::string why;
  auto key = read_key_file(m_key_file, why);
  if (key.ok()) {
    if (!settle_key_file(m_key_file, why)) return m_database.fail(why);
    return key;
  }
  if (key.error() == Error::not_found) key = make_key_file(m_key_file, random, why);
  if (!key.ok() && key.error() != Error::random_failed) return m_database.fail(why);
  return key;
}

Result<RootKey> Store::Impl::master_key(PartitionId id) {
  if (!m_management) return Error::not_initialised;
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
  return insert_key(place, record, master, random);
}

Result<void> Store::Impl::replace_key(const KeyPlace& place, Bytes record, RandomSource& random) {
  CIPHERDECK_ASSIGN(const RootKey master, master_key(place.partition));
  CIPHERDECK_ASSIGN(const Blob blob, wrap_key(record, master, place, random));
  CIPHERDECK_ASSIGN(Statement update,
                    m_database.prepare("UPDATE key SET created = ?, secret = ?, failures = 0 WHERE "
                                       "partition = ? AND kind = ? AND number = ?"));
  CIPHERDECK_TRY(update.bind(1, static_cast<std::int64_t>(place.created))
                     .bind(2, Bytes(blob))
                     .bind(3, std::int64_t{place.partition})
                     .bind(4, std::int64_t{place.kind})
                     .bind(5, std::int64_t{place.index})
                     .run());
  return require_change();
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

Store::Store(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory,
                                           const std::filesystem::path& key_file,
                                           std::string* why) {
  auto impl = std::make_unique<Impl>();
  const Result<void> opened = impl->open(directory, key_file);
  if (opened.ok()) return std::unique_ptr<Store>(new Store(std::move(impl)));
  if (why != nullptr) *why = impl->m_database.error();
  return opened.error();
}

bool Store::initialised() const noexcept { return m_impl->m_management.has_value(); }
std::string Store::label() const { return m_impl->m_info.label; }
std::string Store::serial() const { return m_impl->m_info.serial; }
const std::string& Store::last_error() const noexcept { return m_impl->m_database.error(); }
const std::vector<std::string>& Store::warnings() const noexcept { return m_impl->m_warnings; }

Result<void> Store::initialise(const std::string& label, RandomSource& random) {
  if (initialised()) return Error::exists;
  CIPHERDECK_ASSIGN(const RootKey key_file, m_impl->key_file_for_initialise(random));
  CIPHERDECK_ASSIGN(SecretBuffer management, SecretBuffer::allocate(kRootKeyLen));
  RootKey key;
  CIPHERDECK_TRY(random.fill(key.span()));
  std::memcpy(management.bytes().data(), key.data(), key.size());
  CardInfo info{label, {}, now_seconds()};
  CIPHERDECK_ASSIGN(info.serial, make_serial(info.created, random));
  CIPHERDECK_ASSIGN(const Blob blob, wrap_management_key(key, key_file, info, random));
  const Blob id = key_file_id(key_file);
  CIPHERDECK_ASSIGN(
      Statement insert,
      m_impl->m_database.prepare(
          "INSERT INTO card (id, label, serial, created, key_file_id, management_key) "
          "VALUES (1, ?, ?, ?, ?, ?)"));
  CIPHERDECK_TRY(insert.bind(1, std::string_view(info.label))
                     .bind(2, std::string_view(info.serial))
                     .bind(3, static_cast<std::int64_t>(info.created))
                     .bind(4, Bytes(id))
                     .bind(5, Bytes(blob))
                     .run());
  m_impl->m_info = info;
  m_impl->m_management = std::move(management);
  std::string why;
  (void)mark_initialised(m_impl->m_lock, why);  // else the next open() does it
  return {};
}

Result<std::vector<std::shared_ptr<Partition>>> Store::load_partitions() {
  if (!initialised()) return Error::not_initialised;
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
  if (!initialised()) return Error::not_initialised;
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
  if (!initialised()) return Error::not_initialised;
  Database& database = m_impl->m_database;
  PartitionInfo info{0, name, now_seconds()};
  RootKey master;
  CIPHERDECK_TRY(random.fill(master.span()));
  CIPHERDECK_ASSIGN(Transaction transaction, Transaction::begin(database));
  CIPHERDECK_ASSIGN(
      Statement insert,
      database.prepare("INSERT INTO partition (name, created, master_key) VALUES (?, ?, x'')"));
  CIPHERDECK_TRY(insert.bind(1, std::string_view(name))
                     .bind(2, static_cast<std::int64_t>(info.created))
                     .run());
  if (!fits_u32(database.last_row_id())) return Error::limit;
  info.id = static_cast<PartitionId>(database.last_row_id());
  // The blob names the id, which is known only now.
  CIPHERDECK_ASSIGN(const Blob blob, wrap_master_key(master, m_impl->management(), info, random));
  CIPHERDECK_ASSIGN(Statement update,
                    database.prepare("UPDATE partition SET master_key = ? WHERE id = ?"));
  CIPHERDECK_TRY(update.bind(1, Bytes(blob)).bind(2, std::int64_t{info.id}).run());
  const KeyPlace place{info.id, CIPHERDECK_KEY_PAIR, device_key.index, device_key.created};
  CIPHERDECK_TRY(m_impl->insert_key(place, to_record(device_key).span(), master, random));
  CIPHERDECK_TRY(transaction.commit());
  return info.id;
}

Result<void> Store::remove_partition(PartitionId id) {
  CIPHERDECK_ASSIGN(Statement remove,
                    m_impl->m_database.prepare("DELETE FROM partition WHERE id = ?"));
  const Result<void> removed = remove.bind(1, std::int64_t{id}).run();
  if (!removed && removed.error() == Error::not_found)
    return Error::busy;  // a binding refers to it
  CIPHERDECK_TRY(removed);
  if (m_impl->m_database.changes() > 0) return {};
  return Error::not_found;
}

Result<void> Store::bind(FunctionNumber function, PartitionId id) {
  if (!initialised()) return Error::not_initialised;
  if (id == 0) {
    CIPHERDECK_ASSIGN(Statement remove,
                      m_impl->m_database.prepare("DELETE FROM binding WHERE function = ?"));
    return remove.bind(1, std::int64_t{function}).run();
  }
  const Blob mac = binding_mac(m_impl->management(), function, id);
  CIPHERDECK_ASSIGN(
      Statement put,
      m_impl->m_database.prepare(
          "INSERT INTO binding (function, partition, mac) VALUES (?, ?, ?) ON CONFLICT "
          "(function) DO UPDATE SET partition = excluded.partition, mac = excluded.mac"));
  return put.bind(1, std::int64_t{function}).bind(2, std::int64_t{id}).bind(3, Bytes(mac)).run();
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
  CIPHERDECK_ASSIGN(Statement remove,
                    m_impl->m_database.prepare(
                        "DELETE FROM key WHERE partition = ? AND kind = ? AND number = ?"));
  CIPHERDECK_TRY(remove.bind(1, std::int64_t{id})
                     .bind(2, std::int64_t{kind})
                     .bind(3, std::int64_t{index})
                     .run());
  return m_impl->require_change();
}

Result<void> Store::put_access_failures(PartitionId id, std::uint32_t kind, std::uint32_t index,
                                        std::uint32_t count) {
  CIPHERDECK_ASSIGN(Statement update, m_impl->m_database.prepare(
                                          "UPDATE key SET failures = ? WHERE partition = ? AND "
                                          "kind = ? AND number = ?"));
  CIPHERDECK_TRY(update.bind(1, std::int64_t{count})
                     .bind(2, std::int64_t{id})
                     .bind(3, std::int64_t{kind})
                     .bind(4, std::int64_t{index})
                     .run());
  return m_impl->require_change();
}

}  // namespace cipherdeck::card::store
