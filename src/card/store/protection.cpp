// SPDX-License-Identifier: Apache-2.0
#include "card/store/protection.h"

#include "card/store/key_file.h"

namespace cipherdeck::card::store {
namespace {

Result<RootKey> find_key_file(const std::filesystem::path& path, std::string& why) {
  auto key = read_key_file(path, why);
  if (!key) return Error::store_failed;
  return key;
}

// A key file that is there already was made by an initialisation that did not get to the end, or
// put there by the operator. Both will do: nothing is wrapped under it in this store yet.
Result<RootKey> make_or_take_key_file(const std::filesystem::path& path, RandomSource& random,
                                      std::string& why) {
  auto key = read_key_file(path, why);
  if (key.ok()) {
    CIPHERDECK_TRY(settle_key_file(path, why));
    return key;
  }
  if (key.error() == Error::not_found) key = make_key_file(path, random, why);
  if (key.ok() || key.error() == Error::random_failed) return key;
  return Error::store_failed;
}

}  // namespace

Result<RootKey> find_root_key(const Protection& protection, const KeySources& sources,
                              Bytes passphrase, std::string& why) {
  switch (protection.kind) {
    case ProtectionKind::key_file:
      return find_key_file(sources.key_file, why);
    case ProtectionKind::passphrase:
      return stretch(passphrase, protection.stretching);
    case ProtectionKind::credential:
      return read_credential(sources.credential, why);
  }
  why = "the key store names a protection that this program does not know; install a newer one";
  return Error::store_failed;
}

Result<RootKey> make_root_key(Protection& protection, const KeySources& sources, Bytes passphrase,
                              RandomSource& random, std::string& why) {
  if (protection.kind == ProtectionKind::key_file) {
    return make_or_take_key_file(sources.key_file, random, why);
  }
  if (protection.kind == ProtectionKind::passphrase) {
    CIPHERDECK_ASSIGN(protection.stretching, make_stretching(protection.stretching.cost, random));
  }
  return find_root_key(protection, sources, passphrase, why);
}

}  // namespace cipherdeck::card::store
