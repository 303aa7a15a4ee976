// SPDX-License-Identifier: Apache-2.0
// The commands of the group `bench`, and what they share.
#pragma once

#include "apps/cipherdeck/context.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace cipherdeck::cli {

void register_bench_functions(CLI::App& group, Context& context);  // bench_functions.cpp
void register_bench_engines(CLI::App& group, Context& context);    // bench_engines.cpp
void register_bench_schemes(CLI::App& group, Context& context);    // bench_schemes.cpp

/// A service's program as it is installed: beside this program or in sbin.
[[nodiscard]] std::filesystem::path service_program(const std::string& name);

/// "1.23"; "" for no value.
[[nodiscard]] std::string fixed(const std::optional<double>& value, int digits);

/// Shows what runs now on standard error, if that is a terminal; "" takes it away.
[[nodiscard]] std::function<void(const std::string&)> progress_display();

}  // namespace cipherdeck::cli
