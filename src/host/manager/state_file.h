// SPDX-License-Identifier: Apache-2.0
// What the manager remembers between runs: how many VFs there shall be, and their shares of the
// card's time. Bindings and keys are the card's to remember.
#pragma once

#include "base/result.h"

#include <cipherdeck/function.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace cipherdeck::manager {

struct State {
  std::uint32_t num_vfs = 0;
  std::map<std::uint32_t, cipherdeck_function_share> shares;  // by VF; the others have the default
};

/// {"version": 1, "num_vfs": 4, "shares": {"2": {"weight": 100, "committed": 0, "peak": 250000}}},
/// where the shares may be absent and an absent peak is none. Fails with invalid_argument when
/// `text` is not such a state.
Result<State> parse_state(const std::string& text);
[[nodiscard]] std::string format_state(const State& state);

/// A file that is not there is the state of a new card. Fails with io or invalid_argument.
Result<State> load_state(const std::filesystem::path& path);

/// Replaces the file at once or not at all; the new state is on disk when this returns. Fails with
/// io.
Result<void> save_state(const std::filesystem::path& path, const State& state);

}  // namespace cipherdeck::manager
