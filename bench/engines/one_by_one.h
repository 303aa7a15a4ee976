// SPDX-License-Identifier: Apache-2.0
// What the engine does one at a time: SM9 and ZUC.
#pragma once

#include "engines/workload.h"

namespace cipherdeck::bench {

/// "sm9-sign", "sm9-verify", "sm9-encrypt", "sm9-decrypt", "sm9-user-key", "zuc-eea3" or
/// "zuc-eia3", of `bytes`, `streams` times in a row. Fails with invalid_argument for another name.
[[nodiscard]] Result<std::unique_ptr<Workload>> make_one_by_one(std::string_view algorithm,
                                                                std::uint32_t bytes,
                                                                std::uint32_t streams,
                                                                RandomSource& random);

}  // namespace cipherdeck::bench
