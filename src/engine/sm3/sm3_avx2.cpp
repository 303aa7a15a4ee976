// SPDX-License-Identifier: Apache-2.0
// One stream: the rounds on the integer units, and beside them, on vectors, the message expansion
// of the rounds to come, three words a step, since a word depends on the third before it.
#include "base/bytes.h"
#include "engine/cpu/features.h"
#include "engine/sm3/sm3_rounds.h"
#include "engine/sm3/sm3_variants.h"

#include <immintrin.h>

#include <utility>

namespace cipherdeck::engine::sm3 {
namespace {

#define CIPHERDECK_KERNEL CIPHERDECK_TARGET_AVX2 [[gnu::always_inline]] inline

// W and W' of GB/T 32905, 5.3.2, as the vectors leave them: from some word on, three in the place
// of four.
struct Schedule {
  alignas(16) std::uint32_t w[16 + 16 * 4];
  alignas(16) std::uint32_t w1[16 + 18 * 4];
};

constexpr int w_slot(int j) { return j < 16 ? j : 16 + (j - 16) / 3 * 4 + (j - 16) % 3; }
constexpr int w1_slot(int j) { return j < 12 ? j : 12 + (j - 12) / 3 * 4 + (j - 12) % 3; }

// A branch that is mispredicted here, as in a call to cipherdeck::wipe(), costs a fifth of a block.
CIPHERDECK_KERNEL void wipe(Schedule& schedule) {
#pragma GCC unroll 32
  for (std::size_t i = 0; i < sizeof schedule; i += 32) {
    auto* const bytes = reinterpret_cast<std::uint8_t*>(&schedule) + i;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), _mm256_setzero_si256());
  }
  asm volatile("" : : "m"(schedule));
}

template <int N>
CIPHERDECK_KERNEL __m128i rotl(__m128i x) {
  return _mm_or_si128(_mm_slli_epi32(x, N), _mm_srli_epi32(x, 32 - N));
}

CIPHERDECK_KERNEL void store(std::uint32_t* to, __m128i x) {
  _mm_store_si128(reinterpret_cast<__m128i*>(to), x);
}

// Four words each, which overlap by one: the windows that begin with W[j - 16], W[j - 13], ...,
// W[j - 4].
struct Windows {
  __m128i x[5];
};

CIPHERDECK_KERNEL Windows load_message(Schedule& schedule, const std::uint8_t* data) {
  const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  __m128i m[4];
  for (std::size_t i = 0; i < 4; ++i) {
    m[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + 16 * i));
    m[i] = _mm_shuffle_epi8(m[i], order);
    store(schedule.w + 4 * i, m[i]);
  }
  for (std::size_t i = 0; i < 3; ++i) store(schedule.w1 + 4 * i, _mm_xor_si128(m[i], m[i + 1]));
  return {{m[0], _mm_alignr_epi8(m[1], m[0], 12), _mm_alignr_epi8(m[2], m[1], 8),
           _mm_alignr_epi8(m[3], m[2], 4), m[3]}};
}

// W[J] to W[J + 2], and W'[J - 4] to W'[J - 2].
template <int J>
CIPHERDECK_KERNEL void expand(Schedule& schedule, Windows& windows) {
  constexpr int k = (J - 16) / 3;
  __m128i& oldest = windows.x[k % 5];
  const __m128i minus12 = windows.x[(k + 1) % 5], minus9 = windows.x[(k + 2) % 5];
  const __m128i minus6 = windows.x[(k + 3) % 5], minus3 = windows.x[(k + 4) % 5];
  const __m128i x =
      _mm_xor_si128(oldest, _mm_srli_si128(_mm_xor_si128(minus9, rotl<15>(minus3)), 4));
  const __m128i rest = _mm_xor_si128(rotl<7>(minus12), _mm_srli_si128(minus6, 4));
  const __m128i y = rotl<15>(x);
  const __m128i words = _mm_xor_si128(_mm_xor_si128(x, rest), _mm_xor_si128(y, rotl<23>(x)));
  store(schedule.w1 + w1_slot(J - 4), _mm_xor_si128(minus3, words));
  if constexpr (J < 64) store(schedule.w + w_slot(J), words);
  oldest = _mm_alignr_epi8(words, minus3, 12);
}

// One round, GG into t2 and FF into t0 by the instructions given. The compiler would take W out of
// the vectors again, which costs more than to load it; and the order counts: what the next round
// waits for comes before the rest.
#define CIPHERDECK_SM3_ROUND(J, GG, FF)                                                        \
  asm("rorx $20, %[a], %[t0]\n\t"                                                              \
      "leal %c[constant](%q[t0]), %[t1]\n\t"                                                   \
      "addl %[w], %[h]\n\t"                                                                    \
      "movl %[f], %[t2]\n\t"                                                                   \
      "xorl %[g], %[t2]\n\t"                                                                   \
      "addl %[e], %[t1]\n\t"                                                                   \
      "rorx $25, %[t1], %[t1]\n\t" /* SS1 */                                                   \
      GG                                                                                       \
      "addl %[t2], %[h]\n\t"                                                                   \
      "addl %[t1], %[h]\n\t"  /* TT2 */                                                        \
      "xorl %[t0], %[t1]\n\t" /* SS2 */                                                        \
      FF                                                                                       \
      "addl %[w1], %[d]\n\t"                                                                   \
      "addl %[t0], %[d]\n\t"                                                                   \
      "addl %[t1], %[d]\n\t" /* TT1 */                                                         \
      "rorx $23, %[h], %[t2]\n\t"                                                              \
      "rorx $15, %[h], %[t3]\n\t"                                                              \
      "xorl %[t2], %[h]\n\t"                                                                   \
      "xorl %[t3], %[h]\n\t" /* P0(TT2) */                                                     \
      "rorx $23, %[b], %[b]\n\t"                                                               \
      "rorx $13, %[f], %[f]"                                                                   \
      : [b] "+r"(b), [d] "+r"(d), [f] "+r"(f), [h] "+r"(h), [t0] "=&r"(t0), [t1] "=&r"(t1),    \
        [t2] "=&r"(t2), [t3] "=&r"(t3)                                                         \
      : [a] "r"(a), [c] "r"(c), [e] "r"(e), [g] "r"(g), [w] "m"(schedule.w[w_slot(J)]),        \
        [w1] "m"(schedule.w1[w1_slot(J)]), [constant] "i"(static_cast<int>(round_constant(J))) \
      : "cc")

// The registers are renamed instead of moved: A is slot -J of the first four, E of the last four.
template <int J>
CIPHERDECK_KERNEL void round(std::uint32_t (&s)[8], const Schedule& schedule) {
  constexpr int i0 = (64 - J) % 4, i1 = (65 - J) % 4, i2 = (66 - J) % 4, i3 = (67 - J) % 4;
  std::uint32_t &a = s[i0], &b = s[i1], &c = s[i2], &d = s[i3];
  std::uint32_t &e = s[4 + i0], &f = s[4 + i1], &g = s[4 + i2], &h = s[4 + i3];
  std::uint32_t t0, t1, t2, t3;
  if constexpr (J < 16) {
    CIPHERDECK_SM3_ROUND(J, "xorl %[e], %[t2]\n\t",
                         "movl %[b], %[t0]\n\t"
                         "xorl %[c], %[t0]\n\t"
                         "xorl %[a], %[t0]\n\t");
  } else {
    CIPHERDECK_SM3_ROUND(J,
                         "andl %[e], %[t2]\n\t"
                         "xorl %[g], %[t2]\n\t",
                         "movl %[b], %[t0]\n\t"
                         "movl %[b], %[t2]\n\t"
                         "orl %[a], %[t0]\n\t"
                         "andl %[a], %[t2]\n\t"
                         "andl %[c], %[t0]\n\t"
                         "orl %[t2], %[t0]\n\t");
  }
}

// Three rounds, and three words of the message expansion for the rounds twelve later.
template <int K>
CIPHERDECK_KERNEL void three_rounds(std::uint32_t (&s)[8], Schedule& schedule, Windows& windows) {
  if constexpr (K < 18) expand<16 + 3 * K>(schedule, windows);
  round<3 * K>(s, schedule);
  if constexpr (K < 21) {
    round<3 * K + 1>(s, schedule);
    round<3 * K + 2>(s, schedule);
  }
}

template <int... K>
CIPHERDECK_KERNEL void rounds(std::uint32_t (&s)[8], Schedule& schedule, Windows& windows,
                              std::integer_sequence<int, K...>) {
  (three_rounds<K>(s, schedule, windows), ...);
}

}  // namespace

CIPHERDECK_TARGET_AVX2 void compress_avx2(State& state, const std::uint8_t* data,
                                          std::size_t num_blocks) noexcept {
  Schedule schedule;
  std::uint32_t s[8];
  for (std::size_t i = 0; i < 8; ++i) s[i] = state[i];
  for (; num_blocks != 0; --num_blocks, data += kSm3BlockLen) {
    Windows windows = load_message(schedule, data);
    rounds(s, schedule, windows, std::make_integer_sequence<int, 22>{});
    for (std::size_t i = 0; i < 8; ++i) s[i] = state[i] ^= s[i];
  }
  wipe(schedule);
}

}  // namespace cipherdeck::engine::sm3
