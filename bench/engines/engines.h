// SPDX-License-Identifier: Apache-2.0
// `cipherdeck bench engines`: what the engine's kernels give on one core, asked as the card asks
// them: through spans of jobs.
#pragma once

#include "base/result.h"
#include "measure/measure.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::bench {

struct EnginesOptions {
  std::vector<std::string> algorithms;  // empty: all
  std::vector<std::uint32_t> bytes = {64, 1024, 16384, 65536};
  std::vector<std::uint32_t> streams;  // empty: one, and as many as the widest kernel takes
  double seconds = 0.5;                // of a row
  unsigned repeats = 5;                // in that time
  std::optional<int> cpu;              // to stay on
};

struct EnginesRow {
  std::string algorithm;
  std::uint32_t bytes = 0;    // of a job
  std::uint32_t streams = 0;  // jobs of a call
  std::string variant;
  // Of all streams together: 10^6 bytes a second, or operations.
  std::optional<Spread> mb_per_s;
  std::optional<Spread> ops_per_s;
  double cycles = 0;  // of the core, for a byte or for an operation
};

/// The names that EnginesOptions::algorithms may have.
[[nodiscard]] std::vector<std::string> engine_algorithms();

/// Runs everything; `progress` is told what runs now. On failure `why` says what and why.
[[nodiscard]] Result<std::vector<EnginesRow>> run_engines(
    const EnginesOptions& options, const std::function<void(const std::string&)>& progress,
    std::string& why);

}  // namespace cipherdeck::bench
