// SPDX-License-Identifier: Apache-2.0
// The bodies of the API's requests, checked: whoever gets one of these need not look again.
#pragma once

#include "host/manager/card_control.h"
#include "host/manager/outcome.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cipherdeck::manager {

constexpr std::size_t kMaxLabelLen = sizeof(cipherdeck_card_status::label) - 1;
constexpr std::size_t kMaxPartitionNameLen = sizeof(cipherdeck_partition_record::name) - 1;
constexpr std::size_t kMinAccessCodeLen = 8;
constexpr std::size_t kMaxAccessCodeLen = 256;
constexpr std::size_t kMinPasswordLen = 8;  // and passphrases
constexpr std::size_t kMaxPasswordLen = 256;
constexpr std::size_t kMaxUserNameLen = sizeof(cipherdeck_user_record::name) - 1;
constexpr std::uint32_t kMaxKeyIndex = 4096;
constexpr std::uint32_t kKekBits = 128;  // of SM4, the only cipher that wraps keys
constexpr std::size_t kMaxBodyLen = 65536;
constexpr std::size_t kMaxRestoreLen =
    std::size_t{2} * CIPHERDECK_MAX_DATA_LEN + 4096;  // hexadecimal
constexpr std::uint32_t kMaxShares = 16;

/// A text that is wiped when it goes.
struct SecretText {
  std::string text;

  SecretText() = default;
  explicit SecretText(std::string from) : text(std::move(from)) {}
  SecretText(SecretText&&) = default;
  SecretText& operator=(SecretText&&) = default;
  ~SecretText();
};

/// {"protection": "passphrase", "passphrase": "..."}, "key-file" or "credential" without one.
struct ProtectionRequest {
  std::uint32_t kind = CIPHERDECK_PROTECT_KEY_FILE;
  SecretText passphrase;

  /// A copy for the card, which the caller wipes.
  [[nodiscard]] Protection protection() const { return {kind, passphrase.text}; }
};

/// {"label": "rack 7"} and the members of a ProtectionRequest; all may be absent. At most
/// kMaxLabelLen characters of ASCII.
struct InitRequest {
  std::string label;
  ProtectionRequest protection;
};

/// {"name": "ann", "password": "..."}
struct LoginRequest {
  std::string name;
  SecretText password;
};

/// {"name": "ann", "role": "operator", "partition": "blue", "password": "..."}; without a partition
/// the role is for the whole card.
struct RoleRequest {
  std::string name;
  std::uint32_t role = 0;  // CIPHERDECK_ROLE_
  std::string partition;
  SecretText password;
};

/// {"count": 4, "force": false}
struct VfCountRequest {
  std::uint32_t count = 0;
  bool force = false;  // also when that takes VFs away from who uses them
};

/// {"partition": 2} or {"partition": "blue"}: a name or an id as text.
struct BindRequest {
  std::string partition;
};

/// {"weight": 200, "committed_percent": 12.5, "peak_percent": 50}: percent of one worker's time; a
/// peak of null is none; absent members leave what there is.
struct ShareRequest {
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> committed;  // as in struct cipherdeck_function_share
  std::optional<std::uint32_t> peak;
};

/// {"name": "blue"}
struct PartitionRequest {
  std::string name;
};

/// {"kind": "pair", "index": 1, "access_code": "..."} or
/// {"kind": "kek", "index": 1, "bits": 128, "access_code": "..."}, where a KEK's code may be
/// absent, or {"kind": "rsa", "index": 1, "bits": 2048, "access_code": "..."}, or "symmetric" as
/// "kek" with 128 or 256 bits, or {"kind": "sm9-sign-master", "index": 1} or {"kind":
/// "sm9-sign-user", "index": 1, "master": 1, "id": "Alice", "access_code": "..."}; likewise
/// "sm9-encrypt-".
struct KeyRequest {
  KeyKind kind = KeyKind::pair;
  std::uint32_t index = 0;
  std::uint32_t bits = 0;  // KEK, RSA and symmetric only
  Sm9User user;            // keys of SM9 users only
  std::string access_code;

  KeyRequest() = default;
  KeyRequest(KeyRequest&&) = default;
  KeyRequest& operator=(KeyRequest&&) = default;
  ~KeyRequest();  // wipes
};

/// {"level": "factory"}, "power-on" or "periodic": a CIPHERDECK_RANDOM_TEST_.
[[nodiscard]] Outcome<std::uint32_t> parse_random_test(const std::string& body);
/// {"threshold": 2, "shares": 3}
struct BackupRequest {
  std::uint32_t threshold = 0;
  std::uint32_t num_shares = 0;
};

/// {"name": "blue", "backup": "...", "shares": ["...", "..."]}, bytes as hexadecimal digits.
struct RestoreRequest {
  std::string name;
  PartitionBackup backup;
};

[[nodiscard]] Outcome<BackupRequest> parse_backup(const std::string& body);
[[nodiscard]] Outcome<RestoreRequest> parse_restore(const std::string& body);
[[nodiscard]] Outcome<InitRequest> parse_init(const std::string& body);
[[nodiscard]] Outcome<ProtectionRequest> parse_protection(const std::string& body);
[[nodiscard]] Outcome<LoginRequest> parse_login(const std::string& body);
[[nodiscard]] Outcome<RoleRequest> parse_role(const std::string& body);
/// {"passphrase": "..."} or {"password": "..."}
[[nodiscard]] Outcome<SecretText> parse_secret(const std::string& body, const char* member);
/// {"up_to": 1000}
[[nodiscard]] Outcome<std::uint64_t> parse_audit_clear(const std::string& body);
[[nodiscard]] Outcome<VfCountRequest> parse_vf_count(const std::string& body);
[[nodiscard]] Outcome<BindRequest> parse_bind(const std::string& body);
[[nodiscard]] Outcome<ShareRequest> parse_share(const std::string& body);
[[nodiscard]] Outcome<PartitionRequest> parse_partition(const std::string& body);
[[nodiscard]] Outcome<KeyRequest> parse_key(const std::string& body);
/// {"access_code": "..."}; kind and index come from the path and are left as they are made.
[[nodiscard]] Outcome<KeyRequest> parse_access_code(const std::string& body);

/// Whether a text may name a partition: 1 to kMaxPartitionNameLen letters, digits, '.', '_' and
/// '-', not digits alone, which would be an id, and not beginning with '-', which would be an
/// option.
[[nodiscard]] bool is_partition_name(std::string_view name);

/// Bytes as two hexadecimal digits each, and back; false for what is none.
[[nodiscard]] std::string to_hex(Bytes bytes);
[[nodiscard]] bool append_hex(std::vector<std::uint8_t>& to, std::string_view digits);

/// Whether a text may name a user: 1 to kMaxUserNameLen letters, digits, '.', '_' and '-'.
[[nodiscard]] bool is_user_name(std::string_view name);

/// "administrator", "operator" or "auditor", for people; empty for other numbers.
[[nodiscard]] std::string_view role_name(std::uint32_t role) noexcept;

/// A decimal number without sign from `low` to `high`, for parts of paths.
[[nodiscard]] Outcome<std::uint32_t> parse_number(const std::string& what, std::string_view text,
                                                  std::uint32_t low, std::uint32_t high);
/// "pair", "kek", "rsa", "symmetric", "sm9-sign-master", "sm9-encrypt-master", "sm9-sign-user" or
/// "sm9-encrypt-user".
[[nodiscard]] Outcome<KeyKind> parse_kind(std::string_view text);
/// The same the other way round, of a CIPHERDECK_KEY_.
[[nodiscard]] const char* kind_name(std::uint32_t kind);

}  // namespace cipherdeck::manager
