// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "card/chip/chip.h"
#include "host/process/service_options.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::cipherdeckd {

struct Options : process::ServiceOptions {
  std::filesystem::path store = "/var/lib/cipherdeck";
  std::filesystem::path key_file;    // empty: management.key in the store
  std::filesystem::path credential;  // handed over by systemd; empty: none
  unsigned workers = 1;
  std::vector<int> cpus;  // empty: the workers are not pinned
  bool batching = true;
  bool debugging = true;
  std::string socket_group;
  unsigned socket_mode = 0;                // 0: 0660 with a group, otherwise 0600
  std::vector<std::string> allowed_users;  // by name or number
  std::vector<card::chip::ChipSpec> chips;
  card::chip::Limits chip_limits;
  std::vector<std::filesystem::path> noise_files;
  std::chrono::seconds self_test_interval = std::chrono::hours(12);
};

/// Reads the command line. Nothing: the program is to end now with `exit_code`, help or the error
/// was printed.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace cipherdeck::cipherdeckd
