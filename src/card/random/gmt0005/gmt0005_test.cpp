// SPDX-License-Identifier: Apache-2.0
#include "card/random/gmt0005/tests.h"

#include "card/random/gmt0005/distributions.h"
#include "card/random/gmt0005/single_use.h"
#include "card/random/gmt0005/suite.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/rand.h>

#include <cstdio>
#include <functional>
#include <memory>

namespace cipherdeck::card::random::gmt0005 {
namespace {

using Vector = std::vector<std::uint8_t>;

// ---- the sequences of the published examples ----------------------------------------------------

// 128 bits: GM/T 0005-2021, annex C, for most tests; the first of NIST SP 800-22, 2.4.8.
BitSequence bits128() {
  return BitSequence(Vector{0xcc, 0x15, 0x6c, 0x4c, 0xe0, 0x02, 0x4d, 0x51, 0x13, 0xd6, 0x80, 0xd7,
                            0xcc, 0xe6, 0xd8, 0xb2});
}

// 100 bits of pi: the examples of NIST SP 800-22 and, for some tests, of GM/T 0005.
BitSequence pi100() {
  return BitSequence(
      Vector{0xc9, 0x0f, 0xda, 0xa2, 0x21, 0x68, 0xc2, 0x34, 0xc4, 0xc6, 0x62, 0x8b, 0x80}, 100);
}

struct BignumDeleter {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Bignum = std::unique_ptr<BIGNUM, BignumDeleter>;
using BignumContext = std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)>;

struct Fraction {
  Bignum numerator, denominator;
};

// The sum of 1 / (first ... k) for k from `first` to `last` - 1, by halves.
Fraction sum_of_inverses(unsigned first, unsigned last, BN_CTX* context) {
  Fraction sum{Bignum(BN_new()), Bignum(BN_new())};
  if (last - first == 1) {
    BN_set_word(sum.numerator.get(), 1);
    BN_set_word(sum.denominator.get(), first);
    return sum;
  }
  const unsigned middle = first + (last - first) / 2;
  const Fraction left = sum_of_inverses(first, middle, context);
  const Fraction right = sum_of_inverses(middle, last, context);
  BN_mul(sum.numerator.get(), left.numerator.get(), right.denominator.get(), context);
  BN_add(sum.numerator.get(), sum.numerator.get(), right.numerator.get());
  BN_mul(sum.denominator.get(), left.denominator.get(), right.denominator.get(), context);
  return sum;
}

// The first 10^6 bits of e, with its integer part, 10 in binary: an input of both standards.
const BitSequence& bits_of_e() {
  static const BitSequence bits = [] {
    constexpr int kNumBits = 1'000'000;
    const BignumContext context(BN_CTX_new(), BN_CTX_free);
    const Fraction sum = sum_of_inverses(1, 80'000, context.get());  // e - 1
    const Bignum e(BN_new());
    BN_add(e.get(), sum.numerator.get(), sum.denominator.get());
    BN_lshift(e.get(), e.get(), kNumBits - 2);
    BN_div(e.get(), nullptr, e.get(), sum.denominator.get(), context.get());
    Vector bytes(kNumBits / 8);
    BN_bn2binpad(e.get(), bytes.data(), kNumBits / 8);
    return BitSequence(bytes);
  }();
  return bits;
}

BitSequence part_of_e(std::size_t num_bits) {
  Vector bytes((num_bits + 7) / 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(bits_of_e().bits_at(i * 8, 8));
  }
  return BitSequence(bytes, num_bits);
}

// Published values have six digits.
constexpr double kDigits = 0.6e-6;

void expect_value(const Value& value, double p, double q) {
  EXPECT_NEAR(value.p, p, kDigits);
  EXPECT_NEAR(value.q, q, kDigits);
}
void expect_value(const Value& value, double p) { expect_value(value, p, p); }

// ---- known answers ------------------------------------------------------------------------------

TEST(Gmt0005Vectors, Monobit) {
  expect_value(monobit(bits128()), 0.215925, 0.892038);
  EXPECT_NEAR(monobit(pi100()).p, 0.109599, kDigits);      // NIST SP 800-22, 2.1.8
  EXPECT_NEAR(monobit(bits_of_e()).p, 0.953749, kDigits);  // NIST SP 800-22, annex B
}

TEST(Gmt0005Vectors, BlockFrequency) {
  expect_value(block_frequency(pi100(), 10), 0.706438);
  EXPECT_NEAR(block_frequency(bits_of_e(), 128).p, 0.211072, kDigits);  // NIST, annex B
}

TEST(Gmt0005Vectors, Poker) {
  expect_value(poker(bits128(), 4), 0.213734);
  expect_value(poker(bits128(), 8), 0.221829);
}

TEST(Gmt0005Vectors, Serial) {
  const auto values = serial(bits128(), 2);
  expect_value(values[0], 0.436868);
  expect_value(values[1], 0.723674);
  const BitSequence ten(Vector{0x37, 0x40}, 10);  // 0011011101: NIST SP 800-22, 2.11.4
  EXPECT_NEAR(serial(ten, 3)[0].p, 0.808792, kDigits);
  EXPECT_NEAR(serial(ten, 3)[1].p, 0.670320, kDigits);
}

TEST(Gmt0005Vectors, Runs) {
  expect_value(runs(bits128()), 0.620729, 0.310364);
  EXPECT_NEAR(runs(pi100()).p, 0.500798, kDigits);      // NIST SP 800-22, 2.3.8
  EXPECT_NEAR(runs(bits_of_e()).p, 0.561917, kDigits);  // NIST, annex B
}

TEST(Gmt0005Vectors, RunsDistribution) { expect_value(runs_distribution(bits128()), 0.970152); }

TEST(Gmt0005Vectors, LongestRun) {
  expect_value(longest_run(bits128(), true), 0.180598);
  expect_value(longest_run(bits128(), false), 0.839299);
  EXPECT_NEAR(longest_run(bits_of_e(), true).p, 0.718945, 1e-3);  // NIST, with longer constants
}

TEST(Gmt0005Vectors, BinaryDerivation) {
  expect_value(binary_derivation(bits128(), 3), 0.039669, 0.980166);
}

TEST(Gmt0005Vectors, Autocorrelation) {
  expect_value(autocorrelation(bits128(), 1), 0.790080, 0.395040);
}

TEST(Gmt0005Vectors, MatrixRank) {
  expect_value(matrix_rank(bits_of_e()), 0.307543);
  EXPECT_NEAR(matrix_rank(part_of_e(100'000)).p, 0.532069, 1e-3);  // NIST, with longer constants
}

TEST(Gmt0005Vectors, CumulativeSums) {
  expect_value(cumulative_sums(pi100(), false), 0.219194);
  expect_value(cumulative_sums(pi100(), true), 0.114866);
  EXPECT_NEAR(cumulative_sums(bits_of_e(), false).p, 0.669887, kDigits);  // NIST, annex B
  EXPECT_NEAR(cumulative_sums(bits_of_e(), true).p, 0.724266, 1e-6);
}

TEST(Gmt0005Vectors, ApproximateEntropy) {
  expect_value(approximate_entropy(pi100(), 2), 0.235301);
}

TEST(Gmt0005Vectors, LinearComplexity) {
  expect_value(linear_complexity(bits_of_e(), 1000), 0.844721);
  EXPECT_NEAR(linear_complexity(bits_of_e(), 500).p, 0.826335, 1e-3);  // NIST, annex B
}

TEST(Gmt0005Vectors, Universal) { expect_value(universal(bits_of_e()), 0.282568, 0.141284); }

TEST(Gmt0005Vectors, Spectral) {
  EXPECT_EQ(SpectralTest(100).num_low(pi100()), 48U);
  expect_value(SpectralTest(100).run(pi100()), 0.654721, 0.327360);
}

// ---- the transform, by its definition -----------------------------------------------------------

std::size_t num_low_by_definition(const BitSequence& bits) {
  const std::size_t n = bits.size();
  std::size_t num = 0;
  for (std::size_t k = 0; k < n / 2; ++k) {
    double re = 0;
    double im = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double angle =
          -2 * std::numbers::pi * static_cast<double>(i * k % n) / static_cast<double>(n);
      const double sign = bits[i] ? 1 : -1;
      re += sign * std::cos(angle);
      im += sign * std::sin(angle);
    }
    if (re * re + im * im < 2.995732274 * static_cast<double>(n)) ++num;
  }
  return num;
}

TEST(Gmt0005, SpectralIsTheTransformForAllLengths) {
  for (const std::size_t len : {2U, 4U, 6U, 14U, 64U, 90U, 128U, 200U, 250U, 462U, 1000U, 2000U}) {
    const BitSequence bits = part_of_e(len);
    EXPECT_EQ(SpectralTest(len).num_low(bits), num_low_by_definition(bits)) << len;
  }
}

// ---- the sequence -------------------------------------------------------------------------------

TEST(BitSequence, ReadsBitsFromTheMostSignificant) {
  const BitSequence bits(Vector{0x80, 0, 0, 0, 0, 0, 0, 0x01, 0xf0, 0xff}, 74);
  EXPECT_TRUE(bits[0]);
  EXPECT_TRUE(bits[63]);
  EXPECT_FALSE(bits[62]);
  EXPECT_EQ(bits.bits_at(62, 6), 0b011111U);
  EXPECT_EQ(bits.count_ones(0, 74), 8U) << "what follows the last bit must not count";
  EXPECT_EQ(bits.run_at(0, 74), 1U);
  EXPECT_EQ(bits.run_at(1, 73), 62U);
  EXPECT_EQ(bits.run_at(1, 5), 5U);
  EXPECT_EQ(bits.run_at(68, 6), 4U);
  EXPECT_EQ(bits.run_at(72, 2), 2U);
}

TEST(BitSequence, LongRunsAreWhole) {
  Vector bytes(100, 0xff);
  bytes[99] = 0xfe;
  const BitSequence bits(bytes);
  EXPECT_EQ(bits.run_at(3, 797), 796U);
}

// ---- the distributions --------------------------------------------------------------------------

TEST(Distributions, UpperGammaOfKnownForms) {
  for (const double x : {0.1, 1.0, 2.5, 10.0, 50.0}) {
    EXPECT_NEAR(upper_gamma(1, x), std::exp(-x), 1e-14);
    EXPECT_NEAR(upper_gamma(0.5, x), std::erfc(std::sqrt(x)), 1e-14);
    EXPECT_NEAR(upper_gamma(3, x), std::exp(-x) * (1 + x + x * x / 2), 1e-14);
  }
  EXPECT_NEAR(upper_gamma(500, 500), 0.494053, 1e-6);
  EXPECT_EQ(upper_gamma(3, 0), 1);
}

// ---- the levels ---------------------------------------------------------------------------------

// OpenSSL's generator, spoilt by a function of the bytes.
class Source final : public RandomSource {
 public:
  explicit Source(std::function<void(MutableBytes)> spoil = {}) : m_spoil(std::move(spoil)) {}
  Result<void> fill(MutableBytes out) override {
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) return Error::random_failed;
    if (m_spoil) m_spoil(out);
    return {};
  }

 private:
  std::function<void(MutableBytes)> m_spoil;
};

TEST(Suite, BoundsAreThoseOfTheBinomialDistribution) {
  EXPECT_EQ(allowed_failures(20), 4U);  // P(5 or more) = 1.3e-6, P(4 or more) = 4.2e-5
  EXPECT_EQ(allowed_failures(50), 6U);  // P(7 or more) = 9e-7, P(6 or more) = 1.0e-5 and above
}

TEST(Suite, APeriodicRunHasTwelveTestsAndPassesForAGoodSource) {
  Source source;
  const auto report = run_suite(Level::periodic, source, 2);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->passed());
  EXPECT_EQ(report->num_samples, 20U);
  EXPECT_EQ(report->sample_bits, 20'000U);
  EXPECT_EQ(report->standard_bound, 1U);
  EXPECT_EQ(report->items.size(), 22U);
}

// How often single items fail is what it should be: a test whose P-values are wrong would show.
TEST(Suite, SamplesOfAGoodSourceFailAsOftenAsTheyShould) {
  Source source;
  std::vector<unsigned> failures;
  constexpr unsigned kRuns = 25;
  unsigned num_samples = 0;
  for (unsigned i = 0; i < kRuns; ++i) {
    const auto report = run_suite(Level::periodic, source, 2);
    ASSERT_TRUE(report);
    failures.resize(report->items.size());
    for (std::size_t j = 0; j < failures.size(); ++j) failures[j] += report->items[j].failures;
    num_samples += report->num_samples;
  }
  // 5 of 500 expected, one item in 10^8 above 20. The rank's 19 matrices are not chi-square.
  for (const unsigned number : failures) EXPECT_LE(number, num_samples * 4 / 100);
}

TEST(Suite, APowerOnRunPassesInTime) {
  Source source;
  const auto report = run_suite(Level::power_on, source, 2);
  ASSERT_TRUE(report);
  for (const ItemReport& item : report->items) {
    EXPECT_TRUE(item.passed) << item.name << ": " << item.failures;
  }
  EXPECT_EQ(report->items.size(), 26U);
  EXPECT_EQ(report->sample_bits, 1'000'000U);
  std::printf("power-on: %.0f ms\n", static_cast<double>(report->time.count()) / 1000);
}

bool has_failed(const Report& report, std::string_view name) {
  for (const ItemReport& item : report.items) {
    if (item.name.starts_with(name) && !item.passed) return true;
  }
  return false;
}

// For each test a fault that it is made for. A test that cannot fail would be worth nothing.
TEST(Suite, EachTestFindsItsFault) {
  struct Fault {
    std::string_view test;
    std::function<void(MutableBytes)> spoil;
  };
  const auto each_bit = [](MutableBytes out, auto f) {
    bool before = false;
    for (std::size_t i = 0; i < out.size() * 8; ++i) {
      const auto mask = static_cast<std::uint8_t>(0x80 >> (i % 8));
      const bool bit = f(i, (out[i / 8] & mask) != 0, before);
      out[i / 8] = static_cast<std::uint8_t>(bit ? out[i / 8] | mask : out[i / 8] & ~mask);
      before = bit;
    }
  };
  const auto keep_if_rare = [](MutableBytes out) {
    for (std::uint8_t& byte : out) byte = byte > 250 ? byte : byte | 1;
  };
  const auto repeat = [](std::size_t period) {
    return [period](MutableBytes out) {
      for (std::size_t i = period; i < out.size(); ++i) out[i] = out[i - period];
    };
  };
  const auto sticky = [=](MutableBytes out) {
    each_bit(out, [&out](std::size_t i, bool bit, bool before) {
      return out[(i / 8 + 7) % out.size()] < 40 ? before : bit;
    });
  };
  const Fault faults[] = {
      {"monobit", keep_if_rare},
      {"cumulative sums", keep_if_rare},
      {"block frequency",
       [](MutableBytes out) {
         for (std::size_t i = 0; i < out.size(); ++i) {
           if (i / 250 % 2 == 0) out[i] |= static_cast<std::uint8_t>(1u << (i % 8));
         }
       }},
      {"poker", keep_if_rare},
      {"serial", sticky},
      {"approximate entropy", sticky},
      {"runs", sticky},
      {"runs distribution", sticky},
      {"longest run", sticky},
      {"binary derivation", sticky},
      {"autocorrelation d=8", repeat(1)},
      {"matrix rank", repeat(4)},
      {"linear complexity", repeat(25)},
      {"universal", repeat(7)},
      {"spectral", repeat(7)},
  };
  for (const Fault& fault : faults) {
    Source source(fault.spoil);
    const bool is_long =
        fault.test == "linear complexity" || fault.test == "universal" || fault.test == "spectral";
    const auto report = run_suite(is_long ? Level::power_on : Level::periodic, source, 2);
    ASSERT_TRUE(report);
    EXPECT_TRUE(has_failed(*report, fault.test)) << fault.test;
    EXPECT_FALSE(report->passed());
  }
}

TEST(Suite, AllZerosAndAllOnesFail) {
  for (const int byte : {0x00, 0xff}) {
    Source source([byte](MutableBytes out) {
      std::fill(out.begin(), out.end(), static_cast<std::uint8_t>(byte));
    });
    const auto report = run_suite(Level::periodic, source, 1);
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->passed());
    EXPECT_TRUE(has_failed(*report, "runs"));
  }
}

TEST(Suite, AFailingSourceIsAnError) {
  class Broken final : public RandomSource {
    Result<void> fill(MutableBytes) override { return Error::random_failed; }
  } broken;
  EXPECT_EQ(run_suite(Level::periodic, broken, 1).status(), CIPHERDECK_STATUS_RANDOM_FAILED);
}

TEST(SingleUse, LimitsAreThoseOfChiSquare) {
  EXPECT_NEAR(std::log2(of_chi_square(kPokerLimit2, 3).p), -40, 0.01);
  EXPECT_NEAR(std::log2(of_chi_square(kPokerLimit4, 15).p), -40, 0.01);
}

// The quick statistic is the one whose P-value poker() gives.
TEST(SingleUse, StatisticIsThatOfThePokerTest) {
  Source source;
  for (const std::size_t len : {16U, 17U, 23U, 32U, 39U, 40U, 41U, 100U, 256U}) {
    Vector bytes(len);
    ASSERT_TRUE(source.fill(bytes));
    const BitSequence bits(bytes);
    EXPECT_NEAR(of_chi_square(poker_statistic<2>(bytes), 3).p, poker(bits, 2).p, 1e-9) << len;
    EXPECT_NEAR(of_chi_square(poker_statistic<4>(bytes), 15).p, poker(bits, 4).p, 1e-9) << len;
  }
}

TEST(SingleUse, FindsWhatIsStuckAndPassesTheRest) {
  for (const std::size_t len : {16U, 39U, 40U, 2500U, 10'000U}) {
    Vector bytes(len);
    Source source;
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(source.fill(bytes));
      EXPECT_TRUE(passes_single_use(bytes)) << len;
    }
    EXPECT_FALSE(passes_single_use(Vector(len, 0))) << len;
    EXPECT_FALSE(passes_single_use(Vector(len, 0x55))) << len;
  }
}

}  // namespace
}  // namespace cipherdeck::card::random::gmt0005
