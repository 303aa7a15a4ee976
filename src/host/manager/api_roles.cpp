// SPDX-License-Identifier: Apache-2.0
// The requests about the card's life, its users and its audit trail.
#include "base/secret.h"
#include "host/manager/api.h"

#include <array>

namespace cipherdeck::manager {
namespace {

struct ActionName {
  std::uint32_t opcode;
  const char* name;
};

constexpr ActionName kActions[] = {
    {CIPHERDECK_OP_KEY_ACCESS_GET, "key access"},
    {CIPHERDECK_OP_KEK_ACCESS_GET, "kek access"},
    {CIPHERDECK_OP_CARD_INIT, "card init"},
    {CIPHERDECK_OP_CARD_UNLOCK, "card unlock"},
    {CIPHERDECK_OP_CARD_PROTECT, "card protect"},
    {CIPHERDECK_OP_CARD_ZEROIZE, "card zeroize"},
    {CIPHERDECK_OP_PARTITION_CREATE, "partition create"},
    {CIPHERDECK_OP_PARTITION_REMOVE, "partition remove"},
    {CIPHERDECK_OP_PARTITION_ZEROIZE, "partition zeroize"},
    {CIPHERDECK_OP_PARTITION_BACKUP, "partition backup"},
    {CIPHERDECK_OP_PARTITION_RESTORE, "partition restore"},
    {CIPHERDECK_OP_FUNCTION_BIND, "vf bind"},
    {CIPHERDECK_OP_KEY_PAIR_GENERATE, "key generate"},
    {CIPHERDECK_OP_KEK_GENERATE, "key generate"},
    {CIPHERDECK_OP_KEY_REMOVE, "key remove"},
    {CIPHERDECK_OP_ACCESS_CODE_SET, "key access-code"},
    {CIPHERDECK_OP_LOGIN, "login"},
    {CIPHERDECK_OP_LOGOUT, "logout"},
    {CIPHERDECK_OP_ROLE_ADD, "role add"},
    {CIPHERDECK_OP_ROLE_REMOVE, "role remove"},
    {CIPHERDECK_OP_PASSWORD_SET, "role password"},
    {CIPHERDECK_OP_AUDIT_CLEAR, "audit clear"},
};

std::string action_name(std::uint32_t opcode) {
  for (const ActionName& action : kActions) {
    if (action.opcode == opcode) return action.name;
  }
  return "command " + std::to_string(opcode);
}

Json user_json(const cipherdeck_user_record& record) {
  Json json{{"name", text_of(record.name)},
            {"role", role_name(record.role)},
            {"partition", nullptr},
            {"created", record.created}};
  if (record.partition != 0) json["partition"] = record.partition;
  return json;
}

Json record_json(const cipherdeck_audit_record& record) {
  const bool done = record.outcome == CIPHERDECK_STATUS_OK;
  return Json{{"number", record.number},
              {"time", record.time},
              {"user", text_of(record.actor)},
              {"action", action_name(record.action)},
              {"partition", record.partition},
              {"subject", text_of(record.subject)},
              {"outcome",
               done ? "done" : to_string(from_status(static_cast<std::uint16_t>(record.outcome)))}};
}

void wipe_passphrase(Protection& protection) noexcept {
  wipe({reinterpret_cast<std::uint8_t*>(protection.passphrase.data()),
        protection.passphrase.size()});
}

}  // namespace

// ---- the card's life ---------------------------------------------------------------------------

Outcome<Json> Api::initialise(const std::string& body) {
  const auto request = parse_init(body);
  if (!request) return request.problem();
  Protection protection = request->protection.protection();
  const auto done = m_card.initialise(request->label, protection);
  wipe_passphrase(protection);
  if (!done) {
    Problem problem = problem_of(done.error(), "cannot initialise the card");
    if (done.error() == Error::exists) {
      problem.error = "cannot initialise the card: it is initialised already";
      problem.remedy = "To start anew, destroy all its keys with 'cipherdeck card zeroize'.";
    }
    return problem;
  }
  return card();
}

Outcome<Json> Api::unlock(const std::string& body) {
  const auto passphrase = parse_secret(body, "passphrase");
  if (!passphrase) return passphrase.problem();
  const auto done = m_card.unlock(passphrase->text);
  if (done) return card();
  Problem problem = problem_of(done.error(), "cannot unlock the card");
  if (done.error() == Error::exists) {
    problem.error = "the card is not locked";
    problem.remedy = "There is nothing to do.";
  }
  return problem;
}

Outcome<Json> Api::protect(const std::string& body) {
  const auto request = parse_protection(body);
  if (!request) return request.problem();
  Protection protection = request->protection();
  const auto done = m_card.protect(protection);
  wipe_passphrase(protection);
  if (!done) return problem_of(done.error(), "cannot change the card's protection");
  return card();
}

Outcome<Json> Api::zeroize() {
  if (const auto done = m_card.zeroize(); !done) {
    return problem_of(done.error(), "cannot zeroize the card");
  }
  return card();
}

Outcome<Json> Api::zeroize_partition(const std::string& selector) {
  const auto found = find_partition(selector);
  if (!found) return found.problem();
  if (const auto done = m_card.zeroize_partition(found->id); !done) {
    return problem_of(done.error(), "cannot zeroize partition " + text_of(found->name));
  }
  return Json{{"id", found->id}, {"name", text_of(found->name)}};
}

Outcome<Json> Api::backup_partition(const std::string& selector, const std::string& body) {
  const auto request = parse_backup(body);
  if (!request) return request.problem();
  const auto found = find_partition(selector);
  if (!found) return found.problem();
  const auto made = m_card.backup_partition(found->id, request->threshold, request->num_shares);
  if (!made) return problem_of(made.error(), "cannot back up partition " + text_of(found->name));
  Json shares = Json::array();
  for (std::size_t at = 0; at < made->shares.size(); at += CIPHERDECK_SHARE_LEN) {
    shares.push_back(to_hex(Bytes(made->shares).subspan(at, CIPHERDECK_SHARE_LEN)));
  }
  return Json{{"partition", text_of(found->name)},
              {"threshold", request->threshold},
              {"backup", to_hex(made->backup)},
              {"shares", std::move(shares)}};
}

Outcome<Json> Api::restore_partition(const std::string& body) {
  const auto request = parse_restore(body);
  if (!request) return request.problem();
  const auto made = m_card.restore_partition(request->name, request->backup);
  if (made) return partition(std::to_string(*made));
  Problem problem = problem_of(made.error(), "cannot restore partition " + request->name);
  if (made.error() == Error::decrypt_failed) {
    problem.error = "cannot restore partition " + request->name +
                    ": the shares are too few, damaged, or not of this backup";
    problem.remedy = "Give as many shares as the backup asked for, each once.";
  }
  return problem;
}

// ---- logins and users --------------------------------------------------------------------------

Outcome<Json> Api::login(const std::string& body) {
  const auto request = parse_login(body);
  if (!request) return request.problem();
  auto token = m_card.login(request->name, request->password.text);
  if (!token) {
    Problem problem = problem_of(token.error(), "cannot log in");
    if (token.error() == Error::not_found) {
      problem.error = "the card has no users";
      problem.remedy = "Without users nobody logs in; 'cipherdeck role add' makes the first.";
    }
    return problem;
  }
  const auto user = with(*token).login_info();
  if (!user) return user.problem();
  Json json = *user;
  json["token"] = to_hex(*token);
  wipe(*token);
  return json;
}

Outcome<Json> Api::login_info() {
  const auto record = m_card.check_login();
  if (!record) return problem_of(record.error(), "cannot tell who is logged in");
  if (record->role == 0) return Json{{"name", nullptr}, {"role", nullptr}};
  Json json = user_json(*record);
  json["left_s"] = record->login_s;
  return json;
}

Outcome<Json> Api::logout() {
  if (const auto done = m_card.logout(); !done) return problem_of(done.error(), "cannot log out");
  return Json::object();
}

Outcome<Json> Api::users() {
  const auto records = m_card.users();
  if (!records) return problem_of(records.error(), "cannot list the users");
  Json list = Json::array();
  for (const auto& record : *records) list.push_back(user_json(record));
  return Json{{"users", std::move(list)}};
}

Outcome<Json> Api::add_user(const std::string& body) {
  const auto request = parse_role(body);
  if (!request) return request.problem();
  std::uint32_t partition = 0;
  if (!request->partition.empty()) {
    const auto found = find_partition(request->partition);
    if (!found) return found.problem();
    partition = found->id;
  }
  const auto done =
      m_card.add_user(request->name, request->role, partition, request->password.text);
  if (done) return Json{{"name", request->name}, {"role", role_name(request->role)}};
  Problem problem = problem_of(done.error(), "cannot add user " + request->name);
  if (done.error() == Error::invalid_argument) {
    problem.remedy = "The first user is an administrator of the whole card.";
  }
  return problem;
}

Outcome<Json> Api::remove_user(const std::string& name) {
  const auto done = m_card.remove_user(name);
  if (done) return Json::object();
  Problem problem = problem_of(done.error(), "cannot remove user " + name);
  if (done.error() == Error::busy) {
    problem.error = "cannot remove user " + name + ": the card would have no administrator";
    problem.remedy = "Add another one first.";
  }
  if (done.error() == Error::not_found) problem.remedy = "See 'cipherdeck role list'.";
  return problem;
}

Outcome<Json> Api::set_password(const std::string& name, const std::string& body) {
  const auto password = parse_secret(body, "password");
  if (!password) return password.problem();
  if (const auto done = m_card.set_password(name, password->text); !done) {
    return problem_of(done.error(), "cannot set the password of " + name);
  }
  return Json::object();
}

// ---- audit trail -------------------------------------------------------------------------------

Outcome<Json> Api::audit(const std::string& from, const std::string& most) {
  constexpr std::uint32_t kMostRecords = 4096;
  const auto first = parse_number("\"from\"", from.empty() ? "1" : from, 0, 0xffffffff);
  if (!first) return first.problem();
  const auto num = parse_number("\"most\"", most.empty() ? "1000" : most, 1, kMostRecords);
  if (!num) return num.problem();
  const auto records = m_card.audit_records(*first, *num);
  if (!records) return problem_of(records.error(), "cannot read the audit trail");
  Json list = Json::array();
  for (const auto& record : *records) list.push_back(record_json(record));
  return Json{{"records", std::move(list)}};
}

Outcome<Json> Api::audit_report() {
  const auto report = m_card.verify_audit();
  if (!report) return problem_of(report.error(), "cannot verify the audit trail");
  const std::string fault = text_of(report->fault);
  Json json{{"whole", fault.empty()},
            {"first", report->first},
            {"last", report->last},
            {"capacity", report->capacity}};
  if (!fault.empty()) json["fault"] = fault;
  if (report->clock_set_back != 0) json["clock_set_back_at"] = report->clock_set_back;
  return json;
}

Outcome<Json> Api::clear_audit(const std::string& body) {
  const auto up_to = parse_audit_clear(body);
  if (!up_to) return up_to.problem();
  const auto done = m_card.clear_audit(*up_to);
  if (done) return audit_report();
  Problem problem = problem_of(done.error(), "cannot clear the audit trail");
  if (done.error() == Error::not_found) {
    problem.error = "the audit trail has no record " + std::to_string(*up_to);
    problem.remedy = "See 'cipherdeck audit list'.";
  }
  return problem;
}

}  // namespace cipherdeck::manager
