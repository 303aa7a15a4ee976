// SPDX-License-Identifier: Apache-2.0
// Many tenants at once, each a process with a function of its own.
#pragma once

#include "functions/load.h"

#include <filesystem>
#include <string>
#include <vector>

namespace cipherdeck::bench {

struct TenantSpec {
  std::filesystem::path socket;
  Load load;
};

/// Starts a process pinned to `cpu` for each tenant. When all have their sessions open they work at
/// the same time, all waiting in the same way. Gives a sample for each, or the first error; `why`
/// says whose.
[[nodiscard]] Result<std::vector<Sample>> run_tenants(const std::vector<TenantSpec>& specs,
                                                      Waiting waiting, int cpu, std::string& why);

/// Jain's index of fairness over the tenants' rates: 1 if all are equal, 1/n if one has all.
[[nodiscard]] double jain_index(const std::vector<Sample>& samples);

}  // namespace cipherdeck::bench
