// SPDX-License-Identifier: Apache-2.0
// cipherdeck: what an administrator types.
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/context.h"

#include <CLI/CLI.hpp>

namespace cipherdeck::cli {
namespace {

constexpr const char* kFooter = R"(
From a new card to a virtual machine with a key of its own:
  cipherdeck card init --label "rack 7"
  cipherdeck vf create 4
  cipherdeck partition create blue
  cipherdeck vf bind vf1 blue
  cipherdeck key generate --partition blue --index 1 --access-code-file blue.code
  cipherdeck qemu-args vf1

'cipherdeck GROUP --help' and 'cipherdeck GROUP COMMAND --help' tell more.

Exit codes: 0 done, 1 the operation failed, 2 usage, 3 manager or card cannot be reached.)";

int run(int argc, char** argv) {
  Context context;
  CLI::App app{"Manages the CipherDeck card of this host.", "cipherdeck"};
  app.footer(kFooter);
  app.set_version_flag("--version", "cipherdeck " CIPHERDECK_PROGRAM_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--run-dir", context.run_dir, "Directory of the manager's socket")
      ->envname("CIPHERDECK_RUN_DIR")
      ->capture_default_str();
  app.add_flag("--json", context.json, "Print JSON, for programs");
  register_card(app, context);
  register_vf(app, context);
  register_partition(app, context);
  register_key(app, context);
  register_role(app, context);
  register_audit(app, context);
  register_qemu_args(app, context);
  register_engines(app, context);
  register_bench(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return context.exit_code;
}

}  // namespace
}  // namespace cipherdeck::cli

int main(int argc, char** argv) { return cipherdeck::cli::run(argc, argv); }
