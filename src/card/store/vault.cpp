// SPDX-License-Identifier: Apache-2.0
#include "card/store/vault.h"

namespace cipherdeck::card::store {
namespace {

// The purposes of derived keys. Each root key has its own, so no derived key serves two.
constexpr std::string_view kKeyFileId = "cipherdeck key-file id";
constexpr std::string_view kWrapManagement = "cipherdeck wrap management-key";
constexpr std::string_view kWrapMaster = "cipherdeck wrap partition-key";
constexpr std::string_view kMacBinding = "cipherdeck mac binding";
constexpr std::string_view kWrapKey = "cipherdeck wrap key";

Context context_of(const CardInfo& info) {
  return Context("card").add(info.label).add(info.serial).add(info.created);
}

Context context_of(const PartitionInfo& info) {
  return Context("partition").add(std::uint64_t{info.id}).add(info.name).add(info.created);
}

Context context_of(const KeyPlace& place) {
  return Context("key")
      .add(std::uint64_t{place.partition})
      .add(std::uint64_t{place.kind})
      .add(std::uint64_t{place.index})
      .add(place.created);
}

}  // namespace

Blob key_file_id(const RootKey& key_file) {
  return authenticate(key_file.span(), kKeyFileId, Context("id"));
}

Result<Blob> wrap_management_key(const RootKey& management, const RootKey& key_file,
                                 const CardInfo& info, RandomSource& random) {
  return wrap(key_file.span(), kWrapManagement, context_of(info), management.span(), random);
}

Result<void> unwrap_management_key(MutableBytes management, const RootKey& key_file,
                                   const CardInfo& info, Bytes blob) {
  return unwrap(management, key_file.span(), kWrapManagement, context_of(info), blob);
}

Result<Blob> wrap_master_key(const RootKey& master, Bytes management, const PartitionInfo& info,
                             RandomSource& random) {
  return wrap(management, kWrapMaster, context_of(info), master.span(), random);
}

Result<RootKey> unwrap_master_key(Bytes management, const PartitionInfo& info, Bytes blob) {
  RootKey master;
  CIPHERDECK_TRY(unwrap(master.span(), management, kWrapMaster, context_of(info), blob));
  return master;
}

Result<Blob> wrap_key(Bytes record, const RootKey& master, const KeyPlace& place,
                      RandomSource& random) {
  return wrap(master.span(), kWrapKey, context_of(place), record, random);
}

Result<void> unwrap_key(MutableBytes record, const RootKey& master, const KeyPlace& place,
                        Bytes blob) {
  return unwrap(record, master.span(), kWrapKey, context_of(place), blob);
}

Blob binding_mac(Bytes management, FunctionNumber function, PartitionId partition) {
  return authenticate(
      management, kMacBinding,
      Context("binding").add(std::uint64_t{function}).add(std::uint64_t{partition}));
}

}  // namespace cipherdeck::card::store
