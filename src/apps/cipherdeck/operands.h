// SPDX-License-Identifier: Apache-2.0
// What the words of a command line must look like.
#pragma once

#include <CLI/CLI.hpp>

namespace cipherdeck::cli {

/// Takes "3" or "vf3" and leaves "3".
[[nodiscard]] CLI::Validator vf_number();

/// Takes what can be the name or the id of a partition.
[[nodiscard]] CLI::Validator partition_selector();

}  // namespace cipherdeck::cli
