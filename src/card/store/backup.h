// SPDX-License-Identifier: Apache-2.0
// A partition as one block of bytes for a backup: a header that anybody may read, and the keys,
// wrapped under a key of the backup's own. docs/formats/key-store.md has the bytes.
#pragma once

#include "base/secret.h"
#include "card/store/shares.h"
#include "card/store/vault.h"

#include <string>
#include <vector>

namespace cipherdeck::card::store {

struct BackupHeader {
  BackupId id{};
  std::uint64_t made = 0;  // seconds since 1970
  std::string partition;   // name, up to 47 bytes
  std::string serial;      // of the card, 16 bytes
};

/// A key of the backup: its record's bytes lie in the plaintext.
struct BackupKey {
  KeyPlace place;  // `partition` is 0
  Bytes record;
};

constexpr std::size_t kBackupHeaderLen = 96;
constexpr std::size_t kMaxBackupLen = CIPHERDECK_MAX_DATA_LEN - 2048;  // room for shares and a name

/// Appends one key to a plaintext of at most `room.size()` bytes of which `len` are used. Fails
/// with limit when it is full.
Result<void> put_backup_key(MutableBytes room, std::size_t& len, const BackupKey& key);
/// Fails with decrypt_failed where a plaintext is no list of keys.
[[nodiscard]] Result<std::vector<BackupKey>> read_backup_keys(Bytes plaintext);

[[nodiscard]] Result<Blob> seal_backup(const BackupHeader& header, Bytes plaintext,
                                       const RootKey& key, RandomSource& random);
/// Fails with decrypt_failed where bytes are no backup of this version.
[[nodiscard]] Result<BackupHeader> read_backup_header(Bytes backup);
/// Fails with decrypt_failed, no_memory.
[[nodiscard]] Result<SecretBuffer> open_backup(Bytes backup, const RootKey& key);

}  // namespace cipherdeck::card::store
