// SPDX-License-Identifier: Apache-2.0
// Tests by linear algebra over GF(2): clauses 5.10 and 5.13.
#include "card/random/gmt0005/distributions.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cipherdeck::card::random::gmt0005 {
namespace {

constexpr std::size_t kOrder = 32;
using Matrix = std::array<std::uint32_t, kOrder>;

std::size_t rank_of(Matrix rows) {
  std::size_t rank = 0;
  for (std::uint32_t column = 1u << 31; column != 0; column >>= 1) {
    std::size_t pivot = rank;
    while (pivot < kOrder && (rows[pivot] & column) == 0) ++pivot;
    if (pivot == kOrder) continue;
    std::swap(rows[pivot], rows[rank]);
    for (std::size_t i = rank + 1; i < kOrder; ++i) {
      if ((rows[i] & column) != 0) rows[i] ^= rows[rank];
    }
    ++rank;
  }
  return rank;
}

// A polynomial over GF(2) of up to 64 * kWords coefficients, or as many bits seen last.
template <std::size_t kWords>
struct Polynomial {
  std::array<std::uint64_t, kWords> words{};

  // Multiplies by x and adds `low`.
  void shift(std::uint64_t low) noexcept {
    for (std::size_t i = kWords - 1; i > 0; --i) words[i] = words[i] << 1 | words[i - 1] >> 63;
    words[0] = words[0] << 1 | low;
  }
  void add(const Polynomial& other) noexcept {
    for (std::size_t i = 0; i < kWords; ++i) words[i] ^= other.words[i];
  }
  [[nodiscard]] bool product_parity(const Polynomial& other) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kWords; ++i) sum ^= words[i] & other.words[i];
    return (std::popcount(sum) & 1) != 0;
  }
};

// The length of the shortest shift register that gives the `len` bits from bit `begin` on, by
// Berlekamp and Massey.
template <std::size_t kWords>
std::size_t complexity(const BitSequence& bits, std::size_t begin, std::size_t len) {
  Polynomial<kWords> connection;
  Polynomial<kWords> before;  // the connection before the last change of length, times x^k
  Polynomial<kWords> seen;    // the last bit is the lowest
  connection.words[0] = 1;
  before.words[0] = 1;
  std::size_t length = 0;
  for (std::size_t i = 0; i < len; ++i) {
    seen.shift(bits[begin + i] ? 1 : 0);
    before.shift(0);
    if (!connection.product_parity(seen)) continue;
    if (2 * length > i) {
      connection.add(before);
      continue;
    }
    const Polynomial<kWords> old = connection;
    connection.add(before);
    before = old;
    length = i + 1 - length;
  }
  return length;
}

std::size_t complexity(const BitSequence& bits, std::size_t begin, std::size_t len) {
  // The connection has one coefficient more than bits that matter.
  return len < 512 ? complexity<8>(bits, begin, len) : complexity<17>(bits, begin, len);
}

}  // namespace

Value matrix_rank(const BitSequence& bits) {
  constexpr std::array kProbabilities = {0.2888, 0.5776, 0.1336};  // full, one less, fewer
  std::array<double, 3> counts{};
  const std::size_t num = bits.size() / (kOrder * kOrder);
  for (std::size_t i = 0; i < num; ++i) {
    Matrix rows;
    for (std::size_t j = 0; j < kOrder; ++j) {
      rows[j] = static_cast<std::uint32_t>(bits.bits_at((i * kOrder + j) * kOrder, kOrder));
    }
    ++counts[std::min<std::size_t>(kOrder - rank_of(rows), 2)];
  }
  return of_chi_square(chi_square(counts, kProbabilities, static_cast<double>(num)), 2);
}

Value linear_complexity(const BitSequence& bits, std::size_t block_len) {
  assert(block_len <= 1024);
  constexpr std::array kProbabilities = {0.010417, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833};
  const double len = static_cast<double>(block_len);
  const double sign = block_len % 2 == 0 ? 1 : -1;
  const double mean = len / 2 + (9 - sign) / 36 - (len / 3 + 2.0 / 9) * std::exp2(-len);
  std::array<double, 7> counts{};
  const std::size_t num = bits.size() / block_len;
  for (std::size_t i = 0; i < num; ++i) {
    const auto found = static_cast<double>(complexity(bits, i * block_len, block_len));
    const double t = sign * (found - mean) + 2.0 / 9;
    std::size_t at = 0;  // the class: at most -2.5, then steps of 1
    for (double bound = -2.5; at < 6 && t > bound; ++bound) ++at;
    ++counts[at];
  }
  return of_chi_square(chi_square(counts, kProbabilities, static_cast<double>(num)), 6);
}

}  // namespace cipherdeck::card::random::gmt0005
