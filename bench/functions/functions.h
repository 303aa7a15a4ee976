// SPDX-License-Identifier: Apache-2.0
// `cipherdeck bench functions`: what a function of the card gives one tenant, against the engine
// called directly, all in one run on a card of the benchmark's own.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::bench {

struct FunctionsOptions {
  std::filesystem::path card_program;  // cipherdeckd
  int card_cpu = 0;                    // the card's worker, and the engine when called directly
  int tenant_cpu = 1;
  unsigned repeats = 5;        // of each measurement; the median counts
  unsigned duration_ms = 200;  // of one measurement
};

struct FunctionsRow {
  std::string operation;  // sm4-ctr, sm3, sm2-sign, nop, idle-card, idle-vf
  std::string path;       // engine, pf, vf
  std::uint32_t bytes = 0;
  std::uint32_t tenants = 0;
  std::uint32_t depth = 0;
  std::optional<double> aggregate_mb_per_s;  // 10^6 bytes
  std::optional<double> ops_per_s;
  std::optional<double> p50_us;
  std::optional<double> p99_us;
  std::optional<double> ratio_to_engine;
  std::optional<double> cpu_percent;  // idle-card: of one processor
  std::optional<double> memory_kib;   // idle-vf: of the card process, per VF
};

/// Runs everything; `progress` is told what runs now. On failure `why` says what and why.
[[nodiscard]] Result<std::vector<FunctionsRow>> run_functions(
    const FunctionsOptions& options, const std::function<void(const std::string&)>& progress,
    std::string& why);

}  // namespace cipherdeck::bench
