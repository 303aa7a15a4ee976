// SPDX-License-Identifier: Apache-2.0
// A sequence of bits under test, in words, so that the tests work on 64 bits at a time.
#pragma once

#include "base/bytes.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cipherdeck::card::random::gmt0005 {

/// The first bit is the most significant one of the first byte. Immutable and thread-safe.
class BitSequence {
 public:
  /// The first `num_bits` bits of `bytes`, which has as many.
  BitSequence(Bytes bytes, std::size_t num_bits) : m_num_bits(num_bits) {
    m_words.resize(num_bits / 64 + 2);  // words_at() reads one more
    for (std::size_t i = 0; i < (num_bits + 7) / 8; ++i) {
      m_words[i / 8] |= std::uint64_t{bytes[i]} << (56 - i % 8 * 8);
    }
    if (num_bits % 64 != 0) m_words[num_bits / 64] &= ~(~std::uint64_t{0} >> (num_bits % 64));
  }
  explicit BitSequence(Bytes bytes) : BitSequence(bytes, bytes.size() * 8) {}

  [[nodiscard]] std::size_t size() const noexcept { return m_num_bits; }

  [[nodiscard]] bool operator[](std::size_t at) const noexcept {
    return (m_words[at / 64] >> (63 - at % 64) & 1) != 0;
  }

  /// 64 bits from bit `at` on, which is less than size(); the first is the most significant. Zeros
  /// follow the last bit.
  [[nodiscard]] std::uint64_t word_at(std::size_t at) const noexcept {
    const std::size_t shift = at % 64;
    const std::uint64_t first = m_words[at / 64] << shift;
    return shift == 0 ? first : first | m_words[at / 64 + 1] >> (64 - shift);
  }

  /// `num` bits from bit `at` on, as a number; `num` is 1 to 64, and they are all there.
  [[nodiscard]] std::uint64_t bits_at(std::size_t at, unsigned num) const noexcept {
    return word_at(at) >> (64 - num);
  }

  /// Ones among the `num` bits from bit `at` on, all of which are there.
  [[nodiscard]] std::size_t count_ones(std::size_t at, std::size_t num) const noexcept {
    std::size_t ones = 0;
    for (; num >= 64; at += 64, num -= 64) {
      ones += static_cast<std::size_t>(std::popcount(word_at(at)));
    }
    if (num != 0) {
      ones += static_cast<std::size_t>(std::popcount(bits_at(at, static_cast<unsigned>(num))));
    }
    return ones;
  }

  /// How many bits from bit `at` on are equal, of the `limit` at most that are looked at; these are
  /// all there. `limit` is not 0.
  [[nodiscard]] std::size_t run_at(std::size_t at, std::size_t limit) const noexcept {
    const std::uint64_t flip = (*this)[at] ? ~std::uint64_t{0} : 0;
    std::size_t len = 0;
    while (len < limit) {
      const auto equal = static_cast<std::size_t>(std::countl_zero(word_at(at + len) ^ flip));
      len += equal;
      if (equal < 64) break;
    }
    return len < limit ? len : limit;
  }

 private:
  std::size_t m_num_bits;
  std::vector<std::uint64_t> m_words;
};

}  // namespace cipherdeck::card::random::gmt0005
