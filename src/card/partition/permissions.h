// SPDX-License-Identifier: Apache-2.0
// Which role may give which management command: who makes keys does not audit, who audits makes no
// keys, and neither is alone able to become the other.
#pragma once

#include "card/store/users.h"

#include <cstdint>

namespace cipherdeck::card {

/// What a command wants of who gives it, once the card has users.
enum class Right : std::uint8_t {
  none,                // what anybody may see or do
  login,               // any login; the command looks further itself
  card_administrator,  // of the whole card
  administrator,       // of the card or of the partition concerned
  operator_,           // likewise
  auditor,             // likewise
  card_auditor,
};

/// The right that a management command wants. Those that are not known want card_administrator.
[[nodiscard]] Right right_for(std::uint16_t opcode) noexcept;

/// `partition` is the one concerned, 0: none or the card.
[[nodiscard]] bool has_right(const store::User& user, Right right, PartitionId partition) noexcept;

/// Whether `user` may add, remove or give a new password to a user of this role and partition.
/// Auditors are the auditors' to manage, once there is one.
[[nodiscard]] bool may_manage(const store::User& user, const store::User& other,
                              bool has_auditor) noexcept;

/// Whether the audit trail tells of a command.
[[nodiscard]] bool is_recorded(std::uint16_t opcode) noexcept;

}  // namespace cipherdeck::card
