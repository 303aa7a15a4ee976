// SPDX-License-Identifier: Apache-2.0
// Noise from the time that the processor takes for one and the same work.
#pragma once

#include "card/random/health_test.h"
#include "card/random/random.h"

namespace cipherdeck::card::random {

// What the parameters rest on. Each sample is the time of some reads and writes spread over memory,
// which waits for caches, TLBs, memory and whoever shares them. It is credited with an eighth of a
// bit of min-entropy: collectors of this kind count a third of a bit or more on any processor of
// today. 4 bits of credit for a byte of output take 32 samples.
constexpr unsigned kJitterSamplesPerBit = 8;
constexpr std::size_t kJitterSamplesPerByte = std::size_t{kJitterSamplesPerBit} * kNoiseBitsPerByte;
/// 1 + ceil(kFalsePositiveLog2 * kJitterSamplesPerBit), and 1 + critbinom(512, 2^-1/8, 1 - 2^-40).
constexpr Cutoffs kJitterCutoffs{321, 506};

/// JitterSource conditions its samples by SM3, after the same health tests that other sources get
/// on what they deliver. About 2 us for a byte.
class JitterSource final : public NoiseSource {
 public:
  JitterSource();
  [[nodiscard]] std::string_view name() const noexcept override { return "jitter"; }

  /// 4096 samples.
  [[nodiscard]] std::size_t start_up_len() const noexcept override {
    return 4096 / kJitterSamplesPerByte;
  }

  /// Fails with random_failed if the samples do not pass, or the clock does not move.
  Result<void> read(MutableBytes out) override;

  /// The time of the next piece of work, in units of the clock.
  [[nodiscard]] std::uint64_t sample() noexcept;

 private:
  HealthTest m_health{kJitterCutoffs};
  std::vector<std::uint8_t> m_memory;
  std::size_t m_at = 0;
};

}  // namespace cipherdeck::card::random
