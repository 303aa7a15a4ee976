// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cipherdeck::bench {

/// What a load does again and again; `invalid` sends commands that the card must refuse.
enum class Operation : std::uint8_t { nop, sm4_cbc, sm4_ctr, sm3, sm2_sign, invalid };

/// "sm4-cbc"
[[nodiscard]] std::string_view name_of(Operation operation) noexcept;

/// The operation of that name, if there is one.
[[nodiscard]] std::optional<Operation> operation_named(std::string_view name) noexcept;

}  // namespace cipherdeck::bench
