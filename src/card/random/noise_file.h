// SPDX-License-Identifier: Apache-2.0
// Noise from a hardware source that the kernel shows as a file: a character device, or a pipe.
#pragma once

#include "base/file_descriptor.h"
#include "card/random/random.h"

#include <filesystem>

namespace cipherdeck::card::random {

/// NoiseFile is one open file, which all generators of the card read: no byte is read twice. It
/// must deliver 4 bits of min-entropy a byte, as every source (health_test.h). Thread-safe.
class NoiseFile {
 public:
  /// Fails with not_found if there is nothing at `path`, or io.
  static Result<std::shared_ptr<NoiseFile>> open(const std::filesystem::path& path);

  /// The last part of the path.
  [[nodiscard]] const std::string& name() const noexcept { return m_name; }

  /// Fills `out`; fails with random_failed at the file's end, on an error, or when a second passes
  /// without a byte.
  Result<void> read(MutableBytes out) const;

 private:
  NoiseFile(FileDescriptor file, std::string name)
      : m_file(std::move(file)), m_name(std::move(name)) {}
  FileDescriptor m_file;
  std::string m_name;
};

/// A generator's way to it.
[[nodiscard]] std::unique_ptr<NoiseSource> make_file_source(std::shared_ptr<NoiseFile> file);

}  // namespace cipherdeck::card::random
