// SPDX-License-Identifier: Apache-2.0
#include "card/random/gmt0005/suite.h"

#include "base/secret.h"
#include "card/random/gmt0005/distributions.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <system_error>
#include <thread>

namespace cipherdeck::card::random::gmt0005 {
namespace {

struct Amount {
  unsigned num_samples;
  std::size_t sample_bits;
};

Amount amount_of(Level level) noexcept {
  switch (level) {
    case Level::factory:
      return {50, 1'000'000};
    case Level::power_on:
      return {20, 1'000'000};
    case Level::periodic:
      break;
  }
  return {20, 20'000};
}

// One test with its parameter: gives one value, or two.
struct Item {
  std::string name;
  std::function<Value(const BitSequence&)> value;
};

template <typename F>
void add_each(std::vector<Item>& items, const std::string& name,
              std::initializer_list<unsigned> parameters, F test) {
  for (const unsigned parameter : parameters) {
    items.push_back({name + std::to_string(parameter),
                     [=](const BitSequence& bits) { return test(bits, parameter); }});
  }
}

// The twelve tests that GM/T 0062 has for samples of 20000 bits. Parameters are those of GM/T 0005,
// annex A, by the length of the sample.
void add_basic(std::vector<Item>& items, bool is_long) {
  items.push_back({"monobit", monobit});
  add_each(items, "block frequency m=", {is_long ? 10'000U : 1000U}, block_frequency);
  add_each(items, "poker m=", {4, 8}, poker);
  add_each(items, "serial P1 m=", {3, 5},
           [](const BitSequence& bits, unsigned width) { return serial(bits, width)[0]; });
  add_each(items, "serial P2 m=", {3, 5},
           [](const BitSequence& bits, unsigned width) { return serial(bits, width)[1]; });
  items.push_back({"runs", runs});
  items.push_back({"runs distribution", runs_distribution});
  add_each(items, "longest run of ", {0, 1},
           [](const BitSequence& bits, unsigned bit) { return longest_run(bits, bit == 1); });
  add_each(items, "binary derivation k=", {3, 7}, binary_derivation);
  if (is_long) add_each(items, "autocorrelation d=", {1}, autocorrelation);
  add_each(items, "autocorrelation d=", {2, 8, 16}, autocorrelation);
  items.push_back({"matrix rank", matrix_rank});
  add_each(items, "cumulative sums ", {1, 2}, [](const BitSequence& bits, unsigned direction) {
    return cumulative_sums(bits, direction == 2);
  });
  add_each(items, "approximate entropy m=", {2, 5}, approximate_entropy);
}

void add_long(std::vector<Item>& items, std::size_t sample_bits) {
  add_each(items, "linear complexity m=", {500}, linear_complexity);
  items.push_back({"universal", universal});
  const auto spectral = std::make_shared<const SpectralTest>(sample_bits);
  items.push_back(
      {"spectral", [spectral](const BitSequence& bits) { return spectral->run(bits); }});
}

std::vector<Item> items_for(Level level) {
  std::vector<Item> items;
  add_basic(items, level != Level::periodic);
  if (level != Level::periodic) add_long(items, amount_of(level).sample_bits);
  return items;
}

// P-value of the values being uniform, by ten classes of equal width (GM/T 0005, 6.3).
double uniformity_of(const std::vector<Value>& values) {
  constexpr std::size_t kNumClasses = 10;
  std::array<double, kNumClasses> counts{};
  std::array<double, kNumClasses> probabilities;
  probabilities.fill(1.0 / kNumClasses);
  for (const Value& value : values) {
    ++counts[std::min(static_cast<std::size_t>(value.q * kNumClasses), kNumClasses - 1)];
  }
  const double statistic = chi_square(counts, probabilities, static_cast<double>(values.size()));
  return of_chi_square(statistic, kNumClasses - 1).p;
}

// With fewer than 5 samples a class, the classes' counts say nothing.
constexpr std::size_t kLeastForUniformity = 50;

ItemReport judge(const std::string& name, const std::vector<Value>& values, unsigned allowed) {
  ItemReport report{.name = name};
  for (const Value& value : values) {
    // What is not a number is not random either.
    if (!(value.p >= kSignificance)) ++report.failures;
  }
  if (values.size() >= kLeastForUniformity) report.uniformity = uniformity_of(values);
  report.passed = report.failures <= allowed && report.uniformity >= kUniformitySignificance;
  return report;
}

// Runs task(0) to task(num - 1) on up to `num_threads` threads, this one among them.
void run_all(unsigned num, unsigned num_threads, const std::function<void(unsigned)>& task) {
  std::atomic<unsigned> next{0};
  const auto work = [&] {
    for (unsigned i = next.fetch_add(1); i < num; i = next.fetch_add(1)) task(i);
  };
  std::vector<std::thread> helpers;
  try {
    for (unsigned i = 1; i < num_threads; ++i) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer threads do as well.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
}

Result<std::vector<BitSequence>> take_samples(RandomSource& source, const Amount& amount) {
  std::vector<BitSequence> samples;
  std::vector<std::uint8_t> bytes(amount.sample_bits / 8);
  for (unsigned i = 0; i < amount.num_samples; ++i) {
    CIPHERDECK_TRY(source.fill(bytes));
    samples.emplace_back(bytes);
  }
  return samples;
}

unsigned standard_bound_of(unsigned num_samples) {
  const double n = num_samples;
  const double part = 1 - kSignificance - 3 * std::sqrt(kSignificance * (1 - kSignificance) / n);
  return num_samples - static_cast<unsigned>(std::ceil(n * part));
}

}  // namespace

bool Report::passed() const noexcept {
  return std::ranges::all_of(items, [](const ItemReport& item) { return item.passed; });
}

std::string_view to_string(Level level) noexcept {
  constexpr std::string_view kNames[] = {"factory", "power-on", "periodic"};
  return kNames[static_cast<std::size_t>(level)];
}

unsigned allowed_failures(unsigned num_samples) {
  constexpr double kFalseAlarm = 1e-5;
  // From all failing downwards, so that what is small is summed first.
  double tail = 0;
  for (unsigned k = num_samples; k > 0; --k) {
    const double ways =
        std::lgamma(num_samples + 1.0) - std::lgamma(k + 1.0) - std::lgamma(num_samples - k + 1.0);
    tail += std::exp(ways + k * std::log(kSignificance) +
                     (num_samples - k) * std::log1p(-kSignificance));
    if (tail >= kFalseAlarm) return k;
  }
  return 0;
}

Result<Report> run_suite(Level level, RandomSource& source, unsigned num_threads) {
  const auto start = std::chrono::steady_clock::now();
  const Amount amount = amount_of(level);
  CIPHERDECK_ASSIGN(const auto samples, take_samples(source, amount));
  const std::vector<Item> items = items_for(level);
  std::vector<std::vector<Value>> values(items.size(), std::vector<Value>(amount.num_samples));
  run_all(amount.num_samples, num_threads, [&](unsigned sample) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      values[i][sample] = items[i].value(samples[sample]);
    }
  });
  Report report{.level = level,
                .num_samples = amount.num_samples,
                .sample_bits = amount.sample_bits,
                .num_tests = level == Level::periodic ? 12U : 15U,
                .allowed = allowed_failures(amount.num_samples),
                .standard_bound = standard_bound_of(amount.num_samples)};
  for (std::size_t i = 0; i < items.size(); ++i) {
    report.items.push_back(judge(items[i].name, values[i], report.allowed));
  }
  report.time = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  return report;
}

}  // namespace cipherdeck::card::random::gmt0005
