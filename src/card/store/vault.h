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
};

/// A number that tells one key file from another and nothing of its bytes.
[[nodiscard]] Blob key_file_id(const RootKey& key_file);

[[nodiscard]] Result<Blob> wrap_management_key(const RootKey& management, const RootKey& key_file,
                                               const CardInfo& info, RandomSource& random);
Result<void> unwrap_management_key(MutableBytes management, const RootKey& key_file,
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

/// What authenticates a binding's row.
[[nodiscard]] Blob binding_mac(Bytes management, FunctionNumber function, PartitionId partition);

}  // namespace cipherdeck::card::store
