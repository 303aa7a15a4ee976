// SPDX-License-Identifier: Apache-2.0
#include "engines/engines.h"

#include "card/random/random.h"
#include "engine/batch.h"
#include "engine/inventory.h"
#include "engines/workload.h"

#include <algorithm>

namespace cipherdeck::bench {
namespace {

// "vaes", or "vaes+pclmul" where two algorithms have a part in it.
std::string variant_of(const WorkloadKind& kind) {
  std::string variant;
  for (const engine::Algorithm& algorithm : engine::algorithms()) {
    if (std::ranges::count(kind.kernels, algorithm.name) == 0) continue;
    if (!variant.empty()) variant += '+';
    variant += algorithm.used;
  }
  return variant.empty() ? "portable" : variant;
}

struct Case {
  const WorkloadKind& kind;
  std::uint32_t bytes;
  std::uint32_t streams;
};

std::vector<Case> cases_of(const EnginesOptions& options) {
  std::vector<Case> cases;
  for (const WorkloadKind& kind : workload_kinds()) {
    const bool is_wanted =
        options.algorithms.empty() || std::ranges::count(options.algorithms, kind.algorithm) != 0;
    if (!is_wanted) continue;
    const std::vector<std::uint32_t> fixed = {kind.fixed_bytes};
    std::vector<std::uint32_t> default_streams = {1};
    if (kind.many_streams != 1) default_streams.push_back(kind.many_streams);
    for (const std::uint32_t bytes : kind.counts_bytes() ? options.bytes : fixed) {
      for (const std::uint32_t streams :
           options.streams.empty() ? default_streams : options.streams) {
        cases.push_back({kind, bytes, streams});
      }
    }
  }
  return cases;
}

Result<EnginesRow> measure_case(const Case& what, const EnginesOptions& options,
                                RandomSource& random) {
  CIPHERDECK_ASSIGN(const auto workload,
                    make_workload(what.kind.algorithm, what.bytes, what.streams, random));
  workload->run();
  CIPHERDECK_TRY(workload->result());
  const double units =
      what.kind.counts_bytes() ? double{1} * what.bytes * what.streams : double{1} * what.streams;
  std::vector<double> rates, cycles;
  for (unsigned repeat = 0; repeat < options.repeats; ++repeat) {
    const Timing timing =
        measure([&] { workload->run(); }, Seconds(options.seconds / options.repeats));
    rates.push_back(units / timing.ns * 1e9);
    cycles.push_back(timing.cycles / units);
  }
  CIPHERDECK_TRY(workload->result());
  EnginesRow row{.algorithm = std::string(what.kind.algorithm),
                 .bytes = what.bytes,
                 .streams = what.streams,
                 .variant = variant_of(what.kind),
                 .cycles = spread_of(cycles).median};
  const Spread rate = spread_of(rates);
  if (what.kind.counts_bytes()) {
    row.mb_per_s = Spread{rate.median / 1e6, rate.min / 1e6, rate.max / 1e6};
  } else {
    row.ops_per_s = rate;
  }
  return row;
}

}  // namespace

std::vector<std::string> engine_algorithms() {
  std::vector<std::string> names;
  for (const WorkloadKind& kind : workload_kinds()) names.emplace_back(kind.algorithm);
  return names;
}

Result<std::vector<EnginesRow>> run_engines(const EnginesOptions& options,
                                            const std::function<void(const std::string&)>& progress,
                                            std::string& why) {
  if (options.cpu && !pin_to(*options.cpu)) {
    why = "there is no processor " + std::to_string(*options.cpu) + " to stay on";
    return Error::invalid_argument;
  }
  if (!engine::self_test()) {
    why = "the engine fails its self-test";
    return Error::card_failed;
  }
  CIPHERDECK_ASSIGN(const auto random, card::random::Generator::create());
  std::vector<EnginesRow> rows;
  for (const Case& what : cases_of(options)) {
    const std::string name = std::string(what.kind.algorithm) + ", " + std::to_string(what.bytes) +
                             " bytes, " + std::to_string(what.streams) + " streams";
    progress(name);
    auto row = measure_case(what, options, *random);
    if (!row) {
      why = name + ": " + std::string(to_string(row.error()));
      return row.error();
    }
    rows.push_back(*std::move(row));
  }
  return rows;
}

}  // namespace cipherdeck::bench
