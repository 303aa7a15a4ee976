// SPDX-License-Identifier: Apache-2.0
// The commands of the group `bench`, and what they share.
#pragma once

#include "apps/cipherdeck/context.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cipherdeck::cli {

void register_bench_functions(CLI::App& group, Context& context);  // bench_functions.cpp
void register_bench_engines(CLI::App& group, Context& context);    // bench_engines.cpp
void register_bench_schemes(CLI::App& group, Context& context);    // bench_schemes.cpp
void register_bench_sharing(CLI::App& group, Context& context);    // bench_sharing.cpp

/// A service's program as it is installed: beside this program or in sbin.
[[nodiscard]] std::filesystem::path service_program(const std::string& name);

/// "1.23"; "" for no value.
[[nodiscard]] std::string fixed(const std::optional<double>& value, int digits);

/// A check for options that count bytes in whole blocks.
[[nodiscard]] CLI::Validator multiple_of_16();

/// The options of a benchmark that starts a card of its own: which program, on which processors,
/// how often and how long. `options` outlives `command`.
template <typename Options>
void add_card_options(CLI::App& command, Options& options, const std::string& tenant_cpu) {
  options.card_program = service_program("cipherdeckd");
  options.tenant_cpu = std::thread::hardware_concurrency() > 1 ? 1 : 0;
  command.add_option("--card-program", options.card_program, "The cipherdeckd to start")
      ->capture_default_str();
  command.add_option("--card-cpu", options.card_cpu, "Processor of the card's worker")
      ->capture_default_str();
  command.add_option("--tenant-cpu", options.tenant_cpu, tenant_cpu)->capture_default_str();
  command.add_option("--repeats", options.repeats, "Of each measurement; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--duration-ms", options.duration_ms, "Of one measurement")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
}

/// Prints a benchmark's rows: as JSON, an object of `to_json` each, or else by `print_table`.
template <typename Row, typename ToJson, typename PrintTable>
void print_rows(const Context& context, const std::vector<Row>& rows, ToJson to_json,
                PrintTable print_table) {
  if (!context.json) return print_table(rows);
  Json all = Json::array();
  for (const Row& row : rows) all.push_back(to_json(row));
  print(all);
}

/// Shows what runs now on standard error, if that is a terminal; "" takes it away.
[[nodiscard]] std::function<void(const std::string&)> progress_display();

}  // namespace cipherdeck::cli
