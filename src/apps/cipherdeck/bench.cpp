// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/bench.h"

#include "apps/cipherdeck/commands.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace cipherdeck::cli {

std::string fixed(const std::optional<double>& value, int digits) {
  if (!value) return "";
  char text[48];
  (void)std::snprintf(text, sizeof text, "%.*f", digits, *value);
  return text;
}

std::filesystem::path service_program(const std::string& name) {
  std::error_code error;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  return std::filesystem::exists(here / name) ? here / name : here.parent_path() / "sbin" / name;
}

CLI::Validator multiple_of_16() {
  return {[](const std::string& bytes) {
            return std::stoul(bytes) % 16 == 0 ? "" : bytes + " is no multiple of 16";
          },
          ""};
}

std::function<void(const std::string&)> progress_display() {
  return [is_terminal = isatty(STDERR_FILENO) != 0](const std::string& what) {
    if (is_terminal) std::cerr << "\r\033[K" << what << std::flush;
  };
}

void register_bench(CLI::App& app, Context& context) {
  auto* const group =
      app.add_subcommand("bench", "Measures the card and its engines")->require_subcommand(1);
  register_bench_functions(*group, context);
  register_bench_engines(*group, context);
  register_bench_schemes(*group, context);
  register_bench_sharing(*group, context);
}

}  // namespace cipherdeck::cli
