// SPDX-License-Identifier: Apache-2.0
// Streams side by side, each of which has a key and a chaining value of its own: up to 32 with
// words in lanes, up to 64 with bytes in lanes. Chaining values stay in that form between blocks.
#include "engine/sm4/sm4_gfni512.h"
#include "engine/sm4/sm4_gfni512_narrow.h"
#include "engine/sm4/sm4_lanes.h"

namespace cipherdeck::engine::sm4 {
namespace gfni {
namespace {

using Places = std::array<const std::uint8_t*, Lanes::kMax>;

// Vector `i` of the blocks at an offset from a place for each lane.
CIPHERDECK_GFNI512 void gather(__m128i& to, const Places& from, std::size_t i, std::size_t offset) {
  to = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[i] + offset));
}
CIPHERDECK_GFNI512 void gather(__m512i& to, const Places& from, std::size_t i, std::size_t offset) {
  __m128i block[kVectorBlocks];
  for (std::size_t k = 0; k < kVectorBlocks; ++k) {
    gather(block[k], from, kVectorBlocks * i + k, offset);
  }
  to = _mm512_inserti32x4(_mm512_castsi128_si512(block[0]), block[1], 1);
  to = _mm512_inserti32x4(_mm512_inserti32x4(to, block[2], 2), block[3], 3);
}

CIPHERDECK_GFNI512 void scatter(const Lanes& lanes, __m128i x, std::size_t i, std::size_t offset) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes.out[i] + offset), x);
}
CIPHERDECK_GFNI512 void scatter(const Lanes& lanes, __m512i x, std::size_t i, std::size_t offset) {
  i *= kVectorBlocks;
  scatter(lanes, _mm512_castsi512_si128(x), i, offset);
  scatter(lanes, _mm512_extracti32x4_epi32(x, 1), i + 1, offset);
  scatter(lanes, _mm512_extracti32x4_epi32(x, 2), i + 2, offset);
  scatter(lanes, _mm512_extracti32x4_epi32(x, 3), i + 3, offset);
}

// Vectors in memory, the operands of which are aligned.
CIPHERDECK_GFNI512 void load(__m128i& to, const std::uint8_t* from) {
  to = _mm_load_si128(reinterpret_cast<const __m128i*>(from));
}
CIPHERDECK_GFNI512 void load(__m512i& to, const std::uint8_t* from) {
  to = _mm512_load_si512(from);
}
CIPHERDECK_GFNI512 void store(std::uint8_t* to, __m128i x) {
  _mm_store_si128(reinterpret_cast<__m128i*>(to), x);
}
CIPHERDECK_GFNI512 void store(std::uint8_t* to, __m512i x) { _mm512_store_si512(to, x); }

// Words in lanes. The keys are in the order of [round][group][lane].
template <typename Words, std::size_t kGroups>
struct NarrowKernel {
  using Vector = typename Words::Vector;
  static constexpr std::size_t kVectors = 4 * kGroups;

  struct State {
    Group<Words> groups[kGroups];
    CIPHERDECK_GFNI512 Vector& operator[](std::size_t i) { return groups[i / 4].word[i % 4]; }
  };

  const std::uint8_t* round_keys;

  CIPHERDECK_GFNI512 void get(Vector& to, std::size_t round, std::size_t g) const {
    load(to, round_keys + sizeof(Vector) * (kGroups * round + g));
  }
  CIPHERDECK_GFNI512 static void exchange(State& state) {
    for (Group<Words>& group : state.groups) transpose(group);
  }
  CIPHERDECK_GFNI512 void encrypt(State& state) const { encrypt_groups(state.groups, *this); }
  // Of vector `i` of four rounds, which are word i % 4 of a group.
  static constexpr std::size_t index_of_key(std::size_t i) { return kGroups * (i % 4) + i / 4; }
};

// Bytes in lanes. The keys are in the order of [round][byte of the word][lane].
struct WideKernel {
  using Vector = __m512i;
  static constexpr std::size_t kVectors = 16;

  struct State : gfni::State {
    CIPHERDECK_GFNI512 Vector& operator[](std::size_t i) { return z[i]; }
  };

  const std::uint8_t* round_keys;

  CIPHERDECK_GFNI512 __m512i get(std::size_t round, std::size_t byte) const {
    return _mm512_load_si512(round_keys + kWideBlocks * (4 * round + byte));
  }
  CIPHERDECK_GFNI512 static void exchange(State& state) { transpose(state); }
  CIPHERDECK_GFNI512 void encrypt(State& state) const { gfni::encrypt(state, *this); }
  static constexpr std::size_t index_of_key(std::size_t i) { return i; }
};

template <typename Kernel>
constexpr std::size_t kLanesOf = Kernel::kVectors * sizeof(typename Kernel::Vector) / 16;

template <typename Kernel>
CIPHERDECK_GFNI512 void from_blocks(typename Kernel::State& state) {
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) state[i] = affine<kIntoState>(state[i]);
  Kernel::exchange(state);
}

template <typename Kernel>
CIPHERDECK_GFNI512 void to_blocks(typename Kernel::State& state) {
  Kernel::exchange(state);
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) state[i] = affine<kOutOfState>(state[i]);
}

// Round keys are taken like blocks, four at a time.
template <typename Kernel>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void prepare_keys(Lanes& lanes) {
  Places from{};
  for (std::size_t i = 0; i < kLanesOf<Kernel>; ++i) {
    from[i] = reinterpret_cast<const std::uint8_t*>(lanes.keys[i]->words.data());
  }
  for (std::size_t k = 0; k < 8; ++k) {
    typename Kernel::State keys;
    for (std::size_t i = 0; i < Kernel::kVectors; ++i) {
      gather(keys[i], from, i, 16 * k);
      keys[i] = map_round_keys(keys[i]);
    }
    Kernel::exchange(keys);
    std::uint8_t* const to = lanes.round_keys.data() + sizeof keys * k;
    for (std::size_t i = 0; i < Kernel::kVectors; ++i) {
      store(to + sizeof keys[i] * Kernel::index_of_key(i), keys[i]);
    }
  }
  lanes.prepared_for = kLanesOf<Kernel>;
}

template <typename Kernel>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void load_chain(typename Kernel::State& to,
                                                                const Lanes& lanes) {
  const auto* const from = reinterpret_cast<const std::uint8_t*>(&lanes.chain);
  typename Kernel::State state;
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) {
    load(state[i], from + sizeof state[i] * i);
  }
  from_blocks<Kernel>(state);
  to = state;
}

template <typename Kernel>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void store_chain(
    Lanes& lanes, const typename Kernel::State& chain) {
  auto* const to = reinterpret_cast<std::uint8_t*>(&lanes.chain);
  typename Kernel::State state = chain;
  to_blocks<Kernel>(state);
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) {
    store(to + sizeof state[i] * i, state[i]);
  }
}

template <typename Kernel>
CIPHERDECK_GFNI512 void gather_inputs(typename Kernel::State& to, const Lanes& lanes,
                                      std::size_t offset) {
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) gather(to[i], lanes.in, i, offset);
  from_blocks<Kernel>(to);
}

template <typename Kernel>
CIPHERDECK_GFNI512 void add(typename Kernel::State& to, typename Kernel::State& chain) {
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) to[i] = xor2(to[i], chain[i]);
}

// One block of every stream. What goes through the cipher is the sum of chain and input (CBC and
// CBC-MAC) or the chain, to which the input is added afterwards (CFB) or not at all (OFB).
template <typename Kernel, Chaining kChaining>
CIPHERDECK_TARGET_AVX512_GFNI [[gnu::noinline]] void chain_one(const Lanes& lanes,
                                                               typename Kernel::State& chain,
                                                               std::size_t offset) {
  typename Kernel::State state;
  if constexpr (kChaining == Chaining::cbc || kChaining == Chaining::mac) {
    gather_inputs<Kernel>(state, lanes, offset);
    add<Kernel>(state, chain);
  } else {
    state = chain;
  }
  Kernel{lanes.round_keys.data()}.encrypt(state);
  chain = state;
  if constexpr (kChaining == Chaining::mac) return;
  if constexpr (kChaining == Chaining::cfb) {
    gather_inputs<Kernel>(state, lanes, offset);
    add<Kernel>(state, chain);
    chain = state;
  }
  to_blocks<Kernel>(state);
  for (std::size_t i = 0; i < Kernel::kVectors; ++i) {
    if constexpr (kChaining == Chaining::ofb) {
      typename Kernel::Vector input;
      gather(input, lanes.in, i, offset);
      state[i] = xor2(state[i], input);
    }
    scatter(lanes, state[i], i, offset);
  }
}

template <Chaining kChaining, typename Kernel>
void chain_with(Lanes& lanes, std::size_t num_blocks) {
  if (lanes.prepared_for != kLanesOf<Kernel>) prepare_keys<Kernel>(lanes);
  typename Kernel::State chain;
  load_chain<Kernel>(chain, lanes);
  for (std::size_t i = 0; i < num_blocks; ++i) chain_one<Kernel, kChaining>(lanes, chain, 16 * i);
  store_chain<Kernel>(lanes, chain);
  wipe_object(chain);
}

template <Chaining kChaining>
void chain(Lanes& lanes, std::size_t num_blocks) {
  if (lanes.num_used <= 4) {
    chain_with<kChaining, NarrowKernel<Words4, 1>>(lanes, num_blocks);
  } else if (lanes.num_used <= 16) {
    chain_with<kChaining, NarrowKernel<Words16, 1>>(lanes, num_blocks);
  } else if (lanes.num_used <= 32) {
    chain_with<kChaining, NarrowKernel<Words16, 2>>(lanes, num_blocks);
  } else {
    chain_with<kChaining, WideKernel>(lanes, num_blocks);
  }
}

}  // namespace
}  // namespace gfni

void chain_lanes_gfni512(Lanes& lanes, Chaining chaining, std::size_t num_blocks) noexcept {
  switch (chaining) {
    case Chaining::cbc:
      gfni::chain<Chaining::cbc>(lanes, num_blocks);
      break;
    case Chaining::cfb:
      gfni::chain<Chaining::cfb>(lanes, num_blocks);
      break;
    case Chaining::ofb:
      gfni::chain<Chaining::ofb>(lanes, num_blocks);
      break;
    case Chaining::mac:
      gfni::chain<Chaining::mac>(lanes, num_blocks);
      break;
  }
  advance(lanes, num_blocks);
}

}  // namespace cipherdeck::engine::sm4
