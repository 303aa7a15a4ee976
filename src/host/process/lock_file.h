// SPDX-License-Identifier: Apache-2.0
// Keeps a second process away from a directory.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"

#include <filesystem>
#include <string>

namespace cipherdeck::process {

/// Holds an exclusive lock on a file until destroyed; the kernel lets go of it however the process
/// ends. The file stays and holds the number of the last process that had it.
class LockFile {
 public:
  /// Fails with busy when another process has the lock, io or access_denied when the file cannot be
  /// made.
  static Result<LockFile> acquire(const std::filesystem::path& path);

  /// What the file says about its holder, for messages: "1234" or empty.
  [[nodiscard]] static std::string holder(const std::filesystem::path& path);

 private:
  explicit LockFile(FileDescriptor fd) : m_fd(std::move(fd)) {}
  FileDescriptor m_fd;
};

}  // namespace cipherdeck::process
