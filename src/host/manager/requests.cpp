// SPDX-License-Identifier: Apache-2.0
#include "host/manager/requests.h"

#include "base/secret.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>

namespace cipherdeck::manager {
namespace {

using Json = nlohmann::json;

void wipe_text(std::string& text) noexcept {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

/// The body as an object that has no other members than these.
Outcome<Json> parse_object(const std::string& body, std::initializer_list<const char*> members,
                           std::size_t max_len = kMaxBodyLen) {
  if (body.size() > max_len) return Problem{413, "the request is too long", ""};
  Json json = body.empty() ? Json::object() : Json::parse(body, nullptr, false);
  if (!json.is_object()) return bad_request("the request is not a JSON object");
  for (const auto& item : json.items()) {
    const bool known = std::any_of(members.begin(), members.end(),
                                   [&](const char* name) { return item.key() == name; });
    if (!known) return bad_request("the request has an unknown member");
  }
  return json;
}

Problem missing(const std::string& name) {
  return bad_request("\"" + name + "\" is missing from the request");
}

Outcome<std::string> text_member(const Json& json, const char* name, std::size_t min_len,
                                 std::size_t max_len) {
  const auto found = json.find(name);
  if (found == json.end()) return missing(name);
  if (!found->is_string()) return bad_request("\"" + std::string(name) + "\" is not a text");
  auto text = found->get<std::string>();
  if (text.size() < min_len || text.size() > max_len) {
    wipe_text(text);
    return bad_request("\"" + std::string(name) + "\" has not between " + std::to_string(min_len) +
                       " and " + std::to_string(max_len) + " bytes");
  }
  return text;
}

Outcome<std::uint32_t> number_member(const Json& json, const char* name, std::uint32_t low,
                                     std::uint32_t high) {
  const auto found = json.find(name);
  if (found == json.end()) return missing(name);
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < low ||
      found->get<std::uint64_t>() > high) {
    return bad_request("\"" + std::string(name) + "\" is not a number between " +
                       std::to_string(low) + " and " + std::to_string(high));
  }
  return found->get<std::uint32_t>();
}

// A part of one worker's time, in percent, as a rate of the function interface. More than all of it
// is of use with several workers only.
Outcome<std::uint32_t> rate_member(const Json& json, const char* name, double low) {
  constexpr double kMostPercent = 6400;
  constexpr double kRatePerPercent = 10'000;
  const Json& member = json[name];
  if (!member.is_number() || member.get<double>() < low || member.get<double>() > kMostPercent) {
    return bad_request("\"" + std::string(name) + "\" is not a number of percent" +
                           (low > 0 ? ", more than 0" : ""),
                       low > 0 ? "For no limit take null (--peak none)." : "");
  }
  return static_cast<std::uint32_t>(std::lround(member.get<double>() * kRatePerPercent));
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Outcome<std::string> access_code_member(const Json& json) {
  return text_member(json, "access_code", kMinAccessCodeLen, kMaxAccessCodeLen);
}

void wipe_member(Json& json, const char* name) noexcept {
  const auto found = json.find(name);
  if (found == json.end()) return;
  if (auto* text = found->get_ptr<std::string*>()) wipe_text(*text);
}

struct BitsRange {
  std::uint32_t least, most;
};

// The card says no to what lies between the sizes there are.
BitsRange bits_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::rsa:
      return {1024, 4096};
    case KeyKind::symmetric:
      return {128, 256};
    default:
      return {kKekBits, kKekBits};
  }
}

bool has_bits(KeyKind kind) {
  return kind == KeyKind::kek || kind == KeyKind::rsa || kind == KeyKind::symmetric;
}

bool may_lack_code(KeyKind kind) { return kind == KeyKind::kek || kind == KeyKind::symmetric; }

struct KindName {
  KeyKind kind;
  const char* name;
};
constexpr KindName kKindNames[] = {{KeyKind::pair, "pair"},
                                   {KeyKind::kek, "kek"},
                                   {KeyKind::rsa, "rsa"},
                                   {KeyKind::symmetric, "symmetric"},
                                   {KeyKind::sm9_sign_master, "sm9-sign-master"},
                                   {KeyKind::sm9_encrypt_master, "sm9-encrypt-master"},
                                   {KeyKind::sm9_sign_user, "sm9-sign-user"},
                                   {KeyKind::sm9_encrypt_user, "sm9-encrypt-user"}};
constexpr std::size_t kMaxKindLen = 18;

bool is_sm9_master(KeyKind kind) {
  return kind == KeyKind::sm9_sign_master || kind == KeyKind::sm9_encrypt_master;
}

bool is_sm9_user(KeyKind kind) {
  return kind == KeyKind::sm9_sign_user || kind == KeyKind::sm9_encrypt_user;
}

Outcome<Sm9User> sm9_user_from(const Json& json, KeyKind kind) {
  Sm9User user;
  user.kind = kind;
  if (!is_sm9_user(kind)) {
    if (!json.contains("master") && !json.contains("id")) return user;
    return bad_request("\"master\" and \"id\" are for keys of SM9 users only");
  }
  const auto master = number_member(json, "master", 1, kMaxKeyIndex);
  if (!master) return master.problem();
  user.master = *master;
  auto id = text_member(json, "id", 1, CIPHERDECK_SM9_MAX_ID);
  if (!id) return id.problem();
  user.id = std::move(*id);
  return user;
}

Outcome<std::string> partition_name_member(const Json& json) {
  auto name = text_member(json, "name", 1, kMaxPartitionNameLen);
  if (!name || is_partition_name(*name)) return name;
  return bad_request("\"name\" cannot name a partition",
                     "Use letters, digits, '.', '_' and '-', not digits alone.");
}

// Takes the member out of the request and wipes it there.
Outcome<SecretText> secret_member(Json& json, const char* name) {
  auto text = text_member(json, name, kMinPasswordLen, kMaxPasswordLen);
  wipe_member(json, name);
  if (!text) return text.problem();
  return SecretText(std::move(*text));
}

Outcome<std::string> user_name_member(const Json& json) {
  auto name = text_member(json, "name", 1, kMaxUserNameLen);
  if (!name || is_user_name(*name)) return name;
  return bad_request("\"name\" cannot name a user", "Use letters, digits, '.', '_' and '-'.");
}

Outcome<ProtectionRequest> protection_from(Json& json) {
  ProtectionRequest request;
  if (!json.contains("protection")) {
    if (json.contains("passphrase")) return missing("protection");
    return request;
  }
  const auto kind = text_member(json, "protection", 1, 16);
  if (!kind) return kind.problem();
  if (*kind == "key-file") return request;
  if (*kind == "credential") {
    request.kind = CIPHERDECK_PROTECT_CREDENTIAL;
    return request;
  }
  if (*kind != "passphrase") {
    return bad_request("a protection is \"key-file\", \"passphrase\" or \"credential\"");
  }
  request.kind = CIPHERDECK_PROTECT_PASSPHRASE;
  auto passphrase = secret_member(json, "passphrase");
  if (!passphrase) return passphrase.problem();
  request.passphrase = std::move(*passphrase);
  return request;
}

Outcome<KeyRequest> key_from(const Json& json) {
  KeyRequest request;
  auto kind = text_member(json, "kind", 1, kMaxKindLen);
  if (!kind) return kind.problem();
  const auto parsed = parse_kind(*kind);
  if (!parsed) return parsed.problem();
  request.kind = *parsed;
  const auto index = number_member(json, "index", 1, kMaxKeyIndex);
  if (!index) return index.problem();
  request.index = *index;
  if (!has_bits(request.kind)) {
    if (json.contains("bits")) return bad_request("keys of this kind have no choice of \"bits\"");
  } else {
    const BitsRange range = bits_of(request.kind);
    const auto bits = number_member(json, "bits", range.least, range.most);
    if (!bits) return bits.problem();
    request.bits = *bits;
  }
  auto user = sm9_user_from(json, request.kind);
  if (!user) return user.problem();
  request.user = std::move(*user);
  if (may_lack_code(request.kind) && !json.contains("access_code")) return request;
  if (is_sm9_master(request.kind)) {
    if (!json.contains("access_code")) return request;
    return bad_request("a master key of SM9 has no access code: only the card uses it");
  }
  auto code = access_code_member(json);
  if (!code) return code.problem();
  request.access_code = std::move(*code);
  return request;
}

}  // namespace

KeyRequest::~KeyRequest() { wipe_text(access_code); }

Outcome<BackupRequest> parse_backup(const std::string& body) {
  const auto json = parse_object(body, {"threshold", "shares"});
  if (!json) return json.problem();
  const auto num = number_member(*json, "shares", 2, kMaxShares);
  if (!num) return num.problem();
  const auto threshold = number_member(*json, "threshold", 2, *num);
  if (!threshold) return threshold.problem();
  return BackupRequest{*threshold, *num};
}

Outcome<RestoreRequest> parse_restore(const std::string& body) {
  const auto json = parse_object(body, {"name", "backup", "shares"}, kMaxRestoreLen);
  if (!json) return json.problem();
  RestoreRequest request;
  auto name = partition_name_member(*json);
  if (!name) return name.problem();
  request.name = std::move(*name);
  const auto backup = text_member(*json, "backup", 2, kMaxRestoreLen);
  if (!backup) return backup.problem();
  const auto shares = json->find("shares");
  if (shares == json->end() || !shares->is_array() || shares->size() > kMaxShares) {
    return bad_request("\"shares\" is not a list of up to " + std::to_string(kMaxShares));
  }
  if (!append_hex(request.backup.backup, *backup)) return bad_request("\"backup\" is damaged");
  for (const Json& share : *shares) {
    const bool fits =
        share.is_string() &&
        share.get_ref<const std::string&>().size() == std::size_t{2} * CIPHERDECK_SHARE_LEN &&
        append_hex(request.backup.shares, share.get_ref<const std::string&>());
    if (!fits) return bad_request("a share is damaged", "Copy it again from where it is kept.");
  }
  return request;
}

SecretText::~SecretText() { wipe_text(text); }

Outcome<InitRequest> parse_init(const std::string& body) {
  auto json = parse_object(body, {"label", "protection", "passphrase"});
  if (!json) return json.problem();
  InitRequest request;
  auto protection = protection_from(*json);
  wipe_member(*json, "passphrase");
  if (!protection) return protection.problem();
  request.protection = std::move(*protection);
  if (!json->contains("label")) return request;
  auto label = text_member(*json, "label", 0, kMaxLabelLen);
  if (!label) return label.problem();
  const bool plain = std::all_of(label->begin(), label->end(),
                                 [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (!plain) return bad_request("\"label\" has other characters than printable ASCII");
  request.label = std::move(*label);
  return request;
}

Outcome<ProtectionRequest> parse_protection(const std::string& body) {
  auto json = parse_object(body, {"protection", "passphrase"});
  if (!json) return json.problem();
  auto request = protection_from(*json);
  wipe_member(*json, "passphrase");
  return request;
}

Outcome<LoginRequest> parse_login(const std::string& body) {
  auto json = parse_object(body, {"name", "password"});
  if (!json) return json.problem();
  auto password = secret_member(*json, "password");
  if (!password) return password.problem();
  auto name = user_name_member(*json);
  if (!name) return name.problem();
  return LoginRequest{std::move(*name), std::move(*password)};
}

Outcome<RoleRequest> parse_role(const std::string& body) {
  auto json = parse_object(body, {"name", "role", "partition", "password"});
  if (!json) return json.problem();
  RoleRequest request;
  auto password = secret_member(*json, "password");
  if (!password) return password.problem();
  request.password = std::move(*password);
  auto name = user_name_member(*json);
  if (!name) return name.problem();
  request.name = std::move(*name);
  const auto role = text_member(*json, "role", 1, 16);
  if (!role) return role.problem();
  for (std::uint32_t number = 1; number <= CIPHERDECK_ROLE_AUDITOR; ++number) {
    if (role_name(number) == *role) request.role = number;
  }
  if (request.role == 0) {
    return bad_request("a role is \"administrator\", \"operator\" or \"auditor\"");
  }
  if (!json->contains("partition")) return request;
  auto partition = text_member(*json, "partition", 1, kMaxPartitionNameLen);
  if (!partition) return partition.problem();
  request.partition = std::move(*partition);
  return request;
}

Outcome<SecretText> parse_secret(const std::string& body, const char* member) {
  auto json = parse_object(body, {member});
  if (!json) return json.problem();
  return secret_member(*json, member);
}

Outcome<std::uint64_t> parse_audit_clear(const std::string& body) {
  const auto json = parse_object(body, {"up_to"});
  if (!json) return json.problem();
  const auto found = json->find("up_to");
  if (found == json->end()) return missing("up_to");
  if (!found->is_number_unsigned()) return bad_request("\"up_to\" is not a record's number");
  return found->get<std::uint64_t>();
}

bool append_hex(std::vector<std::uint8_t>& to, std::string_view digits) {
  if (digits.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* const at = digits.data() + i;
    if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2) return false;
    to.push_back(byte);
  }
  return true;
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxUserNameLen &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

std::string_view role_name(std::uint32_t role) noexcept {
  switch (role) {
    case CIPHERDECK_ROLE_ADMINISTRATOR:
      return "administrator";
    case CIPHERDECK_ROLE_OPERATOR:
      return "operator";
    case CIPHERDECK_ROLE_AUDITOR:
      return "auditor";
    default:
      return {};
  }
}

Outcome<std::uint32_t> parse_random_test(const std::string& body) {
  const auto json = parse_object(body, {"level"});
  if (!json) return json.problem();
  const auto level = text_member(*json, "level", 1, 16);
  if (!level) return level.problem();
  if (*level == "factory") return std::uint32_t{CIPHERDECK_RANDOM_TEST_FACTORY};
  if (*level == "power-on") return std::uint32_t{CIPHERDECK_RANDOM_TEST_POWER_ON};
  if (*level == "periodic") return std::uint32_t{CIPHERDECK_RANDOM_TEST_PERIODIC};
  return bad_request("\"level\" is neither factory, power-on nor periodic");
}

Outcome<VfCountRequest> parse_vf_count(const std::string& body) {
  const auto json = parse_object(body, {"count", "force"});
  if (!json) return json.problem();
  const auto count = number_member(*json, "count", 0, CIPHERDECK_TOTAL_VFS);
  if (!count) return count.problem();
  const auto force = json->find("force");
  if (force != json->end() && !force->is_boolean()) {
    return bad_request("\"force\" is neither true nor false");
  }
  return VfCountRequest{*count, force != json->end() && force->get<bool>()};
}

Outcome<BindRequest> parse_bind(const std::string& body) {
  const auto json = parse_object(body, {"partition"});
  if (!json) return json.problem();
  const auto found = json->find("partition");
  if (found != json->end() && found->is_number_unsigned()) {
    return BindRequest{std::to_string(found->get<std::uint64_t>())};
  }
  auto text = text_member(*json, "partition", 1, kMaxPartitionNameLen);
  if (!text) return text.problem();
  return BindRequest{std::move(*text)};
}

Outcome<ShareRequest> parse_share(const std::string& body) {
  constexpr double kLeastPeak = 0.01;
  const auto json = parse_object(body, {"weight", "committed_percent", "peak_percent"});
  if (!json) return json.problem();
  ShareRequest request;
  if (json->contains("weight")) {
    const auto weight = number_member(*json, "weight", 1, CIPHERDECK_WEIGHT_MAX);
    if (!weight) return weight.problem();
    request.weight = *weight;
  }
  if (json->contains("committed_percent")) {
    const auto rate = rate_member(*json, "committed_percent", 0);
    if (!rate) return rate.problem();
    request.committed = *rate;
  }
  if (!json->contains("peak_percent")) return request;
  if ((*json)["peak_percent"].is_null()) {
    request.peak = CIPHERDECK_RATE_UNLIMITED;
    return request;
  }
  const auto rate = rate_member(*json, "peak_percent", kLeastPeak);
  if (!rate) return rate.problem();
  request.peak = *rate;
  return request;
}

Outcome<PartitionRequest> parse_partition(const std::string& body) {
  const auto json = parse_object(body, {"name"});
  if (!json) return json.problem();
  auto name = partition_name_member(*json);
  if (!name) return name.problem();
  return PartitionRequest{std::move(*name)};
}

Outcome<KeyRequest> parse_key(const std::string& body) {
  auto json = parse_object(body, {"kind", "index", "bits", "access_code", "master", "id"});
  if (!json) return json.problem();
  auto request = key_from(*json);
  wipe_member(*json, "access_code");
  return request;
}

Outcome<KeyRequest> parse_access_code(const std::string& body) {
  auto json = parse_object(body, {"access_code"});
  if (!json) return json.problem();
  auto code = access_code_member(*json);
  wipe_member(*json, "access_code");
  if (!code) return code.problem();
  KeyRequest request;
  request.access_code = std::move(*code);
  return request;
}

bool is_partition_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxPartitionNameLen || name.front() == '-') return false;
  const bool number =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number) return false;
  return std::all_of(name.begin(), name.end(), is_name_character);
}

Outcome<std::uint32_t> parse_number(const std::string& what, std::string_view text,
                                    std::uint32_t low, std::uint32_t high) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number < low || number > high) {
    return bad_request(what + " is not a number between " + std::to_string(low) + " and " +
                       std::to_string(high));
  }
  return number;
}

Outcome<KeyKind> parse_kind(std::string_view text) {
  for (const KindName& known : kKindNames) {
    if (text == known.name) return known.kind;
  }
  return bad_request(
      "the kind of a key is \"pair\", \"kek\", \"rsa\", \"symmetric\", \"sm9-sign-master\", "
      "\"sm9-encrypt-master\", \"sm9-sign-user\" or \"sm9-encrypt-user\"");
}

const char* kind_name(std::uint32_t kind) {
  for (const KindName& known : kKindNames) {
    if (kind == static_cast<std::uint32_t>(known.kind)) return known.name;
  }
  return "unknown";
}

}  // namespace cipherdeck::manager
