// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "functions/load.h"

namespace cipherdeck::bench {

/// A tenant's work on the calling thread without any card: batches of `depth` jobs of `bytes` bytes
/// for `duration`, without latencies. Fails with invalid_argument for what the engine has no
/// measurement of: nop and sm4_cbc.
[[nodiscard]] Result<Sample> run_engine(Operation operation, std::uint32_t bytes,
                                        std::uint32_t depth, std::chrono::milliseconds duration);

}  // namespace cipherdeck::bench
