// SPDX-License-Identifier: Apache-2.0
// The store's directory: private to this user, and held by one process at a time.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"

#include <filesystem>
#include <string>

namespace cipherdeck::card::store {

/// Makes the directory with mode 0700 if it is not there, checks that it is this user's alone, and
/// takes its lock, which lasts until the descriptor is closed or the process ends in whatever way.
/// Fails with busy or store_failed; `why` then names cause and remedy.
Result<FileDescriptor> claim_directory(const std::filesystem::path& directory, std::string& why);

/// Whether the store was ever initialised. This stands in the lock file, apart from the database,
/// so that a database which is lost or empty is not taken for a new one.
[[nodiscard]] bool is_marked_initialised(const FileDescriptor& lock);
Result<void> mark_initialised(const FileDescriptor& lock, std::string& why);
/// After zeroization: the store is as new.
Result<void> mark_uninitialised(const FileDescriptor& lock, std::string& why);

}  // namespace cipherdeck::card::store
