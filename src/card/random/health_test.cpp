// SPDX-License-Identifier: Apache-2.0
#include "card/random/health_test.h"

namespace cipherdeck::card::random {

bool HealthTest::feed(Bytes noise) noexcept {
  for (const std::uint8_t sample : noise) {
    feed_repetition(sample);
    feed_proportion(sample);
  }
  return m_healthy;
}

void HealthTest::feed_repetition(std::uint8_t sample) noexcept {
  m_repetitions = m_started && sample == m_last ? m_repetitions + 1 : 1;
  m_started = true;
  m_last = sample;
  if (m_repetitions >= m_cutoffs.repetition) m_healthy = false;
}

void HealthTest::feed_proportion(std::uint8_t sample) noexcept {
  if (m_window == 0) {
    m_reference = sample;
    m_proportion = 0;
  }
  if (sample == m_reference) ++m_proportion;
  if (m_proportion >= m_cutoffs.proportion) m_healthy = false;
  m_window = (m_window + 1) % kProportionWindow;
}

}  // namespace cipherdeck::card::random
