// SPDX-License-Identifier: Apache-2.0
// The card's persistent state, in one SQLite database. Every secret in it is wrapped: key blobs by
// their partition's master key, master keys by the management key, the management key by what
// protects the card (protection.h). A change is on disk when the call returns.
// docs/formats/key-store.md has the tables.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "card/partition/partition.h"
#include "card/store/backup.h"
#include "card/store/protection.h"
#include "card/store/trail.h"
#include "card/store/users.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::card::store {

/// Not thread-safe. Where a call fails, last_error() tells why, and what to do; neither it nor
/// warnings() ever holds a secret. A call that fails has changed nothing.
class Store {
 public:
  /// Opens or makes the database in `directory`, which is made with mode 0700 if its parent is
  /// there; one of an older version is upgraded. Fails with busy (another process has it open),
  /// store_failed (cannot be read, written or is of a newer version; the key file is missing or
  /// others may read it; the users were changed behind the card's back), decrypt_failed (the key
  /// file or credential is not the one of this store). `why`, if not null, is then told what
  /// last_error() would say.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory,
                                             const KeySources& sources, std::string* why = nullptr);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] bool initialised() const noexcept;
  /// Initialised, and waiting for its passphrase: all that needs the management key fails with
  /// card_locked.
  [[nodiscard]] bool locked() const noexcept;
  [[nodiscard]] ProtectionKind protection() const noexcept;
  [[nodiscard]] std::string label() const;
  /// 16 characters: date of initialisation, batch, number (DEVICEINFO of GM/T 0018).
  [[nodiscard]] std::string serial() const;
  /// Makes the management key and the serial number, and the key file, if that is to protect it,
  /// unless there is one, which is then used. Fails with exists if the store is initialised, with
  /// invalid_argument if the passphrase has no valid length.
  Result<void> initialise(const std::string& label, RandomSource& random,
                          ProtectionKind protection = ProtectionKind::key_file,
                          Bytes passphrase = {});
  /// Takes some tenths of a second and PasswordCost's memory. Fails with exists if the store is not
  /// locked, wrong_password, store_failed.
  Result<void> unlock(Bytes passphrase);
  /// Protects the management key in another way, or with another passphrase. A key file that is
  /// not needed any more is left for the operator to remove: backups of the store may need it.
  Result<void> protect(ProtectionKind protection, Bytes passphrase, RandomSource& random);
  /// Destroys the management key, the key file and all rows. The store is then as new. Fails with
  /// store_failed if something could not be destroyed on disk; in memory nothing is left then
  /// either.
  Result<void> zeroize();

  /// What the next change is recorded as, in the same transaction. Pending until a change was
  /// committed.
  void set_act(std::optional<Act> act);
  [[nodiscard]] bool act_pending() const noexcept;
  /// Records an act that changed nothing, such as one that failed. Fails as Trail::append().
  Result<void> record(const Act& act);

  /// Loads what is whole. A key or partition whose blob is damaged is left out, and warnings()
  /// names it; it keeps its index or name until it is removed.
  [[nodiscard]] Result<std::vector<std::shared_ptr<Partition>>> load_partitions();
  /// Bindings that are not as they were written are left out, with a warning.
  [[nodiscard]] Result<std::map<FunctionNumber, PartitionId>> load_bindings();

  /// Makes a partition and, in the same transaction, its device key pair (index 0). Fails with
  /// exists if the name is taken. Ids are not used twice.
  Result<PartitionId> create_partition(const std::string& name, const KeyPair& device_key,
                                       RandomSource& random);
  /// Fails with not_found; with busy if a function is bound to it.
  Result<void> remove_partition(PartitionId id);
  /// As remove_partition(), and unbinds it too.
  Result<void> zeroize_partition(PartitionId id);
  /// `id` 0 unbinds. Fails with not_found if there is no such partition.
  Result<void> bind(FunctionNumber function, PartitionId id);
  /// Fail with exists if the index is taken, with not_found if there is no such partition.
  Result<void> put_key_pair(PartitionId id, const KeyPair& key_pair, RandomSource& random);
  Result<void> put_kek(PartitionId id, const Kek& kek, RandomSource& random);
  Result<void> put_key(PartitionId id, const OtherKey& key, RandomSource& random);
  Result<void> put_sm9_key(PartitionId id, const Sm9Key& key, RandomSource& random);
  /// Put another in the place of a key, with no wrong access codes; fail with key_not_found.
  Result<void> replace_key_pair(PartitionId id, const KeyPair& key_pair, RandomSource& random);
  Result<void> replace_kek(PartitionId id, const Kek& kek, RandomSource& random);
  Result<void> replace_key(PartitionId id, const OtherKey& key, RandomSource& random);
  Result<void> replace_sm9_key(PartitionId id, const Sm9Key& key, RandomSource& random);
  /// Removes a key, whole or damaged. Fails with key_not_found.
  Result<void> remove_key(PartitionId id, std::uint32_t kind, std::uint32_t index);
  /// Fails with key_not_found.
  Result<void> put_access_failures(PartitionId id, std::uint32_t kind, std::uint32_t index,
                                   std::uint32_t count);

  /// One partition, as load_partitions() gives all. Fails with not_found, store_failed.
  [[nodiscard]] Result<std::shared_ptr<Partition>> load_partition(PartitionId id);

  /// All keys of a partition, wrapped under the backup's key. A damaged key fails it. Fails with
  /// not_found, limit (more than a command carries), store_failed.
  [[nodiscard]] Result<Blob> export_partition(PartitionId id, const BackupId& backup,
                                              const RootKey& key, RandomSource& random);
  /// Makes a partition of them, under this name. Fails with exists, decrypt_failed, invalid_key.
  Result<PartitionId> import_partition(const std::string& name, Bytes backup, const RootKey& key,
                                       RandomSource& random);

  /// Users and the audit trail; errors as in users.h and trail.h.
  [[nodiscard]] Result<std::vector<User>> users();
  [[nodiscard]] Result<User> check_password(const std::string& name, Bytes password);
  Result<void> add_user(const User& user, Bytes password, RandomSource& random);
  Result<void> set_password(const std::string& name, Bytes password, RandomSource& random);
  Result<void> remove_user(const std::string& name);
  [[nodiscard]] Result<std::vector<TrailRecord>> list_trail(std::uint64_t from,
                                                            std::size_t max_num);
  [[nodiscard]] Result<TrailReport> verify_trail();
  Result<void> clear_trail(std::uint64_t up_to);

  /// Why the last call that failed did: a text for the log, with cause and remedy.
  [[nodiscard]] const std::string& last_error() const noexcept;
  /// What the loads left out, one text each.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace cipherdeck::card::store
