// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/attach.h"
#include "apps/cipherdeck/bench.h"
#include "apps/cipherdeck/table.h"
#include "schemes/schemes.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace cipherdeck::cli {
namespace {

Json to_json(const bench::SchemesRow& row, bench::TenantsAs tenants_as) {
  Json json{{"scheme", bench::name_of(row.scheme)},
            {"operation", bench::name_of(row.operation)},
            {"tenants", row.tenants},
            {"tenants_as", bench::name_of(tenants_as)},
            {"bytes", row.bytes},
            {"ops_per_s", row.ops_per_s}};
  if (row.operation != bench::Operation::sm2_sign) json["aggregate_mb_per_s"] = row.mb_per_s();
  json.update({{"ratio_to_card", row.ratio_to_card},
               {"jain", row.jain},
               {"p50_us", row.p50_us},
               {"p99_us", row.p99_us},
               {"results_checked", row.results_checked}});
  return json;
}

void print_table(const std::vector<bench::SchemesRow>& rows) {
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
  std::filesystem::path machine;  // file with the words of a machine's command
  std::filesystem::path html;
};

// The words of a machine's command, a line each, with the function attached at the end.
std::optional<bench::MachineCommand> machine_command(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word);) words.push_back(word);
  if (words.empty()) return std::nullopt;
  return [words](const std::filesystem::path& socket) {
    auto all = words;
    const auto device = device_arguments({.number = 1, .socket = socket.string()});
    all.insert(all.end(), device.begin(), device.end());
    return all;
  };
}

bool prepare_machines(Context& context, SchemesCommand& command) {
  if (command.options.tenants_as != bench::TenantsAs::vm) return true;
  const auto machine = machine_command(command.machine);
  if (machine) {
    command.options.machine = *machine;
    return true;
  }
  context.exit_code =
      fail(context, kFailed, "bench schemes: no machine's command in " + command.machine.string(),
           "Make machines with tools/bench-guest, or name such a file with --machine");
  return false;
}

// This command as it was typed.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string line;
  for (std::string word; std::getline(file, word, '\0');) {
    line +=
        line.empty() ? std::filesystem::path(word).filename().string() : " " + shell_quoted(word);
  }
  return line;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    return line.substr(std::min(line.find(": "), line.size() - 2) + 2) + ", " +
           std::to_string(std::thread::hardware_concurrency()) + " processors";
  }
  return "unknown";
}

bench::Circumstances circumstances() {
  return {.command = command_line(),
          .machine = processor(),
          .date = format_time(static_cast<std::uint64_t>(std::time(nullptr)))};
}

void write_report(Context& context, const SchemesCommand& command,
                  const std::vector<bench::SchemesRow>& rows) {
  std::ofstream file(command.html);
  file << bench::schemes_report(command.options, rows, circumstances());
  if (file.flush()) return;
  context.exit_code = fail(context, kFailed, "cannot write " + command.html.string(),
                           "Check the directory and its permissions");
}

void run_schemes(Context& context, SchemesCommand& command) {
  if (!prepare_machines(context, command)) return;
  const auto show = progress_display();
  const auto progress = [&show](const std::string& what, double done) {
    show(fixed(100 * done, 0) + " %  " + what);
  };
  std::string why;
  const auto rows = bench::run_schemes(command.options, progress, why);
  show("");
  if (!rows) {
    const bool in_machines = command.options.tenants_as == bench::TenantsAs::vm;
    context.exit_code =
        fail(context, kFailed, "bench schemes: " + why,
             in_machines ? "Machines are made by tools/bench-guest; none is left running"
                         : "Name the programs with --card-program and --emulator-program");
    return;
  }
  if (!command.html.empty()) write_report(context, command, *rows);
  if (context.exit_code != kOk) return;
  const auto to_row = [&](const bench::SchemesRow& row) {
    return to_json(row, command.options.tenants_as);
  };
  print_rows(context, *rows, to_row, print_table);
}

}  // namespace

namespace {

using bench::Operation;
using bench::Scheme;
using bench::TenantsAs;

constexpr const char* kFooter = R"(
The bare card is one process that has the PF and polls; the tenants sleep while they wait. Starts a card
of its own, removed afterwards.

With --tenants-as vm each tenant is a virtual machine: QEMU, with the Linux module and cipherdeck-load. As
many boot as the largest number of tenants, and the smaller numbers use some of them; every result
is checked. Tenants are then 1, 2, 4 and 10, and a measurement is 3000 ms, unless told. FILE of
--machine has the command that boots one, a word a line, without its function; tools/bench-guest makes it.
Where the machines' processors are emulated (no KVM) they are slow: the figures then show that all is
done and right, and which scheme is ahead, not how fast a card is.

Examples:
  cipherdeck bench schemes --html schemes.html
  cipherdeck bench schemes --scheme direct --operation sm3 --tenants 10 --json
  cipherdeck bench schemes --tenants-as vm --tenants 2 --operation sm4-cbc)";

// beside the programs' folder, where tools/bench-guest leaves it
std::filesystem::path machine_file() {
  return service_program("cipherdeckd").parent_path().parent_path() / "guest" / "command";
}

void add_what(CLI::App& app, SchemesCommand& command) {
  bench::SchemesOptions& options = command.options;
  app.add_option("--tenants-as", options.tenants_as, "process, vm [process]")
      ->transform(CLI::Transformer(std::map<std::string, TenantsAs>{{"process", TenantsAs::process},
                                                                    {"vm", TenantsAs::vm}}));
  app.add_option("--scheme", options.schemes, "passthrough, emulated, direct; repeatable [all]")
      ->transform(
          CLI::Transformer(std::map<std::string, Scheme>{{"passthrough", Scheme::passthrough},
                                                         {"emulated", Scheme::emulated},
                                                         {"direct", Scheme::direct}}));
  app.add_option("--operation", options.operations,
                 "sm4-cbc, sm4-ctr, sm3, sm2-sign; repeatable [all]")
      ->transform(
          CLI::Transformer(std::map<std::string, Operation>{{"sm4-cbc", Operation::sm4_cbc},
                                                            {"sm4-ctr", Operation::sm4_ctr},
                                                            {"sm3", Operation::sm3},
                                                            {"sm2-sign", Operation::sm2_sign}}));
  app.add_option("--chip", options.chip,
                 "A chip's library, as for cipherdeckd: CBC by it is measured, too");
  app.add_option("--tenants", options.tenants,
                 "Numbers of tenants; the emulator has at most 10 [1 to 10, 16, 64, 256]")
      ->check(CLI::Range(1, CIPHERDECK_TOTAL_VFS));
  app.add_option("--bytes", options.bytes, "Of one command; multiple of 16")
      ->check(CLI::Range(16, 1 << 18))
      ->check(multiple_of_16())
      ->capture_default_str();
  app.add_option("--depth", options.depth, "Commands that a tenant keeps in flight")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--repeats", options.repeats, "Of each measurement; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--duration-ms", options.duration_ms, "Of one measurement")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app.add_option("--html", command.html, "Also writes a report with plots to this file");
}

void add_where(CLI::App& app, SchemesCommand& command) {
  bench::SchemesOptions& options = command.options;
  app.add_option("--card-program", options.card_program, "The cipherdeckd to start")
      ->capture_default_str();
  app.add_option("--emulator-program", options.emulator_program, "The cipherdeck-emulator to start")
      ->capture_default_str();
  app.add_option("--machine", command.machine, "File with the command that boots a machine")
      ->capture_default_str();
  app.add_option("--card-cpu", options.card_cpu, "Processor of the card's worker")
      ->capture_default_str();
  app.add_option("--tenant-cpu", options.tenant_cpu, "Processor of tenants and emulator")
      ->capture_default_str();
}

// What machines have other defaults for.
void set_machine_defaults(const CLI::App& app, bench::SchemesOptions& options) {
  if (options.tenants_as != TenantsAs::vm) return;
  if (app.count("--tenants") == 0) options.tenants = {1, 2, 4, 10};
  if (app.count("--duration-ms") == 0) options.duration_ms = 3000;
}

}  // namespace

void register_bench_schemes(CLI::App& group, Context& context) {
  const auto command = std::make_shared<SchemesCommand>();
  bench::SchemesOptions& options = command->options;
  options.card_program = service_program("cipherdeckd");
  options.emulator_program = service_program("cipherdeck-emulator");
  options.tenant_cpu = std::thread::hardware_concurrency() > 1 ? 1 : 0;
  command->machine = machine_file();
  auto* const app = group.add_subcommand(
      "schemes", "What 1 to 256 tenants get of one card under each way of sharing it");
  add_what(*app, *command);
  add_where(*app, *command);
  app->footer(kFooter);
  app->callback([&context, command, app] {
    set_machine_defaults(*app, command->options);
    run_schemes(context, *command);
  });
}

}  // namespace cipherdeck::cli
