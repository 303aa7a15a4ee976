// SPDX-License-Identifier: Apache-2.0
// Many tenants at once, each a process with a function of its own.
#pragma once

#include "functions/load.h"

#include <filesystem>
#include <string>
#include <vector>

namespace cipherdeck::bench {

/// What every tenant of a run does. Tenants sleep while they wait; one alone may poll.
struct Load {
  Operation operation = Operation::sm4_ctr;
  std::uint32_t bytes = 0;
  std::uint32_t depth = 1;
  std::chrono::milliseconds duration{500};
  Waiting waiting = Waiting::sleep;
};

/// Starts a process pinned to `cpu` for each socket. When all have their sessions open they work at
/// the same time. Gives a sample for each, or the first error; `why` says whose.
[[nodiscard]] Result<std::vector<Sample>> run_tenants(
    const std::vector<std::filesystem::path>& sockets, const Load& load, int cpu, std::string& why);

}  // namespace cipherdeck::bench
