// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/table.h"
#include "functions/functions.h"
#include "schemes/schemes.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace cipherdeck::cli {
namespace {

std::string fixed(const std::optional<double>& value, int digits) {
  if (!value) return "";
  char text[48];
  (void)std::snprintf(text, sizeof text, "%.*f", digits, *value);
  return text;
}

// A service's program as it is installed: beside this program or in sbin.
std::filesystem::path service_program(const std::string& name) {
  std::error_code error;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  return std::filesystem::exists(here / name) ? here / name : here.parent_path() / "sbin" / name;
}

// Shows on a terminal what runs now.
void show_progress(const std::string& what) {
  static const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal) std::cerr << "\r\033[K" << what << std::flush;
}

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

void print_rows(const std::vector<bench::FunctionsRow>& rows) {
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
  std::string why;
  const auto rows = bench::run_functions(options, show_progress, why);
  show_progress("");
  if (!rows) {
    context.exit_code = fail(context, kFailed, "bench functions: " + why,
                             "Name the card's program with --card-program");
    return;
  }
  if (!context.json) return print_rows(*rows);
  Json all = Json::array();
  for (const auto& row : *rows) all.push_back(to_json(row));
  print(all);
}

Json to_json(const bench::SchemesRow& row) {
  Json json{{"scheme", bench::name_of(row.scheme)},
            {"operation", bench::name_of(row.operation)},
            {"tenants", row.tenants},
            {"bytes", row.bytes},
            {"ops_per_s", row.ops_per_s}};
  if (row.operation != bench::Operation::sm2_sign) json["aggregate_mb_per_s"] = row.mb_per_s();
  json.update({{"ratio_to_card", row.ratio_to_card},
               {"jain", row.jain},
               {"p50_us", row.p50_us},
               {"p99_us", row.p99_us}});
  return json;
}

void print_rows(const std::vector<bench::SchemesRow>& rows) {
  Table table({{"OPERATION"},
               {"SCHEME"},
               {"TENANTS", true},
               {"BYTES", true},
               {"MB/S", true},
               {"OPS/S", true},
               {"OF CARD", true},
               {"JAIN", true},
               {"P50 US", true},
               {"P99 US", true}});
  for (const auto& row : rows) {
    const bool is_signing = row.operation == bench::Operation::sm2_sign;
    table.add({std::string(bench::name_of(row.operation)), std::string(bench::name_of(row.scheme)),
               std::to_string(row.tenants), std::to_string(row.bytes),
               is_signing ? "" : fixed(row.mb_per_s(), 1), fixed(row.ops_per_s, 0),
               fixed(row.ratio_to_card, 3), fixed(row.jain, 4), fixed(row.p50_us, 1),
               fixed(row.p99_us, 1)});
  }
  table.print(std::cout);
}

struct SchemesCommand {
  bench::SchemesOptions options;
  std::filesystem::path html;
};

void run_schemes(Context& context, const SchemesCommand& command) {
  const auto progress = [](const std::string& what, double done) {
    show_progress(fixed(100 * done, 0) + " %  " + what);
  };
  std::string why;
  const auto rows = bench::run_schemes(command.options, progress, why);
  show_progress("");
  if (!rows) {
    context.exit_code = fail(context, kFailed, "bench schemes: " + why,
                             "Name the programs with --card-program and --emulator-program");
    return;
  }
  if (!command.html.empty()) {
    std::ofstream file(command.html);
    file << bench::schemes_report(command.options, *rows);
    if (!file.flush()) {
      context.exit_code = fail(context, kFailed, "cannot write " + command.html.string(),
                               "Check the directory and its permissions");
      return;
    }
  }
  if (!context.json) return print_rows(*rows);
  Json all = Json::array();
  for (const auto& row : *rows) all.push_back(to_json(row));
  print(all);
}

void register_schemes(CLI::App& group, Context& context) {
  using bench::Operation;
  using bench::Scheme;
  const auto command = std::make_shared<SchemesCommand>();
  bench::SchemesOptions& options = command->options;
  options.card_program = service_program("cipherdeckd");
  options.emulator_program = service_program("cipherdeck-emulator");
  options.tenant_cpu = std::thread::hardware_concurrency() > 1 ? 1 : 0;
  auto* const app = group.add_subcommand(
      "schemes", "What 1 to 255 tenants get of one card under each way of sharing it");
  app->add_option("--scheme", options.schemes, "passthrough, emulated, direct; repeatable [all]")
      ->transform(
          CLI::Transformer(std::map<std::string, Scheme>{{"passthrough", Scheme::passthrough},
                                                         {"emulated", Scheme::emulated},
                                                         {"direct", Scheme::direct}}));
  app->add_option("--operation", options.operations,
                  "sm4-cbc, sm4-ctr, sm3, sm2-sign; repeatable [all]")
      ->transform(
          CLI::Transformer(std::map<std::string, Operation>{{"sm4-cbc", Operation::sm4_cbc},
                                                            {"sm4-ctr", Operation::sm4_ctr},
                                                            {"sm3", Operation::sm3},
                                                            {"sm2-sign", Operation::sm2_sign}}));
  app->add_option("--tenants", options.tenants,
                  "Numbers of tenants; the emulator has at most 10 [1 to 10, 16, 64, 255]")
      ->check(CLI::Range(1, 255));
  app->add_option("--bytes", options.bytes, "Of one command; multiple of 16")
      ->check(CLI::Range(16, 1 << 18))
      ->capture_default_str();
  app->add_option("--depth", options.depth, "Commands that a tenant keeps in flight")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app->add_option("--html", command->html, "Also writes a report with plots to this file");
  app->add_option("--card-program", options.card_program, "The cipherdeckd to start")
      ->capture_default_str();
  app->add_option("--emulator-program", options.emulator_program,
                  "The cipherdeck-emulator to start")
      ->capture_default_str();
  app->add_option("--card-cpu", options.card_cpu, "Processor of the card's worker")
      ->capture_default_str();
  app->add_option("--tenant-cpu", options.tenant_cpu, "Processor of tenants and emulator")
      ->capture_default_str();
  app->add_option("--repeats", options.repeats, "Of each measurement; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option("--duration-ms", options.duration_ms, "Of one measurement")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app->footer(
      "\nThe bare card is one process that has the PF and polls; the tenants are processes that\n"
      "sleep while they wait. Starts a card of its own, removed afterwards.\n"
      "\nExamples:\n  cipherdeck bench schemes --html schemes.html\n"
      "  cipherdeck bench schemes --scheme direct --operation sm3 --tenants 10 --json");
  app->callback([&context, command] { run_schemes(context, *command); });
}

}  // namespace

void register_bench(CLI::App& app, Context& context) {
  auto* const group =
      app.add_subcommand("bench", "Measures the card and its engines")->require_subcommand(1);
  register_schemes(*group, context);
  auto* const command = group->add_subcommand(
      "functions", "What a function gives one tenant, against the engine called directly");
  const auto options = std::make_shared<bench::FunctionsOptions>();
  options->card_program = service_program("cipherdeckd");
  options->tenant_cpu = std::thread::hardware_concurrency() > 1 ? 1 : 0;
  command->add_option("--card-program", options->card_program, "The cipherdeckd to start")
      ->capture_default_str();
  command->add_option("--card-cpu", options->card_cpu, "Processor of the card's worker")
      ->capture_default_str();
  command->add_option("--tenant-cpu", options->tenant_cpu, "Processor of the tenant")
      ->capture_default_str();
  command->add_option("--repeats", options->repeats, "Of each measurement; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--duration-ms", options->duration_ms, "Of one measurement")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  command->footer(
      "\nStarts a card of its own with a fresh store, removed afterwards; the card of this host is "
      "not touched.\n\nExample:\n  cipherdeck bench functions --json > functions.json");
  command->callback([&context, options] { run_functions(context, *options); });
}

}  // namespace cipherdeck::cli
