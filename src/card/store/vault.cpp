// SPDX-License-Identifier: Apache-2.0
#include "card/store/vault.h"

namespace cipherdeck::card::store {
namespace {

// The purposes of derived keys. Each root key has its own, so no derived key serves two.
constexpr std::string_view kKeyFileId = "cipherdeck key-file id";
constexpr std::string_view kWrapManagement = "cipherdeck wrap management-key";
constexpr std::string_view kWrapMaster = "cipherdeck wrap partition-key";
constexpr std::string_view kMacBinding = "cipherdeck mac binding";
constexpr std::string_view kMacTrail = "cipherdeck mac audit";
constexpr std::string_view kMacTrailHead = "cipherdeck mac audit-head";
constexpr std::string_view kWrapVerifier = "cipherdeck wrap verifier";
constexpr std::string_view kMacUsers = "cipherdeck mac users";
constexpr std::string_view kWrapIdentity = "cipherdeck wrap identity";
constexpr std::string_view kMacLabel = "cipherdeck mac label";
constexpr std::string_view kWrapKey = "cipherdeck wrap key";

Context context_of(const CardInfo& info) {
  Context context = Context("card").add(info.label).add(info.serial).add(info.created);
  if (info.version > 1) context.add(static_cast<std::uint64_t>(info.version));
  return context;
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

Blob root_key_id(const RootKey& root) {
  return authenticate(root.span(), kKeyFileId, Context("id"));
}

Result<Blob> wrap_management_key(Bytes management, const RootKey& root, const CardInfo& info,
                                 RandomSource& random) {
  return wrap(root.span(), kWrapManagement, context_of(info), management, random);
}

Result<void> unwrap_management_key(MutableBytes management, const RootKey& root,
                                   const CardInfo& info, Bytes blob) {
  return unwrap(management, root.span(), kWrapManagement, context_of(info), blob);
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

Blob trail_mac(Bytes management, const Context& context) {
  return authenticate(management, kMacTrail, context);
}

Blob trail_head_mac(Bytes management, const Context& context) {
  return authenticate(management, kMacTrailHead, context);
}

Result<Blob> wrap_verifier(Bytes record, Bytes management, const Context& context,
                           RandomSource& random) {
  return wrap(management, kWrapVerifier, context, record, random);
}

Result<void> unwrap_verifier(MutableBytes record, Bytes management, const Context& context,
                             Bytes blob) {
  return unwrap(record, management, kWrapVerifier, context, blob);
}

Blob users_mac(Bytes management, const Context& context) {
  return authenticate(management, kMacUsers, context);
}

Result<Blob> wrap_identity(Bytes record, Bytes management, RandomSource& random) {
  return wrap(management, kWrapIdentity, Context("identity"), record, random);
}

Result<void> unwrap_identity(MutableBytes record, Bytes management, Bytes blob) {
  return unwrap(record, management, kWrapIdentity, Context("identity"), blob);
}

Blob label_mac(Bytes management, const KeyPlace& place, std::string_view label) {
  Context context("label");
  context.add(std::uint64_t{place.partition}).add(std::uint64_t{place.kind});
  context.add(std::uint64_t{place.index}).add(place.created).add(label);
  return authenticate(management, kMacLabel, context);
}

Blob binding_mac(Bytes management, FunctionNumber function, PartitionId partition) {
  return authenticate(
      management, kMacBinding,
      Context("binding").add(std::uint64_t{function}).add(std::uint64_t{partition}));
}

}  // namespace cipherdeck::card::store
