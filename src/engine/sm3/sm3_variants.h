// SPDX-License-Identifier: Apache-2.0
// The implementations of SM3's compression function. One is chosen for the process, at its first
// use.
#pragma once

#include "engine/cpu/variants.h"
#include "engine/sm3/sm3.h"

namespace cipherdeck::engine {
struct HashJob;
}

namespace cipherdeck::engine::sm3 {

using State = std::array<std::uint32_t, 8>;

/// Independent streams side by side. A lane without work has a state of nobody else's and any data.
struct Lanes {
  static constexpr std::size_t kMax = 16;
  std::array<State*, kMax> states;
  std::array<const std::uint8_t*, kMax> data;  // advanced by the kernel
};

struct Variant : cpu::VariantInfo {
  /// Takes `num_blocks` blocks into `state`. Each byte of `data` is read once.
  void (*compress)(State& state, const std::uint8_t* data, std::size_t num_blocks) noexcept;

  /// How many streams compress_lanes() takes at once; 0: there is no such kernel.
  std::size_t num_lanes;
  /// The least number of streams for which it is the faster way; more than any if there is none.
  std::size_t min_lanes;
  /// Takes `num_blocks` blocks into each of the `num_lanes` states.
  void (*compress_lanes)(Lanes& lanes, std::size_t num_blocks) noexcept;
};

/// All variants, the fastest first; the last is "portable" and runs everywhere.
[[nodiscard]] std::span<const Variant> variants() noexcept;

/// The one that this process uses.
[[nodiscard]] const Variant& chosen_variant() noexcept;

/// HashJobs by a variant, which is available.
void run(const Variant& variant, std::span<HashJob> jobs) noexcept;

void compress_portable(State& state, const std::uint8_t* data, std::size_t num_blocks) noexcept;

/// BMI2 and AVX; eight and sixteen lanes.
void compress_avx2(State& state, const std::uint8_t* data, std::size_t num_blocks) noexcept;
void compress_lanes_avx2(Lanes& lanes, std::size_t num_blocks) noexcept;
void compress_lanes_avx512(Lanes& lanes, std::size_t num_blocks) noexcept;

}  // namespace cipherdeck::engine::sm3
