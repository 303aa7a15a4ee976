// SPDX-License-Identifier: Apache-2.0
// What the modes share: blocks, and the chunks in which bulk data passes through them.
#pragma once

#include "base/bytes.h"
#include "engine/cpu/prefetch.h"
#include "engine/sm4/block_value.h"
#include "engine/sm4/sm4.h"

#include <array>

namespace cipherdeck::engine::modes {

using Block = std::array<std::uint8_t, kSm4BlockLen>;

/// A chunk is what the widest kernel takes at once.
constexpr std::size_t kChunkBlocks = 64;
constexpr std::size_t kChunkLen = kChunkBlocks * kSm4BlockLen;
struct alignas(64) Chunk : std::array<std::uint8_t, kChunkLen> {};

using sm4::BlockValue;
using sm4::load_value;
using sm4::store_value;

/// out = a ^ b, where `out` may be either.
inline void xor_bytes(std::uint8_t* out, const std::uint8_t* a, const std::uint8_t* b,
                      std::size_t len) noexcept {
  std::size_t i = 0;
  for (; i + kSm4BlockLen <= len; i += kSm4BlockLen) {
    store_value(out + i, load_value(a + i) ^ load_value(b + i));
  }
  for (; i < len; ++i) out[i] = a[i] ^ b[i];
}

/// Blocks that hold `len` bytes.
[[nodiscard]] constexpr std::size_t num_blocks_of(std::size_t len) noexcept {
  return len / kSm4BlockLen + (len % kSm4BlockLen != 0);
}

/// A counter block. It may be secret: no branch on it.
class Counter {
 public:
  Counter(const std::uint8_t* block, sm4::CounterBits bits)
      : m_hi(load_be64(block)), m_lo(load_be64(block + 8)), m_bits(bits) {}

  [[nodiscard]] std::uint64_t hi() const { return m_hi; }
  [[nodiscard]] std::uint64_t lo() const { return m_lo; }
  [[nodiscard]] sm4::CounterBits bits() const { return m_bits; }

  void store(std::uint8_t* to) const {
    store_value(to, BlockValue{__builtin_bswap64(m_hi), __builtin_bswap64(m_lo)});
  }
  void advance(std::uint64_t num_blocks) {
    if (m_bits == sm4::CounterBits::all) {
      m_hi += __builtin_add_overflow(m_lo, num_blocks, &m_lo);
    } else {
      auto count = static_cast<std::uint32_t>(m_lo);
      count += static_cast<std::uint32_t>(num_blocks);
      // Without this the compiler tests the count for a wrap before a loop.
      __asm__("" : "+r"(count));
      m_lo = (m_lo >> 32 << 32) | count;
    }
  }
  /// The next blocks, one after the other.
  void store_next(std::uint8_t* to, std::size_t num_blocks) {
    for (std::size_t i = 0; i < num_blocks; ++i) {
      store(to + i * kSm4BlockLen);
      advance(1);
    }
  }

 private:
  std::uint64_t m_hi;
  std::uint64_t m_lo;
  sm4::CounterBits m_bits;
};

/// `counter` becomes the first one not used.
void ctr_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               Counter& counter);

}  // namespace cipherdeck::engine::modes
