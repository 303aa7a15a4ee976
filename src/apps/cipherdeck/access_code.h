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

/// What a person is asked for: an access code, a password or a passphrase.
struct SecretPrompt {
  const char* what;    // "access code"
  const char* option;  // "--access-code-file": names its file
  bool twice = true;   // a new one, which must not be mistyped
};

/// Reads another secret of 8 to 256 bytes of text in the same way.
[[nodiscard]] std::optional<std::string> read_secret(Context& context, const SecretPrompt& prompt,
                                                     const std::string& file);

/// As ask(), with `secret` as the body's member `name`; wipes it there and in `secret`.
[[nodiscard]] std::optional<Json> ask_with_secret(Context& context, const std::string& method,
                                                  const std::string& path, Json body,
                                                  const char* name, std::string& secret);

/// Overwrites the text with zeros.
void wipe_text(std::string& text) noexcept;

}  // namespace cipherdeck::cli
