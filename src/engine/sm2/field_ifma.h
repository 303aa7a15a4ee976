// SPDX-License-Identifier: Apache-2.0
// The field of SM2, eight elements at once, in Montgomery form with R = 2^260 in five limbs of 52
// bits, on AVX512_IFMA; constant-time.
//
// Every limb is less than 2^52 and every element less than 2^256 + 2^253: less than 2 p, so that 0
// has two forms, 0 and p. Products keep that bound as R is 16 times 2^256; sums and differences
// fold what is above 2^256 back.
#pragma once

#include "engine/cpu/features.h"
#include "engine/sm2/window_table.h"

#include <immintrin.h>

namespace cipherdeck::engine::sm2 {

#define CIPHERDECK_IFMA CIPHERDECK_TARGET_AVX512_IFMA [[gnu::always_inline]]

/// Entry j of word w of window i of the generator's table: where a lane finds its entry by a
/// permutation. 148 KiB.
struct PermutedTable {
  alignas(64)
      std::array<std::array<std::array<std::uint64_t, kTableEntries>, 8>, kTableWindows> windows;
};

namespace radix52 {

using Limbs = std::array<std::uint64_t, 5>;

constexpr std::uint64_t kMask = (std::uint64_t{1} << 52) - 1;

constexpr Limbs split(const Uint256& a) {
  return {a[0] & kMask, (a[0] >> 52 | a[1] << 12) & kMask, (a[1] >> 40 | a[2] << 24) & kMask,
          (a[2] >> 28 | a[3] << 36) & kMask, a[3] >> 16};
}

// 2^power modulo p.
constexpr Limbs power_of_two(int power) {
  Uint256 value = {1, 0, 0, 0};
  for (int i = 0; i < power; ++i) value = PortableArithmetic<FieldModulus>::sum(value, value);
  return split(value);
}

constexpr Limbs kOne = power_of_two(260);
constexpr Limbs kSquare = power_of_two(520);
constexpr Limbs kP = split(FieldModulus::kValue);
// 2 p, each limb not less than a limb can be.
constexpr Limbs kTwiceP = {2 * kP[0], 2 * kP[1], 2 * kP[2], 2 * kP[3], 2 * kP[4]};

}  // namespace radix52

class IfmaField {
 public:
  using Word [[gnu::vector_size(64)]] = std::uint64_t;
  static constexpr std::size_t kNumLanes = 8;
  using Lanes = std::array<Uint256, kNumLanes>;

  IfmaField() = default;

  CIPHERDECK_IFMA static IfmaField zero() { return IfmaField(Limbs{}); }
  CIPHERDECK_IFMA static IfmaField one() { return broadcast(radix52::kOne); }

  CIPHERDECK_IFMA static IfmaField from_lanes(const Lanes& values) {
    return IfmaField(split(words(values))) * broadcast(radix52::kSquare);
  }
  CIPHERDECK_IFMA Lanes to_lanes() const {
    constexpr radix52::Limbs kUnit = {1, 0, 0, 0, 0};
    const IfmaField value = *this * broadcast(kUnit);  // at most p
    alignas(64) std::array<std::array<std::uint64_t, kNumLanes>, 5> limbs;
    std::memcpy(limbs.data(), value.m_limbs.data(), sizeof limbs);
    Lanes out;
    for (std::size_t i = 0; i < kNumLanes; ++i) {
      const Uint256 joined = {
          limbs[0][i] | limbs[1][i] << 52, limbs[1][i] >> 12 | limbs[2][i] << 40,
          limbs[2][i] >> 24 | limbs[3][i] << 28, limbs[3][i] >> 36 | limbs[4][i] << 16};
      out[i] = reduce_once<FieldModulus>(joined, 0);
    }
    wipe_object(limbs);
    return out;
  }

  CIPHERDECK_IFMA static std::array<Word, 4> words(const Lanes& values) {
    std::array<Word, 4> out;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t lane = 0; lane < kNumLanes; ++lane) out[i][lane] = values[lane][i];
    }
    return out;
  }
  CIPHERDECK_IFMA static Word word(const std::array<std::uint64_t, kNumLanes>& lanes) {
    Word out;
    std::memcpy(&out, lanes.data(), sizeof out);
    return out;
  }
  CIPHERDECK_IFMA static std::array<std::uint64_t, kNumLanes> lanes(const Word& word) {
    std::array<std::uint64_t, kNumLanes> out;
    std::memcpy(out.data(), &word, sizeof out);
    return out;
  }
  CIPHERDECK_IFMA static Word opaque(const Word& mask) { return mask; }
  CIPHERDECK_IFMA static Word all_lanes() { return ~Word{}; }
  CIPHERDECK_IFMA static Word is_zero(const Word& word) {
    return reinterpret_cast<Word>(word == 0);
  }
  CIPHERDECK_IFMA static bool any(const Word& mask) {
    const auto m = reinterpret_cast<__m512i>(mask);
    return _mm512_test_epi64_mask(m, m) != 0;
  }

  CIPHERDECK_IFMA friend IfmaField operator+(const IfmaField& a, const IfmaField& b) {
    Limbs sum;
    for (std::size_t i = 0; i < 5; ++i) sum[i] = a.m_limbs[i] + b.m_limbs[i];
    return fold(sum);
  }
  CIPHERDECK_IFMA friend IfmaField operator-(const IfmaField& a, const IfmaField& b) {
    Limbs difference;
    for (std::size_t i = 0; i < 5; ++i)
      difference[i] = a.m_limbs[i] + radix52::kTwiceP[i] - b.m_limbs[i];
    return fold(difference);
  }
  CIPHERDECK_IFMA IfmaField negate() const { return zero() - *this; }

  CIPHERDECK_IFMA IfmaField halve() const {
    const Word is_odd = 0 - (m_limbs[0] & 1);
    Limbs even;
    for (std::size_t i = 0; i < 5; ++i) even[i] = m_limbs[i] + (is_odd & radix52::kP[i]);
    carry(even);
    for (std::size_t i = 0; i < 4; ++i) even[i] = even[i] >> 1 | (even[i + 1] & 1) << 51;
    even[4] = even[4] >> 1;
    return IfmaField(even);
  }

  CIPHERDECK_IFMA friend IfmaField operator*(const IfmaField& a, const IfmaField& b) {
    Wide t{};
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 5; ++j) add_product(t, i + j, a.m_limbs[i], b.m_limbs[j]);
    }
    return reduce(t);
  }
  CIPHERDECK_IFMA IfmaField square() const {
    Wide t{};
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = i + 1; j < 5; ++j) add_product(t, i + j, m_limbs[i], m_limbs[j]);
    }
    for (Word& word : t) word += word;
    for (std::size_t i = 0; i < 5; ++i) add_product(t, 2 * i, m_limbs[i], m_limbs[i]);
    return reduce(t);
  }

  CIPHERDECK_IFMA Word is_zero() const {
    Word of_zero{}, of_p{};
    for (std::size_t i = 0; i < 5; ++i) {
      of_zero |= m_limbs[i];
      of_p |= m_limbs[i] ^ radix52::kP[i];
    }
    return is_zero(of_zero) | is_zero(of_p);
  }
  CIPHERDECK_IFMA static IfmaField select(const Word& mask, const IfmaField& a,
                                          const IfmaField& b) {
    Limbs out;
    for (std::size_t i = 0; i < 5; ++i) out[i] = (mask & a.m_limbs[i]) | (~mask & b.m_limbs[i]);
    return IfmaField(out);
  }
  CIPHERDECK_IFMA void collect(const Word& mask, const IfmaField& other) {
    for (std::size_t i = 0; i < 5; ++i) m_limbs[i] |= mask & other.m_limbs[i];
  }

  using SecretTable = PermutedTable;
  static const PermutedTable& secret_table();

  /// Entry `magnitude` - 1 of a window, zeros for magnitude 0; the magnitude is secret.
  CIPHERDECK_IFMA static void look_up(IfmaField& x, IfmaField& y, const PermutedTable& table,
                                      std::size_t window, const Word& magnitude) {
    const Word index = magnitude - 1;
    const Word some = ~is_zero(magnitude);
    std::array<Word, 8> entry;
    for (std::size_t w = 0; w < 8; ++w) {
      entry[w] = some & permute(table.windows[window][w].data(), index);
    }
    set_entry(x, y, entry);
  }
  /// Entry `index` of each lane's window; everything is public.
  CIPHERDECK_IFMA static void pick(IfmaField& x, IfmaField& y,
                                   const std::array<const TableWindow*, kNumLanes>& windows,
                                   const Word& index) {
    static_assert(sizeof(AffinePoint) == 64);
    Word addresses;
    std::memcpy(&addresses, windows.data(), sizeof addresses);
    const auto offsets = reinterpret_cast<__m512i>((addresses - addresses[0]) + (index << 6));
    const auto* const base = reinterpret_cast<const std::uint64_t*>(windows[0]);
    std::array<Word, 8> entry;
    for (std::size_t w = 0; w < 8; ++w) {
      // The masked one: the other reads a register that nobody set, and g++ 12 says so.
      entry[w] = reinterpret_cast<Word>(
          _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), 0xff, offsets, base + w, 1));
    }
    set_entry(x, y, entry);
  }

 private:
  using Limbs = std::array<Word, 5>;
  using Wide = std::array<Word, 10>;
  using SignedWord [[gnu::vector_size(64)]] = std::int64_t;
  CIPHERDECK_IFMA explicit IfmaField(const Limbs& limbs) : m_limbs(limbs) {}

  CIPHERDECK_IFMA static IfmaField broadcast(const radix52::Limbs& limbs) {
    Limbs out;
    for (std::size_t i = 0; i < 5; ++i) out[i] = Word{} + limbs[i];
    return IfmaField(out);
  }
  CIPHERDECK_IFMA static Limbs split(const std::array<Word, 4>& a) {
    return {a[0] & radix52::kMask, (a[0] >> 52 | a[1] << 12) & radix52::kMask,
            (a[1] >> 40 | a[2] << 24) & radix52::kMask, (a[2] >> 28 | a[3] << 36) & radix52::kMask,
            a[3] >> 16};
  }

  // Limbs 0 to 3 to less than 2^52.
  CIPHERDECK_IFMA static void carry(Limbs& limbs) {
    for (std::size_t i = 0; i < 4; ++i) {
      limbs[i + 1] += limbs[i] >> 52;
      limbs[i] &= radix52::kMask;
    }
  }
  // The limbs as an element, whatever is above 2^256: 2^256 is 2^224 + 2^96 - 2^64 + 1.
  CIPHERDECK_IFMA static IfmaField fold(Limbs& limbs) {
    const Word above = limbs[4] >> 48;
    limbs[0] += above;
    limbs[1] += (above << 44) - (above << 12);
    limbs[4] = (limbs[4] & (radix52::kMask >> 4)) + (above << 16);
    carry(limbs);
    return IfmaField(limbs);
  }

  CIPHERDECK_IFMA static Word low(const Word& sum, const Word& a, const Word& b) {
    return reinterpret_cast<Word>(_mm512_madd52lo_epu64(reinterpret_cast<__m512i>(sum),
                                                        reinterpret_cast<__m512i>(a),
                                                        reinterpret_cast<__m512i>(b)));
  }
  CIPHERDECK_IFMA static Word high(const Word& sum, const Word& a, const Word& b) {
    return reinterpret_cast<Word>(_mm512_madd52hi_epu64(reinterpret_cast<__m512i>(sum),
                                                        reinterpret_cast<__m512i>(a),
                                                        reinterpret_cast<__m512i>(b)));
  }
  CIPHERDECK_IFMA static void add_product(Wide& t, std::size_t at, const Word& a, const Word& b) {
    t[at] = low(t[at], a, b);
    t[at + 1] = high(t[at + 1], a, b);
  }

  // t / R. As p is -1 modulo 2^52, the lowest limb m is taken away and m (p + 1) is added. p + 1
  // has the limbs 0, radix52::kP[1] + 1, 2^52 - 1, 2^52 - 1, radix52::kP[4]; the two in the middle
  // add up to m at the one above them less m at the lower. So limbs may be negative on the way.
  CIPHERDECK_IFMA static IfmaField reduce(Wide& t) {
    static_assert(radix52::kP[0] == radix52::kMask && radix52::kP[2] == radix52::kMask &&
                  radix52::kP[3] == radix52::kMask);
    const Word second = Word{} + (radix52::kP[1] + 1), fifth = Word{} + radix52::kP[4];
    for (std::size_t i = 0; i < 5; ++i) {
      const Word m = t[i] & radix52::kMask;
      t[i + 1] = low(t[i + 1] + shift_signed(t[i]), m, second);
      t[i + 2] = high(t[i + 2] - m, m, second);
      t[i + 4] = low(t[i + 4] + m, m, fifth);
      t[i + 5] = high(t[i + 5], m, fifth);
    }
    Limbs out = {t[5], t[6], t[7], t[8], t[9]};
    for (std::size_t i = 0; i < 4; ++i) {
      out[i + 1] += shift_signed(out[i]);
      out[i] &= radix52::kMask;
    }
    return IfmaField(out);
  }
  CIPHERDECK_IFMA static Word shift_signed(const Word& word) {
    return reinterpret_cast<Word>(reinterpret_cast<SignedWord>(word) >> 52);
  }

  CIPHERDECK_IFMA static __m512i of_sixteen(const std::uint64_t* entries, __m512i index) {
    return _mm512_permutex2var_epi64(_mm512_load_si512(entries), index,
                                     _mm512_load_si512(entries + 8));
  }
  CIPHERDECK_IFMA static Word permute(const std::uint64_t* entries, const Word& index) {
    const auto i = reinterpret_cast<__m512i>(index);
    const __mmask8 bit4 = _mm512_test_epi64_mask(i, _mm512_set1_epi64(16));
    const __mmask8 bit5 = _mm512_test_epi64_mask(i, _mm512_set1_epi64(32));
    const __m512i lower =
        _mm512_mask_blend_epi64(bit4, of_sixteen(entries, i), of_sixteen(entries + 16, i));
    const __m512i upper =
        _mm512_mask_blend_epi64(bit4, of_sixteen(entries + 32, i), of_sixteen(entries + 48, i));
    return reinterpret_cast<Word>(_mm512_mask_blend_epi64(bit5, lower, upper));
  }

  // From the words of table entries, which are times 2^256: times 16 they are times R.
  CIPHERDECK_IFMA static IfmaField from_table(const Word* words) {
    Limbs limbs = {words[0] << 4 & radix52::kMask,
                   (words[0] >> 48 | words[1] << 16) & radix52::kMask,
                   (words[1] >> 36 | words[2] << 28) & radix52::kMask,
                   (words[2] >> 24 | words[3] << 40) & radix52::kMask, words[3] >> 12};
    return fold(limbs);
  }
  CIPHERDECK_IFMA static void set_entry(IfmaField& x, IfmaField& y,
                                        const std::array<Word, 8>& entry) {
    x = from_table(entry.data());
    y = from_table(entry.data() + 4);
  }

  Limbs m_limbs;
};

#undef CIPHERDECK_IFMA

}  // namespace cipherdeck::engine::sm2
