// SPDX-License-Identifier: Apache-2.0
// The implementations of SM4's block function. One is chosen for the process, at its first use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cipherdeck::engine::sm4 {

using RoundKeys = std::array<std::uint32_t, 32>;

/// `num_blocks` blocks from `in` to `out`, which are the same or do not overlap. Each byte of `in`
/// is read once. `round_keys` are in the order of their use.
using BlocksFunction = void (*)(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                                const RoundKeys& round_keys) noexcept;

struct Variant {
  std::string_view name;
  bool (*is_available)() noexcept;
  BlocksFunction crypt_blocks;
};

/// All variants, the fastest first; the last is "portable" and runs everywhere.
[[nodiscard]] std::span<const Variant> variants() noexcept;

/// The first available one; none but the portable one is if the environment has
/// CIPHERDECK_ENGINE=portable.
[[nodiscard]] const Variant& chosen_variant() noexcept;

/// Bit-sliced, on the compiler's vectors.
void crypt_blocks_portable(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                           const RoundKeys& round_keys) noexcept;

/// On AES instructions and AVX2; with AES on 256-bit vectors.
void crypt_blocks_aesni(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                        const RoundKeys& round_keys) noexcept;
void crypt_blocks_vaes(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                       const RoundKeys& round_keys) noexcept;

/// The S-box on the four bytes of a word.
[[nodiscard]] std::uint32_t substitute_word(std::uint32_t word) noexcept;

}  // namespace cipherdeck::engine::sm4
