// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <ostream>
#include <utility>

namespace cipherdeck::cli {
namespace {

/// Whether the character with this lead byte is East Asian and two columns wide: all of U+3000 to
/// U+FFFF, which is exact enough for names.
bool is_wide(unsigned char lead) { return lead >= 0xe3 && lead <= 0xef; }

void pad(std::ostream& out, std::size_t columns) { out << std::string(columns, ' '); }

}  // namespace

std::size_t display_width(const std::string& text) {
  std::size_t width = 0;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if ((byte & 0xc0) != 0x80) width += is_wide(byte) ? 2 : 1;
  }
  return width;
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) {
    std::replace_if(
        cell.begin(), cell.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  }
  m_rows.push_back(std::move(row));
}

void Table::print(std::ostream& out) const {
  std::vector<std::string> headings;
  for (const Column& column : m_columns) headings.push_back(column.heading);
  std::vector<std::size_t> widths(m_columns.size(), 0);
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  };
  measure(headings);
  for (const auto& row : m_rows) measure(row);
  const auto print_row = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t space = widths[i] - display_width(row[i]);
      const bool last = i + 1 == row.size();
      if (m_columns[i].number) pad(out, space);
      out << row[i];
      if (!m_columns[i].number && !last) pad(out, space);
      if (!last) pad(out, 2);
    }
    out << '\n';
  };
  print_row(headings);
  for (const auto& row : m_rows) print_row(row);
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

std::string format_duration(std::uint64_t seconds) {
  const auto two = [](std::uint64_t a, const char* a_unit, std::uint64_t b, const char* b_unit) {
    return std::to_string(a) + " " + a_unit + " " + std::to_string(b) + " " + b_unit;
  };
  if (seconds >= 86400) return two(seconds / 86400, "d", seconds % 86400 / 3600, "h");
  if (seconds >= 3600) return two(seconds / 3600, "h", seconds % 3600 / 60, "min");
  if (seconds >= 60) return two(seconds / 60, "min", seconds % 60, "s");
  return std::to_string(seconds) + " s";
}

std::string format_time(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  localtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

}  // namespace cipherdeck::cli
