// SPDX-License-Identifier: Apache-2.0
// What protects the management key: where the root key that wraps it comes from.
#pragma once

#include "card/store/password.h"
#include "card/store/wrapping.h"

#include <filesystem>
#include <string>

namespace cipherdeck::card::store {

enum class ProtectionKind : std::uint32_t {
  key_file = CIPHERDECK_PROTECT_KEY_FILE,      // a file of the card's own
  passphrase = CIPHERDECK_PROTECT_PASSPHRASE,  // given by a person after each start
  credential = CIPHERDECK_PROTECT_CREDENTIAL,  // a file that systemd hands to the service
};

/// Where root keys are found. A path alone is a key file's.
struct KeySources {
  KeySources(std::filesystem::path file) : key_file(std::move(file)) {}  // NOLINT: implicit
  KeySources(std::filesystem::path file, std::filesystem::path handed)
      : key_file(std::move(file)), credential(std::move(handed)) {}

  std::filesystem::path key_file;
  std::filesystem::path credential;  // empty: the service was given none
};

struct Protection {
  ProtectionKind kind = ProtectionKind::key_file;
  Stretching stretching;  // of a passphrase
};

/// The root key of a protection that is in force. `passphrase` is looked at for that kind only.
/// Fails with store_failed (`why` names cause and remedy), invalid_argument (no valid passphrase),
/// no_memory.
[[nodiscard]] Result<RootKey> find_root_key(const Protection& protection, const KeySources& sources,
                                            Bytes passphrase, std::string& why);

/// The root key for a card that is initialised, or protected in another way from now on: makes the
/// key file unless there is one, and the salt of a passphrase. Fails as find_root_key(), and with
/// random_failed.
[[nodiscard]] Result<RootKey> make_root_key(Protection& protection, const KeySources& sources,
                                            Bytes passphrase, RandomSource& random,
                                            std::string& why);

}  // namespace cipherdeck::card::store
