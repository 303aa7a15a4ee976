// SPDX-License-Identifier: Apache-2.0
// Where the token of a login is kept between commands: a file that only its owner may read.
#pragma once

#include "apps/cipherdeck/context.h"

#include <string>

namespace cipherdeck::cli {

/// The token of this person's login at this card, as hexadecimal digits; empty if there is none.
[[nodiscard]] std::string read_token(const Context& context);

/// Keeps it in $CIPHERDECK_TOKEN_FILE, else in $XDG_RUNTIME_DIR, else in the home directory. False
/// after the failure was printed and put into context.exit_code.
[[nodiscard]] bool write_token(Context& context, const std::string& token);

void remove_token(const Context& context);

}  // namespace cipherdeck::cli
