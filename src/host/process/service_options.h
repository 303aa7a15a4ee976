// SPDX-License-Identifier: Apache-2.0
// The options that every long-running program takes.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

namespace cipherdeck::process {

struct ServiceOptions {
  std::filesystem::path run_dir = "/run/cipherdeck";
  std::string user;
  std::string log_level = "info";
};

/// Adds --run-dir, --user and --log-level to `app`; what is parsed goes to `options`.
void add_service_options(CLI::App& app, ServiceOptions& options);

/// Parses the command line. False: help, the version or the error was printed, and the program is
/// to end with `exit_code`: 0, or 2 for a usage error.
[[nodiscard]] bool parse(CLI::App& app, int argc, char** argv, int& exit_code);

}  // namespace cipherdeck::process
