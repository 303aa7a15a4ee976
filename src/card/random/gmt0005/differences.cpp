// SPDX-License-Identifier: Apache-2.0
// Tests of sums of bits with later ones: clauses 5.8 and 5.9.
#include "card/random/gmt0005/distributions.h"

#include <algorithm>

namespace cipherdeck::card::random::gmt0005 {
namespace {

// The normal statistic of `ones` among `num` bits.
Value of_ones(std::size_t ones, std::size_t num) {
  const double n = static_cast<double>(num);
  return of_normal((2 * static_cast<double>(ones) - n) / std::sqrt(n));
}

// Ones among the first `num` bits of a sequence whose words, of 64 bits or fewer, `word` gives.
template <typename F>
std::size_t count(std::size_t num, unsigned bits_a_word, F word) {
  std::size_t ones = 0;
  for (std::size_t at = 0; at < num; at += bits_a_word) {
    const std::size_t len = std::min<std::size_t>(bits_a_word, num - at);
    ones += static_cast<std::size_t>(std::popcount(word(at) >> (64 - len)));
  }
  return ones;
}

}  // namespace

Value binary_derivation(const BitSequence& bits, unsigned times) {
  const std::size_t num = bits.size() - times;
  // Each derivation spoils one more bit at the end of a word.
  return of_ones(count(num, 56,
                       [&](std::size_t at) {
                         std::uint64_t word = bits.word_at(at);
                         for (unsigned i = 0; i < times; ++i) word ^= word << 1;
                         return word;
                       }),
                 num);
}

Value autocorrelation(const BitSequence& bits, std::size_t distance) {
  const std::size_t num = bits.size() - distance;
  return of_ones(
      count(num, 64,
            [&](std::size_t at) { return bits.word_at(at) ^ bits.word_at(at + distance); }),
      num);
}

}  // namespace cipherdeck::card::random::gmt0005
