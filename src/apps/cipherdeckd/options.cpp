// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeckd/options.h"

#include "card/card.h"

#include <cstdlib>

namespace cipherdeck::cipherdeckd {
namespace {

constexpr const char* kFooter = R"(
The card listens on RUN-DIR/pf.sock (for cipherdeck-manager) and, for each virtual function that
the manager makes, on RUN-DIR/vfN.sock (for virtual machines, containers and host processes).

Examples:
  cipherdeckd --run-dir /run/cipherdeck --store /var/lib/cipherdeck --user cipherdeck
  cipherdeckd --run-dir ./run --store ./store --log-level debug

The key file wraps the card's management key. It is made by 'cipherdeck card init'; without it the
store cannot be read. Keep it on another medium than the store with --key-file, so that a copy of
one is worth nothing. 'cipherdeck card init --protect' can take a passphrase in its place, or the
credential cipherdeck.key that systemd hands to the service.

A chip's library must belong to root or the card's user and be writable by nobody else. A chip that
fails or hangs is fenced: the card goes on without it, and 'cipherdeck card status' says why.

Before it serves, the card tests itself: its program's integrity, known answers of all algorithms,
and its random source. One that fails is in 'cipherdeck card status', and the card refuses service
until it is restarted and passes.

Exit codes: 0 ended by SIGTERM or SIGINT, 1 cannot start, 2 usage.)";

// PATH[=ARGUMENT]
card::chip::ChipSpec to_chip(const std::string& text) {
  const std::size_t end = text.find('=');
  return {.path = text.substr(0, end),
          .argument = end == std::string::npos ? std::string{} : text.substr(end + 1)};
}

std::string check_chip(const std::string& text) {
  return to_chip(text).path.is_absolute() ? std::string{} : "not an absolute path: " + text;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  CLI::App app{"The CipherDeck card: serves its functions to vfio-user clients.", "cipherdeckd"};
  app.footer(kFooter);
  app.set_version_flag("--version", "cipherdeckd " CIPHERDECK_PROGRAM_VERSION);
  process::add_service_options(app, options);
  app.add_option("--store", options.store, "Directory of the key store")->capture_default_str();
  app.add_option("--key-file", options.key_file,
                 "File of the key that wraps the management key [STORE/management.key]");
  if (const char* const handed = std::getenv("CREDENTIALS_DIRECTORY")) {
    options.credential = std::filesystem::path(handed) / "cipherdeck.key";
  }
  app.add_option("--workers", options.workers,
                 "Threads that compute; functions are spread over them, and moved when one is busy")
      ->check(CLI::Range(1U, card::kMaxWorkers))
      ->capture_default_str();
  app.add_option("--cpu", options.cpus,
                 "Processors to pin the workers to, in turn, with commas between; -1: none")
      ->check(CLI::Range(-1, 4095))
      ->delimiter(',');
  app.add_flag("!--no-debugging", options.debugging,
               "Refuse operations with private keys in the clear (GM/T 0018-2023, 6.8)");
  app.add_flag("!--no-batching", options.batching,
               "Give the engine one command at a time: slower, to measure what batching is worth");
  app.add_option("--socket-group", options.socket_group,
                 "Group of the VFs' sockets; its members may connect to VFs, not to the PF");
  std::string mode;
  app.add_option("--socket-mode", mode,
                 "Mode of the sockets, octal [0660 with --socket-group, otherwise 0600]")
      ->check(CLI::Validator(
          [](const std::string& text) {
            const bool octal = !text.empty() && text.size() <= 4 &&
                               text.find_first_not_of("01234567") == std::string::npos;
            return octal ? std::string{} : "not an octal mode";
          },
          "OCTAL"));
  app.add_option("--allow-user", options.allowed_users,
                 "User that may connect besides this one and root; repeatable");
  std::vector<std::string> chips;
  app.add_option("--chip", chips,
                 "Library of a chip, for SM1 or a vendor's cipher, and what it is to be told; "
                 "repeatable")
      ->type_name("PATH[=ARGUMENT]")
      ->check(CLI::Validator(check_chip, "", "absolute path"))
      ->allow_extra_args(false)
      ->expected(1, card::chip::kMaxChips);
  std::uint32_t deadline = static_cast<std::uint32_t>(options.chip_limits.job.count());
  app.add_option("--chip-deadline", deadline, "Milliseconds after which a chip's job has failed")
      ->check(CLI::Range(10, 600'000))
      ->capture_default_str();
  std::vector<std::string> noise_files;
  app.add_option(
         "--noise", noise_files,
         "Character device or pipe of a hardware noise source, besides the kernel's and the "
         "processor's; repeatable")
      ->type_name("PATH")
      ->allow_extra_args(false);
  std::uint32_t interval = static_cast<std::uint32_t>(options.self_test_interval.count());
  app.add_option("--self-test-interval", interval,
                 "Seconds between two self-tests while the card serves; 0: only at the start")
      ->check(CLI::Range(0U, 30U * 24 * 3600))
      ->capture_default_str();
  if (!process::parse(app, argc, argv, exit_code)) return std::nullopt;
  for (const std::string& chip : chips) options.chips.push_back(to_chip(chip));
  options.noise_files.assign(noise_files.begin(), noise_files.end());
  options.self_test_interval = std::chrono::seconds(interval);
  options.chip_limits.job = std::chrono::milliseconds(deadline);
  if (!mode.empty()) options.socket_mode = static_cast<unsigned>(std::stoul(mode, nullptr, 8));
  if (options.socket_mode == 0) options.socket_mode = options.socket_group.empty() ? 0600 : 0660;
  if (options.key_file.empty()) options.key_file = options.store / "management.key";
  return options;
}

}  // namespace cipherdeck::cipherdeckd
