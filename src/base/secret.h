// SPDX-License-Identifier: Apache-2.0
// Memory that holds secrets: wiped when freed; the heap kind is also locked and not dumped.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace cipherdeck {

/// Overwrites `bytes` with zeros, which the compiler does not leave out.
void wipe(MutableBytes bytes) noexcept;

/// Overwrites a trivially copyable object with zeros.
template <typename T>
void wipe_object(T& object) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  wipe({reinterpret_cast<std::uint8_t*>(&object), sizeof object});
}

/// Whether two strings of bytes are equal, in time that depends on their lengths only.
[[nodiscard]] bool equal_constant_time(Bytes a, Bytes b) noexcept;

/// N secret bytes by value: wiped on destruction, copied only on purpose.
template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::uint8_t, N> from) noexcept {
    std::memcpy(m_bytes.data(), from.data(), N);
  }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(m_bytes); }

  [[nodiscard]] std::span<std::uint8_t, N> span() noexcept { return m_bytes; }
  [[nodiscard]] std::span<const std::uint8_t, N> span() const noexcept { return m_bytes; }
  [[nodiscard]] std::uint8_t* data() noexcept { return m_bytes.data(); }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return m_bytes.data(); }
  [[nodiscard]] static constexpr std::size_t size() noexcept { return N; }

 private:
  std::array<std::uint8_t, N> m_bytes{};
};

/// Secret bytes whose number is known only when they come, on the heap; wiped on destruction.
/// Move-only.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t len) : m_bytes(len) {}
  explicit SecretBytes(Bytes bytes) : m_bytes(bytes.begin(), bytes.end()) {}
  SecretBytes(SecretBytes&&) noexcept = default;
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    m_bytes.swap(other.m_bytes);
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(m_bytes); }

  [[nodiscard]] std::size_t size() const noexcept { return m_bytes.size(); }
  [[nodiscard]] MutableBytes bytes() noexcept { return m_bytes; }
  [[nodiscard]] Bytes bytes() const noexcept { return m_bytes; }

 private:
  std::vector<std::uint8_t> m_bytes;
};

/// A buffer of secret bytes in pages of its own that are locked in memory and left out of core
/// dumps; wiped and unmapped on destruction. Move-only. Rounds up to whole pages: for long-lived
/// tables of keys, not for single keys.
class SecretBuffer {
 public:
  /// Fails with no_memory when pages cannot be had or locked (RLIMIT_MEMLOCK).
  static Result<SecretBuffer> allocate(std::size_t len);

  SecretBuffer(SecretBuffer&& other) noexcept;
  SecretBuffer& operator=(SecretBuffer&& other) noexcept;
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  ~SecretBuffer();

  [[nodiscard]] MutableBytes bytes() noexcept { return {m_data, m_len}; }
  [[nodiscard]] Bytes bytes() const noexcept { return {m_data, m_len}; }

 private:
  SecretBuffer(std::uint8_t* data, std::size_t len) : m_data(data), m_len(len) {}
  void release() noexcept;

  std::uint8_t* m_data = nullptr;
  std::size_t m_len = 0;
};

}  // namespace cipherdeck
