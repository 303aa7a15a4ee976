// SPDX-License-Identifier: Apache-2.0
// Tests of how often bits and numbers occur: clauses 5.1 to 5.3 and 5.11.
#include "card/random/gmt0005/distributions.h"

#include <algorithm>

namespace cipherdeck::card::random::gmt0005 {
namespace {

// The largest distance from 0 of the running sum, from the front or from the back. The sum from the
// back up to a bit is the sum of all less the sum before it.
std::int64_t largest_excursion(const BitSequence& bits, bool backward) {
  std::int64_t sum = 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (std::size_t i = 0; i < bits.size(); i += 64) {
    const std::uint64_t word = bits.word_at(i);
    const auto num = static_cast<unsigned>(std::min<std::size_t>(64, bits.size() - i));
    for (unsigned j = 0; j < num; ++j) {
      sum += (word >> (63 - j) & 1) != 0 ? 1 : -1;
      low = std::min(low, sum);
      high = std::max(high, sum);
    }
  }
  if (!backward) return std::max(high, -low);
  return std::max(std::abs(sum - low), std::abs(sum - high));
}

}  // namespace

Value monobit(const BitSequence& bits) {
  const double n = static_cast<double>(bits.size());
  const double ones = static_cast<double>(bits.count_ones(0, bits.size()));
  return of_normal((2 * ones - n) / std::sqrt(n));
}

Value block_frequency(const BitSequence& bits, std::size_t block_len) {
  const std::size_t num_blocks = bits.size() / block_len;
  const double len = static_cast<double>(block_len);
  double squares = 0;
  for (std::size_t i = 0; i < num_blocks; ++i) {
    const double part = static_cast<double>(bits.count_ones(i * block_len, block_len)) / len;
    squares += (part - 0.5) * (part - 0.5);
  }
  return of_chi_square(4 * len * squares, static_cast<double>(num_blocks));
}

Value poker(const BitSequence& bits, unsigned width) {
  std::array<std::uint64_t, 256> counts{};
  const std::size_t num = bits.size() / width;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < num * width; i += 64) {
    const std::uint64_t word = bits.word_at(i);
    const std::size_t len = std::min<std::size_t>(64, num * width - i);
    for (std::size_t j = width; j <= len; j += width) ++counts[word >> (64 - j) & mask];
  }
  double squares = 0;
  for (const std::uint64_t count : counts) {
    squares += static_cast<double>(count) * static_cast<double>(count);
  }
  const double total = static_cast<double>(num);
  const double kinds = static_cast<double>(mask + 1);
  return of_chi_square(kinds / total * squares - total, kinds - 1);
}

Value cumulative_sums(const BitSequence& bits, bool backward) {
  const std::int64_t excursion = largest_excursion(bits, backward);
  const auto n = static_cast<std::int64_t>(bits.size());
  const double z = static_cast<double>(excursion) / std::sqrt(static_cast<double>(n));
  const auto cdf = [z](std::int64_t times) { return normal_cdf(static_cast<double>(times) * z); };
  const std::int64_t last = (n / excursion - 1) / 4;
  double p = 1;
  for (std::int64_t i = (-n / excursion + 1) / 4; i <= last; ++i) {
    p -= cdf(4 * i + 1) - cdf(4 * i - 1);
  }
  for (std::int64_t i = (-n / excursion - 3) / 4; i <= last; ++i) {
    p += cdf(4 * i + 3) - cdf(4 * i + 1);
  }
  return {p, p};
}

}  // namespace cipherdeck::card::random::gmt0005
