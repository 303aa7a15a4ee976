// SPDX-License-Identifier: Apache-2.0
// SM4 on AES instructions: the byte-sliced kernel, and the word-sliced one for the rest.
#include "base/secret.h"
#include "engine/sm4/sm4_aes_narrow.h"
#include "engine/sm4/sm4_aes_wide.h"

#include <bit>

namespace cipherdeck::engine::sm4 {
namespace {

// One key for all blocks.
struct OneKey {
  const RoundKeys& round_keys;

  CIPHERDECK_SM4_AES __m256i operator()(std::size_t round, std::size_t) const {
    return _mm256_set1_epi32(std::bit_cast<int>(round_keys.folded[round]));
  }
  CIPHERDECK_SM4_AES __m256i first_mask(std::size_t) const {
    return both_halves(round_keys.first_mask);
  }
  CIPHERDECK_SM4_AES __m256i last_mask(std::size_t) const {
    return both_halves(round_keys.last_mask);
  }
};

template <bool kHasVaes, std::size_t kGroups>
CIPHERDECK_TARGET_VAES [[gnu::noinline]] void crypt_narrow(std::uint8_t* out,
                                                           const std::uint8_t* in,
                                                           std::size_t num_blocks,
                                                           const RoundKeys& round_keys) {
  crypt_narrow_groups<kHasVaes, kGroups>(out, in, num_blocks, OneKey{round_keys});
}

// Fills up to as many blocks as the byte-sliced kernel takes.
template <bool kHasVaes>
void crypt_padded(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                  const RoundKeys& round_keys) {
  const std::size_t len = 16 * num_blocks;
  const std::size_t padded_blocks = (num_blocks > kWideBlocks ? 2 : 1) * kWideBlocks;
  alignas(32) std::array<std::uint8_t, kWideBlocks * 2 * 16> padded;
  std::memcpy(padded.data(), in, len);
  std::memset(padded.data() + len, 0, 16 * padded_blocks - len);
  crypt_wide<kHasVaes>(padded.data(), padded.data(), padded_blocks, round_keys);
  std::memcpy(out, padded.data(), len);
  wipe(MutableBytes(padded).first(len));
}

// The byte-sliced kernel is the faster one when more than half of its blocks are used.
template <bool kHasVaes>
void crypt_blocks(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                  const RoundKeys& round_keys) {
  std::size_t num_wide = num_blocks / (2 * kWideBlocks) * (2 * kWideBlocks);
  if (num_blocks - num_wide == kWideBlocks) num_wide = num_blocks;
  if (num_wide != 0) {
    crypt_wide<kHasVaes>(out, in, num_wide, round_keys);
    in += 16 * num_wide;
    out += 16 * num_wide;
    num_blocks -= num_wide;
  }
  if (num_blocks == 0) return;
  if (num_blocks <= kNarrowBlocks)
    return crypt_narrow<kHasVaes, 1>(out, in, num_blocks, round_keys);
  if (num_blocks <= 2 * kNarrowBlocks)
    return crypt_narrow<kHasVaes, 2>(out, in, num_blocks, round_keys);
  crypt_padded<kHasVaes>(out, in, num_blocks, round_keys);
}

}  // namespace

void crypt_blocks_aesni(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                        const RoundKeys& round_keys) noexcept {
  crypt_blocks<false>(out, in, num_blocks, round_keys);
}

void crypt_blocks_vaes(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                       const RoundKeys& round_keys) noexcept {
  crypt_blocks<true>(out, in, num_blocks, round_keys);
}

}  // namespace cipherdeck::engine::sm4
