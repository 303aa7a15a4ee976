// SPDX-License-Identifier: Apache-2.0
#include "functions/load_protocol.h"

#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace cipherdeck::bench {
namespace {

constexpr std::string_view kPrefix = "load: ";
constexpr std::uint32_t kMostBytes = 1U << 18;
constexpr std::uint32_t kMostDepth = 64;
constexpr std::uint32_t kMostMs = 600'000;
constexpr const char* kDone =
    "done operations=%" SCNu64 " seconds=%lf p50_us=%lf p99_us=%lf checked=%" SCNu64 "%n";

bool can_be(const Sample& sample) {
  const double values[] = {sample.seconds, sample.p50_us, sample.p99_us};
  for (const double value : values) {
    if (!std::isfinite(value) || value < 0) return false;
  }
  return sample.seconds > 0;
}

std::optional<LoadAnswer> parse_done(const std::string& text) {
  LoadAnswer answer{.kind = LoadAnswer::Kind::done};
  Sample& sample = answer.sample;
  int len = 0;
  const int num = std::sscanf(text.c_str(), kDone, &sample.operations, &sample.seconds,
                              &sample.p50_us, &sample.p99_us, &sample.num_checked, &len);
  if (num != 5 || static_cast<std::size_t>(len) != text.size()) return std::nullopt;
  return can_be(sample) ? std::optional(answer) : std::nullopt;
}

}  // namespace

std::string load_request(const Load& load) {
  std::ostringstream line;
  line << name_of(load.operation) << " " << load.bytes << " " << load.depth << " "
       << load.duration.count() << (load.checking == Checking::every ? " every" : " last");
  return line.str();
}

std::optional<Load> parse_load_request(const std::string& line) {
  std::istringstream words(line);
  std::string name, checking, more;
  std::uint32_t bytes = 0, depth = 0, ms = 0;
  if (!(words >> name >> bytes >> depth >> ms >> checking) || words >> more) return std::nullopt;
  const auto operation = operation_named(name);
  const bool is_known = operation && (checking == "every" || checking == "last");
  if (!is_known || bytes > kMostBytes || depth == 0 || depth > kMostDepth || ms > kMostMs) {
    return std::nullopt;
  }
  return Load{.operation = *operation,
              .bytes = bytes,
              .depth = depth,
              .duration = std::chrono::milliseconds(ms),
              .checking = checking == "every" ? Checking::every : Checking::last};
}

std::string to_line(const LoadAnswer& answer) {
  const std::string prefix(kPrefix);
  switch (answer.kind) {
    case LoadAnswer::Kind::up:
      return prefix + "up";
    case LoadAnswer::Kind::ready:
      return prefix + "ready";
    case LoadAnswer::Kind::failed:
      return prefix + "failed " + answer.why;
    case LoadAnswer::Kind::done:
      break;
  }
  char text[192];
  const Sample& sample = answer.sample;
  (void)std::snprintf(
      text, sizeof text,
      "done operations=%" PRIu64 " seconds=%.6f p50_us=%.3f p99_us=%.3f checked=%" PRIu64,
      sample.operations, sample.seconds, sample.p50_us, sample.p99_us, sample.num_checked);
  return prefix + text;
}

std::optional<LoadAnswer> parse_load_answer(const std::string& line) {
  if (!line.starts_with(kPrefix)) return std::nullopt;
  const std::string text = line.substr(kPrefix.size());
  if (text == "up") return LoadAnswer{.kind = LoadAnswer::Kind::up};
  if (text == "ready") return LoadAnswer{.kind = LoadAnswer::Kind::ready};
  if (text.starts_with("failed ")) {
    return LoadAnswer{.kind = LoadAnswer::Kind::failed, .why = text.substr(7)};
  }
  return parse_done(text);
}

}  // namespace cipherdeck::bench
