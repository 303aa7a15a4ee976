// SPDX-License-Identifier: Apache-2.0
// GHASH, the hash of GCM: a polynomial over GF(2^128) at a secret point.
#pragma once

#include "base/bytes.h"
#include "engine/cpu/variants.h"
#include "engine/modes/blocks.h"

namespace cipherdeck::engine::modes {

/// An element of GF(2^128): the coefficients of x^0 to x^63 are in hi, from the most significant
/// bit down, and those of x^64 to x^127 in lo.
struct GhashElement {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
};

/// An implementation of: for each block, sum = (sum + block) * point.
struct GhashVariant : cpu::VariantInfo {
  void (*update)(GhashElement& sum, const GhashElement& point, const std::uint8_t* blocks,
                 std::size_t num_blocks) noexcept;
};

/// All variants, the fastest first; the last is "portable" and runs everywhere.
[[nodiscard]] std::span<const GhashVariant> ghash_variants() noexcept;

void ghash_portable(GhashElement& sum, const GhashElement& point, const std::uint8_t* blocks,
                    std::size_t num_blocks) noexcept;
void ghash_pclmul(GhashElement& sum, const GhashElement& point, const std::uint8_t* blocks,
                  std::size_t num_blocks) noexcept;
void ghash_vpclmul512(GhashElement& sum, const GhashElement& point, const std::uint8_t* blocks,
                      std::size_t num_blocks) noexcept;

void ghash_vpclmul(GhashElement& sum, const GhashElement& point, const std::uint8_t* blocks,
                   std::size_t num_blocks) noexcept;

/// The one that this process uses.
[[nodiscard]] const GhashVariant& chosen_ghash_variant() noexcept;

/// Ghash is one hash in progress. Constant-time: no table depends on the point. Wipes itself.
class Ghash {
 public:
  /// With the first variant that is available.
  explicit Ghash(const Block& point) noexcept;
  Ghash(const Block& point, const GhashVariant& variant) noexcept;
  Ghash(const Ghash&) = delete;
  Ghash& operator=(const Ghash&) = delete;
  ~Ghash();

  /// Adds `data`, filled with zeros to whole blocks.
  void update_padded(Bytes data) noexcept;

  /// Adds `last` as update_padded() does and the block of the two lengths, in bytes, and gives the
  /// hash. The fewer calls, the fewer powers of the point have to be computed.
  [[nodiscard]] Block finish(Bytes last, std::uint64_t first_len,
                             std::uint64_t second_len) noexcept;

 private:
  static constexpr std::size_t kTogether = 15 * kSm4BlockLen;  // fewer go with the lengths

  const GhashVariant& m_variant;
  GhashElement m_point;
  GhashElement m_sum;
};

}  // namespace cipherdeck::engine::modes
