// SPDX-License-Identifier: Apache-2.0
// What the handlers of management commands share.
#pragma once

#include "card/partition/management.h"

#include <string>
#include <utility>

namespace cipherdeck::card {

// The operands a command names; all others must be zero.
constexpr unsigned kInput = 1;
constexpr unsigned kKey = 2;
constexpr unsigned kArg0 = 4;
constexpr unsigned kArg1 = 8;

struct Management::Request {
  const cipherdeck_command& command;
  Bytes input;
  Bytes token;
  const store::User* user;  // who gives the command; null: the card has no users, or none is needed
};

struct Management::Handler {
  std::uint16_t opcode;
  unsigned operands;
  Result<void> (Management::*handle)(const Request&, ManagementReply&);
};

[[nodiscard]] inline std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

template <typename Record>
void append(std::vector<std::uint8_t>& output, const Record& record) {
  const Bytes bytes = object_bytes(record);
  output.insert(output.end(), bytes.begin(), bytes.end());
}

/// Copies a text into a field that ends with zero bytes, cut where it is too long.
template <std::size_t N>
void put_text(cipherdeck_u8 (&to)[N], const std::string& text) noexcept {
  std::memset(to, 0, N);
  std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

/// Whether a partition may have this name.
[[nodiscard]] bool is_valid_name(Bytes name) noexcept;

/// 1 to kMaxUserNameLen letters, digits, '.', '_' and '-'.
[[nodiscard]] bool is_user_name(Bytes name) noexcept;

/// The user's name in the input of LOGIN, ROLE_ADD and PASSWORD_SET, which has the password after
/// it; empty if it is none.
[[nodiscard]] std::string name_in(const cipherdeck_command& command, Bytes input);

template <typename Check>
auto Management::guess(const std::string& name, Check&& check) -> decltype(check()) {
  // Limits are told apart by names that exist; all others share one.
  CIPHERDECK_TRY(m_guesses.check(name, std::chrono::steady_clock::now()));
  auto result = check();
  if (result.ok()) m_guesses.forget(name);
  if (!result.ok() && result.error() == Error::wrong_password) {
    m_guesses.count_wrong(name, std::chrono::steady_clock::now());
  }
  return result;
}

}  // namespace cipherdeck::card
