// SPDX-License-Identifier: Apache-2.0
// Test vectors as text. A file in tests/vectors is a list of vectors with empty lines between them;
// a vector is lines `name = value`; a line that starts with # is a comment, and one of those at the
// top names the source. A field that a test does not take is a failure, and so is one it misses.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace cipherdeck::test {

/// Bytes of hexadecimal digits; spaces between them are left out.
inline std::vector<std::uint8_t> from_hex(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  if (digits.size() % 2 != 0 || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos) {
    throw std::runtime_error("not hexadecimal: " + text);
  }
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

/// Vector is one vector; each of its fields is taken once.
class Vector {
 public:
  explicit Vector(std::size_t line) : m_line(line) {}

  [[nodiscard]] bool has(const std::string& name) const { return m_fields.contains(name); }

  /// The value as it stands in the file.
  std::string text(const std::string& name) {
    const auto found = m_fields.find(name);
    if (found == m_fields.end()) throw std::runtime_error("no field " + name);
    std::string value = found->second;
    m_fields.erase(found);
    return value;
  }
  std::vector<std::uint8_t> bytes(const std::string& name) { return from_hex(text(name)); }
  std::size_t number(const std::string& name) { return std::stoul(text(name)); }

  void add(const std::string& name, const std::string& value) {
    if (!m_fields.emplace(name, value).second) throw std::runtime_error("field twice: " + name);
  }
  [[nodiscard]] std::size_t line() const { return m_line; }
  [[nodiscard]] const std::map<std::string, std::string>& left() const { return m_fields; }

 private:
  std::size_t m_line;
  std::map<std::string, std::string> m_fields;
};

inline std::vector<Vector> read_vectors(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Vector> vectors;
  bool is_inside = false;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) is_inside = false;
    if (line.empty() || line[0] == '#') continue;
    const std::size_t equals = line.find(" =");
    if (equals == line.npos) throw std::runtime_error(path + ": no field in: " + line);
    if (!is_inside) vectors.emplace_back(number);
    is_inside = true;
    const std::size_t start = line.find_first_not_of(' ', equals + 2);
    vectors.back().add(line.substr(0, equals), start == line.npos ? "" : line.substr(start));
  }
  return vectors;
}

/// Calls `check` for each vector of tests/vectors/`name`. A file without vectors is a failure.
inline void for_each_vector(const std::string& name, const std::function<void(Vector&)>& check) {
  std::vector<Vector> vectors;
  ASSERT_NO_THROW(vectors = read_vectors(std::string(CIPHERDECK_VECTORS_DIR "/") + name));
  ASSERT_FALSE(vectors.empty()) << name << " has no vectors";
  for (Vector& vector : vectors) {
    SCOPED_TRACE(name + ":" + std::to_string(vector.line()));
    ASSERT_NO_THROW(check(vector));
    for (const auto& field : vector.left()) ADD_FAILURE() << "field not taken: " << field.first;
  }
}

}  // namespace cipherdeck::test
