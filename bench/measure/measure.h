// SPDX-License-Identifier: Apache-2.0
// How fast something runs on one core. Of the standard library alone, so that the programs in
// bench/peers, built for another system, measure exactly as ours do.
#pragma once

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace cipherdeck::bench {

using Seconds = std::chrono::duration<double>;

/// Time that the calling thread has had a processor: what others take of it meanwhile does not
/// count.
inline Seconds thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

/// Keeps the calling thread on one processor; false if that cannot be.
inline bool pin_to(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

/// Cycles of the core in a nanosecond, right now: the best of some chains of additions, each of
/// which takes a cycle and waits for the one before. The time stamp counter would not do, its pace
/// being another than the core's.
inline double core_cycles_per_ns() {
  constexpr int kChains = 8;
  constexpr std::uint64_t kRounds = 2000;
  constexpr double kAdditions = 16 * kRounds;
  double least = 1e9;
  for (int i = 0; i < kChains; ++i) {
    std::uint64_t sum = 1, rounds = kRounds;
    const std::uint64_t step = 3;
    const auto start = std::chrono::steady_clock::now();
    asm volatile(
        "1:\n"
        ".rept 16\n\t"
        "add %2, %0\n\t"
        ".endr\n\t"
        "dec %1\n\t"
        "jnz 1b"
        : "+r"(sum), "+r"(rounds)
        : "r"(step)
        : "cc");
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    least = std::min(least, took.count());
  }
  return kAdditions / least;
}

struct Timing {
  double ns = 0;      // of one call
  double cycles = 0;  // of one call
};

/// Calls `call` for about `duration` of thread_time(), in one go between two looks at the clock.
template <typename Call>
Timing measure(Call&& call, Seconds duration) {
  const auto time_of = [&](std::uint64_t calls) {
    const Seconds start = thread_time();
    for (std::uint64_t i = 0; i < calls; ++i) call();
    return thread_time() - start;
  };
  std::uint64_t calls = 1;
  Seconds took = time_of(calls);
  while (took < duration / 16 && calls < (std::uint64_t{1} << 40)) {
    calls *= 2;
    took = time_of(calls);
  }
  calls = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(static_cast<double>(calls) * (duration / took)));
  const double before = core_cycles_per_ns();
  const double ns = time_of(calls).count() * 1e9 / static_cast<double>(calls);
  return {ns, ns * (before + core_cycles_per_ns()) / 2};
}

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

/// Of at least one value.
inline Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

}  // namespace cipherdeck::bench
