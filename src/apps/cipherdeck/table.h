// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace cipherdeck::cli {

/// Rows in aligned columns under a heading. Columns of numbers are flush right.
class Table {
 public:
  struct Column {
    std::string heading;
    bool number = false;
  };

  explicit Table(std::vector<Column> columns) : m_columns(std::move(columns)) {}
  /// As many cells as there are columns. Control characters are shown as '?'.
  void add(std::vector<std::string> row);
  void print(std::ostream& out) const;

 private:
  std::vector<Column> m_columns;
  std::vector<std::vector<std::string>> m_rows;
};

/// Columns that a terminal gives to a UTF-8 text.
[[nodiscard]] std::size_t display_width(const std::string& text);

/// "1.5 MiB"
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "2 d 3 h", "4 min 5 s"
[[nodiscard]] std::string format_duration(std::uint64_t seconds);
/// "2026-01-31 12:00:00" of seconds since 1970, local time
[[nodiscard]] std::string format_time(std::uint64_t seconds);

}  // namespace cipherdeck::cli
