// SPDX-License-Identifier: Apache-2.0
// Tests of equal bits in a row: clauses 5.5 to 5.7.
#include "card/random/gmt0005/distributions.h"

#include <algorithm>

namespace cipherdeck::card::random::gmt0005 {
namespace {

// Calls f(bit, len) for each run in the `num` bits from bit `begin` on.
template <typename F>
void for_each_run(const BitSequence& bits, std::size_t begin, std::size_t num, F f) {
  const std::size_t end = begin + num;
  for (std::size_t at = begin; at < end;) {
    const std::size_t len = bits.run_at(at, end - at);
    f(bits[at], len);
    at += len;
  }
}

// The longest length of which at least five runs of ones are expected (clause 5.6).
std::size_t longest_counted(std::size_t num_bits) {
  std::size_t k = 1;
  while (static_cast<double>(num_bits - (k + 1) + 3) / std::exp2(static_cast<double>(k + 3)) >= 5) {
    ++k;
  }
  return k;
}

// Blocks of clause 5.7: their length, and the probabilities that the longest run is at most
// `shortest`, then one more each, and at least as long as the last.
struct Blocks {
  std::size_t len;
  std::size_t shortest;
  std::vector<double> probabilities;
};

Blocks blocks_for(std::size_t num_bits) {
  if (num_bits >= 750'000) {
    return {10'000, 10, {0.086632, 0.208201, 0.248419, 0.193913, 0.121458, 0.068011, 0.073366}};
  }
  if (num_bits >= 6272) return {128, 4, {0.1174, 0.2430, 0.2494, 0.1752, 0.1027, 0.1124}};
  return {8, 1, {0.2148, 0.3672, 0.2305, 0.1875}};
}

}  // namespace

Value runs(const BitSequence& bits) {
  const double n = static_cast<double>(bits.size());
  const double part = static_cast<double>(bits.count_ones(0, bits.size())) / n;
  double num_runs = 0;
  for_each_run(bits, 0, bits.size(), [&](bool, std::size_t) { ++num_runs; });
  const double mixed = part * (1 - part);
  if (mixed == 0) return {0, 0};
  return of_normal((num_runs - 2 * n * mixed) / (2 * std::sqrt(n) * mixed));
}

Value runs_distribution(const BitSequence& bits) {
  const std::size_t longest = longest_counted(bits.size());
  std::vector<double> counts[2];
  for (auto& of_bit : counts) of_bit.resize(longest);
  double total = 0;
  for_each_run(bits, 0, bits.size(), [&](bool bit, std::size_t len) {
    ++counts[bit ? 1 : 0][std::min(len, longest) - 1];
    ++total;
  });
  double statistic = 0;
  for (std::size_t i = 0; i < longest; ++i) {
    // Of two kinds, half of each length what is of the length before, and the last has the rest.
    const std::size_t halvings = i + 1 < longest ? i + 2 : longest;
    const double expected = std::ldexp(total, -static_cast<int>(halvings));
    for (const auto& of_bit : counts) {
      statistic += (of_bit[i] - expected) * (of_bit[i] - expected) / expected;
    }
  }
  return of_chi_square(statistic, 2 * static_cast<double>(longest) - 2);
}

Value longest_run(const BitSequence& bits, bool ones) {
  const Blocks blocks = blocks_for(bits.size());
  std::vector<double> counts(blocks.probabilities.size());
  const std::size_t num_blocks = bits.size() / blocks.len;
  for (std::size_t i = 0; i < num_blocks; ++i) {
    std::size_t longest = 0;
    for_each_run(bits, i * blocks.len, blocks.len, [&](bool bit, std::size_t len) {
      if (bit == ones) longest = std::max(longest, len);
    });
    const std::size_t above = longest - std::min(longest, blocks.shortest);
    ++counts[std::min(above, counts.size() - 1)];
  }
  const double statistic =
      chi_square(counts, blocks.probabilities, static_cast<double>(num_blocks));
  return of_chi_square(statistic, static_cast<double>(counts.size() - 1));
}

}  // namespace cipherdeck::card::random::gmt0005
