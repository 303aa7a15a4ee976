// SPDX-License-Identifier: Apache-2.0
// CTR with the counters made in registers: for 64 blocks with bytes in lanes, only the last byte
// differs from block to block, and the others have one of two values.
#include "base/bytes.h"
#include "engine/sm4/sm4_gfni512.h"
#include "engine/sm4/sm4_gfni512_narrow.h"

#include <algorithm>
#include <type_traits>

namespace cipherdeck::engine::sm4 {
namespace gfni {
namespace {

struct Counter {
  std::uint64_t hi, lo;
  CounterBits bits;

  // No branch: the counter may be secret.
  [[nodiscard]] Counter plus(std::uint64_t n) const {
    const std::uint64_t sum = lo + n;
    if (bits == CounterBits::last32) {
      constexpr std::uint64_t kLast = 0xffffffff;
      return {hi, (lo & ~kLast) | (sum & kLast), bits};
    }
    return {hi + static_cast<std::uint64_t>(sum < lo), sum, bits};
  }
};

// The index of the block in every place of a vector of bytes.
alignas(64) constexpr std::array<std::uint8_t, 64> kIndices = [] {
  std::array<std::uint8_t, 64> out{};
  for (std::size_t i = 0; i < 64; ++i) {
    out[i] = static_cast<std::uint8_t>(kVectorBlocks * (i % 16) + i / 16);
  }
  return out;
}();

// Byte i of a counter that all blocks share, in all bytes of word i.
struct SpreadCounter {
  alignas(64) std::array<std::uint32_t, 16> words;

  CIPHERDECK_GFNI512 void set(const Counter& counter) {
    const __m128i block = _mm_set_epi64x(static_cast<long long>(__builtin_bswap64(counter.lo)),
                                         static_cast<long long>(__builtin_bswap64(counter.hi)));
    const __m512i mapped = affine<kIntoState>(_mm512_castsi128_si512(block));
    _mm512_store_si512(words.data(), _mm512_permutexvar_epi8(each_byte_four_times(), mapped));
  }
  CIPHERDECK_GFNI512 __m512i get(std::size_t i) const {
    return _mm512_set1_epi32(static_cast<int>(words[i]));
  }
};

// The first 15 bytes of 64 counters: without and with a carry out of the last one.
struct SpreadCounters {
  SpreadCounter low, high;
};

// 64 counters, in bytes.
CIPHERDECK_GFNI512 void set_counters(State& state, SpreadCounters& spread, const Counter& counter) {
  spread.low.set(counter);
  spread.high.set(counter.plus(256));
  const __m512i first = _mm512_set1_epi8(static_cast<char>(counter.lo));
  const __m512i last = _mm512_add_epi8(first, _mm512_load_si512(kIndices.data()));
  const __mmask64 has_carry = _mm512_cmplt_epu8_mask(last, first);
  for (std::size_t i = 0; i < 15; ++i) {
    state.z[i] = _mm512_mask_blend_epi8(has_carry, spread.low.get(i), spread.high.get(i));
  }
  state.z[15] = affine<kIntoState>(last);
}

template <bool kIsPartial>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void ctr_wide(
    std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks, const SharedKeys& keys,
    SpreadCounters& spread, const Counter& counter) {
  State state;
  set_counters(state, spread, counter);
  encrypt(state, keys);
  bytes_to_blocks(state);
  for (std::size_t i = 0; i < 16; ++i) {
    if constexpr (kIsPartial) {
      const __mmask8 mask = mask_of(num_blocks, i);
      const __m512i input = _mm512_maskz_loadu_epi64(mask, in + 64 * i);
      _mm512_mask_storeu_epi64(out + 64 * i, mask, _mm512_xor_si512(state.z[i], input));
    } else {
      const __m512i input = _mm512_loadu_si512(in + 64 * i);
      _mm512_storeu_si512(out + 64 * i, _mm512_xor_si512(state.z[i], input));
    }
  }
}

// Counters 4i to 4i + 3, as blocks.
CIPHERDECK_GFNI512 __m512i counters(const Counter& counter, std::size_t i) {
  const std::size_t first = kVectorBlocks * i;
  const auto index = static_cast<long long>(first);
  const __m512i add = _mm512_set_epi64(index + 3, 0, index + 2, 0, index + 1, 0, index, 0);
  const __m512i start = _mm512_broadcast_i32x4(
      _mm_set_epi64x(static_cast<long long>(counter.lo), static_cast<long long>(counter.hi)));
  const __m512i swapped =
      _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  __m512i sum;
  if (counter.bits == CounterBits::last32) {
    sum = _mm512_add_epi32(start, add);
  } else {
    sum = _mm512_add_epi64(start, add);
    const auto has_carry = static_cast<__mmask8>(_mm512_cmplt_epu64_mask(sum, start) >> 1);
    sum = _mm512_mask_add_epi64(sum, has_carry, sum, _mm512_set1_epi64(1));
  }
  return _mm512_shuffle_epi8(sum, swapped);
}

CIPHERDECK_GFNI512 void set_counters(Group<Words4>& group, const Counter& counter) {
  const __m512i all = counters(counter, 0);
  group.word[0] = _mm512_castsi512_si128(all);
  group.word[1] = _mm512_extracti32x4_epi32(all, 1);
  group.word[2] = _mm512_extracti32x4_epi32(all, 2);
  group.word[3] = _mm512_extracti32x4_epi32(all, 3);
}

template <std::size_t kGroups>
CIPHERDECK_GFNI512 void set_counters(Group<Words16> (&groups)[kGroups], const Counter& counter) {
  for (std::size_t i = 0; i < 4 * kGroups; ++i) groups[i / 4].word[i % 4] = counters(counter, i);
}

template <typename Words, std::size_t kGroups>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void ctr_narrow(std::uint8_t* out,
                                                                const std::uint8_t* in,
                                                                std::size_t num_blocks,
                                                                const MappedKeys& keys,
                                                                const Counter& counter) {
  Group<Words> groups[kGroups];
  if constexpr (std::is_same_v<Words, Words4>) {
    set_counters(groups[0], counter);
  } else {
    set_counters(groups, counter);
  }
  crypt_groups(groups, keys);
  for (std::size_t i = 0; i < 4 * kGroups; ++i) {
    typename Words::Vector input;
    load(input, in, num_blocks, i);
    store(out, xor2(groups[i / 4].word[i % 4], input), num_blocks, i);
  }
}

}  // namespace
}  // namespace gfni

CIPHERDECK_TARGET_AVX512_GFNI void ctr_blocks_gfni512(
    std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks, const RoundKeys& round_keys,
    std::uint64_t counter_hi, std::uint64_t counter_lo, CounterBits bits) noexcept {
  using namespace gfni;
  Counter counter{counter_hi, counter_lo, bits};
  if (num_blocks > kNarrowBlocks) {
    const SharedKeys keys(round_keys);
    SpreadCounters spread;
    while (num_blocks > kNarrowBlocks) {
      const std::size_t taken = std::min(num_blocks, kWideBlocks);
      const auto kernel = taken == kWideBlocks ? ctr_wide<false> : ctr_wide<true>;
      kernel(out, in, taken, keys, spread, counter);
      counter = counter.plus(taken);
      in += 16 * taken;
      out += 16 * taken;
      num_blocks -= taken;
    }
    wipe_object(spread);
  }
  if (num_blocks == 0) return;
  MappedKeys keys;
  map_round_keys(keys, round_keys);
  const auto kernel = num_blocks <= Group<Words4>::kBlocks    ? ctr_narrow<Words4, 1>
                      : num_blocks <= Group<Words16>::kBlocks ? ctr_narrow<Words16, 1>
                                                              : ctr_narrow<Words16, 2>;
  kernel(out, in, num_blocks, keys, counter);
  wipe_object(keys);
}

}  // namespace cipherdeck::engine::sm4
