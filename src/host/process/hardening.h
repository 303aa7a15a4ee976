// SPDX-License-Identifier: Apache-2.0
// What a process of the card gives up before it takes work from others.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace cipherdeck::process {

/// No core dumps, no ptrace and no /proc/PID/mem by processes of the same user.
Result<void> forbid_dumps() noexcept;

/// Raises the soft limit of open files to `num_files`, as far as the hard limit allows (root raises
/// that too), and the limit of locked memory to its hard limit. Returns the limit of open files.
std::uint64_t raise_limits(std::uint64_t num_files) noexcept;

/// Makes `path` if it is not there and, when this process is root and `user` is not empty, gives it
/// to that user. Fails with not_found (no such user) or io.
Result<void> prepare_directory(const std::filesystem::path& path, unsigned mode,
                               const std::string& user);

/// Becomes `user`, with that user's groups and no way back. Fails with not_found (no such user) or
/// access_denied (not started as root).
Result<void> become_user(const std::string& user);

/// Numeric id of a group given by name or number. Fails with not_found.
Result<std::uint32_t> group_id(const std::string& group);

/// Whether the process drives devices of its own: a card with chips does.
enum class Devices : std::uint8_t { none, ioctl };

/// Forbids new privileges and every system call that a card or its manager has no use for: sockets
/// of other families than AF_UNIX, running programs, tracing, mounting. A forbidden call fails with
/// EPERM and is logged by the kernel; running a program ends the process. Holds for all threads of
/// the process, those made later as well. In builds with a sanitizer only new privileges are
/// forbidden, because the sanitizers' own work needs more. Fails with io.
Result<void> confine(Devices devices = Devices::none);

}  // namespace cipherdeck::process
