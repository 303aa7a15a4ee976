// SPDX-License-Identifier: Apache-2.0
// For tests: a copy of the stand-in chip (tests/chip/stand_in_chip.cpp) in a directory of its own,
// with a gate of its own for what it holds.
#pragma once

#include "card/chip/plugin.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <temporary_directory.h>

#include <filesystem>
#include <string>
#include <vector>

namespace cipherdeck::card::chip {

/// OpenSSL must not clean up under the threads of hung chips, which are left behind.
inline const int kOpenSslStays = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);

/// A library of the stand-in's family. What it holds is released when this goes.
class StandIn {
 public:
  explicit StandIn(const std::string& name = "stand_in_chip")
      : m_path(m_directory.path() / (name + ".so")) {
    std::filesystem::copy_file(std::filesystem::path(CIPHERDECK_CHIPS_DIR) / m_path.filename(),
                               m_path);
    std::filesystem::permissions(m_path, std::filesystem::perms(0755));
  }
  ~StandIn() { release(); }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }
  [[nodiscard]] ChipSpec spec(const std::string& argument = {}) const { return {m_path, argument}; }
  [[nodiscard]] Plugin plugin() const {
    auto loaded = Plugin::load(m_path);
    if (const auto* const why = std::get_if<std::string>(&loaded)) throw std::runtime_error(*why);
    return std::get<Plugin>(loaded);
  }

  void release() const { call<void()>("stand_in_release"); }
  void hold() const { call<void()>("stand_in_hold"); }
  /// Waits until so many jobs are held.
  void wait_held(unsigned num) const { call<void(unsigned)>("stand_in_wait_held", num); }

 private:
  template <typename Function, typename... Arguments>
  void call(const char* name, Arguments... arguments) const {
    void* const library = dlopen(m_path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (library == nullptr) return;  // it was never loaded
    auto* const function = reinterpret_cast<Function*>(dlsym(library, name));
    if (function != nullptr) function(arguments...);
    dlclose(library);
  }

  test::TemporaryDirectory m_directory;
  std::filesystem::path m_path;
};

/// What the stand-in should compute.
inline std::vector<std::uint8_t> openssl_aes(const EVP_CIPHER* cipher, Bytes key, Bytes iv,
                                             Bytes input) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), iv.data());
  EVP_CIPHER_CTX_set_padding(context, 0);
  std::vector<std::uint8_t> output(input.size());
  int len = 0;
  EXPECT_EQ(
      EVP_EncryptUpdate(context, output.data(), &len, input.data(), static_cast<int>(input.size())),
      1);
  EXPECT_EQ(len, static_cast<int>(input.size()));
  EVP_CIPHER_CTX_free(context);
  return output;
}

}  // namespace cipherdeck::card::chip
