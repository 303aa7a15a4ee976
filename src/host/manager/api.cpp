// SPDX-License-Identifier: Apache-2.0
#include "host/manager/api.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>

namespace cipherdeck::manager {
namespace {

const char* state_name(std::uint32_t state) {
  switch (state) {
    case CIPHERDECK_CARD_UNINITIALISED:
      return "uninitialised";
    case CIPHERDECK_CARD_READY:
      return "ready";
    case CIPHERDECK_CARD_LOCKED:
      return "locked";
    default:
      return "failed";
  }
}

Json feature_names(std::uint64_t features) {
  struct Feature {
    std::uint64_t bit;
    const char* name;
  };
  constexpr Feature kFeatures[] = {
      {CIPHERDECK_FEATURE_RANDOM, "random"},
      {CIPHERDECK_FEATURE_SM2, "sm2"},
      {CIPHERDECK_FEATURE_SM3, "sm3"},
      {CIPHERDECK_FEATURE_SM4, "sm4"},
      {CIPHERDECK_FEATURE_SM4_AEAD, "sm4-aead"},
      {CIPHERDECK_FEATURE_SM4_XTS, "sm4-xts"},
      {CIPHERDECK_FEATURE_AGREEMENT, "agreement"},
      {CIPHERDECK_FEATURE_MULTIPART, "multipart"},
      {CIPHERDECK_FEATURE_FILES, "files"},
      {CIPHERDECK_FEATURE_RSA, "rsa"},
      {CIPHERDECK_FEATURE_SM9, "sm9"},
      {CIPHERDECK_FEATURE_ZUC, "zuc"},
      {CIPHERDECK_FEATURE_VPN, "vpn"},
      {CIPHERDECK_FEATURE_CHIP_SM1, "chip-sm1"},
  };
  Json names = Json::array();
  for (const Feature& feature : kFeatures) {
    if ((features & feature.bit) != 0) names.push_back(feature.name);
  }
  return names;
}

Json partition_json(const cipherdeck_partition_record& record) {
  return Json{{"id", record.id},
              {"name", text_of(record.name)},
              {"key_pairs", record.num_key_pairs},
              {"keks", record.num_keks},
              {"vfs", record.num_functions}};
}

// The identity of a user key, which need not be text: what is not printable ASCII becomes '?'.
std::string sm9_id(const cipherdeck_key_record& record) {
  std::string both(reinterpret_cast<const char*>(record.sign_public_key), 64);
  both.append(reinterpret_cast<const char*>(record.encrypt_public_key), 64);
  both.resize(std::min<std::size_t>(both.size(), record.id_len));
  std::replace_if(
      both.begin(), both.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return both;
}

// The public key of a master key, the identity of a user's.
void add_sm9(Json& json, const cipherdeck_key_record& record) {
  switch (record.kind) {
    case CIPHERDECK_KEY_SM9_SIGN_MASTER:
      json["public_key"] = to_hex(record.sign_public_key) + to_hex(record.encrypt_public_key);
      break;
    case CIPHERDECK_KEY_SM9_ENCRYPT_MASTER:
      json["public_key"] = to_hex(record.encrypt_public_key);
      break;
    case CIPHERDECK_KEY_SM9_SIGN_USER:
    case CIPHERDECK_KEY_SM9_ENCRYPT_USER:
      json["id"] = sm9_id(record);
      break;
    default:
      break;
  }
}

Json key_json(const cipherdeck_key_record& record) {
  Json json{{"kind", kind_name(record.kind)},
            {"index", record.index},
            {"bits", record.bits},
            {"created", record.created},
            {"locked", record.locked != 0}};
  if (record.kind == CIPHERDECK_KEY_PAIR) {
    json["sign_public_key"] = to_hex(record.sign_public_key);
    json["encrypt_public_key"] = to_hex(record.encrypt_public_key);
  }
  add_sm9(json, record);
  return json;
}

const char* chip_state_name(std::uint32_t state) {
  switch (state) {
    case CIPHERDECK_CHIP_STATE_WORKING:
      return "working";
    case CIPHERDECK_CHIP_STATE_FENCED:
      return "fenced";
    default:
      return "refused";
  }
}

// "sm1-cbc"; by number where there is no name.
std::string algorithm_name(std::uint32_t algorithm) {
  struct Name {
    std::uint32_t number;
    const char* name;
  };
  constexpr Name kCiphers[] = {{CIPHERDECK_ALG_SM1, "sm1-"},
                               {CIPHERDECK_ALG_SSF33, "ssf33-"},
                               {CIPHERDECK_ALG_STAND_IN, "stand-in-"}};
  constexpr Name kModes[] = {{CIPHERDECK_ALG_ECB, "ecb"}, {CIPHERDECK_ALG_CBC, "cbc"},
                             {CIPHERDECK_ALG_CFB, "cfb"}, {CIPHERDECK_ALG_OFB, "ofb"},
                             {CIPHERDECK_ALG_MAC, "mac"}, {CIPHERDECK_ALG_CTR, "ctr"}};
  for (const Name& cipher : kCiphers) {
    for (const Name& mode : kModes) {
      if (algorithm == (cipher.number | mode.number)) return std::string(cipher.name) + mode.name;
    }
  }
  char number[12];
  std::snprintf(number, sizeof number, "0x%08x", algorithm);
  return number;
}

Json chip_json(const cipherdeck_chip_record& record) {
  Json json{{"state", chip_state_name(record.state)},
            {"vendor", text_of(record.vendor)},
            {"name", text_of(record.name)},
            {"stand_in", record.stand_in != 0},
            {"path", text_of(record.path)},
            {"algorithms", Json::array()},
            {"jobs", record.jobs},
            {"bytes", record.bytes},
            {"failed", record.failed}};
  for (const std::uint32_t algorithm : record.algorithms) {
    if (algorithm != 0) json["algorithms"].push_back(algorithm_name(algorithm));
  }
  if (record.state != CIPHERDECK_CHIP_STATE_WORKING) json["reason"] = text_of(record.fault);
  return json;
}

Json health_json(const cipherdeck_card_health& health) {
  return Json{{"fault", text_of(health.fault)},
              {"alarms", health.alarms},
              {"last_alarm", text_of(health.alarm)},
              {"self_tests", health.self_tests},
              {"random_tests", health.random_tests},
              {"last_self_test", health.last_self_test},
              {"last_random_test", health.last_random_test},
              {"interval_s", health.interval_s}};
}

Json self_test_json(const cipherdeck_self_test_record& record) {
  return Json{{"name", text_of(record.name)},
              {"passed", record.failed == 0},
              {"time_ms", static_cast<double>(record.time_ns) * 1e-6}};
}

Json random_test_json(const cipherdeck_random_test_record& record) {
  return Json{{"name", text_of(record.name)},
              {"passed", record.failed == 0},
              {"samples", record.samples},
              {"failures", record.failures},
              {"allowed", record.allowed},
              {"standard", record.standard},
              {"uniformity", record.uniformity_ppm * 1e-6}};
}

// {"passed": ..., "tests": [...]}
template <typename Record>
Json tests_json(const std::vector<Record>& records, Json (*to_json)(const Record&)) {
  Json tests = Json::array();
  for (const Record& record : records) tests.push_back(to_json(record));
  const bool passed =
      std::ranges::all_of(records, [](const Record& record) { return record.failed == 0; });
  return Json{{"passed", passed}, {"tests", std::move(tests)}};
}

using PartitionNames = std::map<std::uint32_t, std::string>;

Json share_json(const cipherdeck_function_share& share) {
  constexpr double kRatePerPercent = 10'000;
  Json peak = nullptr;
  if (share.peak != CIPHERDECK_RATE_UNLIMITED) peak = share.peak / kRatePerPercent;
  return Json{{"weight", share.weight},
              {"committed_percent", share.committed / kRatePerPercent},
              {"peak_percent", std::move(peak)}};
}

Json vf_json(const cipherdeck_function_record& record, const PartitionNames& names,
             const std::filesystem::path& socket) {
  Json partition = nullptr;
  if (record.partition != 0) {
    const auto found = names.find(record.partition);
    partition = Json{{"id", record.partition},
                     {"name", found == names.end() ? std::string{} : found->second}};
  }
  return Json{{"vf", record.function},
              {"name", "vf" + std::to_string(record.function)},
              {"socket", socket.string()},
              {"partition", std::move(partition)},
              {"share", share_json(record.share)},
              {"queue_pairs", record.num_queue_pairs},
              {"sessions", record.num_sessions},
              {"commands", record.commands},
              {"bytes", record.bytes},
              {"engine_s", static_cast<double>(record.engine_ns) * 1e-9}};
}

Outcome<std::uint32_t> parse_vf(const std::string& number) {
  return parse_number("the VF", number, 1, CIPHERDECK_TOTAL_VFS);
}

}  // namespace

std::filesystem::path Api::vf_socket(std::uint32_t number) const {
  return m_run_dir / ("vf" + std::to_string(number) + ".sock");
}

Outcome<Json> Api::card() {
  const auto status = m_card.status();
  if (!status) return problem_of(status.error(), "cannot read the card's state");
  const auto identity = m_card.identity();
  if (!identity) return problem_of(identity.error(), "cannot read the card's identity");
  const auto chips = m_card.chips();
  if (!chips) return problem_of(chips.error(), "cannot list the card's chips");
  Json json{{"state", state_name(status->state)},
            {"label", text_of(status->label)},
            {"serial", text_of(identity->serial)},
            {"issuer", text_of(identity->issuer)},
            {"name", text_of(identity->name)},
            {"version", text_of(status->version)},
            {"engines", text_of(status->engines)},
            {"random", text_of(status->random)},
            {"features", feature_names(identity->features)},
            {"partitions", status->num_partitions},
            {"vfs", status->num_vfs},
            {"max_vfs", CIPHERDECK_TOTAL_VFS},
            {"queue_pairs", status->num_queue_pairs},
            {"sessions", status->num_sessions},
            {"commands", status->commands},
            {"uptime_s", status->uptime_s},
            {"run_dir", m_run_dir.string()},
            {"chips", Json::array()}};
  for (const auto& chip : *chips) json["chips"].push_back(chip_json(chip));
  if (const auto health = m_card.health(); health) json["health"] = health_json(*health);
  if (status->state == CIPHERDECK_CARD_FAILED && status->reason != CIPHERDECK_STATUS_OK) {
    json["reason"] = to_string(from_status(static_cast<std::uint16_t>(status->reason)));
  }
  return json;
}

Result<void> Api::may_change_vfs() {
  const auto login = m_card.check_login(CIPHERDECK_OP_FUNCTION_SHARE);
  if (login || login.error() == Error::not_initialised || login.error() == Error::card_failed) {
    return {};
  }
  return login.error();
}

Outcome<Json> Api::self_test() {
  const auto records = m_card.self_test();
  if (!records) return problem_of(records.error(), "cannot test the card");
  return tests_json(*records, self_test_json);
}

Outcome<Json> Api::test_random(const std::string& body) {
  const auto level = parse_random_test(body);
  if (!level) return level.problem();
  const auto records = m_card.test_random(*level);
  if (!records) return problem_of(records.error(), "cannot test the random source");
  Json json = tests_json(*records, random_test_json);
  if (!records->empty()) json["time_ms"] = static_cast<double>(records->front().time_us) * 1e-3;
  return json;
}

Outcome<Json> Api::vf_list() {
  const auto functions = m_card.functions();
  if (!functions) return problem_of(functions.error(), "cannot list the VFs");
  PartitionNames names;
  // A card without a management key has no partitions to name.
  if (const auto partitions = m_card.partitions(); partitions) {
    for (const auto& record : *partitions) names[record.id] = text_of(record.name);
  }
  Json list = Json::array();
  for (const auto& record : *functions) {
    list.push_back(vf_json(record, names, vf_socket(record.function)));
  }
  return list;
}

Outcome<Json> Api::vfs() {
  auto list = vf_list();
  if (!list) return list.problem();
  return Json{{"max_vfs", CIPHERDECK_TOTAL_VFS}, {"vfs", std::move(*list)}};
}

Outcome<Json> Api::vf(const std::string& number) {
  const auto wanted = parse_vf(number);
  if (!wanted) return wanted.problem();
  const auto list = vf_list();
  if (!list) return list.problem();
  for (const auto& item : *list) {
    if (item["vf"] == *wanted) return item;
  }
  return Problem{404, "there is no VF " + number,
                 "List the VFs with 'cipherdeck vf list'; make them with 'cipherdeck vf create'."};
}

Outcome<Json> Api::set_vfs(const std::string& body) {
  const auto request = parse_vf_count(body);
  if (!request) return request.problem();
  if (const auto may = may_change_vfs(); !may) return problem_of(may.error(), "cannot make VFs");
  const auto set = m_keeper.set(request->count, request->force);
  if (!set) return set.problem();
  return vfs();
}

Outcome<Json> Api::bind(const std::string& number, const std::string& body) {
  const auto request = parse_bind(body);
  if (!request) return request.problem();
  const auto there = vf(number);  // the card would bind a VF that is yet to be made
  if (!there) return there.problem();
  const auto found = find_partition(request->partition);
  if (!found) return found.problem();
  const auto wanted = there.value()["vf"].get<std::uint32_t>();
  if (const auto bound = m_card.bind(wanted, found->id); !bound) {
    return problem_of(bound.error(), "cannot bind VF " + number);
  }
  return vf(number);
}

Outcome<Json> Api::unbind(const std::string& number) {
  const auto wanted = parse_vf(number);
  if (!wanted) return wanted.problem();
  if (const auto unbound = m_card.bind(*wanted, 0); !unbound) {
    return problem_of(unbound.error(), "cannot unbind VF " + number);
  }
  return Json::object();
}

Outcome<Json> Api::set_share(const std::string& number, const std::string& body) {
  const auto request = parse_share(body);
  if (!request) return request.problem();
  const auto wanted = parse_vf(number);
  if (!wanted) return wanted.problem();
  const auto functions = m_card.functions();
  if (!functions) return problem_of(functions.error(), "cannot list the VFs");
  const auto found = std::ranges::find(*functions, *wanted, &cipherdeck_function_record::function);
  if (found == functions->end()) return vf(number);
  cipherdeck_function_share share = found->share;
  share.weight = request->weight.value_or(share.weight);
  share.committed = request->committed.value_or(share.committed);
  share.peak = request->peak.value_or(share.peak);
  if (share.peak < share.committed) {
    return bad_request("the peak would be less than what is committed",
                       "Give both, the peak not less than what is committed.");
  }
  if (const auto may = may_change_vfs(); !may) {
    return problem_of(may.error(), "cannot set the share of VF " + number);
  }
  const auto set = m_keeper.set_share(*wanted, share);
  if (!set) return set.problem();
  return vf(number);
}

Outcome<cipherdeck_partition_record> Api::find_partition(const std::string& selector) {
  const auto records = m_card.partitions();
  if (!records) return problem_of(records.error(), "cannot list the partitions");
  for (const auto& record : *records) {
    if (text_of(record.name) == selector || std::to_string(record.id) == selector) return record;
  }
  const bool shown = is_partition_name(selector) ||
                     std::all_of(selector.begin(), selector.end(),
                                 [](unsigned char c) { return c >= '0' && c <= '9'; });
  return Problem{404, "there is no partition " + (shown ? selector : "of that name"),
                 "List the partitions with 'cipherdeck partition list'."};
}

Outcome<Json> Api::partitions() {
  const auto records = m_card.partitions();
  if (!records) return problem_of(records.error(), "cannot list the partitions");
  Json list = Json::array();
  for (const auto& record : *records) list.push_back(partition_json(record));
  return Json{{"partitions", std::move(list)}};
}

Outcome<Json> Api::partition(const std::string& selector) {
  const auto found = find_partition(selector);
  if (!found) return found.problem();
  return partition_json(*found);
}

Outcome<Json> Api::create_partition(const std::string& body) {
  const auto request = parse_partition(body);
  if (!request) return request.problem();
  const auto made = m_card.create_partition(request->name);
  if (!made) return problem_of(made.error(), "cannot create partition " + request->name);
  return partition(std::to_string(*made));
}

Outcome<Json> Api::remove_partition(const std::string& selector) {
  const auto found = find_partition(selector);
  if (!found) return found.problem();
  if (const auto removed = m_card.remove_partition(found->id); !removed) {
    Problem problem =
        problem_of(removed.error(), "cannot remove partition " + text_of(found->name));
    if (removed.error() == Error::busy) {
      problem.remedy = "Unbind its VFs with 'cipherdeck vf unbind', then try again.";
    }
    return problem;
  }
  return partition_json(*found);
}

Outcome<Json> Api::keys(const std::string& partition) {
  const auto found = find_partition(partition);
  if (!found) return found.problem();
  const auto records = m_card.keys(found->id);
  if (!records) return problem_of(records.error(), "cannot list the keys");
  Json list = Json::array();
  for (const auto& record : *records) list.push_back(key_json(record));
  return Json{{"partition", partition_json(*found)}, {"keys", std::move(list)}};
}

Result<void> Api::generate(std::uint32_t partition, const KeyRequest& request) {
  const Bytes code = as_bytes(request.access_code);
  switch (request.kind) {
    case KeyKind::kek:
      return m_card.generate_kek(partition, request.index, request.bits, code);
    case KeyKind::symmetric:
      return m_card.generate_symmetric_key(partition, request.index, request.bits, code);
    case KeyKind::rsa:
      return m_card.generate_rsa_key_pair(partition, request.index, request.bits, code);
    case KeyKind::sm9_sign_master:
    case KeyKind::sm9_encrypt_master:
      return m_card.generate_sm9_master(partition, request.kind, request.index);
    case KeyKind::sm9_sign_user:
    case KeyKind::sm9_encrypt_user:
      return m_card.generate_sm9_user_key(partition, request.index, request.user, code);
    case KeyKind::pair:
      break;
  }
  return m_card.generate_key_pair(partition, request.index, code);
}

Outcome<Json> Api::generate_key(const std::string& partition, const std::string& body) {
  const auto request = parse_key(body);
  if (!request) return request.problem();
  const auto found = find_partition(partition);
  if (!found) return found.problem();
  if (const auto made = generate(found->id, *request); !made) {
    return problem_of(made.error(), "cannot generate key " + std::to_string(request->index) +
                                        " of partition " + text_of(found->name));
  }
  const auto records = m_card.keys(found->id);
  if (!records) return problem_of(records.error(), "cannot list the keys");
  for (const auto& record : *records) {
    const bool same =
        record.index == request->index && record.kind == static_cast<std::uint32_t>(request->kind);
    if (same) return key_json(record);
  }
  return problem_of(Error::internal, "cannot find the key that was generated");
}

Outcome<Json> Api::remove_key(const std::string& partition, const std::string& kind,
                              const std::string& index) {
  const auto parsed = parse_kind(kind);
  if (!parsed) return parsed.problem();
  const auto number = parse_number("the key index", index, 1, kMaxKeyIndex);
  if (!number) return number.problem();
  const auto found = find_partition(partition);
  if (!found) return found.problem();
  if (const auto removed = m_card.remove_key(found->id, *parsed, *number); !removed) {
    return problem_of(removed.error(),
                      "cannot remove key " + index + " of partition " + text_of(found->name));
  }
  return Json::object();
}

Outcome<Json> Api::set_access_code(const std::string& partition, const std::string& kind,
                                   const std::string& index, const std::string& body) {
  const auto parsed = parse_kind(kind);
  if (!parsed) return parsed.problem();
  const auto number = parse_number("the key index", index, 1, kMaxKeyIndex);
  if (!number) return number.problem();
  const auto request = parse_access_code(body);
  if (!request) return request.problem();
  const auto found = find_partition(partition);
  if (!found) return found.problem();
  const auto set =
      m_card.set_access_code(found->id, *parsed, *number, as_bytes(request->access_code));
  if (!set) {
    return problem_of(set.error(), "cannot set the access code of key " + index + " of partition " +
                                       text_of(found->name));
  }
  return Json::object();
}

}  // namespace cipherdeck::manager
