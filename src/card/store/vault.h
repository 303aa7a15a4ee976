// SPDX-License-Identifier: Apache-2.0
// The key hierarchy of the store: who wraps whom, for what purpose and in what context.
#pragma once

#include "card/partition/partition.h"
#include "card/store/records.h"
#include "card/store/wrapping.h"

#include <string>
#include <vector>

namespace cipherdeck::card::store {

using Blob = std::vector<std::uint8_t>;

/// What the card's row says of itself; authenticated with the management key's blob.
struct CardInfo {
  std::string label;
  std::string serial;
  std::uint64_t created = 0;
  std::int64_t version = 2;  // of the store: an older one is not taken for a newer, nor vice versa
};

/// A number that tells one root key from another and nothing of its bytes.
[[nodiscard]] Blob root_key_id(const RootKey& root);

/// `root` is what the card's protection gives: the key file, a passphrase stretched, a credential.
[[nodiscard]] Result<Blob> wrap_management_key(Bytes management, const RootKey& root,
                                               const CardInfo& info, RandomSource& random);
Result<void> unwrap_management_key(MutableBytes management, const RootKey& root,
                                   const CardInfo& info, Bytes blob);

/// What stands in a partition's row; authenticated with its master key's blob.
struct PartitionInfo {
  PartitionId id = 0;
  std::string name;
  std::uint64_t created = 0;
};

[[nodiscard]] Result<Blob> wrap_master_key(const RootKey& master, Bytes management,
                                           const PartitionInfo& info, RandomSource& random);
[[nodiscard]] Result<RootKey> unwrap_master_key(Bytes management, const PartitionInfo& info,
                                                Bytes blob);

/// Where a key's row stands; authenticated with its blob.
struct KeyPlace {
  PartitionId partition = 0;
  std::uint32_t kind = 0;
  std::uint32_t index = 0;
  std::uint64_t created = 0;
};

[[nodiscard]] Result<Blob> wrap_key(Bytes record, const RootKey& master, const KeyPlace& place,
                                    RandomSource& random);
Result<void> unwrap_key(MutableBytes record, const RootKey& master, const KeyPlace& place,
                        Bytes blob);

/// What chains the records of the audit trail, and what seals its ends.
[[nodiscard]] Blob trail_mac(Bytes management, const Context& context);
[[nodiscard]] Blob trail_head_mac(Bytes management, const Context& context);

/// What a user's password is checked against, wrapped; and what seals the set of all users.
[[nodiscard]] Result<Blob> wrap_verifier(Bytes record, Bytes management, const Context& context,
                                         RandomSource& random);
Result<void> unwrap_verifier(MutableBytes record, Bytes management, const Context& context,
                             Bytes blob);
[[nodiscard]] Blob users_mac(Bytes management, const Context& context);

/// The card's own two private keys, wrapped.
[[nodiscard]] Result<Blob> wrap_identity(Bytes record, Bytes management, RandomSource& random);
Result<void> unwrap_identity(MutableBytes record, Bytes management, Bytes blob);

/// What authenticates a key's label.
[[nodiscard]] Blob label_mac(Bytes management, const KeyPlace& place, std::string_view label);

/// What authenticates a binding's row.
[[nodiscard]] Blob binding_mac(Bytes management, FunctionNumber function, PartitionId partition);

}  // namespace cipherdeck::card::store
