// SPDX-License-Identifier: Apache-2.0
// The key file: 32 random bytes that wrap the management key, kept apart from the store.
#pragma once

#include "card/store/wrapping.h"

#include <filesystem>
#include <string>

namespace cipherdeck::card::store {

/// Reads the key file. Refuses anything but a regular file of 32 bytes, owned by this user, that
/// nobody else may read. Fails with not_found if there is none, else store_failed; `why` then names
/// cause and remedy.
Result<RootKey> read_key_file(const std::filesystem::path& path, std::string& why);

/// Reads a root key that the service manager handed over: a regular file of 32 bytes that belongs
/// to root or this user, which others may not read. Fails with store_failed.
Result<RootKey> read_credential(const std::filesystem::path& path, std::string& why);

/// Makes the key file with mode 0600, synced with its directory, and never over another file. A
/// process that is killed meanwhile leaves a whole key file or none. Fails with exists or
/// store_failed.
Result<RootKey> make_key_file(const std::filesystem::path& path, RandomSource& random,
                              std::string& why);

/// Makes sure that a key file which was found will last: syncs it and its directory, and removes
/// what a process killed while it made the file may have left beside it.
Result<void> settle_key_file(const std::filesystem::path& path, std::string& why);

/// Overwrites the key file, syncs it and removes it. What a solid-state disk keeps of old blocks is
/// out of reach. One that is not there is no failure. Fails with store_failed.
Result<void> destroy_key_file(const std::filesystem::path& path, std::string& why);

/// Syncs the directory that `path` is in, so that its entry lasts.
Result<void> sync_parent(const std::filesystem::path& path, std::string& why);

}  // namespace cipherdeck::card::store
