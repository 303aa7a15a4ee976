// SPDX-License-Identifier: Apache-2.0
// What the modes share: blocks, and the chunks in which bulk data passes through them.
#pragma once

#include "base/bytes.h"
#include "engine/sm4/sm4.h"

#include <array>

namespace cipherdeck::engine::modes {

using Block = std::array<std::uint8_t, kSm4BlockLen>;

/// A chunk is what the widest kernel takes at once.
constexpr std::size_t kChunkBlocks = 64;
constexpr std::size_t kChunkLen = kChunkBlocks * kSm4BlockLen;
using Chunk = std::array<std::uint8_t, kChunkLen>;

/// out = a ^ b, where `out` may be either.
inline void xor_bytes(std::uint8_t* out, const std::uint8_t* a, const std::uint8_t* b,
                      std::size_t len) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= len; i += 8) {
    std::uint64_t x, y;
    std::memcpy(&x, a + i, 8);
    std::memcpy(&y, b + i, 8);
    x ^= y;
    std::memcpy(out + i, &x, 8);
  }
  for (; i < len; ++i) out[i] = a[i] ^ b[i];
}

/// Blocks that hold `len` bytes.
[[nodiscard]] constexpr std::size_t num_blocks_of(std::size_t len) noexcept {
  return len / kSm4BlockLen + (len % kSm4BlockLen != 0);
}

/// CTR whose counter is the last four bytes of `counter` only, as GCM and CCM count: they do not
/// carry beyond. `counter` becomes the first one not used.
void ctr32_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 Block& counter);

}  // namespace cipherdeck::engine::modes
