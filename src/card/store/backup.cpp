// SPDX-License-Identifier: Apache-2.0
#include "card/store/backup.h"

#include <algorithm>

namespace cipherdeck::card::store {
namespace {

// magic (8) || id (16) || made (8) || serial (16) || name (48)
constexpr std::string_view kMagic = "CDBACKU1";
constexpr std::size_t kIdAt = 8;
constexpr std::size_t kMadeAt = 24;
constexpr std::size_t kSerialAt = 32;
constexpr std::size_t kNameAt = 48;
static_assert(kNameAt + 48 == kBackupHeaderLen);

constexpr std::string_view kPurpose = "cipherdeck wrap backup";
constexpr std::size_t kKeyHeaderLen = 4 + 4 + 8 + 4;  // kind, index, created, length
constexpr std::size_t kMaxRecordLen = 16384;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_field(Bytes field) {
  const std::string_view text = text_of(field);
  return std::string(text.substr(0, text.find('\0')));
}

Context context_of(Bytes header) { return Context("backup").add(text_of(header)); }

}  // namespace

Result<void> put_backup_key(MutableBytes room, std::size_t& len, const BackupKey& key) {
  if (key.record.size() > kMaxRecordLen) return Error::limit;
  if (room.size() - len < kKeyHeaderLen + key.record.size()) return Error::limit;
  std::uint8_t* const at = room.data() + len;
  store_be32(at, key.place.kind);
  store_be32(at + 4, key.place.index);
  store_be64(at + 8, key.place.created);
  store_be32(at + 16, static_cast<std::uint32_t>(key.record.size()));
  std::memcpy(at + kKeyHeaderLen, key.record.data(), key.record.size());
  len += kKeyHeaderLen + key.record.size();
  return {};
}

Result<std::vector<BackupKey>> read_backup_keys(Bytes plaintext) {
  std::vector<BackupKey> keys;
  while (!plaintext.empty()) {
    if (plaintext.size() < kKeyHeaderLen) return Error::decrypt_failed;
    const std::size_t len = load_be32(plaintext.data() + 16);
    if (len > kMaxRecordLen || len > plaintext.size() - kKeyHeaderLen) return Error::decrypt_failed;
    keys.push_back({{0, load_be32(plaintext.data()), load_be32(plaintext.data() + 4),
                     load_be64(plaintext.data() + 8)},
                    plaintext.subspan(kKeyHeaderLen, len)});
    plaintext = plaintext.subspan(kKeyHeaderLen + len);
  }
  return keys;
}

Result<Blob> seal_backup(const BackupHeader& header, Bytes plaintext, const RootKey& key,
                         RandomSource& random) {
  Blob backup(kBackupHeaderLen);
  std::memcpy(backup.data(), kMagic.data(), kMagic.size());
  std::memcpy(backup.data() + kIdAt, header.id.data(), header.id.size());
  store_be64(backup.data() + kMadeAt, header.made);
  std::memcpy(backup.data() + kSerialAt, header.serial.data(),
              std::min<std::size_t>(header.serial.size(), 16));
  std::memcpy(backup.data() + kNameAt, header.partition.data(),
              std::min<std::size_t>(header.partition.size(), 47));
  CIPHERDECK_ASSIGN(const Blob wrapped,
                    wrap(key.span(), kPurpose, context_of(backup), plaintext, random));
  backup.insert(backup.end(), wrapped.begin(), wrapped.end());
  return backup;
}

Result<BackupHeader> read_backup_header(Bytes backup) {
  if (backup.size() < kBackupHeaderLen + kWrapOverhead || backup.size() > kMaxBackupLen) {
    return Error::decrypt_failed;
  }
  if (text_of(backup.first(kMagic.size())) != kMagic) return Error::decrypt_failed;
  BackupHeader header;
  std::memcpy(header.id.data(), backup.data() + kIdAt, header.id.size());
  header.made = load_be64(backup.data() + kMadeAt);
  header.serial = text_field(backup.subspan(kSerialAt, 16));
  header.partition = text_field(backup.subspan(kNameAt, 48));
  return header;
}

Result<SecretBuffer> open_backup(Bytes backup, const RootKey& key) {
  CIPHERDECK_TRY(read_backup_header(backup));
  const Bytes wrapped = backup.subspan(kBackupHeaderLen);
  if (wrapped.size() == kWrapOverhead) return Error::decrypt_failed;  // not even a device key
  CIPHERDECK_ASSIGN(SecretBuffer plaintext, SecretBuffer::allocate(wrapped.size() - kWrapOverhead));
  CIPHERDECK_TRY(unwrap(plaintext.bytes(), key.span(), kPurpose,
                        context_of(backup.first(kBackupHeaderLen)), wrapped));
  return plaintext;
}

}  // namespace cipherdeck::card::store
