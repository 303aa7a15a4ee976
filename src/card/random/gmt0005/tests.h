// SPDX-License-Identifier: Apache-2.0
// The fifteen tests of GM/T 0005-2021 for the randomness of a sequence of bits. A function for
// each; all are pure and thread-safe. They look at data that is thrown away after the test, and are
// not constant-time.
#pragma once

#include "card/random/gmt0005/bit_sequence.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cipherdeck::card::random::gmt0005 {

/// What a test says of one sequence: how likely a random one is to look at least as unlikely. A
/// sequence passes if `p` is at least the level of significance; `q` of many sequences is to be
/// uniform from 0 to 1. They differ where the statistic is normal and has two sides.
struct Value {
  double p = 0;
  double q = 0;
};

// Lengths are in bits. Each function says of what length a sequence must be at least, where the
// standard's recommendation is more; a shorter one is a programmer's error.

/// Clause 5.1: ones and zeros are as many. Of any length.
[[nodiscard]] Value monobit(const BitSequence& bits);

/// Clause 5.2: so they are in each block of `block_len`; at least one block.
[[nodiscard]] Value block_frequency(const BitSequence& bits, std::size_t block_len);

/// Clause 5.3: numbers of `width` bits, 2, 4 or 8, are equally frequent; at least one.
[[nodiscard]] Value poker(const BitSequence& bits, unsigned width);

/// Clause 5.4: overlapping numbers of `width` bits, 3 to 8 (or 2), are equally frequent. Gives both
/// values of the standard.
[[nodiscard]] std::array<Value, 2> serial(const BitSequence& bits, unsigned width);

/// Clause 5.5: the number of runs, that is of equal bits in a row. At least a zero and a one.
[[nodiscard]] Value runs(const BitSequence& bits);

/// Clause 5.6: how long the runs are. 100 bits.
[[nodiscard]] Value runs_distribution(const BitSequence& bits);

/// Clause 5.7: the longest run of `ones`, or else of zeros, in each block. The length of the blocks
/// is 10000 from 750000 bits on, 128 from 6272 bits on, and 8. 128 bits.
[[nodiscard]] Value longest_run(const BitSequence& bits, bool ones);

/// Clause 5.8: monobit() after `times`, 1 to 8, derivations, each by adding neighbours.
[[nodiscard]] Value binary_derivation(const BitSequence& bits, unsigned times);

/// Clause 5.9: bits differ from those `distance` later as often as not.
[[nodiscard]] Value autocorrelation(const BitSequence& bits, std::size_t distance);

/// Clause 5.10: ranks of matrices of 32 by 32 bits. 1024 bits.
[[nodiscard]] Value matrix_rank(const BitSequence& bits);

/// Clause 5.11: the largest distance from 0 of the sum of bits as 1 and -1, from either end.
[[nodiscard]] Value cumulative_sums(const BitSequence& bits, bool backward);

/// Clause 5.12: frequencies of overlapping numbers of `width` bits, 2 to 7, and of one bit more.
[[nodiscard]] Value approximate_entropy(const BitSequence& bits, unsigned width);

/// Clause 5.13: the linear complexity of blocks of `block_len`, 13 to 1024; at least one block.
[[nodiscard]] Value linear_complexity(const BitSequence& bits, std::size_t block_len);

/// Clause 5.14, Maurer's universal test: how far apart equal numbers of 7 bits are. 8967 bits.
[[nodiscard]] Value universal(const BitSequence& bits);

/// Clause 5.15: no frequency stands out in the discrete Fourier transform. Thread-safe.
class SpectralTest {
 public:
  /// For sequences of `num_bits`, an even number; best without prime factors but 2 and 5. Tables
  /// take 4 bytes a bit, and each run 16 more.
  explicit SpectralTest(std::size_t num_bits);

  /// Of a sequence of num_bits.
  [[nodiscard]] Value run(const BitSequence& bits) const;

  /// How many of the lower half of the frequencies are below the threshold.
  [[nodiscard]] std::size_t num_low(const BitSequence& bits) const;

 private:
  struct Complex {
    double re, im;
  };
  using Signal = std::vector<Complex>;

  void transform(Signal& signal) const;
  template <std::size_t kRadix>
  void pass(Signal& to, const Signal& from, std::size_t any_radix, std::size_t stride) const;
  [[nodiscard]] static Complex add_product(Complex sum, Complex a, Complex b) noexcept;

  std::size_t m_num_bits;
  std::vector<std::size_t> m_radices;
  Signal m_roots;  // of unity, of order num_bits / 2
};

}  // namespace cipherdeck::card::random::gmt0005
