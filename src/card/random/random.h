// SPDX-License-Identifier: Apache-2.0
// The card's randomness: noise sources, their health tests, and the generator that stretches them.
#pragma once

#include "base/random_source.h"
#include "base/secret.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::card::random {

/// One source of noise. Not thread-safe.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Fills `out` with raw noise, or fails with random_failed.
  virtual Result<void> read(MutableBytes out) = 0;
  /// Bytes judged, and thrown away, before the source is used: made of 1024 samples or more (SP
  /// 800-90B, 4.3), 16 bytes or more.
  [[nodiscard]] virtual std::size_t start_up_len() const noexcept { return 4096; }
};

/// The kernel's generator and the processor's jitter always, RDSEED where the processor has it.
[[nodiscard]] std::vector<std::unique_ptr<NoiseSource>> default_sources();

/// Told what an operator must know, a sentence: that a source failed, and whether for good. Called
/// on the thread that wants random bytes.
using Alarm = std::function<void(const std::string&)>;

/// Hash_DRBG over SM3 (SP 800-90A, 10.1.1), seeded from all its sources, whose raw output passes
/// repetition count and adaptive proportion tests first (SP 800-90B, 4.4), and the poker test for
/// single use of GM/T 0062, which its output passes, too. A request of more than 128 bytes is
/// served by a CTR_DRBG over SM4 (10.2.1) that it seeds for this one. Reseeds by itself, after a
/// fork, and when the clock has jumped as it does for a machine that was restored or copied. A
/// source or an output that fails is tested once more from the start; a second failure is final:
/// fill() fails with random_failed from then on. Not thread-safe: each worker has its own.
class Generator final : public RandomSource {
 public:
  /// Fails with random_failed if a source does not pass its start-up test.
  static Result<std::unique_ptr<Generator>> create(
      std::vector<std::unique_ptr<NoiseSource>> sources = default_sources(), Alarm alarm = {});
  ~Generator() override;

  Result<void> fill(MutableBytes out) override;

  /// "kernel jitter rdseed"
  [[nodiscard]] std::string source_names() const;

 private:
  class State;
  explicit Generator(std::unique_ptr<State> state);
  std::unique_ptr<State> m_state;
};

}  // namespace cipherdeck::card::random
