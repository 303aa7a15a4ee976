// SPDX-License-Identifier: Apache-2.0
// What a long-running program needs of its surroundings: a log, signals, and the service manager.
#pragma once

#include <chrono>
#include <string>

namespace cipherdeck::process {

/// Sends the program's log (spdlog's default logger) to stderr, without times where the journal
/// adds its own. `level` is "trace", "debug", "info", "warn", "error" or "off"; false if it is
/// none of these.
[[nodiscard]] bool start_log(const std::string& name, const std::string& level);

/// Takes SIGTERM and SIGINT away from all threads made later, and ignores SIGPIPE. To be called
/// before the first thread.
void hold_signals() noexcept;

/// Waits until a signal asks the program to end (true) or `timeout` has passed (false).
[[nodiscard]] bool wait_for_end(std::chrono::milliseconds timeout) noexcept;

/// Waits until a signal asks the program to end.
void wait_for_end() noexcept;

/// Tells systemd, if it is listening: "READY=1", "STOPPING=1", "STATUS=...".
void notify(const std::string& state) noexcept;

}  // namespace cipherdeck::process
