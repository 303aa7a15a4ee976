// SPDX-License-Identifier: Apache-2.0
// cipherdeck-manager: the PF's driver on the host. Makes VFs, binds partitions, and serves the API
// that the program cipherdeck speaks.
#include "host/manager/api.h"
#include "host/manager/card_control.h"
#include "host/manager/pf_driver.h"
#include "host/manager/server.h"
#include "host/manager/state_file.h"
#include "host/manager/vf_keeper.h"
#include "host/process/hardening.h"
#include "host/process/lock_file.h"
#include "host/process/service.h"
#include "host/process/service_options.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace cipherdeck::manager {
namespace {

constexpr const char* kFooter = R"(
The manager drives the card through RUN-DIR/pf.sock and serves its API (HTTP with JSON) on
RUN-DIR/manager.sock, for the program cipherdeck. Whoever may open that socket may manage the card:
restrict it with --socket-group. It may be started before the card, and restarted at any time;
virtual machines do not notice.

Example:
  cipherdeck-manager --run-dir /run/cipherdeck --state /var/lib/cipherdeck-manager/state.json
  curl --unix-socket /run/cipherdeck/manager.sock http://localhost/v1/card

Exit codes: 0 ended by SIGTERM or SIGINT, 1 cannot start, 2 usage.)";

constexpr std::chrono::milliseconds kTendEvery{1000};

struct Options : process::ServiceOptions {
  std::filesystem::path state = "/var/lib/cipherdeck-manager/state.json";
  std::string socket_group;
};

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  CLI::App app{"Manages the CipherDeck card of this host.", "cipherdeck-manager"};
  app.footer(kFooter);
  app.set_version_flag("--version", "cipherdeck-manager " CIPHERDECK_PROGRAM_VERSION);
  process::add_service_options(app, options);
  app.add_option("--state", options.state, "File that remembers the number of VFs")
      ->capture_default_str();
  app.add_option("--socket-group", options.socket_group,
                 "Group of manager.sock: its members may manage the card");
  if (!process::parse(app, argc, argv, exit_code)) return std::nullopt;
  options.run_dir = std::filesystem::absolute(options.run_dir);
  return options;
}

int fail(const std::string& what, Error error, const std::string& remedy) {
  spdlog::critical("{}: {}. {}", what, to_string(error), remedy);
  return EXIT_FAILURE;
}

Result<void> settle(const Options& options) {
  CIPHERDECK_TRY(process::prepare_directory(options.run_dir, 0755, options.user));
  if (options.state.has_parent_path()) {
    CIPHERDECK_TRY(process::prepare_directory(options.state.parent_path(), 0750, options.user));
  }
  if (!options.user.empty()) CIPHERDECK_TRY(process::become_user(options.user));
  return process::forbid_dumps();
}

int serve(const Options& options, const ServerOptions& server_options, State state) {
  PfDriver driver(options.run_dir / "pf.sock");
  CardControl card(driver);
  VfKeeper keeper(driver, card, options.run_dir, options.state, state);
  Api api(driver, keeper, options.run_dir);
  keeper.tend();
  const auto server = Server::start(server_options, api);
  if (!server) {
    return fail("cannot listen on " + server_options.socket.string(), server.error(),
                "Check the directory, the length of the path and --socket-group.");
  }
  spdlog::info("listening on {}", server_options.socket.string());
  process::notify("READY=1\nSTATUS=Managing");
  while (!process::wait_for_end(kTendEvery)) keeper.tend();
  process::notify("STOPPING=1");
  spdlog::info("ending");
  return EXIT_SUCCESS;
}

int run(const Options& options) {
  if (!process::start_log("cipherdeck-manager", options.log_level)) return 2;
  process::hold_signals();
  ServerOptions server;
  server.socket = options.run_dir / "manager.sock";
  if (!options.socket_group.empty()) {
    const auto group = process::group_id(options.socket_group);
    if (!group) {
      return fail("--socket-group " + options.socket_group, group.error(),
                  "Make the group with groupadd.");
    }
    server.group = *group;
  }
  if (const auto settled = settle(options); !settled) {
    return fail("cannot start", settled.error(),
                "Check " + options.run_dir.string() + ", " + options.state.string() +
                    " and --user, which needs root.");
  }
  const auto lock_path = options.run_dir / "cipherdeck-manager.lock";
  const auto lock = process::LockFile::acquire(lock_path);
  if (!lock) {
    return fail("cannot manage the card of " + options.run_dir.string() + " (process " +
                    process::LockFile::holder(lock_path) + ")",
                lock.error(), "One manager is enough: stop the other.");
  }
  const auto state = load_state(options.state);
  if (!state) {
    return fail("cannot read " + options.state.string(), state.error(),
                "Repair or remove it; it holds the number of VFs only.");
  }
  if (const auto confined = process::confine(); !confined) {
    return fail("cannot confine the process", confined.error(),
                "The kernel needs seccomp filters (CONFIG_SECCOMP_FILTER).");
  }
  return serve(options, server, *state);
}

}  // namespace
}  // namespace cipherdeck::manager

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = cipherdeck::manager::parse_options(argc, argv, exit_code);
  return options ? cipherdeck::manager::run(*options) : exit_code;
}
