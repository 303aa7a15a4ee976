// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cipherdeck::bench {

/// What a load does again and again; `sm1_cbc` by a chip, `stand_in_cbc` by the tests' stand-in for
/// one, which is not SM1; `invalid` sends commands that the card must refuse.
enum class Operation : std::uint8_t {
  nop,
  sm4_cbc,
  sm4_ctr,
  sm3,
  sm2_sign,
  sm1_cbc,
  stand_in_cbc,
  invalid
};

/// "sm4-cbc"
[[nodiscard]] std::string_view name_of(Operation operation) noexcept;

/// The operation of that name, if there is one.
[[nodiscard]] std::optional<Operation> operation_named(std::string_view name) noexcept;

}  // namespace cipherdeck::bench
