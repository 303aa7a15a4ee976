// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/cipherdeck/context.h"

#include <optional>
#include <string>

namespace cipherdeck::cli {

/// Reads an access code: from `file`, from standard input if that is "-", or, if it is empty, from
/// the terminal, twice and unseen. One line end after the code is not part of it. Gives nothing
/// after the failure was printed and put into context.exit_code. The caller wipes the code.
[[nodiscard]] std::optional<std::string> read_access_code(Context& context,
                                                          const std::string& file);

/// Overwrites the text with zeros.
void wipe_text(std::string& text) noexcept;

}  // namespace cipherdeck::cli
