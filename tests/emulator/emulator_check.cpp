// SPDX-License-Identifier: Apache-2.0
// Instructions that our kernels build on, with results known by hand or from FIPS 197, and the
// registers kept over signals: what tools/emulate must get right before its verdict on a kernel
// means anything.
#include <immintrin.h>
#include <sys/time.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>

#define WIDE                                                                             \
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512ifma,gfni,vaes,vpclmulqdq"), \
    gnu::noinline]]

namespace {

using Lanes = std::array<std::uint64_t, 8>;

// Asked for through a mask, these keep gcc 12 from warning of its own header.
constexpr __mmask16 kAll = 0xffff;

int failures = 0;

WIDE Lanes lanes(__m512i value) {
  Lanes out;
  _mm512_storeu_si512(out.data(), value);
  return out;
}

// Every lane, or every pair of lanes, must be as given.
void expect(const char* what, const Lanes& got, std::uint64_t even, std::uint64_t odd) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::uint64_t wanted = i % 2 == 0 ? even : odd;
    if (got[i] != wanted) {
      std::printf("%s: lane %zu is %016lx, not %016lx\n", what, i, got[i], wanted);
      ++failures;
    }
  }
}

void expect(const char* what, const Lanes& got, std::uint64_t wanted) {
  expect(what, got, wanted, wanted);
}

// The S-box of AES is an inversion and this matrix: 53 becomes ed, 00 becomes 63 (FIPS 197).
WIDE void check_gfni() {
  const __m512i bytes = _mm512_set1_epi64(0x0053005300530053);
  const __m512i aes = _mm512_set1_epi64(static_cast<long long>(0xf1e3c78f1f3e7cf8));
  expect("vgf2p8affineinvqb", lanes(_mm512_gf2p8affineinv_epi64_epi8(bytes, aes, 0x63)),
         0x63ed63ed63ed63ed);
  const __m512i reversed = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201));
  expect("vgf2p8affineqb", lanes(_mm512_gf2p8affine_epi64_epi8(bytes, reversed, 1)),
         0x01cb01cb01cb01cb);
}

// (2^52 - 1)^2 = (2^52 - 2) 2^52 + 1
WIDE void check_ifma() {
  const __m512i most = _mm512_set1_epi64((1LL << 52) - 1);
  const __m512i five = _mm512_set1_epi64(5);
  expect("vpmadd52luq", lanes(_mm512_madd52lo_epu64(five, most, most)), 6);
  expect("vpmadd52huq", lanes(_mm512_madd52hi_epu64(five, most, most)), (1ULL << 52) + 3);
  const __m512i wide = _mm512_set1_epi64(static_cast<long long>(0xfff0000000000003));
  expect("vpmadd52luq of 64 bits", lanes(_mm512_madd52lo_epu64(five, wide, wide)), 14);
}

// x^63 x^63 = x^126, and (x + 1)(x + 1) = x^2 + 1
WIDE void check_clmul() {
  const __m512i values = _mm512_set_epi64(1LL << 63, 3, 1LL << 63, 3, 1LL << 63, 3, 1LL << 63, 3);
  expect("vpclmulqdq low", lanes(_mm512_clmulepi64_epi128(values, values, 0x00)), 5, 0);
  expect("vpclmulqdq high", lanes(_mm512_clmulepi64_epi128(values, values, 0x11)), 0, 1ULL << 62);
}

// FIPS 197, appendix B: the first round.
WIDE void check_aes() {
  const __m512i state =
      _mm512_maskz_broadcast_i32x4(kAll, _mm_set_epi64x(0x0848f8e92a8dc69a, 0x2be2f4a0bee33d19));
  const __m512i key = _mm512_maskz_broadcast_i32x4(
      kAll, _mm_set_epi64x(0x05766c2a3939a323, static_cast<long long>(0xb12c548817fefaa0)));
  expect("vaesenc", lanes(_mm512_aesenc_epi128(state, key)), 0x2b359f68f27f9ca4,
         0x49506a0243ea5b6b);
}

WIDE void check_moves() {
  const __m512i ones = _mm512_set1_epi32(1);
  expect("vprold", lanes(_mm512_maskz_rol_epi32(kAll, ones, 31)), 0x8000000080000000);
  const __m512i both = _mm512_permutex2var_epi8(_mm512_set1_epi8(0x11), _mm512_set1_epi16(0x0040),
                                                _mm512_set1_epi8(0x22));
  expect("vpermi2b", lanes(both), 0x1122112211221122);
  expect("vpternlogd", lanes(_mm512_ternarylogic_epi32(ones, both, both, 0x96)),
         0x0000000100000001);
  expect("masked vpaddb", lanes(_mm512_maskz_add_epi8(0x5555555555555555, both, both)),
         0x0044004400440044);
}

volatile std::sig_atomic_t signals = 0;

WIDE void clobber(int) {
  __m512i zero = _mm512_setzero_si512();
  asm volatile("vmovdqa64 %0, %%zmm1\n\tvmovdqa64 %0, %%zmm17\n\tkxorq %%k3, %%k3, %%k3" ::"v"(zero)
               : "xmm1", "xmm17", "k3");
  signals = signals + 1;
}

// Registers below and above 16 and a mask, through signals and what else the kernel does then.
WIDE void check_state() {
  constexpr int kSignals = 5;
  std::signal(SIGALRM, clobber);
  const itimerval often = {{0, 10000}, {0, 10000}};
  setitimer(ITIMER_REAL, &often, nullptr);
  const __m512i before = _mm512_set1_epi64(0x0123456789abcdef);
  __m512i low, high, mask;
  asm volatile(
      "vmovdqa64 %3, %%zmm1\n\tvmovdqa64 %3, %%zmm17\n\tvpmovb2m %3, %%k3\n"
      "1:\tpause\n\tcmpl %5, %4\n\tjl 1b\n\t"
      "vmovdqa64 %%zmm1, %0\n\tvmovdqa64 %%zmm17, %1\n\tvpmovm2b %%k3, %2"
      : "=&v"(low), "=&v"(high), "=&v"(mask)
      : "v"(before), "m"(signals), "i"(kSignals)
      : "xmm1", "xmm17", "k3", "cc", "memory");
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  expect("zmm1 over signals", lanes(low), 0x0123456789abcdef);
  expect("zmm17 over signals", lanes(high), 0x0123456789abcdef);
  expect("k3 over signals", lanes(mask), 0x00000000ffffffff);
}

}  // namespace

int main() {
  check_gfni();
  check_ifma();
  check_clmul();
  check_aes();
  check_moves();
  check_state();
  std::puts(failures == 0 ? "all as they must be" : "the emulated processor is wrong");
  return failures == 0 ? 0 : 1;
}
