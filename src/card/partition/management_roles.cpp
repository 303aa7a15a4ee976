// SPDX-License-Identifier: Apache-2.0
// The management commands about users, logins and the audit trail.
#include "card/partition/management_request.h"

#include <algorithm>
#include <ctime>
#include <limits>

namespace cipherdeck::card {
namespace {

using store::Role;
using store::User;

bool is_name_character(std::uint8_t c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Bytes password_in(const cipherdeck_command& command, Bytes input) noexcept {
  return command.key > input.size() ? Bytes{} : input.subspan(command.key);
}

bool is_role(std::uint64_t role) noexcept {
  return role >= CIPHERDECK_ROLE_ADMINISTRATOR && role <= CIPHERDECK_ROLE_AUDITOR;
}

bool is_card_administrator(const User& user) noexcept {
  return user.role == Role::administrator && user.partition == 0;
}

cipherdeck_user_record record_of(const User& user) {
  cipherdeck_user_record record{};
  put_text(record.name, user.name);
  record.role = static_cast<std::uint32_t>(user.role);
  record.partition = user.partition;
  record.created = user.created;
  return record;
}

cipherdeck_audit_record record_of(const store::TrailRecord& from) {
  cipherdeck_audit_record record{};
  record.number = from.number;
  record.time = from.time;
  put_text(record.actor, from.act.actor);
  record.action = from.act.action;
  record.partition = from.act.partition;
  record.outcome = from.act.outcome;
  put_text(record.subject, from.act.subject);
  return record;
}

}  // namespace

bool is_user_name(Bytes name) noexcept {
  return !name.empty() && name.size() <= store::kMaxUserNameLen &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

std::string name_in(const cipherdeck_command& command, Bytes input) {
  if (command.key > input.size() || !is_user_name(input.first(command.key))) return {};
  return text_of(input.first(command.key));
}

// ---- logins ------------------------------------------------------------------------------------

Result<store::User> Management::find_user(const std::string& name) {
  const auto found =
      std::find_if(m_users.begin(), m_users.end(), [&](const User& u) { return u.name == name; });
  if (found == m_users.end()) return Error::not_found;
  return *found;
}

Result<void> Management::login(const Request& request, ManagementReply& reply) {
  const std::string name = name_in(request.command, request.input);
  const Bytes password = password_in(request.command, request.input);
  if (m_users.empty()) return Error::not_found;
  CIPHERDECK_ASSIGN(const User user, guess(find_user(name) ? name : std::string("?"), [&] {
                      return m_store->check_password(name, password);
                    }));
  CIPHERDECK_ASSIGN(const LoginToken token,
                    m_logins.open(user, *m_random, std::chrono::steady_clock::now()));
  reply.output.assign(token.span().begin(), token.span().end());
  reply.value = static_cast<std::uint32_t>(user.role);
  return {};
}

Result<void> Management::logout(const Request& request, ManagementReply&) {
  m_logins.close(request.token);
  return {};
}

// Says who the token's user is, and whether the command named in arg[0] would be allowed.
Result<void> Management::login_check(const Request& request, ManagementReply& reply) {
  cipherdeck_user_record record{};
  const std::uint64_t opcode = request.command.arg[0];
  const std::uint64_t partition = request.command.arg[1];
  if (opcode > 0xffff || partition > std::numeric_limits<PartitionId>::max()) {
    return Error::invalid_argument;
  }
  if (!m_users.empty()) {
    if (request.user == nullptr) return Error::login_required;
    const Right right = opcode == 0 ? Right::login : right_for(static_cast<std::uint16_t>(opcode));
    if (!has_right(*request.user, right, static_cast<PartitionId>(partition))) {
      return Error::role_denied;
    }
    record = record_of(*request.user);
    record.login_s = static_cast<std::uint32_t>(
        m_logins.left(request.token, std::chrono::steady_clock::now()).count());
  }
  append(reply.output, record);
  return {};
}

// ---- users -------------------------------------------------------------------------------------

Result<void> Management::may_change(const Request& request, const User& other) {
  if (m_users.empty()) return {};
  const bool has_auditor = std::any_of(m_users.begin(), m_users.end(), [](const User& user) {
    return user.role == Role::auditor && user.partition == 0;
  });
  if (may_manage(*request.user, other, has_auditor)) return {};
  return Error::role_denied;
}

Result<void> Management::role_add(const Request& request, ManagementReply&) {
  const cipherdeck_command& command = request.command;
  const User user{name_in(command, request.input), static_cast<Role>(command.arg[0]),
                  static_cast<PartitionId>(command.arg[1]),
                  static_cast<std::uint64_t>(std::time(nullptr))};
  if (user.name.empty() || !is_role(command.arg[0])) return Error::invalid_argument;
  if (command.arg[1] != 0) CIPHERDECK_TRY(find_partition(command.arg[1]));
  // Whoever comes first must be able to make the others.
  if (m_users.empty() && !is_card_administrator(user)) return Error::invalid_argument;
  CIPHERDECK_TRY(may_change(request, user));
  CIPHERDECK_TRY(m_store->add_user(user, password_in(command, request.input), *m_random));
  m_users.push_back(user);
  return {};
}

Result<void> Management::role_list(const Request&, ManagementReply& reply) {
  for (const User& user : m_users) append(reply.output, record_of(user));
  reply.value = static_cast<std::uint32_t>(m_users.size());
  return {};
}

Result<void> Management::role_remove(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const User user, find_user(text_of(request.input)));
  CIPHERDECK_TRY(may_change(request, user));
  const auto num = std::count_if(m_users.begin(), m_users.end(), is_card_administrator);
  // Without one nobody could make users, and without users everybody could do everything.
  if (is_card_administrator(user) && num == 1) return Error::busy;
  CIPHERDECK_TRY(m_store->remove_user(user.name));
  std::erase_if(m_users, [&user](const User& u) { return u.name == user.name; });
  m_logins.close_user(user.name);
  return {};
}

Result<void> Management::password_set(const Request& request, ManagementReply&) {
  CIPHERDECK_ASSIGN(const User user, find_user(name_in(request.command, request.input)));
  const bool own = request.user != nullptr && request.user->name == user.name;
  if (!own) CIPHERDECK_TRY(may_change(request, user));
  CIPHERDECK_TRY(
      m_store->set_password(user.name, password_in(request.command, request.input), *m_random));
  m_guesses.forget(user.name);
  if (!own) m_logins.close_user(user.name);
  return {};
}

// ---- audit trail -------------------------------------------------------------------------------

Result<void> Management::audit_list(const Request& request, ManagementReply& reply) {
  constexpr std::uint64_t kMost = CIPHERDECK_MAX_DATA_LEN / sizeof(cipherdeck_audit_record);
  if (request.command.arg[0] > std::numeric_limits<std::int64_t>::max()) {
    return Error::invalid_argument;
  }
  if (request.user != nullptr && request.user->role != Role::auditor) return Error::role_denied;
  const PartitionId only = request.user == nullptr ? 0 : request.user->partition;
  const std::uint64_t asked = request.command.arg[1];
  const auto num = static_cast<std::size_t>(asked == 0 ? kMost : std::min(asked, kMost));
  CIPHERDECK_ASSIGN(const auto records, m_store->list_trail(request.command.arg[0], num));
  for (const store::TrailRecord& record : records) {
    if (only != 0 && record.act.partition != only) continue;
    append(reply.output, record_of(record));
    ++reply.value;
  }
  return {};
}

Result<void> Management::audit_verify(const Request&, ManagementReply& reply) {
  CIPHERDECK_ASSIGN(const store::TrailReport found, m_store->verify_trail());
  cipherdeck_audit_report report{};
  report.first = found.first;
  report.last = found.last;
  report.bad = found.bad;
  report.clock_set_back = found.clock_set_back;
  report.capacity = store::kMaxTrailRecords;
  put_text(report.fault, found.fault);
  append(reply.output, report);
  return {};
}

Result<void> Management::audit_clear(const Request& request, ManagementReply&) {
  return m_store->clear_trail(request.command.arg[0]);
}

}  // namespace cipherdeck::card
