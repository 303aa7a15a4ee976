// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/table.h"

#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace cipherdeck::cli {
namespace {

constexpr std::uint32_t kMostAtOnce = 4096;

struct Options {
  std::uint64_t from = 1;
  std::uint32_t most = 100;
  std::uint64_t up_to = 0;
  bool yes = false;
};

std::optional<Json> ask_records(Context& context, std::uint64_t from, std::uint32_t most) {
  const auto answer = ask(
      context, "GET", "/v1/audit?from=" + std::to_string(from) + "&most=" + std::to_string(most));
  if (!answer) return std::nullopt;
  return answer->value("records", Json::array());
}

void list(Context& context, const Options& options) {
  const auto records = ask_records(context, options.from, options.most);
  if (!records) return;
  if (context.json) return print(Json{{"records", *records}});
  Table table(
      {{"NUMBER", true}, {"TIME"}, {"USER"}, {"ACTION"}, {"PARTITION", true}, {"OF"}, {"OUTCOME"}});
  for (const auto& record : *records) {
    const auto partition = record.value("partition", 0U);
    const std::string user = record.value("user", "");
    table.add({std::to_string(record.value("number", std::uint64_t{0})),
               format_time(record.value("time", std::uint64_t{0})), user.empty() ? "-" : user,
               record.value("action", ""), partition == 0 ? "-" : std::to_string(partition),
               record.value("subject", ""), record.value("outcome", "")});
  }
  table.print(std::cout);
}

/// Prints the report; a trail that is not whole is a failure.
void tell(Context& context, const Json& report) {
  if (context.json) {
    print(report);
  } else if (report.value("whole", false)) {
    std::cout << "The audit trail is whole: records " << report.value("first", std::uint64_t{0})
              << " to " << report.value("last", std::uint64_t{0}) << ", room for "
              << report.value("capacity", std::uint64_t{0}) << ".\n";
  }
  if (!context.json && report.contains("clock_set_back_at")) {
    std::cout << "The clock was set back before record "
              << report.value("clock_set_back_at", std::uint64_t{0}) << ".\n";
  }
  if (report.value("whole", false)) return;
  if (context.json) {
    context.exit_code = kFailed;
    return;
  }
  context.exit_code =
      fail(context, kFailed, "the audit trail was changed: " + report.value("fault", ""),
           "Compare it with what was exported; the store's disk is not safe.");
}

void verify(Context& context) {
  if (const auto report = ask(context, "GET", "/v1/audit/report")) tell(context, *report);
}

// All records and the report on them, in one document.
void export_all(Context& context) {
  const auto report = ask(context, "GET", "/v1/audit/report");
  if (!report) return;
  Json all = Json::array();
  for (std::uint64_t from = 1;;) {
    const auto records = ask_records(context, from, kMostAtOnce);
    if (!records) return;
    for (const auto& record : *records) all.push_back(record);
    if (records->size() < kMostAtOnce) break;
    from = all.back().value("number", std::uint64_t{0}) + 1;
  }
  print(Json{{"report", *report}, {"records", std::move(all)}});
}

void clear(Context& context, const Options& options) {
  if (!options.yes) {
    context.exit_code = fail(
        context, kUsage, "clearing the trail loses its records to " + std::to_string(options.up_to),
        "Export them first, then repeat with --yes.");
    return;
  }
  const auto report = ask(context, "POST", "/v1/audit/clear", Json{{"up_to", options.up_to}});
  if (report) tell(context, *report);
}

}  // namespace

void register_audit(CLI::App& app, Context& context) {
  auto* const group =
      app.add_subcommand("audit", "The audit trail: who did what, when, with what outcome")
          ->require_subcommand(1);
  const auto options = std::make_shared<Options>();

  auto* const show = group->add_subcommand("list", "Shows records");
  show->add_option("--from", options->from, "Number of the first")
      ->check(CLI::Range(0U, 0xffffffffU))
      ->capture_default_str();
  show->add_option("--most", options->most, "The most records")
      ->check(CLI::Range(1U, kMostAtOnce))
      ->capture_default_str();
  show->callback([&context, options] { list(context, *options); });

  auto* const check = group->add_subcommand(
      "verify", "Looks whether records were changed, removed, added or cut off");
  check->callback([&context] { verify(context); });

  auto* const save = group->add_subcommand("export", "Prints all records and the report as JSON");
  save->footer("\nExample:\n  cipherdeck audit export >trail-$(date +%F).json");
  save->callback([&context] { export_all(context); });

  auto* const drop = group->add_subcommand("clear", "Removes old records, an auditor's to do");
  drop->add_option("--up-to", options->up_to, "Number of the last record to go")->required();
  drop->add_flag("--yes", options->yes, "Yes, they are exported");
  drop->footer(
      "\nThe trail holds 65536 records. When it is full, commands that change fail until it is\n"
      "cleared. That it was cleared, by whom and how far, is a record itself.");
  drop->callback([&context, options] { clear(context, *options); });
}

}  // namespace cipherdeck::cli
