// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: the C interface against the card of test_server.h, and the
// engine's OpenSSL as a second implementation.
#pragma once

#include "engine/oracle/openssl_oracle.h"
#include "sdf/test_server.h"

#include <gtest/gtest.h>
#include <sdf/sdf.h>

#include <memory>
#include <string_view>
#include <vector>

namespace cipherdeck::sdf::testing {

using engine::oracle::Buffer;

/// The card of this program run, started at the first use.
ServerProcess& server();
void stop_server();
const std::filesystem::path& server_directory();

/// The bytes i, i + 1, ... modulo 251.
[[nodiscard]] Buffer pattern(std::size_t len, unsigned start = 0);

[[nodiscard]] Buffer to_bytes(const ECCrefPublicKey& key);
[[nodiscard]] Buffer to_bytes(const ECCSignature& signature);
[[nodiscard]] ECCrefPublicKey to_public_key(Bytes bytes);
[[nodiscard]] ECCSignature to_signature_struct(Bytes bytes);

/// An ECCCipher with room for `len` bytes, between guards that must stay as they are.
class CipherBuffer {
 public:
  explicit CipherBuffer(std::size_t len) : m_len(len), m_bytes(164 + len + kGuard, 0xa5) {}
  explicit CipherBuffer(const Buffer& wire);  // C1 || C3 || C2
  ECCCipher* get() { return reinterpret_cast<ECCCipher*>(m_bytes.data()); }
  /// C1 || C3 || C2; records a failure if more than 164 + L bytes were written.
  [[nodiscard]] Buffer wire();

 private:
  static constexpr std::size_t kGuard = 16;
  std::size_t m_len;
  Buffer m_bytes;
};

/// A key pair of OpenSSL.
struct Peer {
  Peer();
  Buffer private_key, public_key;
  std::unique_ptr<engine::oracle::Sm2Peer> sm2;
  [[nodiscard]] ECCrefPublicKey structure() const { return to_public_key(public_key); }
};

/// OpenSSL with the public half of a key only.
[[nodiscard]] engine::oracle::Sm2Peer public_only(const ECCrefPublicKey& key);

/// A device and a session, open.
class SdfTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void get_right(unsigned int index, void* session = nullptr);
  [[nodiscard]] void* import(const Buffer& key);
  [[nodiscard]] Buffer encrypt(void* key, unsigned int algorithm, Buffer iv, const Buffer& data);

  void* m_device = nullptr;
  void* m_session = nullptr;
};

}  // namespace cipherdeck::sdf::testing
