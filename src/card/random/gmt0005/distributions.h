// SPDX-License-Identifier: Apache-2.0
// The distributions that the tests' statistics follow.
#pragma once

#include "card/random/gmt0005/tests.h"

#include <cmath>
#include <numbers>
#include <span>

namespace cipherdeck::card::random::gmt0005 {

/// The regularised upper incomplete gamma function Q(a, x), a > 0; 1 for x not above 0.
[[nodiscard]] double upper_gamma(double a, double x) noexcept;

/// P(X <= x) of a standard normal X.
[[nodiscard]] inline double normal_cdf(double x) noexcept {
  return std::erfc(-x / std::numbers::sqrt2) / 2;
}

/// Of a statistic that is standard normal.
[[nodiscard]] inline Value of_normal(double statistic) noexcept {
  return {std::erfc(std::abs(statistic) / std::numbers::sqrt2),
          std::erfc(statistic / std::numbers::sqrt2) / 2};
}

/// Of a statistic that is chi-square with `freedom` degrees.
[[nodiscard]] inline Value of_chi_square(double statistic, double freedom) noexcept {
  const double p = upper_gamma(freedom / 2, statistic / 2);
  return {p, p};
}

/// The chi-square statistic of counts, `total` in all, whose classes have these probabilities.
[[nodiscard]] double chi_square(std::span<const double> counts,
                                std::span<const double> probabilities, double total) noexcept;

}  // namespace cipherdeck::card::random::gmt0005
