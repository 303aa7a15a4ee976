// SPDX-License-Identifier: Apache-2.0
// Many tenants at once, each a process with a function of its own.
#pragma once

#include "functions/load.h"

#include <filesystem>
#include <string>
#include <vector>

namespace cipherdeck::bench {

/// Starts a process pinned to `cpu` for each socket. When all have their sessions open they work at
/// the same time, all waiting in the same way. Gives a sample for each, or the first error; `why`
/// says whose.
[[nodiscard]] Result<std::vector<Sample>> run_tenants(
    const std::vector<std::filesystem::path>& sockets, const Load& load, Waiting waiting, int cpu,
    std::string& why);

}  // namespace cipherdeck::bench
