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
constexpr std::uint32_t kMaxKeyIndex = 4096;
constexpr std::uint32_t kKekBits = 128;  // of SM4, the only cipher that wraps keys
constexpr std::size_t kMaxBodyLen = 65536;

/// {"label": "rack 7"}; the label may be absent. At most kMaxLabelLen characters of ASCII.
struct InitRequest {
  std::string label;
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
[[nodiscard]] Outcome<InitRequest> parse_init(const std::string& body);
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

/// A decimal number without sign from `low` to `high`, for parts of paths.
[[nodiscard]] Outcome<std::uint32_t> parse_number(const std::string& what, std::string_view text,
                                                  std::uint32_t low, std::uint32_t high);
/// "pair", "kek", "rsa", "symmetric", "sm9-sign-master", "sm9-encrypt-master", "sm9-sign-user" or
/// "sm9-encrypt-user".
[[nodiscard]] Outcome<KeyKind> parse_kind(std::string_view text);
/// The same the other way round, of a CIPHERDECK_KEY_.
[[nodiscard]] const char* kind_name(std::uint32_t kind);

}  // namespace cipherdeck::manager
