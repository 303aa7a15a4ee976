// SPDX-License-Identifier: Apache-2.0
// What a function may have of the card's engine time: how much in any case, how much at most, and
// in which proportion to the others between the two.
#pragma once

#include "cipherdeck/function.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cipherdeck::card::scheduler {

using Clock = std::chrono::steady_clock;

/// Rates are microseconds of one worker's engine time per second.
struct Share {
  std::uint32_t weight = CIPHERDECK_WEIGHT_DEFAULT;
  std::uint32_t committed = 0;  // 0: none
  std::uint32_t peak = CIPHERDECK_RATE_UNLIMITED;

  bool operator==(const Share&) const noexcept = default;
};

/// Most that may be committed in all: what is left serves those with nothing committed.
constexpr std::uint64_t kMaxCommitted = 900'000;

[[nodiscard]] constexpr bool is_valid(const Share& share) noexcept {
  return share.weight >= 1 && share.weight <= CIPHERDECK_WEIGHT_MAX && share.peak != 0 &&
         share.committed <= share.peak && share.committed <= kMaxCommitted;
}

/// Allowance is a rate with what is left of it: a token bucket of engine time, which may fall into
/// debt by as much as one command costs.
class Allowance {
 public:
  /// Begins full.
  void set_rate(std::uint32_t rate, Clock::time_point now) noexcept {
    m_rate = rate;
    m_ns = capacity();
    m_filled = now;
  }
  [[nodiscard]] bool is_limited() const noexcept { return m_rate != CIPHERDECK_RATE_UNLIMITED; }

  void refill(Clock::time_point now) noexcept {
    const double passed = std::chrono::duration<double, std::micro>(now - m_filled).count();
    m_filled = now;
    m_ns = std::min(m_ns + passed * ns_per_us(), capacity());
  }
  void charge(std::uint32_t ns) noexcept { m_ns -= ns; }
  [[nodiscard]] bool is_left() const noexcept { return m_ns > 0; }

  /// When so much will be there that going on is worth it.
  [[nodiscard]] Clock::time_point next() const noexcept {
    const double missing_ns = std::min(kWorthNs, capacity()) - m_ns;
    const double wait_us = std::clamp(missing_ns / ns_per_us(), 1.0, kLongestWaitUs);
    return m_filled + std::chrono::microseconds(static_cast<std::int64_t>(wait_us));
  }

 private:
  static constexpr double kBurstUs = 2'500;       // of time at this rate can be saved up
  static constexpr double kWorthNs = 100'000;     // of engine time
  static constexpr double kLongestWaitUs = 60e6;  // then look again

  [[nodiscard]] double ns_per_us() const noexcept { return m_rate * 1e-3; }
  [[nodiscard]] double capacity() const noexcept { return kBurstUs * ns_per_us(); }

  std::uint32_t m_rate = CIPHERDECK_RATE_UNLIMITED;
  double m_ns = 0;
  Clock::time_point m_filled{};
};

}  // namespace cipherdeck::card::scheduler
