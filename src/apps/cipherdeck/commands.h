// SPDX-License-Identifier: Apache-2.0
// One function per group of commands: adds the group to the program, each command with a callback
// that runs it and leaves its result in context.exit_code. Both arguments outlive the parsing.
#pragma once

#include "apps/cipherdeck/context.h"

#include <CLI/CLI.hpp>

namespace cipherdeck::cli {

void register_card(CLI::App& app, Context& context);          // card.cpp
void register_vf(CLI::App& app, Context& context);            // vf.cpp
void register_partition(CLI::App& app, Context& context);     // partition.cpp
void register_backup(CLI::App& partition, Context& context);  // backup.cpp: into that group
void register_key(CLI::App& app, Context& context);           // key.cpp
void register_role(CLI::App& app, Context& context);          // role.cpp: login and logout too
void register_audit(CLI::App& app, Context& context);         // audit.cpp
void register_qemu_args(CLI::App& app, Context& context);     // qemu_args.cpp
void register_engines(CLI::App& app, Context& context);       // engines.cpp
void register_bench(CLI::App& app, Context& context);         // bench.cpp

/// False after CIPHERDECK_ENGINE was found wrong and context.exit_code set.
[[nodiscard]] bool is_selection_valid(Context& context);

}  // namespace cipherdeck::cli
