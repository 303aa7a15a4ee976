// SPDX-License-Identifier: Apache-2.0
#include "host/process/service_options.h"

namespace cipherdeck::process {

void add_service_options(CLI::App& app, ServiceOptions& options) {
  app.add_option("--run-dir", options.run_dir, "Directory of the sockets")
      ->envname("CIPHERDECK_RUN_DIR")
      ->capture_default_str();
  app.add_option("--user", options.user, "User to become after the start as root");
  app.add_option("--log-level", options.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

bool parse(CLI::App& app, int argc, char** argv, int& exit_code) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
  return true;
}

}  // namespace cipherdeck::process
