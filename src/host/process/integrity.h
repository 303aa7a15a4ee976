// SPDX-License-Identifier: Apache-2.0
// Whether this process runs the program that was built: an HMAC-SM3 over its file, in a file beside
// it. It finds damage and mix-ups. The key is in the program and here, so it is no defence against
// whoever may write both files.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

namespace cipherdeck::process {

/// The bytes of this text, without an end, are the key. docs/random.md has it too.
constexpr std::string_view kIntegrityKey = "CipherDeck program integrity 1";

using ProgramMac = std::array<std::uint8_t, 32>;

/// Of a file from its beginning to its end. Fails with io.
[[nodiscard]] Result<ProgramMac> program_mac(int file);

/// "PROGRAM.hmac"
[[nodiscard]] std::filesystem::path mac_path(const std::filesystem::path& program);

/// Writes `mac` for `program` in hexadecimal digits and a line end. Fails with io.
Result<void> write_mac(const std::filesystem::path& program, const ProgramMac& mac);

/// The running program. The value beside it is read once, so that replacing both files by a newer
/// version does not make a running process fail. Thread-safe.
class ProgramIntegrity {
 public:
  /// Of this process; before it is confined or becomes another user. What is missing makes holds()
  /// false.
  static ProgramIntegrity of_this_process();
  /// Of any program: for tests, and for its parts.
  explicit ProgramIntegrity(const std::filesystem::path& program);

  /// Reads the program's file once more.
  [[nodiscard]] bool holds() const;

 private:
  ProgramIntegrity(const std::filesystem::path& file, const std::filesystem::path& program);
  FileDescriptor m_file;
  bool m_has_mac = false;
  ProgramMac m_mac{};
};

}  // namespace cipherdeck::process
