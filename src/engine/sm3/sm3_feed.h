// SPDX-License-Identifier: Apache-2.0
// What one call gives to a hash, as runs of whole blocks: so that it does not matter who compresses
// them, and beside which others.
#pragma once

#include "engine/sm3/sm3_variants.h"

namespace cipherdeck::engine::sm3 {

struct Blocks {
  const std::uint8_t* data = nullptr;
  std::size_t num = 0;
};

class Feed {
 public:
  Feed() noexcept = default;
  /// `input` goes into `hash`, and the padding after it if `is_last`. Both live as long as this.
  Feed(Sm3& hash, Bytes input, bool is_last) noexcept
      : m_hash(&hash), m_input(input), m_is_last(is_last) {}

  /// The next blocks to compress into state(); none when all are done. They are good until the next
  /// call.
  [[nodiscard]] Blocks next() noexcept;

  [[nodiscard]] State& state() const noexcept { return m_hash->m_state; }

  /// Writes the digest, after all blocks of a last input, and leaves `hash` as new.
  void take_digest(std::uint8_t* digest) const noexcept;

 private:
  enum class Step : std::uint8_t { buffered, whole, rest, length, done };

  /// Whether the block that was begun is full now.
  [[nodiscard]] bool fill_buffer() noexcept;
  [[nodiscard]] Blocks pad(std::size_t used) noexcept;
  [[nodiscard]] Blocks put_length(std::size_t used) noexcept;

  Sm3* m_hash = nullptr;
  Bytes m_input;
  bool m_is_last = false;
  Step m_step = Step::buffered;
};

}  // namespace cipherdeck::engine::sm3
