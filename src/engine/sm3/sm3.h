// SPDX-License-Identifier: Apache-2.0
// SM3 (GB/T 32905) and HMAC-SM3 (GB/T 15852.2).
#pragma once

#include "base/bytes.h"

#include <array>
#include <cstdint>

namespace cipherdeck::engine {

constexpr std::size_t kSm3DigestLen = 32;
constexpr std::size_t kSm3BlockLen = 64;
using Sm3Digest = std::array<std::uint8_t, kSm3DigestLen>;

namespace sm3 {
class Feed;
}

/// Sm3 is one hash in progress. A plain value: copying it forks the computation. Wipes itself,
/// since what is hashed may be secret.
class Sm3 {
 public:
  Sm3() noexcept;
  Sm3(const Sm3&) noexcept = default;
  Sm3& operator=(const Sm3&) noexcept = default;
  ~Sm3();

  void update(Bytes data) noexcept;

  /// The digest of all data so far. The object is then as after construction.
  [[nodiscard]] Sm3Digest finish() noexcept;

  [[nodiscard]] static Sm3Digest digest(Bytes data) noexcept;

 private:
  friend class sm3::Feed;
  std::array<std::uint32_t, 8> m_state;
  std::array<std::uint8_t, kSm3BlockLen> m_block{};
  std::uint64_t m_len = 0;  // bytes so far
};

/// HmacSm3 is one message authentication code in progress.
class HmacSm3 {
 public:
  /// `key` may have any length.
  explicit HmacSm3(Bytes key) noexcept;

  void update(Bytes data) noexcept { m_inner.update(data); }

  /// The code of all data so far. The object may not be used again.
  [[nodiscard]] Sm3Digest finish() noexcept;

  [[nodiscard]] static Sm3Digest mac(Bytes key, Bytes data) noexcept;

 private:
  Sm3 m_inner;
  Sm3 m_outer;
};

}  // namespace cipherdeck::engine
