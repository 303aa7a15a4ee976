// SPDX-License-Identifier: Apache-2.0
// Does jobs on a chip, and tries a chip before it gets jobs. Both on the chip's thread.
#pragma once

#include "card/chip/job.h"
#include "card/chip/plugin.h"

#include <string>

namespace cipherdeck::card::chip {

/// Does a job in parts no longer than the chip takes. Fails with invalid_key or chip_failed; data
/// and IV are then of no worth.
Result<void> run_job(const cipherdeck_chip& table, void* context, Job& job);

/// Runs the chip's self-test, and then compares it with itself, since what it should compute the
/// card cannot know: what is decrypted is what was encrypted, what is done in two parts is what is
/// done at once, and the MAC is the last block of CBC. A sentence that says what is wrong, or
/// nothing.
[[nodiscard]] std::string try_chip(const Plugin& plugin, void* context);

}  // namespace cipherdeck::card::chip
