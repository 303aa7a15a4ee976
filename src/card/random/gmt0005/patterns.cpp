// SPDX-License-Identifier: Apache-2.0
// Tests of overlapping numbers and of their repetition: clauses 5.4, 5.12 and 5.14.
#include "card/random/gmt0005/distributions.h"

#include <algorithm>
#include <cassert>

namespace cipherdeck::card::random::gmt0005 {
namespace {

using Counts = std::vector<double>;

// How often each number of `width` bits begins at a bit of the sequence, which goes round.
Counts count_patterns(const BitSequence& bits, unsigned width) {
  std::vector<std::uint32_t> counts(std::size_t{1} << width);
  const std::uint32_t mask = (1u << width) - 1;
  std::uint32_t pattern = 0;
  for (unsigned i = 0; i + 1 < width; ++i) pattern = pattern << 1 | (bits[i] ? 1u : 0u);
  const std::size_t straight = bits.size() - (width - 1);
  for (std::size_t i = 0; i < straight; i += 64) {
    std::uint64_t word = bits.word_at(i + width - 1);
    const std::size_t len = std::min<std::size_t>(64, straight - i);
    for (std::size_t j = 0; j < len; ++j, word <<= 1) {
      pattern = (pattern << 1 | static_cast<std::uint32_t>(word >> 63)) & mask;
      ++counts[pattern];
    }
  }
  for (unsigned i = 0; i + 1 < width; ++i) {
    pattern = (pattern << 1 | (bits[i] ? 1u : 0u)) & mask;
    ++counts[pattern];
  }
  return {counts.begin(), counts.end()};
}

// The counts of numbers one bit shorter.
Counts shorten(const Counts& counts) {
  Counts shorter(counts.size() / 2);
  for (std::size_t i = 0; i < counts.size(); ++i) shorter[i / 2] += counts[i];
  return shorter;
}

double psi_square(const Counts& counts, double total) {
  double squares = 0;
  for (const double count : counts) squares += count * count;
  return static_cast<double>(counts.size()) / total * squares - total;
}

double phi(const Counts& counts, double total) {
  double sum = 0;
  for (const double count : counts) {
    if (count != 0) sum += count / total * std::log(count / total);
  }
  return sum;
}

}  // namespace

std::array<Value, 2> serial(const BitSequence& bits, unsigned width) {
  assert(width >= 2 && width <= 8);
  const double n = static_cast<double>(bits.size());
  const Counts counts = count_patterns(bits, width);
  const Counts shorter = shorten(counts);
  const double psi = psi_square(counts, n);
  const double psi1 = psi_square(shorter, n);
  const double psi2 = width == 2 ? 0 : psi_square(shorten(shorter), n);
  const double kinds = static_cast<double>(counts.size());
  return {of_chi_square(psi - psi1, kinds / 2), of_chi_square(psi - 2 * psi1 + psi2, kinds / 4)};
}

Value approximate_entropy(const BitSequence& bits, unsigned width) {
  assert(width >= 2 && width <= 7);
  const double n = static_cast<double>(bits.size());
  const Counts counts = count_patterns(bits, width + 1);
  const double entropy = phi(shorten(counts), n) - phi(counts, n);
  const double statistic = 2 * n * (std::numbers::ln2 - entropy);
  const std::size_t freedom = counts.size() / 2;
  return of_chi_square(statistic, static_cast<double>(freedom));
}

Value universal(const BitSequence& bits) {
  constexpr unsigned kWidth = 7;
  constexpr std::size_t kNumFirst = 1280;  // numbers that only fill the table
  constexpr double kMean = 6.1962507;      // of log2 of the distance, for this width
  constexpr double kVariance = 3.125;
  std::array<std::size_t, 1u << kWidth> last{};
  const std::size_t num = bits.size() / kWidth;
  assert(num > kNumFirst);
  double sum = 0;
  for (std::size_t i = 1; i <= num; ++i) {
    const std::uint64_t number = bits.bits_at((i - 1) * kWidth, kWidth);
    if (i > kNumFirst) sum += std::log2(static_cast<double>(i - last[number]));
    last[number] = i;
  }
  const double k = static_cast<double>(num - kNumFirst);
  const double correction =
      0.7 - 0.8 / kWidth + (4 + 32.0 / kWidth) * std::pow(k, -3.0 / kWidth) / 15;
  const double deviation = correction * std::sqrt(kVariance / k);
  return of_normal((sum / k - kMean) / deviation);
}

}  // namespace cipherdeck::card::random::gmt0005
