// SPDX-License-Identifier: Apache-2.0
// Messages for whoever debugs a program: to standard error, and only if the environment variable
// CIPHERDECK_LOG is "error" or "info". A library is quiet otherwise. Secrets are never logged.
#pragma once

#include <string_view>

namespace cipherdeck::sdf {

enum class LogLevel { none, error, info };

[[nodiscard]] bool is_logged(LogLevel level) noexcept;
void log(LogLevel level, std::string_view text) noexcept;

}  // namespace cipherdeck::sdf
