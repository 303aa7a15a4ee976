// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace cipherdeck::cli {

/// Takes "3" or "vf3" and leaves "3".
[[nodiscard]] CLI::Validator vf_number();

}  // namespace cipherdeck::cli
