// SPDX-License-Identifier: Apache-2.0
// Streams side by side on AES instructions: the kernels of many blocks, with a key for each block.
#include "base/secret.h"
#include "engine/sm4/sm4_aes_narrow.h"
#include "engine/sm4/sm4_aes_wide.h"
#include "engine/sm4/sm4_lanes.h"

namespace cipherdeck::engine::sm4 {
namespace {

// AESENCLAST adds the key after it has moved the bytes: the lane of the byte at each place then.
constexpr Order shift_rows() {
  Order order{};
  for (unsigned i = 0; i < 16; ++i) {
    order[i] = static_cast<std::uint8_t>((4 * (i / 4) + 5 * (i % 4)) % 16);
  }
  return order;
}
alignas(16) constexpr Order kShift = shift_rows();

CIPHERDECK_SM4_AES __m256i load_pair_at(const std::uint8_t* low, const std::uint8_t* high) {
  return _mm256_set_m128i(_mm_loadu_si128(reinterpret_cast<const __m128i*>(high)),
                          _mm_loadu_si128(reinterpret_cast<const __m128i*>(low)));
}

// The keys of lanes as a kernel takes them, whose pairs of blocks are kDistance apart.
template <std::size_t kDistance>
struct LaneKeys {
  const Lanes& lanes;

  CIPHERDECK_SM4_AES __m256i first_mask(std::size_t i) const {
    return load_pair_at(lanes.keys[i]->first_mask.data(),
                        lanes.keys[i + kDistance]->first_mask.data());
  }
  CIPHERDECK_SM4_AES __m256i last_mask(std::size_t i) const {
    return load_pair_at(lanes.keys[i]->last_mask.data(),
                        lanes.keys[i + kDistance]->last_mask.data());
  }
};

// Byte by byte, of all lanes.
template <std::size_t kGroups>
struct WideKeys : LaneKeys<16> {
  CIPHERDECK_SM4_AES static void prepare(Lanes& lanes) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      for (std::size_t at = 0; at < sizeof(RoundKeys::folded); at += 16) {
        __m256i rows[16];
        for (std::size_t i = 0; i < 16; ++i) {
          rows[i] = load_pair_at(lanes.keys[32 * g + i]->folded[at / 4].data(),
                                 lanes.keys[32 * g + i + 16]->folded[at / 4].data());
        }
        slice(rows);
        auto* const to = reinterpret_cast<__m256i*>(lanes.round_keys.data());
        for (std::size_t i = 0; i < 16; ++i) {
          _mm256_store_si256(to + kGroups * (at + i) + g,
                             _mm256_shuffle_epi8(rows[i], both_halves(kShift)));
        }
      }
    }
  }
  CIPHERDECK_SM4_AES __m256i operator()(std::size_t round, std::size_t j, std::size_t g) const {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(this->lanes.round_keys.data()) +
                             kGroups * (4 * round + j) + g);
  }
};

// Word by word, of groups of eight lanes.
template <std::size_t kGroups>
struct NarrowKeys : LaneKeys<4> {
  CIPHERDECK_SM4_AES static void prepare(Lanes& lanes) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      for (std::size_t round = 0; round < 32; round += 4) {
        __m256i rows[4];
        for (std::size_t i = 0; i < 4; ++i) {
          rows[i] = load_pair_at(lanes.keys[8 * g + i]->folded[round].data(),
                                 lanes.keys[8 * g + i + 4]->folded[round].data());
        }
        transpose(rows[0], rows[1], rows[2], rows[3]);
        auto* const to = reinterpret_cast<__m256i*>(lanes.round_keys.data());
        for (std::size_t i = 0; i < 4; ++i) {
          _mm256_store_si256(to + kGroups * (round + i) + g,
                             _mm256_shuffle_epi8(rows[i], both_halves(kShift)));
        }
      }
    }
  }
  CIPHERDECK_SM4_AES __m256i operator()(std::size_t round, std::size_t g) const {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(this->lanes.round_keys.data()) +
                             kGroups * round + g);
  }
};

template <bool kHasVaes, std::size_t kGroups>
struct Wide {
  static constexpr std::size_t kLanes = kGroups * kWideBlocks;
  CIPHERDECK_TARGET_VAES [[gnu::noinline]] static void prepare(Lanes& lanes) {
    WideKeys<kGroups>::prepare(lanes);
  }
  CIPHERDECK_TARGET_VAES [[gnu::noinline]] static void crypt(std::uint8_t* blocks,
                                                             const Lanes& lanes) {
    crypt_wide_groups<kHasVaes, kGroups>(blocks, blocks, WideKeys<kGroups>{{lanes}});
  }
};

template <bool kHasVaes, std::size_t kGroups>
struct Narrow {
  static constexpr std::size_t kLanes = kGroups * kNarrowBlocks;
  CIPHERDECK_TARGET_VAES [[gnu::noinline]] static void prepare(Lanes& lanes) {
    NarrowKeys<kGroups>::prepare(lanes);
  }
  CIPHERDECK_TARGET_VAES [[gnu::noinline]] static void crypt(std::uint8_t* blocks,
                                                             const Lanes& lanes) {
    crypt_narrow_groups<kHasVaes, kGroups>(blocks, blocks, kLanes, NarrowKeys<kGroups>{{lanes}});
  }
};

template <typename Kernel>
void chain(Lanes& lanes, Chaining chaining, std::size_t num_blocks) {
  if (lanes.prepared_for != Kernel::kLanes) Kernel::prepare(lanes);
  lanes.prepared_for = Kernel::kLanes;
  alignas(32) std::array<std::array<std::uint8_t, 16>, Kernel::kLanes> blocks{};
  for (std::size_t i = 0; i < num_blocks; ++i) {
    before_cipher(blocks.data(), lanes, chaining, i);
    Kernel::crypt(blocks[0].data(), lanes);
    after_cipher(lanes, chaining, i, blocks.data());
  }
  advance(lanes, num_blocks);
  wipe_object(blocks);
}

template <bool kHasVaes>
void chain_lanes(Lanes& lanes, Chaining chaining, std::size_t num_blocks) {
  if (lanes.num_used <= 8) return chain<Narrow<kHasVaes, 1>>(lanes, chaining, num_blocks);
  if (lanes.num_used <= 16) return chain<Narrow<kHasVaes, 2>>(lanes, chaining, num_blocks);
  if (lanes.num_used <= 32) return chain<Wide<kHasVaes, 1>>(lanes, chaining, num_blocks);
  chain<Wide<kHasVaes, 2>>(lanes, chaining, num_blocks);
}

}  // namespace

void chain_lanes_aesni(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept {
  chain_lanes<false>(lanes, chaining, num_blocks);
}

void chain_lanes_vaes(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept {
  chain_lanes<true>(lanes, chaining, num_blocks);
}

}  // namespace cipherdeck::engine::sm4
