// SPDX-License-Identifier: Apache-2.0
// What every opcode's command looks like.
#pragma once

#include "card/command/handlers.h"

namespace cipherdeck::card::command {

enum class Need : std::uint8_t { absent, optional, required };

/// An extent of the command; `min` and `max` bound its length where it is present.
struct OperandSpec {
  Need need = Need::absent;
  std::uint32_t min = 0;
  std::uint32_t max = CIPHERDECK_MAX_DATA_LEN;
};

/// Fields that an opcode does not name must be zero.
struct OpcodeSpec {
  std::uint16_t opcode;
  HandlerResult (*handler)(Call&);
  Need session = Need::required;
  bool has_key = false;
  bool has_algorithm = false;
  bool has_arg = false;  // arg[0]; arg[1] is always zero
  OperandSpec input = {};
  OperandSpec output = {};
  OperandSpec params = {};
  OperandSpec aux = {};
};

/// Null for an opcode that is not there.
[[nodiscard]] const OpcodeSpec* find_spec(std::uint16_t opcode) noexcept;

/// All opcodes, in ascending order.
[[nodiscard]] std::span<const OpcodeSpec> all_specs() noexcept;

}  // namespace cipherdeck::card::command
