// SPDX-License-Identifier: Apache-2.0
// What is said over a machine's console between the benchmark and cipherdeck-load, line by line:
//
//     load: up                                     the program runs
//     sm3 16384 16 1000 every                      operation, bytes, depth, milliseconds, checking
//     load: ready                                  queue pair and sessions are open
//     go
//     load: done operations=812 seconds=1.003 p50_us=1201.5 p99_us=2209 checked=812
//
// or "load: failed WHY" in place of either answer. Other lines on the console mean nothing.
#pragma once

#include "functions/load.h"

#include <optional>
#include <string>

namespace cipherdeck::bench {

struct LoadAnswer {
  enum class Kind : std::uint8_t { up, ready, done, failed };
  Kind kind = Kind::failed;
  Sample sample;    // of done
  std::string why;  // of failed
};

[[nodiscard]] std::string load_request(const Load& load);
[[nodiscard]] std::string to_line(const LoadAnswer& answer);

/// Nothing if the line is no request, or its numbers are out of range: at most 256 KiB, 64 in
/// flight, 10 minutes.
[[nodiscard]] std::optional<Load> parse_load_request(const std::string& line);

/// Nothing if the line is no answer, or none that could be true.
[[nodiscard]] std::optional<LoadAnswer> parse_load_answer(const std::string& line);

}  // namespace cipherdeck::bench
