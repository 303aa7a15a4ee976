// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/bench.h"
#include "apps/cipherdeck/table.h"
#include "sharing/sharing.h"

#include <cmath>
#include <iostream>
#include <memory>

namespace cipherdeck::cli {
namespace {

Json to_json(const bench::SharingRow& row) {
  Json json{{"aspect", row.aspect}, {"case", row.what}, {"value", row.value}};
  if (row.aim) {
    json[row.at_least ? "at_least" : "at_most"] = *row.aim;
    json["met"] = row.is_met();
  }
  return json;
}

void print_table(const std::vector<bench::SharingRow>& rows) {
  Table table({{"ASPECT"}, {"CASE"}, {"VALUE", true}, {"AIM", true}, {"MET"}});
  for (const auto& row : rows) {
    table.add({row.aspect, row.what, fixed(row.value, 3),
               row.aim ? (row.at_least ? ">= " : "<= ") + fixed(*row.aim, 2) : "",
               row.aim ? row.is_met() ? "yes" : "no" : ""});
  }
  table.print(std::cout);
}

void run_sharing(Context& context, const bench::SharingOptions& options) {
  const auto display = progress_display();
  const auto progress = [&](const std::string& what, double part) {
    display(std::to_string(std::lround(100 * part)) + " %  " + what);
  };
  std::string why;
  const auto rows = bench::run_sharing(options, progress, why);
  display("");
  if (!rows) {
    context.exit_code = fail(context, kFailed, "bench sharing: " + why,
                             "Name the card's program with --card-program");
    return;
  }
  print_rows(context, *rows, to_json, print_table);
}

}  // namespace

void register_bench_sharing(CLI::App& group, Context& context) {
  auto* const command = group.add_subcommand(
      "sharing",
      "Whether tenants get what they are promised: shares, neighbours, latency, batching");
  const auto options = std::make_shared<bench::SharingOptions>();
  add_card_options(*command, *options, "Processor of the tenants");
  command->footer(
      "\nStarts cards of its own with fresh stores, removed afterwards; the card of this host is "
      "not touched. Exit status 0 whether or not the aims are met.\n\nExample:\n  cipherdeck bench "
      "sharing --repeats 5");
  command->callback([&context, options] { run_sharing(context, *options); });
}

}  // namespace cipherdeck::cli
