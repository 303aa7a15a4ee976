// SPDX-License-Identifier: Apache-2.0
#include "sdf/log.h"

#include <cstdio>
#include <cstdlib>

namespace cipherdeck::sdf {
namespace {

LogLevel wanted() noexcept {
  const char* const value = secure_getenv("CIPHERDECK_LOG");
  if (value == nullptr) return LogLevel::none;
  const std::string_view text(value);
  if (text == "info") return LogLevel::info;
  return text == "error" ? LogLevel::error : LogLevel::none;
}

}  // namespace

bool is_logged(LogLevel level) noexcept {
  static const LogLevel limit = wanted();
  return level <= limit;
}

void log(LogLevel level, std::string_view text) noexcept {
  if (!is_logged(level)) return;
  std::fprintf(stderr, "libsdf: %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace cipherdeck::sdf
