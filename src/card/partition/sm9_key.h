// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "card/partition/access.h"
#include "engine/sm9/sm9.h"

#include <cipherdeck/function.h>

#include <string>
#include <variant>

namespace cipherdeck::card {

/// The two keys of an identity that one encryption master key gives.
struct Sm9EncryptUserKeys {
  engine::Sm9EncryptUserKey encrypt;
  engine::Sm9EncryptUserKey exchange;
};

/// A master key or the key of a user, for signatures or for encryption.
struct Sm9Key {
  /// In the order of the kinds.
  using Value = std::variant<engine::Sm9SignMasterKey, engine::Sm9EncryptMasterKey,
                             engine::Sm9SignUserKey, Sm9EncryptUserKeys>;

  /// CIPHERDECK_KEY_SM9_
  [[nodiscard]] std::uint32_t kind() const noexcept {
    return CIPHERDECK_KEY_SM9_SIGN_MASTER + static_cast<std::uint32_t>(value.index());
  }
  [[nodiscard]] bool is_user() const noexcept { return value.index() >= 2; }

  std::uint32_t index = 0;
  std::uint64_t created = 0;  // seconds since 1970
  Value value;
  std::string id;         // of a user's key: the identity
  AccessVerifier access;  // of a user's key
};

[[nodiscard]] constexpr bool is_sm9_kind(std::uint64_t kind) noexcept {
  return kind >= CIPHERDECK_KEY_SM9_SIGN_MASTER && kind <= CIPHERDECK_KEY_SM9_ENCRYPT_USER;
}

}  // namespace cipherdeck::card
