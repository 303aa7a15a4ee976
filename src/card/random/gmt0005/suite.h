// SPDX-License-Identifier: Apache-2.0
// The tests in the amounts that GM/T 0062 asks of products of class E, which are on for long and
// have power to spare.
#pragma once

#include "base/random_source.h"
#include "card/random/gmt0005/tests.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace cipherdeck::card::random::gmt0005 {

enum class Level : std::uint8_t { factory, power_on, periodic };

/// Level of significance of each test of each sample, and of the uniformity of a test's values.
constexpr double kSignificance = 0.01;
constexpr double kUniformitySignificance = 0.0001;

/// What one test with one parameter said of all samples.
struct ItemReport {
  std::string name;       // "poker m=4"
  unsigned failures = 0;  // samples with p < kSignificance
  double uniformity = 1;  // P-value of the q-values being uniform; 1 if not judged
  bool passed = false;
};

struct Report {
  Level level = Level::periodic;
  unsigned num_samples = 0;
  std::size_t sample_bits = 0;
  unsigned num_tests = 0;       // of the standard's: one may have several items
  unsigned allowed = 0;         // most failures of an item that pass
  unsigned standard_bound = 0;  // most failures that GM/T 0005, 6.2 has for so many samples
  std::vector<ItemReport> items;
  std::chrono::microseconds time{0};
  [[nodiscard]] bool passed() const noexcept;
};

/// "factory", "power-on", "periodic"
[[nodiscard]] std::string_view to_string(Level level) noexcept;

/// The most of `num_samples` that may fail an item. GM/T 0005 allows about three standard
/// deviations, which a random source exceeds in one of 60 items, that is in every third run: fit
/// for a laboratory, not for a card that stops by it. This bound is exceeded with a probability of
/// less than 10^-5.
[[nodiscard]] unsigned allowed_failures(unsigned num_samples);

/// Takes 50 or 20 samples of 10^6 bits, or 20 of 20000 bits, from `source` and tests them, on up to
/// `num_threads` threads, which is 1 or more. Fails with what the source fails with, or no_memory.
[[nodiscard]] Result<Report> run_suite(Level level, RandomSource& source, unsigned num_threads);

}  // namespace cipherdeck::card::random::gmt0005
