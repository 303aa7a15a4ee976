// SPDX-License-Identifier: Apache-2.0
// The test of single use of GM/T 0062: poker on the random bytes at hand. So short that it is done
// for each request; and constant-time, since the bytes are to be used.
#pragma once

#include "base/bytes.h"

#include <algorithm>
#include <array>

namespace cipherdeck::card::random::gmt0005 {

constexpr std::size_t kLeastSingleUse = 16;  // bytes: 128 bits
constexpr std::size_t kMostSingleUse = 256;  // more are not looked at

// A random string fails with a probability of about 2^-40, as the continuous health tests do: what
// is done a million times a second must find what is stuck, not what is slightly wrong. Chi-square
// of 3 and of 15 degrees of freedom for that.
constexpr double kPokerLimit2 = 59.12;
constexpr double kPokerLimit4 = 90.21;

/// The statistic of the poker test, for numbers of kWidth bits, 2 or 4.
template <unsigned kWidth>
[[nodiscard]] double poker_statistic(Bytes bytes) noexcept {
  // One bit of each number: places where counts up to 2^kWidth - 1 fit side by side.
  constexpr std::uint64_t kPlaces = ~std::uint64_t{0} / ((1u << kWidth) - 1);
  constexpr std::uint64_t kPairs =
      ~std::uint64_t{0} / ((1u << 2 * kWidth) - 1) * ((1u << kWidth) - 1);
  std::array<std::uint64_t, 1u << kWidth> counts{};
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::size_t len = std::min<std::size_t>(8, bytes.size() - at);
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, len);
    const std::uint64_t places = kPlaces >> (64 - 8 * len);
    for (std::size_t number = 0; number < counts.size(); ++number) {
      std::uint64_t equal = places;
      for (unsigned bit = 0; bit < kWidth; ++bit) {
        equal &= (number >> bit & 1) != 0 ? word >> bit : ~(word >> bit);
      }
      // Adds up the places: in pairs, then in bytes, then all bytes in the highest.
      equal = (equal & kPairs) + (equal >> kWidth & kPairs);
      if constexpr (kWidth == 2) equal = (equal + (equal >> 4)) & 0x0f0f0f0f0f0f0f0f;
      counts[number] += equal * 0x0101010101010101 >> 56;
    }
  }
  double squares = 0;
  for (const std::uint64_t count : counts) {
    squares += static_cast<double>(count) * static_cast<double>(count);
  }
  const std::size_t num_samples = bytes.size() * 8 / kWidth;
  const auto num = static_cast<double>(num_samples);
  return static_cast<double>(counts.size()) / num * squares - num;
}

/// Whether `bytes`, of which the first kMostSingleUse count, may be used; at least kLeastSingleUse.
[[nodiscard]] inline bool passes_single_use(Bytes bytes) noexcept {
  bytes = bytes.first(std::min(bytes.size(), kMostSingleUse));
  // GM/T 0062: numbers of 2 bits where there are fewer than 320.
  return bytes.size() * 8 < 320 ? poker_statistic<2>(bytes) < kPokerLimit2
                                : poker_statistic<4>(bytes) < kPokerLimit4;
}

}  // namespace cipherdeck::card::random::gmt0005
