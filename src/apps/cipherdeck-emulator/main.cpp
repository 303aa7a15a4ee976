// SPDX-License-Identifier: Apache-2.0
// cipherdeck-emulator: scheme 1. Serves many virtual machines a card each, and does what they ask
// over one function of the host.
#include "device/device.h"
#include "driver/user/queue_pair.h"
#include "host/emulator/emulated_card.h"
#include "host/process/hardening.h"
#include "host/process/lock_file.h"
#include "host/process/service.h"
#include "host/process/service_options.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace cipherdeck::emulator {
namespace {

constexpr const char* kFooter = R"(
Listens on RUN-DIR/vf1.sock to vfN.sock: to a machine each is a card's function, whose every access is
trapped. Commands are copied out of the machine's memory and done over the host's function DEVICE,
one after the other, the machines in turn. All machines have the keys of that function's partition.

This is how cards without virtual functions are shared. It is slow, and here to be measured against:
where a machine can have a virtual function of its own, attach that (docs/attach.md).

Example:
  cipherdeck-emulator --run-dir /run/cipherdeck-emulator \
    --device unix:/run/cipherdeck/vf1.sock --machines 10

Exit codes: 0 ended by SIGTERM or SIGINT, 1 cannot start, 2 usage.)";

constexpr std::uint64_t kNumFiles = 65536;
constexpr driver::QueuePairOptions kHostQueuePair{.entries = 16, .arena_len = 16U << 20};

struct Options : process::ServiceOptions {
  std::string device = "unix:/run/cipherdeck/vf*.sock";
  std::uint32_t num_machines = 1;
};

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  options.run_dir = "/run/cipherdeck-emulator";
  CLI::App app{"Shares one function of a card among virtual machines by emulation.",
               "cipherdeck-emulator"};
  app.footer(kFooter);
  app.set_version_flag("--version", "cipherdeck-emulator " CIPHERDECK_PROGRAM_VERSION);
  process::add_service_options(app, options);
  app.add_option("--device", options.device, "The host's function, as in CIPHERDECK_DEVICE")
      ->envname("CIPHERDECK_DEVICE")
      ->capture_default_str();
  app.add_option("--machines", options.num_machines, "How many machines to serve")
      ->check(CLI::Range(1, CIPHERDECK_TOTAL_VFS))
      ->capture_default_str();
  if (!process::parse(app, argc, argv, exit_code)) return std::nullopt;
  options.run_dir = std::filesystem::absolute(options.run_dir);
  return options;
}

int fail(const std::string& what, const std::string& why, const std::string& remedy) {
  spdlog::critical("{}: {}. {}", what, why, remedy);
  return EXIT_FAILURE;
}

Result<void> settle(const Options& options) {
  CIPHERDECK_TRY(process::prepare_directory(options.run_dir, 0755, options.user));
  process::raise_limits(kNumFiles);
  if (!options.user.empty()) CIPHERDECK_TRY(process::become_user(options.user));
  return process::forbid_dumps();
}

int serve(const Options& options) {
  std::string why;
  auto queue_pair = driver::open_queue_pair(options.device, kHostQueuePair, why);
  if (!queue_pair) {
    return fail("no function to work over", why, "Check --device and that cipherdeckd is running.");
  }
  const auto card =
      EmulatedCard::start(std::make_unique<driver::Channel>(std::move(queue_pair).value()));
  if (!card) {
    return fail("the host's function does not answer", std::string(to_string(card.error())),
                "Check that its VF is bound to a partition (cipherdeck vf list).");
  }
  device::DeviceOptions device_options;
  device_options.run_directory = options.run_dir;
  device_options.num_vfs = options.num_machines;
  device_options.trap_doorbells = true;
  device_options.log = [](std::string_view line) { spdlog::info("{}", line); };
  const auto device = device::Device::start(std::move(device_options), **card);
  if (!device) {
    return fail("cannot serve in " + options.run_dir.string(),
                std::string(to_string(device.error())),
                "Check permissions, the length of the path and who listens there.");
  }
  spdlog::info("serving {} machines in {}", options.num_machines, options.run_dir.string());
  process::notify("READY=1\nSTATUS=Serving");
  process::wait_for_end();
  process::notify("STOPPING=1");
  return EXIT_SUCCESS;
}

int run(const Options& options) {
  if (!process::start_log("cipherdeck-emulator", options.log_level)) return 2;
  process::hold_signals();
  if (const auto settled = settle(options); !settled) {
    return fail("cannot start", std::string(to_string(settled.error())),
                "Check " + options.run_dir.string() + " and --user, which needs root.");
  }
  const auto lock_path = options.run_dir / "cipherdeck-emulator.lock";
  const auto lock = process::LockFile::acquire(lock_path);
  if (!lock) {
    return fail("cannot use " + options.run_dir.string(), std::string(to_string(lock.error())),
                "Another cipherdeck-emulator may have it: give this one a directory of its own.");
  }
  if (const auto confined = process::confine(); !confined) {
    return fail("cannot confine the process", std::string(to_string(confined.error())),
                "The kernel needs seccomp filters (CONFIG_SECCOMP_FILTER).");
  }
  return serve(options);
}

}  // namespace
}  // namespace cipherdeck::emulator

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = cipherdeck::emulator::parse_options(argc, argv, exit_code);
  return options ? cipherdeck::emulator::run(*options) : exit_code;
}
