// SPDX-License-Identifier: Apache-2.0
// The implementations of SM4's block function. One is chosen for the process, at its first use.
#pragma once

#include "engine/cpu/variants.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cipherdeck::engine::sm4 {

/// The round keys of one direction, in the order of their use, and what the kernels on AES
/// instructions take in their stead (sm4_aes_keys.cpp): keys that are added after the S-box, as
/// AESENCLAST does, and masks that are added to the input and to the output for that.
struct RoundKeys {
  std::array<std::uint32_t, 32> words;
  alignas(16) std::array<std::array<std::uint8_t, 4>, 32> folded;
  alignas(16) std::array<std::uint8_t, 16> first_mask;
  alignas(16) std::array<std::uint8_t, 16> last_mask;

  std::uint32_t operator[](std::size_t round) const noexcept { return words[round]; }
};

/// Sets what follows `words`, where the processor has kernels for it.
void fold_round_keys(RoundKeys& round_keys) noexcept;

/// `num_blocks` blocks from `in` to `out`, which are the same or do not overlap. Each byte of `in`
/// is read once. `round_keys` are in the order of their use.
using BlocksFunction = void (*)(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                                const RoundKeys& round_keys) noexcept;

/// Whether a counter block counts in all its bits, or in the last 32 alone, as GCM and CCM do.
enum class CounterBits : std::uint8_t { all, last32 };

/// out = in + E(counter), E(counter + 1), and so on. The counter may be secret.
using CtrFunction = void (*)(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                             const RoundKeys& round_keys, std::uint64_t counter_hi,
                             std::uint64_t counter_lo, CounterBits bits) noexcept;

/// Modes whose every block waits for the one before. CFB and OFB here are of whole blocks.
enum class Chaining : std::uint8_t { cbc, cfb, ofb, mac };

/// Independent streams side by side, each with a key, a chaining value and places of its own: what
/// a kernel needs of them, laid out for it.
struct Lanes {
  static constexpr std::size_t kMax = 64;
  std::size_t num_used = kMax;               // the lanes from there on are without work
  std::array<const std::uint8_t*, kMax> in;  // advanced by the kernel
  std::array<std::uint8_t*, kMax> out;       // likewise; unused by Chaining::mac
  alignas(64) std::array<std::array<std::uint8_t, 16>, kMax> chain;  // what the mode calls IV
  std::array<const RoundKeys*, kMax> keys;                           // of all lanes, used or not
  alignas(64) std::array<std::uint8_t,
                         std::size_t{32} * 4 * kMax> round_keys;  // in the order of the variant
  // How many lanes a kernel has filled `round_keys` for, 128 bytes each; 0: it has to, or the
  // variant does so in its set_lane_key().
  std::size_t prepared_for = 0;
};

struct Variant : cpu::VariantInfo {
  BlocksFunction crypt_blocks;

  /// How many streams chain_lanes() takes at once; 0: there is no such kernel.
  std::size_t num_lanes;
  void (*set_lane_key)(Lanes& lanes, std::size_t lane, const RoundKeys& round_keys) noexcept;
  /// Encrypts `num_blocks` more blocks of each of the `num_lanes` streams. Lanes without work have
  /// any key, and places to read and write that are nobody else's.
  void (*chain_lanes)(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept;

  CtrFunction ctr_blocks = nullptr;  // null: there is no such kernel
};

/// All variants, the fastest first; the last is "portable" and runs everywhere.
[[nodiscard]] std::span<const Variant> variants() noexcept;

/// The one that this process uses.
[[nodiscard]] const Variant& chosen_variant() noexcept;

/// Bit-sliced, on the compiler's vectors.
void crypt_blocks_portable(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                           const RoundKeys& round_keys) noexcept;

/// On AES instructions and AVX2; with AES on 256-bit vectors.
void crypt_blocks_aesni(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                        const RoundKeys& round_keys) noexcept;
void crypt_blocks_vaes(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                       const RoundKeys& round_keys) noexcept;

/// On AVX-512 and GFNI.
void crypt_blocks_gfni512(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                          const RoundKeys& round_keys) noexcept;
void chain_lanes_gfni512(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept;
void ctr_blocks_gfni512(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                        const RoundKeys& round_keys, std::uint64_t counter_hi,
                        std::uint64_t counter_lo, CounterBits bits) noexcept;

/// The common set_lane_key(): the kernel will look at `keys`.
void set_lane_key(Lanes& lanes, std::size_t lane, const RoundKeys& round_keys) noexcept;

void chain_lanes_portable(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept;
void chain_lanes_aesni(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept;
void chain_lanes_vaes(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept;

/// The S-box on the four bytes of a word.
[[nodiscard]] std::uint32_t substitute_word(std::uint32_t word) noexcept;

}  // namespace cipherdeck::engine::sm4
