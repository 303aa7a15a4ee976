// SPDX-License-Identifier: Apache-2.0
// The plaintext of a wrapped key. Fixed lengths, big-endian; docs/formats/key-store.md.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "card/partition/partition.h"

namespace cipherdeck::card::store {

constexpr std::size_t kAccessRecordLen = 1 + 16 + 32;
constexpr std::size_t kKeyPairRecordLen = 32 + 32 + kAccessRecordLen;
constexpr std::size_t kKekRecordLen = 4 + kMaxSessionKeyLen + kAccessRecordLen;

// Identities and keys of SM9 users have room for the longest.
constexpr std::size_t kSm9IdRecordLen = 1 + CIPHERDECK_SM9_MAX_ID;
constexpr std::size_t kSm9MasterRecordLen = engine::kSm9ScalarLen;
constexpr std::size_t kSm9SignUserRecordLen =
    kSm9IdRecordLen + engine::kSm9G1Len + kAccessRecordLen;
constexpr std::size_t kSm9EncryptUserRecordLen =
    kSm9IdRecordLen + 2 * engine::kSm9G2Len + kAccessRecordLen;

/// The record of an SM9 key of any kind, which says its length.
struct Sm9Record {
  Secret<kSm9EncryptUserRecordLen> bytes;
  std::size_t len = 0;

  [[nodiscard]] MutableBytes span() noexcept { return bytes.span().first(len); }
  [[nodiscard]] Bytes span() const noexcept { return bytes.span().first(len); }
};

using KeyPairRecord = Secret<kKeyPairRecordLen>;
using KekRecord = Secret<kKekRecordLen>;

[[nodiscard]] KeyPairRecord to_record(const KeyPair& key_pair);
[[nodiscard]] KekRecord to_record(const Kek& kek);
[[nodiscard]] Sm9Record to_record(const Sm9Key& key);

/// An empty record for a key of `kind`, CIPHERDECK_KEY_SM9_.
[[nodiscard]] Sm9Record sm9_record_for(std::uint32_t kind);

/// Fail with invalid_key if a field has a value that no writer gives it.
[[nodiscard]] Result<KeyPair> to_key_pair(const KeyPairRecord& record, std::uint32_t index,
                                          std::uint64_t created);
[[nodiscard]] Result<Sm9Key> to_sm9_key(const Sm9Record& record, std::uint32_t kind,
                                        std::uint32_t index, std::uint64_t created);
[[nodiscard]] Result<Kek> to_kek(const KekRecord& record, std::uint32_t index,
                                 std::uint64_t created);

/// Of the other kinds: access verifier, then the material's own record.
[[nodiscard]] SecretBytes to_record(const OtherKey& key);
/// Fails with key_type if this program does not know the kind, with invalid_key if the material is
/// not well-formed.
[[nodiscard]] Result<OtherKey> to_other_key(Bytes record, std::uint32_t kind, std::uint32_t index,
                                            std::uint64_t created);
/// What KeyMaterial::record() gave for a key of that kind.
[[nodiscard]] Result<std::shared_ptr<const KeyMaterial>> read_key_material(std::uint32_t kind,
                                                                           Bytes record);

}  // namespace cipherdeck::card::store
