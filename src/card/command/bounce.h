// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

#include <cipherdeck/function.h>

#include <atomic>
#include <memory>
#include <optional>

namespace cipherdeck::card::command {

/// A copy of `N` bytes at the start of arena memory, which its owner may change at any time: each
/// byte is read once, here.
template <std::size_t N>
[[nodiscard]] std::array<std::uint8_t, N> copy_once(Bytes from) noexcept {
  std::array<std::uint8_t, N> copy;
  std::memcpy(copy.data(), from.data(), N);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return copy;
}

/// Bounce is the worker's private memory for data that may not change under the engine's hands.
/// Filled from one end, emptied as a whole and wiped. Not thread-safe.
class Bounce {
 public:
  static constexpr std::size_t kCapacity = 4 * std::size_t{CIPHERDECK_MAX_DATA_LEN};

  Bounce() : m_bytes(new std::uint8_t[kCapacity]) {}
  ~Bounce() { clear(); }
  Bounce(const Bounce&) = delete;
  Bounce& operator=(const Bounce&) = delete;

  /// Whether `len` more bytes fit, in so many pieces.
  [[nodiscard]] bool has_room(std::size_t len, std::size_t num_pieces = 1) const noexcept {
    return len + num_pieces * kAlignment <= kCapacity - m_used;
  }

  /// Uninitialised memory; there must be room.
  [[nodiscard]] MutableBytes take(std::size_t len) noexcept {
    const MutableBytes taken{m_bytes.get() + m_used, len};
    m_used += (len + kAlignment - 1) & ~(kAlignment - 1);
    return taken;
  }

  /// A private copy of `from`; there must be room.
  [[nodiscard]] MutableBytes copy(Bytes from) noexcept {
    const MutableBytes to = take(from.size());
    if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return to;
  }

  void clear() noexcept {
    if (m_used != 0) wipe({m_bytes.get(), m_used});
    m_used = 0;
  }

 private:
  static constexpr std::size_t kAlignment = 64;

  std::unique_ptr<std::uint8_t[]> m_bytes;
  std::size_t m_used = 0;
};

}  // namespace cipherdeck::card::command
