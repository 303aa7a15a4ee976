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

using KeyPairRecord = Secret<kKeyPairRecordLen>;
using KekRecord = Secret<kKekRecordLen>;

[[nodiscard]] KeyPairRecord to_record(const KeyPair& key_pair);
[[nodiscard]] KekRecord to_record(const Kek& kek);

/// Fail with invalid_key if a field has a value that no writer gives it.
[[nodiscard]] Result<KeyPair> to_key_pair(const KeyPairRecord& record, std::uint32_t index,
                                          std::uint64_t created);
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
