// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/bench.h"
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/table.h"
#include "engines/engines.h"

#include <iostream>
#include <memory>
#include <string>

namespace cipherdeck::cli {
namespace {

constexpr const char* kFooter = R"(
Every row is one kind of job on one core, called through the interface that the card's scheduler
calls: STREAMS jobs at once, each of BYTES bytes with a key and buffers of its own (SM4-GCM with a
nonce of 12 bytes and a tag of 16; SM2 signs and verifies 32-byte digests and encrypts 32 bytes; its
random numbers come from the card's generator and are part of the time). Unless told otherwise that
is 1 stream, and 64 for SM4, 16 for SM3, 8 for SM2; SM9 and ZUC go one at a time. MB/S is 10^6 bytes
of all streams together in a second that the thread has the processor; a figure is the median of the
repeats, with the least and the most.

CYCLES are of the core: before and after each repeat, a chain of dependent additions, one cycle each,
tells how fast the core's clock runs.

Which kernels are measured: 'cipherdeck engines' and its CIPHERDECK_ENGINE.

Examples:
  cipherdeck bench engines --algorithm sm4-ctr --algorithm sm4-gcm --cpu 1
  CIPHERDECK_ENGINE=avx2 cipherdeck bench engines --json > avx2.json)";

void put(Json& json, const std::string& name, const std::optional<bench::Spread>& spread) {
  if (!spread) return;
  json[name] = spread->median;
  json[name + "_min"] = spread->min;
  json[name + "_max"] = spread->max;
}

Json to_json(const bench::EnginesRow& row) {
  Json json{{"algorithm", row.algorithm},
            {"bytes", row.bytes},
            {"streams", row.streams},
            {"variant", row.variant}};
  put(json, "mb_per_s", row.mb_per_s);
  put(json, "ops_per_s", row.ops_per_s);
  json[row.mb_per_s ? "cycles_per_byte" : "cycles_per_op"] = row.cycles;
  return json;
}

std::string text_of(const std::optional<bench::Spread>& spread) {
  if (!spread) return "";
  return fixed(spread->median, 0) + " (" + fixed(spread->min, 0) + "-" + fixed(spread->max, 0) +
         ")";
}

void print_table(const std::vector<bench::EnginesRow>& rows) {
  Table table({{"ALGORITHM"},
               {"BYTES", true},
               {"STREAMS", true},
               {"VARIANT"},
               {"MB/S", true},
               {"OPS/S", true},
               {"CYCLES/BYTE", true},
               {"CYCLES/OP", true}});
  for (const auto& row : rows) {
    const bool counts_bytes = row.mb_per_s.has_value();
    table.add({row.algorithm, std::to_string(row.bytes), std::to_string(row.streams), row.variant,
               text_of(row.mb_per_s), text_of(row.ops_per_s),
               counts_bytes ? fixed(row.cycles, 2) : "", counts_bytes ? "" : fixed(row.cycles, 0)});
  }
  table.print(std::cout);
}

void run(Context& context, const bench::EnginesOptions& options) {
  if (!is_selection_valid(context)) return;
  const auto progress = progress_display();
  std::string why;
  const auto rows = bench::run_engines(options, progress, why);
  progress("");
  if (!rows) {
    context.exit_code = fail(context, kFailed, "bench engines: " + why, "");
    return;
  }
  print_rows(context, *rows, to_json, print_table);
}

}  // namespace

void register_bench_engines(CLI::App& group, Context& context) {
  constexpr std::uint32_t kMostBytes = 1U << 30;
  constexpr std::uint32_t kMostStreams = 4096;
  auto* const command =
      group.add_subcommand("engines", "What the engine's kernels give on one core");
  const auto options = std::make_shared<bench::EnginesOptions>();
  command->add_option("--algorithm", options->algorithms, "May be repeated; all unless given")
      ->check(CLI::IsMember(bench::engine_algorithms()));
  command->add_option("--bytes", options->bytes, "Of a message, a multiple of 16; may be repeated")
      ->check(CLI::Range(16U, kMostBytes))
      ->check(multiple_of_16())
      ->capture_default_str();
  command->add_option("--streams", options->streams, "Messages at once; may be repeated")
      ->check(CLI::Range(1U, kMostStreams));
  command->add_option("--seconds", options->seconds, "For each row")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command->add_option("--repeats", options->repeats, "In that time; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--cpu", options->cpu, "Processor to stay on; any unless given");
  command->footer(kFooter);
  command->callback([&context, options] { run(context, *options); });
}

}  // namespace cipherdeck::cli
