// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cipherdeck::card::command {

/// What jobs of one kind take here and now, as a multiple of what the engine's cost model says of a
/// job alone: less where many fill its lanes together, more on a slower processor. Learnt from what
/// each round took. Not thread-safe.
class Calibration {
 public:
  /// Nanoseconds.
  [[nodiscard]] std::uint32_t operator()(std::uint64_t model_ns) const noexcept {
    return static_cast<std::uint32_t>(std::min(static_cast<float>(model_ns) * m_factor, kMostNs));
  }

  /// Jobs that the model puts at `model_ns` in all took `measured`. A clock that stood still
  /// teaches nothing, and one measurement little: the thread may have been held up.
  void learn(std::uint64_t model_ns, std::chrono::nanoseconds measured) noexcept {
    if (model_ns == 0 || measured.count() <= 0) return;
    const float ratio = static_cast<float>(measured.count()) / static_cast<float>(model_ns);
    m_factor += (std::clamp(ratio, m_factor / kMostChange, m_factor * kMostChange) - m_factor) / 8;
    m_factor = std::clamp(m_factor, kLeast, kMost);
  }

 private:
  static constexpr float kMostChange = 4;
  static constexpr float kLeast = 1.0F / 128;
  static constexpr float kMost = 128;
  static constexpr float kMostNs = 4e9F;

  float m_factor = 1;
};

}  // namespace cipherdeck::card::command
