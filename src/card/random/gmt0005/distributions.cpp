// SPDX-License-Identifier: Apache-2.0
#include "card/random/gmt0005/distributions.h"

namespace cipherdeck::card::random::gmt0005 {
namespace {

constexpr double kPrecision = 1e-15;
constexpr int kMaxTerms = 100'000;

// x^a e^-x / Gamma(a)
double front(double a, double x) noexcept { return std::exp(a * std::log(x) - x - std::lgamma(a)); }

// P(a, x) by its power series, which is quick for x < a + 1.
double lower_by_series(double a, double x) noexcept {
  double term = 1 / a;
  double sum = term;
  for (int i = 1; i < kMaxTerms && term > sum * kPrecision; ++i) {
    term *= x / (a + i);
    sum += term;
  }
  return sum * front(a, x);
}

// Q(a, x) by its continued fraction, evaluated by Lentz's method; quick for x > a + 1.
double upper_by_fraction(double a, double x) noexcept {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double fraction = d;
  for (int i = 1; i < kMaxTerms; ++i) {
    const double numerator = -i * (i - a);
    b += 2;
    d = numerator * d + b;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + numerator / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    fraction *= d * c;
    if (std::abs(d * c - 1) < kPrecision) break;
  }
  return fraction * front(a, x);
}

}  // namespace

double upper_gamma(double a, double x) noexcept {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - lower_by_series(a, x) : upper_by_fraction(a, x);
}

double chi_square(std::span<const double> counts, std::span<const double> probabilities,
                  double total) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * probabilities[i];
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

}  // namespace cipherdeck::card::random::gmt0005
