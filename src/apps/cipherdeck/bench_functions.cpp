// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/bench.h"
#include "apps/cipherdeck/table.h"
#include "functions/functions.h"

#include <iostream>
#include <memory>
#include <string>

namespace cipherdeck::cli {
namespace {

Json to_json(const bench::FunctionsRow& row) {
  Json json{{"operation", row.operation},
            {"path", row.path},
            {"bytes", row.bytes},
            {"tenants", row.tenants},
            {"depth", row.depth}};
  const auto put = [&json](const char* name, const std::optional<double>& value) {
    if (value) json[name] = *value;
  };
  put("aggregate_mb_per_s", row.aggregate_mb_per_s);
  put("ops_per_s", row.ops_per_s);
  put("p50_us", row.p50_us);
  put("p99_us", row.p99_us);
  put("ratio_to_engine", row.ratio_to_engine);
  put("cpu_percent", row.cpu_percent);
  put("memory_kib", row.memory_kib);
  return json;
}

void print_table(const std::vector<bench::FunctionsRow>& rows) {
  Table table({{"OPERATION"},
               {"PATH"},
               {"BYTES", true},
               {"DEPTH", true},
               {"MB/S", true},
               {"OPS/S", true},
               {"P50 US", true},
               {"P99 US", true},
               {"OF ENGINE", true},
               {"CPU %", true},
               {"KIB/VF", true}});
  for (const auto& row : rows) {
    table.add({row.operation, row.path, std::to_string(row.bytes), std::to_string(row.depth),
               fixed(row.aggregate_mb_per_s, 1), fixed(row.ops_per_s, 0), fixed(row.p50_us, 2),
               fixed(row.p99_us, 2), fixed(row.ratio_to_engine, 3), fixed(row.cpu_percent, 3),
               fixed(row.memory_kib, 1)});
  }
  table.print(std::cout);
}

void run_functions(Context& context, const bench::FunctionsOptions& options) {
  const auto progress = progress_display();
  std::string why;
  const auto rows = bench::run_functions(options, progress, why);
  progress("");
  if (!rows) {
    context.exit_code = fail(context, kFailed, "bench functions: " + why,
                             "Name the card's program with --card-program");
    return;
  }
  print_rows(context, *rows, to_json, print_table);
}

}  // namespace

void register_bench_functions(CLI::App& group, Context& context) {
  auto* const command = group.add_subcommand(
      "functions", "What a function gives one tenant, against the engine called directly");
  const auto options = std::make_shared<bench::FunctionsOptions>();
  add_card_options(*command, *options, "Processor of the tenant");
  command->footer(
      "\nStarts a card of its own with a fresh store, removed afterwards; the card of this host is "
      "not touched.\n\nExample:\n  cipherdeck bench functions --json > functions.json");
  command->callback([&context, options] { run_functions(context, *options); });
}

}  // namespace cipherdeck::cli
