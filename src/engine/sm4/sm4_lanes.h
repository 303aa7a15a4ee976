// SPDX-License-Identifier: Apache-2.0
// The modes around a kernel that encrypts one block of each lane, in a buffer.
#pragma once

#include "engine/sm4/block_value.h"
#include "engine/sm4/sm4_variants.h"

namespace cipherdeck::engine::sm4 {

using LaneBlock = std::array<std::uint8_t, 16>;

/// What the cipher takes for block `index` of each lane in use. The input is read here or in
/// after_cipher(), not in both.
inline void before_cipher(LaneBlock* blocks, const Lanes& lanes, Chaining chaining,
                          std::size_t index) noexcept {
  const bool adds_input = chaining == Chaining::cbc || chaining == Chaining::mac;
  for (std::size_t i = 0; i < lanes.num_used; ++i) {
    BlockValue x = load_value(lanes.chain[i].data());
    if (adds_input) x = x ^ load_value(lanes.in[i] + 16 * index);
    store_value(blocks[i].data(), x);
  }
}

/// The output, and the next chaining value.
inline void after_cipher(Lanes& lanes, Chaining chaining, std::size_t index,
                         const LaneBlock* blocks) noexcept {
  for (std::size_t i = 0; i < lanes.num_used; ++i) {
    const BlockValue y = load_value(blocks[i].data());
    BlockValue out = y;
    if (chaining == Chaining::cfb || chaining == Chaining::ofb) {
      out = y ^ load_value(lanes.in[i] + 16 * index);
    }
    if (chaining != Chaining::mac) store_value(lanes.out[i] + 16 * index, out);
    store_value(lanes.chain[i].data(), chaining == Chaining::ofb ? y : out);
  }
}

inline void advance(Lanes& lanes, std::size_t num_blocks) noexcept {
  for (std::size_t i = 0; i < lanes.num_used; ++i) {
    lanes.in[i] += 16 * num_blocks;
    if (lanes.out[i] != nullptr) lanes.out[i] += 16 * num_blocks;
  }
}

}  // namespace cipherdeck::engine::sm4
