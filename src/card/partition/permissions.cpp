// SPDX-License-Identifier: Apache-2.0
#include "card/partition/permissions.h"

#include <algorithm>
#include <iterator>

namespace cipherdeck::card {
namespace {

using store::Role;
using store::User;

struct Rule {
  std::uint16_t opcode;
  Right right;
  bool recorded;
};

constexpr Rule kRules[] = {
    {CIPHERDECK_OP_CARD_INIT, Right::none, true},
    {CIPHERDECK_OP_CARD_UNLOCK, Right::none, true},
    {CIPHERDECK_OP_CARD_PROTECT, Right::card_administrator, true},
    {CIPHERDECK_OP_CARD_ZEROIZE, Right::card_administrator, true},
    {CIPHERDECK_OP_PARTITION_CREATE, Right::card_administrator, true},
    {CIPHERDECK_OP_PARTITION_LIST, Right::none, false},
    {CIPHERDECK_OP_PARTITION_REMOVE, Right::card_administrator, true},
    {CIPHERDECK_OP_PARTITION_ZEROIZE, Right::administrator, true},
    {CIPHERDECK_OP_PARTITION_BACKUP, Right::card_administrator, true},
    {CIPHERDECK_OP_PARTITION_RESTORE, Right::card_administrator, true},
    {CIPHERDECK_OP_FUNCTION_BIND, Right::card_administrator, true},
    {CIPHERDECK_OP_FUNCTION_SHARE, Right::card_administrator, false},
    {CIPHERDECK_OP_KEY_PAIR_GENERATE, Right::operator_, true},
    {CIPHERDECK_OP_KEK_GENERATE, Right::operator_, true},
    {CIPHERDECK_OP_KEY_LIST, Right::none, false},
    {CIPHERDECK_OP_KEY_REMOVE, Right::operator_, true},
    {CIPHERDECK_OP_ACCESS_CODE_SET, Right::operator_, true},
    {CIPHERDECK_OP_RSA_KEY_PAIR_GENERATE, Right::operator_, true},
    {CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE, Right::operator_, true},
    {CIPHERDECK_OP_SM9_MASTER_GENERATE, Right::operator_, true},
    {CIPHERDECK_OP_SM9_USER_KEY_GENERATE, Right::operator_, true},
    {CIPHERDECK_OP_LOGIN, Right::none, true},
    {CIPHERDECK_OP_LOGOUT, Right::login, true},
    {CIPHERDECK_OP_LOGIN_CHECK, Right::none, false},
    {CIPHERDECK_OP_ROLE_ADD, Right::login, true},
    {CIPHERDECK_OP_ROLE_LIST, Right::login, false},
    {CIPHERDECK_OP_ROLE_REMOVE, Right::login, true},
    {CIPHERDECK_OP_PASSWORD_SET, Right::login, true},
    {CIPHERDECK_OP_AUDIT_LIST, Right::login, false},
    {CIPHERDECK_OP_AUDIT_VERIFY, Right::card_auditor, false},
    {CIPHERDECK_OP_AUDIT_CLEAR, Right::card_auditor, true},
};

const Rule* find_rule(std::uint16_t opcode) noexcept {
  const auto* const found = std::find_if(std::begin(kRules), std::end(kRules),
                                         [opcode](const Rule& r) { return r.opcode == opcode; });
  return found == std::end(kRules) ? nullptr : found;
}

bool covers(const User& user, PartitionId partition) noexcept {
  return user.partition == 0 || user.partition == partition;
}

}  // namespace

Right right_for(std::uint16_t opcode) noexcept {
  const Rule* const rule = find_rule(opcode);
  return rule == nullptr ? Right::card_administrator : rule->right;
}

bool is_recorded(std::uint16_t opcode) noexcept {
  const Rule* const rule = find_rule(opcode);
  return rule == nullptr || rule->recorded;
}

bool has_right(const User& user, Right right, PartitionId partition) noexcept {
  switch (right) {
    case Right::none:
    case Right::login:
      return true;
    case Right::card_administrator:
      return user.role == Role::administrator && user.partition == 0;
    case Right::administrator:
      return user.role == Role::administrator && covers(user, partition);
    case Right::operator_:
      return user.role == Role::operator_ && covers(user, partition);
    case Right::auditor:
      return user.role == Role::auditor && covers(user, partition);
    case Right::card_auditor:
      return user.role == Role::auditor && user.partition == 0;
  }
  return false;
}

bool may_manage(const User& user, const User& other, bool has_auditor) noexcept {
  const bool by_auditors = other.role == Role::auditor && has_auditor;
  return has_right(user, by_auditors ? Right::auditor : Right::administrator, other.partition);
}

}  // namespace cipherdeck::card
