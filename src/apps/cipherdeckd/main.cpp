// SPDX-License-Identifier: Apache-2.0
// cipherdeckd: the card as a process. Gives up what it does not need, opens the card, serves its
// functions, and waits to be told to end.
#include "apps/cipherdeckd/options.h"
#include "card/card.h"
#include "device/device.h"
#include "engine/inventory.h"
#include "host/process/hardening.h"
#include "host/process/integrity.h"
#include "host/process/lock_file.h"
#include "host/process/service.h"

#include <pwd.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace cipherdeck::cipherdeckd {
namespace {

// A VF takes a listening socket, a connection, its memory files and an eventfd for each vector.
constexpr std::uint64_t kNumFiles = 65536;

int fail(const std::string& what, const std::string& why, const std::string& remedy) {
  spdlog::critical("{}: {}. {}", what, why, remedy);
  return EXIT_FAILURE;
}

std::optional<process::LockFile> lock_directory(const std::filesystem::path& directory) {
  const auto path = directory / "cipherdeckd.lock";
  auto lock = process::LockFile::acquire(path);
  if (lock) return std::move(*lock);
  if (lock.error() == Error::busy) {
    fail("cannot use " + directory.string(),
         "another cipherdeckd (process " + process::LockFile::holder(path) + ") has it",
         "Stop that one, or give this one directories of its own.");
  } else {
    fail("cannot make " + path.string(), std::string(to_string(lock.error())),
         "Check the directory's owner and permissions.");
  }
  return std::nullopt;
}

/// Directories, limits and identity: what wants root, if we have it.
Result<void> settle(const Options& options) {
  CIPHERDECK_TRY(process::prepare_directory(options.run_dir, 0755, options.user));
  CIPHERDECK_TRY(process::prepare_directory(options.store, 0700, options.user));
  if (const auto files = process::raise_limits(kNumFiles); files < 4096) {
    spdlog::warn("only {} files may be open: not enough for {} busy VFs", files,
                 CIPHERDECK_TOTAL_VFS);
  }
  if (!options.user.empty()) CIPHERDECK_TRY(process::become_user(options.user));
  return process::forbid_dumps();
}

std::optional<uid_t> user_id(const std::string& user) {
  if (!user.empty() && user.find_first_not_of("0123456789") == std::string::npos) {
    return static_cast<uid_t>(std::strtoul(user.c_str(), nullptr, 10));
  }
  const passwd* const entry = getpwnam(user.c_str());
  return entry == nullptr ? std::nullopt : std::optional<uid_t>(entry->pw_uid);
}

std::optional<device::DeviceOptions> device_options(const Options& options) {
  device::DeviceOptions device;
  device.run_directory = std::filesystem::absolute(options.run_dir);
  device.socket_mode = options.socket_mode;
  if (!options.socket_group.empty()) {
    const auto group = process::group_id(options.socket_group);
    if (!group) {
      fail("--socket-group " + options.socket_group, "no such group", "Make it with groupadd.");
      return std::nullopt;
    }
    device.socket_gid = *group;
    device.allowed_gids.push_back(*group);
  }
  for (const std::string& name : options.allowed_users) {
    const auto user = user_id(name);
    if (!user) {
      fail("--allow-user " + name, "no such user", "Check the name.");
      return std::nullopt;
    }
    device.allowed_uids.push_back(*user);
  }
  device.log = [](std::string_view line) { spdlog::info("{}", line); };
  return device;
}

void log_state(const card::Card& card, const Options& options) {
  const bool failed = card.state() == CIPHERDECK_CARD_FAILED;
  for (const std::string& message : card.messages()) spdlog::warn("{}", message);
  const char* const state = failed                                          ? "refuses service"
                            : card.state() == CIPHERDECK_CARD_UNINITIALISED ? "not initialised"
                            : card.state() == CIPHERDECK_CARD_LOCKED
                                ? "locked, awaits its passphrase"
                                : "ready";
  spdlog::log(failed ? spdlog::level::err : spdlog::level::info, "card {}, listening in {}", state,
              options.run_dir.string());
}

int serve(const Options& options, device::DeviceOptions device_options,
          const process::ProgramIntegrity& integrity) {
  card::CardOptions card_options;
  card_options.store = options.store;
  card_options.key_file = options.key_file;
  card_options.credential = options.credential;
  card_options.workers = options.workers;
  card_options.cpus = options.cpus;
  card_options.batching = options.batching;
  card_options.debugging = options.debugging;
  card_options.chips = options.chips;
  card_options.chip_limits = options.chip_limits;
  card_options.noise_files = options.noise_files;
  card_options.self_tests.push_back({"integrity", [&integrity] { return integrity.holds(); }});
  card_options.power_on_random_test = true;
  card_options.self_test_interval = options.self_test_interval;
  card_options.log = [](std::string_view line) { spdlog::error("{}", line); };
  auto card = card::Card::open(card_options);
  if (!card) {
    return fail("cannot open the card with store " + options.store.string(),
                std::string(to_string(card.error())),
                "Check the store's permissions and that " + options.key_file.string() +
                    " is the key file it was made with.");
  }
  const auto device = device::Device::start(std::move(device_options), **card);
  if (!device) {
    return fail("cannot serve in " + options.run_dir.string(),
                std::string(to_string(device.error())),
                "Check permissions, the length of the path and who listens there.");
  }
  log_state(**card, options);
  process::notify("READY=1\nSTATUS=Serving");
  process::wait_for_end();
  process::notify("STOPPING=1");
  spdlog::info("ending");
  return EXIT_SUCCESS;
}

int run(const Options& options) {
  if (!process::start_log("cipherdeckd", options.log_level)) return 2;
  if (const auto fault = engine::selection_fault(engine::cpu::selection()); !fault.empty()) {
    return fail("cannot choose the engine's kernels", fault,
                "Unset it, or see 'cipherdeck engines'");
  }
  const auto integrity = process::ProgramIntegrity::of_this_process();
  process::hold_signals();
  auto device = device_options(options);
  if (!device) return EXIT_FAILURE;
  if (const auto settled = settle(options); !settled) {
    return fail("cannot start", std::string(to_string(settled.error())),
                "Check " + options.run_dir.string() + ", " + options.store.string() +
                    " and --user, which needs root.");
  }
  const auto run_lock = lock_directory(options.run_dir);
  if (!run_lock) return EXIT_FAILURE;
  const auto store_lock = lock_directory(options.store);
  if (!store_lock) return EXIT_FAILURE;
  const auto devices = options.chips.empty() ? process::Devices::none : process::Devices::ioctl;
  if (const auto confined = process::confine(devices); !confined) {
    return fail("cannot confine the process", std::string(to_string(confined.error())),
                "The kernel needs seccomp filters (CONFIG_SECCOMP_FILTER).");
  }
  return serve(options, std::move(*device), integrity);
}

}  // namespace
}  // namespace cipherdeck::cipherdeckd

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = cipherdeck::cipherdeckd::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  exit_code = cipherdeck::cipherdeckd::run(*options);
  if (options->chips.empty()) return exit_code;
  // A hung chip's thread may still be in its library, and destructors there could wait for it.
  spdlog::shutdown();
  std::fflush(nullptr);
  std::_Exit(exit_code);
}
