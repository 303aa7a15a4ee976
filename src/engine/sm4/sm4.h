// SPDX-License-Identifier: Apache-2.0
// SM4 (GB/T 32907): key schedule and single blocks. Modes of operation are in engine/modes.
#pragma once

#include "base/bytes.h"
#include "engine/sm4/sm4_variants.h"

#include <cstdint>

namespace cipherdeck::engine {

constexpr std::size_t kSm4KeyLen = 16;
constexpr std::size_t kSm4BlockLen = 16;

/// Sm4Key is an expanded SM4 key, wiped on destruction. Immutable, so any number of threads may use
/// it at once.
class Sm4Key {
 public:
  explicit Sm4Key(std::span<const std::uint8_t, kSm4KeyLen> key) noexcept;
  Sm4Key(const Sm4Key&) noexcept = default;
  Sm4Key& operator=(const Sm4Key&) noexcept = default;
  ~Sm4Key();

  /// `num_blocks` independent blocks; `in` and `out` are the same or do not overlap.
  void encrypt_blocks(std::uint8_t* out, const std::uint8_t* in,
                      std::size_t num_blocks) const noexcept;
  void decrypt_blocks(std::uint8_t* out, const std::uint8_t* in,
                      std::size_t num_blocks) const noexcept;

  [[nodiscard]] const sm4::RoundKeys& encryption_keys() const noexcept { return m_encryption; }
  [[nodiscard]] const sm4::RoundKeys& decryption_keys() const noexcept { return m_decryption; }

 private:
  sm4::RoundKeys m_encryption;
  sm4::RoundKeys m_decryption;
};

}  // namespace cipherdeck::engine
