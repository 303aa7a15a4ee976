// SPDX-License-Identifier: Apache-2.0
// The device API with C++ types: what fails throws, what is open is closed.
#pragma once

#include <sdf/sdf.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace cipherdeck::tenant {

using Buffer = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

/// "SDR_KEYNOTEXIST (0x01000008)"
[[nodiscard]] std::string code_name(int code);

/// A call of the API that did not return SDR_OK.
class SdfError : public std::runtime_error {
 public:
  SdfError(const std::string& call, int code)
      : std::runtime_error(call + " returned " + code_name(code)), m_code(code) {}
  [[nodiscard]] int code() const noexcept { return m_code; }

 private:
  int m_code;
};

struct PublicKey {
  std::array<std::uint8_t, 64> xy{};  // x || y
};

struct Sealed {
  Buffer ciphertext;
  std::array<std::uint8_t, 16> tag{};
};

/// The card, opened, and one session on it.
class SdfSession {
 public:
  SdfSession();
  ~SdfSession();
  SdfSession(const SdfSession&) = delete;
  SdfSession& operator=(const SdfSession&) = delete;

  [[nodiscard]] DEVICEINFO device_info();
  void random(std::span<std::uint8_t> out);

  void get_access_right(unsigned index, const std::string& access_code);
  [[nodiscard]] PublicKey sign_public_key(unsigned index);
  /// SM2 signature r || s of the 32 bytes e.
  [[nodiscard]] Buffer sign(unsigned index, View e);
  void verify(unsigned index, View e, View signature);

  /// Begins SM3; with a public key it begins with Z of SM2 under the identity `id`.
  void hash_init(const PublicKey* public_key = nullptr, const std::string& id = {});
  void hash_update(View data);
  [[nodiscard]] Buffer hash_final();

  /// A session key; it lives as long as the session.
  [[nodiscard]] void* import_key(View key);
  /// SM4-CBC of whole blocks; `iv` is set so that the next call goes on.
  [[nodiscard]] Buffer cbc_encrypt(void* key, std::span<std::uint8_t, 16> iv, View data);
  [[nodiscard]] Buffer cbc_decrypt(void* key, std::span<std::uint8_t, 16> iv, View data);
  [[nodiscard]] Sealed gcm_encrypt(void* key, View nonce, View aad, View data);
  [[nodiscard]] Buffer gcm_decrypt(void* key, View nonce, View aad, const Sealed& sealed);

 private:
  void* m_device = nullptr;
  void* m_session = nullptr;
};

}  // namespace cipherdeck::tenant
