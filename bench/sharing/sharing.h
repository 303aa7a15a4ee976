// SPDX-License-Identifier: Apache-2.0
// `cipherdeck bench sharing`: whether tenants get what they are promised of one card, and what it
// is worth that the card does their commands together. On a card of the benchmark's own: its worker
// on one processor, the tenants, each a process with a VF, on another.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::bench {

struct SharingOptions {
  std::filesystem::path card_program;  // cipherdeckd
  int card_cpu = 0;
  int tenant_cpu = 1;
  unsigned repeats = 3;        // of each measurement; the median counts
  unsigned duration_ms = 500;  // of one measurement
};

/// One promise: what was measured, and what is aimed at, if anything.
struct SharingRow {
  std::string aspect;  // "batching", "weights", "peak", "neighbour", "latency", "scale"
  std::string what;    // the case, in words
  double value = 0;
  std::optional<double> aim{};
  bool at_least = true;  // else the value is to be at most the aim

  [[nodiscard]] bool is_met() const noexcept {
    return !aim || (at_least ? value >= *aim : value <= *aim);
  }
};

/// Aspects:
/// - batching: commands per second of ten tenants with one command in flight each, over those of a
///   card that gives its engine one command at a time.
/// - weights: the largest part by which one of three tenants with weights 4, 2 and 1 is off its
///   share.
/// - peak: the part by which the engine time of a tenant held to a fifth of the card is off it.
/// - neighbour: what nine tenants get beside a tenth that floods, over what they get beside an
///   equal.
/// - latency: the 99th percentile of a command of 64 bytes beside a tenant with bulk, over that
///   alone.
/// - scale: 256 VFs, made at once, each with a queue pair and sessions; what they take when idle.
[[nodiscard]] Result<std::vector<SharingRow>> run_sharing(
    const SharingOptions& options, const std::function<void(const std::string&, double)>& progress,
    std::string& why);

}  // namespace cipherdeck::bench
