// SPDX-License-Identifier: Apache-2.0
// A chip's shared library: whether it may be loaded at all, and what it offers.
#pragma once

#include "card/chip/job.h"

#include <filesystem>
#include <span>
#include <string>
#include <variant>

namespace cipherdeck::card::chip {

/// What --chip says.
struct ChipSpec {
  std::filesystem::path path;  // absolute
  std::string argument;        // for the library's open()
};

/// A library that was loaded and offers what a chip may offer. Never unloaded: a hung chip's thread
/// may still be in it. Copies name the same library.
class Plugin {
 public:
  /// Runs the library's own initialisation. Fails with a sentence that says why.
  static std::variant<Plugin, std::string> load(const std::filesystem::path& path);

  [[nodiscard]] const cipherdeck_chip& table() const noexcept { return *m_table; }
  [[nodiscard]] std::string_view vendor() const noexcept { return m_table->vendor; }
  [[nodiscard]] std::string_view name() const noexcept { return m_table->name; }
  [[nodiscard]] bool is_stand_in() const noexcept {
    return (m_table->flags & CIPHERDECK_CHIP_STAND_IN) != 0;
  }
  [[nodiscard]] std::span<const std::uint32_t> algorithms() const noexcept {
    return {m_table->algorithms, m_table->num_algorithms};
  }
  [[nodiscard]] std::size_t key_len() const noexcept { return m_table->key_len; }

 private:
  explicit Plugin(const cipherdeck_chip& table) : m_table(&table) {}

  const cipherdeck_chip* m_table;
};

/// Why the file must not be loaded into the card: it is not an absolute path to a regular file, or
/// somebody else than root and this process's user could change it or a directory above it. Empty:
/// it may.
[[nodiscard]] std::string path_fault(const std::filesystem::path& path);

/// What is wrong with a library's offer. Empty: nothing.
[[nodiscard]] std::string offer_fault(const cipherdeck_chip* offer);

/// SM1's and SSF33's identifiers ORed, as GM/T 0018 wants a device's abilities told; vendors' own
/// have no place there.
[[nodiscard]] std::uint32_t standard_abilities(std::span<const std::uint32_t> algorithms) noexcept;

}  // namespace cipherdeck::card::chip
