// SPDX-License-Identifier: Apache-2.0
// ZUC-128 (GM/T 0001, GB/T 33133): the key stream, and with it 128-EEA3 and 128-EIA3, the
// confidentiality and integrity algorithms of 3GPP TS 35.221. Constant-time: nothing branches on
// keys or data, or uses them as an address.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <array>
#include <cstdint>

namespace cipherdeck::engine {

constexpr std::size_t kZucKeyLen = 16;
constexpr std::size_t kZucIvLen = 16;
constexpr std::size_t kZucMacLen = 4;

/// Zuc is one key stream in progress. A plain value: copying it forks the stream. Wipes itself.
class Zuc {
 public:
  Zuc(std::span<const std::uint8_t, kZucKeyLen> key,
      std::span<const std::uint8_t, kZucIvLen> iv) noexcept;
  Zuc(const Zuc&) noexcept = default;
  Zuc& operator=(const Zuc&) noexcept = default;
  ~Zuc();

  /// The next word; its most significant bit is the first of the stream.
  [[nodiscard]] std::uint32_t next() noexcept;

 private:
  std::uint32_t filter() noexcept;
  void shift(std::uint32_t input) noexcept;

  std::array<std::uint32_t, 16> m_cells{};  // of 31 bits each
  std::uint32_t m_r1 = 0, m_r2 = 0;
};

/// The parameters of one message under 128-EEA3 or 128-EIA3.
struct ZucMessage {
  std::uint32_t count = 0;
  std::uint8_t bearer = 0;       // below 32
  std::uint8_t direction = 0;    // 0 or 1
  std::uint8_t unused_bits = 0;  // of the last byte, which are no part of the message: below 8
};

/// The IV that the algorithm makes of the parameters; byte 7, which is always zero in it, has the
/// number of unused bits.
using ZucIv = std::array<std::uint8_t, kZucIvLen>;
[[nodiscard]] ZucIv eea3_iv(const ZucMessage& message) noexcept;
[[nodiscard]] ZucIv eia3_iv(const ZucMessage& message) noexcept;

/// The parameters of such an IV. Fail with invalid_argument if no parameters make it.
[[nodiscard]] Result<ZucMessage> parse_eea3_iv(const ZucIv& iv) noexcept;
[[nodiscard]] Result<ZucMessage> parse_eia3_iv(const ZucIv& iv) noexcept;

/// ZucEea3 encrypts or decrypts one message with 128-EEA3.
class ZucEea3 {
 public:
  ZucEea3(std::span<const std::uint8_t, kZucKeyLen> key, const ZucMessage& message) noexcept;
  ZucEea3(const ZucEea3&) noexcept = default;
  ZucEea3& operator=(const ZucEea3&) noexcept = default;
  ~ZucEea3();

  /// The next `len` bytes of the message, any number. `in` and `out` are the same or do not
  /// overlap; each byte of `in` is read once. With the last part `is_last`: the unused bits become
  /// zero.
  void crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, bool is_last) noexcept;

 private:
  Zuc m_stream;
  std::uint8_t m_unused_bits;
  std::array<std::uint8_t, 4> m_word{};
  std::size_t m_num_used = 4;  // bytes of m_word
};

/// ZucEia3 is one MAC of 128-EIA3 in progress.
class ZucEia3 {
 public:
  ZucEia3(std::span<const std::uint8_t, kZucKeyLen> key, const ZucMessage& message) noexcept;
  ZucEia3(const ZucEia3&) noexcept = default;
  ZucEia3& operator=(const ZucEia3&) noexcept = default;
  ~ZucEia3();

  /// The next bytes, any number. Each is read once.
  void update(Bytes data) noexcept;

  /// The MAC of all bytes so far, but for the unused bits. The object may not be used again.
  [[nodiscard]] std::array<std::uint8_t, kZucMacLen> finish() noexcept;

 private:
  void add_bits(std::uint8_t bits, int num_bits) noexcept;

  Zuc m_stream;
  std::uint64_t m_window = 0;  // the next bits of the key stream: at least 32, from the top
  int m_num_bits = 64;         // in it
  std::uint32_t m_tag = 0;
  int m_last = -1;  // the last byte, which may have unused bits; -1: none yet
  std::uint8_t m_unused_bits;
};

/// Whether known answers of the standards come out.
[[nodiscard]] bool zuc_self_test();

}  // namespace cipherdeck::engine
