// SPDX-License-Identifier: Apache-2.0
// The card's randomness: noise sources, their health tests, and the generator that stretches them.
#pragma once

#include "base/random_source.h"
#include "base/secret.h"

#include <cstdint>
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
};

/// The kernel's generator always, RDSEED where the processor has it.
[[nodiscard]] std::vector<std::unique_ptr<NoiseSource>> default_sources();

/// Hash_DRBG over SM3 (SP 800-90A, 10.1.1), seeded from all its sources, whose raw output passes
/// repetition count and adaptive proportion tests first (SP 800-90B, 4.4). Reseeds by itself, and
/// after a fork. A failed health test is final: fill() fails with random_failed from then on.
/// Not thread-safe: each worker has its own.
class Generator final : public RandomSource {
 public:
  /// Fails with random_failed if a source does not pass its start-up test.
  static Result<std::unique_ptr<Generator>> create(
      std::vector<std::unique_ptr<NoiseSource>> sources = default_sources());
  ~Generator() override;

  Result<void> fill(MutableBytes out) override;

  /// "kernel rdseed"
  [[nodiscard]] std::string source_names() const;

 private:
  class State;
  explicit Generator(std::unique_ptr<State> state);
  std::unique_ptr<State> m_state;
};

}  // namespace cipherdeck::card::random
