// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/bench.h"
#include "apps/cipherdeck/table.h"
#include "schemes/schemes.h"

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace cipherdeck::cli {
namespace {

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
  const auto show = progress_display();
  const auto progress = [&show](const std::string& what, double done) {
    show(fixed(100 * done, 0) + " %  " + what);
  };
  std::string why;
  const auto rows = bench::run_schemes(command.options, progress, why);
  show("");
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

}  // namespace

void register_bench_schemes(CLI::App& group, Context& context) {
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

}  // namespace cipherdeck::cli
