// SPDX-License-Identifier: Apache-2.0
// What the manager remembers between runs: how many VFs there shall be. Bindings and keys are the
// card's to remember.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace cipherdeck::manager {

struct State {
  std::uint32_t num_vfs = 0;
};

/// {"version": 1, "num_vfs": 4}. Fails with invalid_argument when `text` is not such a state.
Result<State> parse_state(const std::string& text);
[[nodiscard]] std::string format_state(const State& state);

/// A file that is not there is the state of a new card. Fails with io or invalid_argument.
Result<State> load_state(const std::filesystem::path& path);

/// Replaces the file at once or not at all; the new state is on disk when this returns. Fails with
/// io.
Result<void> save_state(const std::filesystem::path& path, const State& state);

}  // namespace cipherdeck::manager
