// SPDX-License-Identifier: Apache-2.0
// The continuous health tests of SP 800-90B, 4.4, on noise taken a byte at a time.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace cipherdeck::card::random {

// What the parameters rest on. A byte of noise is credited with 4 bits of min-entropy, though both
// sources deliver conditioned output that should have 8: a source that keeps less than half of what
// it claims is to be caught, one that keeps more is not to be stopped by chance. A healthy byte of
// 4 bits fails either test with a probability of 2^-40, the lower end of what 4.4 recommends.
constexpr unsigned kNoiseBitsPerByte = 4;
constexpr unsigned kFalsePositiveLog2 = 40;
/// 1 + ceil(kFalsePositiveLog2 / kNoiseBitsPerByte) (4.4.1).
constexpr unsigned kRepetitionCutoff = 11;
/// The window for sources that are not binary, and 1 + critbinom(512, 2^-4, 1 - 2^-40) (4.4.2).
constexpr unsigned kProportionWindow = 512;
constexpr unsigned kProportionCutoff = 78;

struct Cutoffs {
  unsigned repetition = kRepetitionCutoff;
  unsigned proportion = kProportionCutoff;
};

/// HealthTest judges one source's noise as it comes. Once failed it stays so.
class HealthTest {
 public:
  explicit HealthTest(const Cutoffs& cutoffs = {}) : m_cutoffs(cutoffs) {}

  /// Feeds all of `noise`; whether both tests have held up to now.
  [[nodiscard]] bool feed(Bytes noise) noexcept;

  [[nodiscard]] bool healthy() const noexcept { return m_healthy; }

 private:
  void feed_repetition(std::uint8_t sample) noexcept;
  void feed_proportion(std::uint8_t sample) noexcept;

  Cutoffs m_cutoffs;
  bool m_healthy = true;
  bool m_started = false;
  std::uint8_t m_last = 0;
  std::uint8_t m_reference = 0;
  unsigned m_repetitions = 0;
  unsigned m_window = 0;  // samples of the window seen; 0: the next one starts a window
  unsigned m_proportion = 0;
};

}  // namespace cipherdeck::card::random
