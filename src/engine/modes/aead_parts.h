// SPDX-License-Identifier: Apache-2.0
// Messages of the authenticated modes in parts: all but the last are whole blocks. Used by
// engine/aead_stream.h, which checks what these trust their caller for.
#pragma once

#include "engine/modes/blocks.h"
#include "engine/modes/ghash.h"
#include "engine/modes/modes.h"

#include <cstdint>

namespace cipherdeck::engine::modes {

/// A message of GCM under way. Each part is encrypted or decrypted and its ciphertext hashed.
class GcmParts {
 public:
  GcmParts(const Sm4Key& key, Bytes nonce, Bytes aad);
  GcmParts(const GcmParts&) = delete;
  GcmParts& operator=(const GcmParts&) = delete;
  ~GcmParts();

  void encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len);
  void decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len);
  /// After the last part. All 16 bytes.
  [[nodiscard]] Block tag();

 private:
  struct Start;
  GcmParts(const Sm4Key& key, const Start& start, Bytes aad);

  Sm4Key m_key;
  Counter m_counter;
  Ghash m_hash;
  Block m_mask;
  std::uint64_t m_aad_len;
  std::uint64_t m_len = 0;
};

/// The same of CCM, whose length must be known before its first part.
class CcmParts {
 public:
  CcmParts(const Sm4Key& key, Bytes nonce, Bytes aad, std::size_t len, std::size_t tag_len);
  CcmParts(const CcmParts&) = delete;
  CcmParts& operator=(const CcmParts&) = delete;
  ~CcmParts();

  void encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len);
  void decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len);
  [[nodiscard]] Block tag();

 private:
  void hash(Bytes plaintext);

  Sm4Key m_key;
  Block m_counter;
  Block m_first_counter;
  Block m_sum{};
};

}  // namespace cipherdeck::engine::modes
