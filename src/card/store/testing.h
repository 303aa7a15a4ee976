// SPDX-License-Identifier: Apache-2.0
// What the tests of the store and of the management share.
#pragma once

#include "card/random/random.h"
#include "card/store/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <temporary_directory.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::card::testing {

/// A directory of its own with the paths of a store in it.
class TestDirectory : public test::TemporaryDirectory {
 public:
  using TemporaryDirectory::TemporaryDirectory;
  [[nodiscard]] std::filesystem::path store() const { return path() / "store"; }
  [[nodiscard]] std::filesystem::path database() const { return store() / "keys.db"; }
  [[nodiscard]] std::filesystem::path key_file() const { return path() / "card.key"; }
};

inline std::unique_ptr<random::Generator> make_random() {
  auto random = random::Generator::create();
  EXPECT_TRUE(random);
  return random ? std::move(*random) : nullptr;
}

inline KeyPair make_key_pair(std::uint32_t index, std::string_view code, RandomSource& random) {
  return KeyPair{index, 1'700'000'000, *engine::Sm2PrivateKey::generate(random),
                 *engine::Sm2PrivateKey::generate(random),
                 *make_access_verifier(as_bytes(code), random)};
}

inline Kek make_kek(std::uint32_t index, std::string_view code, RandomSource& random) {
  Kek kek{index, 1'700'000'001, 128, {}, *make_access_verifier(as_bytes(code), random)};
  EXPECT_TRUE(random.fill(kek.key.span().first(16)));
  return kek;
}

/// Changes a closed store behind the card's back.
inline void run_sql(const std::filesystem::path& database, const std::string& sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &connection), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK)
      << (error != nullptr ? error : "");
  sqlite3_free(error);
  sqlite3_close(connection);
}

inline std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::filesystem::path& path, Bytes bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace cipherdeck::card::testing
