// SPDX-License-Identifier: Apache-2.0
// SM4 on AVX-512 and GFNI: 64 blocks at once with bytes in lanes, fewer with words in lanes.
#include "engine/sm4/sm4_gfni512.h"

#include "engine/sm4/sm4_gfni512_narrow.h"

namespace cipherdeck::engine::sm4 {
namespace gfni {
namespace {

// With kIsPartial, fewer than 64 blocks.
template <bool kIsPartial>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void crypt_wide(std::uint8_t* out,
                                                                const std::uint8_t* in,
                                                                std::size_t num_blocks,
                                                                const SharedKeys& keys) {
  State state;
  for (std::size_t i = 0; i < 16; ++i) {
    state.z[i] = kIsPartial ? _mm512_maskz_loadu_epi64(mask_of(num_blocks, i), in + 64 * i)
                            : _mm512_loadu_si512(in + 64 * i);
  }
  blocks_to_bytes(state);
  encrypt(state, keys);
  bytes_to_blocks(state);
  for (std::size_t i = 0; i < 16; ++i) {
    if constexpr (kIsPartial) {
      _mm512_mask_storeu_epi64(out + 64 * i, mask_of(num_blocks, i), state.z[i]);
    } else {
      _mm512_storeu_si512(out + 64 * i, state.z[i]);
    }
  }
}

template <typename Words, std::size_t kGroups>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void crypt_narrow(std::uint8_t* out,
                                                                  const std::uint8_t* in,
                                                                  std::size_t num_blocks,
                                                                  const MappedKeys& keys) {
  Group<Words> groups[kGroups];
  for (std::size_t i = 0; i < 4 * kGroups; ++i) {
    load(groups[i / 4].word[i % 4], in, num_blocks, i);
  }
  crypt_groups(groups, keys);
  for (std::size_t i = 0; i < 4 * kGroups; ++i) {
    store(out, groups[i / 4].word[i % 4], num_blocks, i);
  }
}

}  // namespace
}  // namespace gfni

CIPHERDECK_TARGET_AVX512_GFNI void crypt_blocks_gfni512(std::uint8_t* out, const std::uint8_t* in,
                                                        std::size_t num_blocks,
                                                        const RoundKeys& round_keys) noexcept {
  using namespace gfni;
  if (num_blocks > kNarrowBlocks) {
    const SharedKeys keys(round_keys);
    for (; num_blocks >= kWideBlocks; num_blocks -= kWideBlocks) {
      crypt_wide<false>(out, in, kWideBlocks, keys);
      in += 16 * kWideBlocks;
      out += 16 * kWideBlocks;
    }
    if (num_blocks > kNarrowBlocks) {
      crypt_wide<true>(out, in, num_blocks, keys);
      return;
    }
  }
  if (num_blocks == 0) return;
  MappedKeys keys;
  map_round_keys(keys, round_keys);
  if (num_blocks <= Group<Words4>::kBlocks) {
    crypt_narrow<Words4, 1>(out, in, num_blocks, keys);
  } else if (num_blocks <= Group<Words16>::kBlocks) {
    crypt_narrow<Words16, 1>(out, in, num_blocks, keys);
  } else {
    crypt_narrow<Words16, 2>(out, in, num_blocks, keys);
  }
  wipe_object(keys);
}

}  // namespace cipherdeck::engine::sm4
