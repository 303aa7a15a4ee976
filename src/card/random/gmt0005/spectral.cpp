// SPDX-License-Identifier: Apache-2.0
// The spectral test, clause 5.15: a discrete Fourier transform of exactly the sequence's length,
// by Stockham's method, which needs no reordering, with any radices.
#include "card/random/gmt0005/distributions.h"

#include <cassert>
#include <utility>

namespace cipherdeck::card::random::gmt0005 {
namespace {

// 5 and 4 first, since their passes do most for their time.
std::vector<std::size_t> radices_of(std::size_t n) {
  std::vector<std::size_t> radices;
  for (std::size_t radix : {std::size_t{5}, std::size_t{4}}) {
    for (; n % radix == 0; n /= radix) radices.push_back(radix);
  }
  for (std::size_t radix = 2; n > 1; ++radix) {
    for (; n % radix == 0; n /= radix) radices.push_back(radix);
  }
  return radices;
}

}  // namespace

SpectralTest::SpectralTest(std::size_t num_bits)
    : m_num_bits(num_bits), m_radices(radices_of(num_bits / 2)), m_roots(num_bits / 2) {
  assert(num_bits != 0 && num_bits % 2 == 0);
  const double step = -2 * std::numbers::pi / static_cast<double>(m_roots.size());
  for (std::size_t i = 0; i < m_roots.size(); ++i) {
    const double angle = step * static_cast<double>(i);
    m_roots[i] = {std::cos(angle), std::sin(angle)};
  }
}

SpectralTest::Complex SpectralTest::add_product(Complex sum, Complex a, Complex b) noexcept {
  return {sum.re + a.re * b.re - a.im * b.im, sum.im + a.re * b.im + a.im * b.re};
}

// One pass over signals of m_roots.size() points: `stride` sequences, interleaved, each cut into
// `radix` parts that are combined, by a small transform, and turned by their twiddle factors.
// kRadix is the radix, so that the compiler unrolls, or 0 for any.
template <std::size_t kRadix>
void SpectralTest::pass(Signal& to, const Signal& from, std::size_t any_radix,
                        std::size_t stride) const {
  const std::size_t radix = kRadix == 0 ? any_radix : kRadix;
  const std::size_t n = m_roots.size();
  const std::size_t part = n / radix / stride;
  Signal small_roots(radix);
  for (std::size_t i = 0; i < radix; ++i) small_roots[i] = m_roots[i * (n / radix)];
  for (std::size_t at = 0; at < part; ++at) {
    for (std::size_t q = 0; q < stride; ++q) {
      for (std::size_t j = 0; j < radix; ++j) {
        Complex sum = from[q + stride * at];
        for (std::size_t k = 1; k < radix; ++k) {
          sum = add_product(sum, small_roots[j * k % radix], from[q + stride * (at + part * k)]);
        }
        to[q + stride * (radix * at + j)] = add_product({0, 0}, m_roots[at * j * stride], sum);
      }
    }
  }
}

void SpectralTest::transform(Signal& signal) const {
  Signal other(signal.size());
  std::size_t stride = 1;
  for (const std::size_t radix : m_radices) {
    if (radix == 5) {
      pass<5>(other, signal, radix, stride);
    } else if (radix == 4) {
      pass<4>(other, signal, radix, stride);
    } else {
      pass<0>(other, signal, radix, stride);
    }
    std::swap(other, signal);
    stride *= radix;
  }
}

// The bits, as 1 and -1, are taken as pairs, each a complex number: the transform of a real signal
// comes out of one of half its length.
std::size_t SpectralTest::num_low(const BitSequence& bits) const {
  assert(bits.size() == m_num_bits);
  const std::size_t half = m_roots.size();
  Signal signal(half);
  for (std::size_t i = 0; i < half; ++i) {
    signal[i] = {bits[2 * i] ? 1.0 : -1.0, bits[2 * i + 1] ? 1.0 : -1.0};
  }
  transform(signal);
  const double threshold = 2.995732274 * static_cast<double>(m_num_bits);
  const double angle = -std::numbers::pi / static_cast<double>(half);
  const Complex half_step{std::cos(angle), std::sin(angle)};
  std::size_t num = 0;
  for (std::size_t i = 0; i < half; ++i) {
    const Complex a = signal[i];
    const Complex b = signal[(half - i) % half];
    const Complex even{(a.re + b.re) / 2, (a.im - b.im) / 2};
    const Complex odd{(a.im + b.im) / 2, (b.re - a.re) / 2};
    // The odd bits are one half of a point of the shorter transform later.
    const Complex turn =
        i % 2 == 0 ? m_roots[i / 2] : add_product({0, 0}, m_roots[i / 2], half_step);
    const Complex point = add_product(even, turn, odd);
    if (point.re * point.re + point.im * point.im < threshold) ++num;
  }
  return num;
}

Value SpectralTest::run(const BitSequence& bits) const {
  const double n = static_cast<double>(m_num_bits);
  const double expected = 0.95 * n / 2;
  return of_normal((static_cast<double>(num_low(bits)) - expected) /
                   std::sqrt(0.95 * 0.05 * n / 3.8));
}

}  // namespace cipherdeck::card::random::gmt0005
