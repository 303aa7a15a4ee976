// SPDX-License-Identifier: Apache-2.0
// The management commands about the card's health: CARD_SELF_TEST, CARD_RANDOM_TEST, CARD_HEALTH.
#pragma once

#include "card/health/monitor.h"
#include "card/partition/management.h"

namespace cipherdeck::card::health {

/// Whether execute() knows the opcode.
[[nodiscard]] bool has_command(std::uint16_t opcode) noexcept;

/// Does a command that has_command() knows. Also answered by a card that refuses service: the tests
/// say why. May take seconds.
[[nodiscard]] ManagementReply execute(Monitor& monitor, const cipherdeck_command& command);

/// Copies `text`, or what fits of it, and fills up with zero bytes, one of them at least.
template <std::size_t N>
void put_text(cipherdeck_u8 (&to)[N], std::string_view text) noexcept {
  std::memset(to, 0, N);
  std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

}  // namespace cipherdeck::card::health
