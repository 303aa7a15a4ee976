// SPDX-License-Identifier: Apache-2.0
// What all commands share: the global options, the way to the manager, and how to fail.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace cipherdeck::cli {

using Json = nlohmann::ordered_json;

enum ExitCode : int { kOk = 0, kFailed = 1, kUsage = 2, kUnreachable = 3 };

struct Context {
  std::filesystem::path run_dir = "/run/cipherdeck";
  bool json = false;    // print JSON instead of tables
  int exit_code = kOk;  // of the command that ran
};

/// Prints "cipherdeck: ERROR. REMEDY" on stderr, or the same as JSON, and gives `code`.
int fail(const Context& context, ExitCode code, const std::string& error,
         const std::string& remedy);

/// Asks the manager. `path` is encoded already; `body` null: none. Gives the answer's JSON, or
/// nothing after the failure was printed and put into context.exit_code.
[[nodiscard]] std::optional<Json> ask(Context& context, const std::string& method,
                                      const std::string& path, const Json& body = nullptr);

/// One part of a path with all but letters, digits, '.', '_', '-' as %XX.
[[nodiscard]] std::string path_part(const std::string& text);

/// Prints `json` in the form that --json promises: one document and a line end.
void print(const Json& json);

}  // namespace cipherdeck::cli
