// SPDX-License-Identifier: Apache-2.0
// The field of SM2 in Montgomery form, in four limbs, on MULX and the two carry chains of ADX;
// constant-time. Same numbers as residue.h, whose class it extends by faster products.
#pragma once

#include "engine/sm2/residue.h"

namespace cipherdeck::engine::sm2 {

// The assembler below keeps a product of eight limbs in t0 to t7.

// t_i to t_(i + 4) += a * b[i]; t_(i + 4) is new.
#define CIPHERDECK_ROW(offset, t0, t1, t2, t3, t4) \
  "movq " offset "(%[b]), %%rdx\n\t"               \
  "xorl %k[low], %k[low]\n\t"                      \
  "mulxq 0(%[a]), %[low], %[" t4 "]\n\t"           \
  "adcxq %[low], %[" t0 "]\n\t"                    \
  "adoxq %[" t4 "], %[" t1 "]\n\t"                 \
  "mulxq 8(%[a]), %[low], %[" t4 "]\n\t"           \
  "adcxq %[low], %[" t1 "]\n\t"                    \
  "adoxq %[" t4 "], %[" t2 "]\n\t"                 \
  "mulxq 16(%[a]), %[low], %[" t4 "]\n\t"          \
  "adcxq %[low], %[" t2 "]\n\t"                    \
  "adoxq %[" t4 "], %[" t3 "]\n\t"                 \
  "mulxq 24(%[a]), %[low], %[" t4 "]\n\t"          \
  "adcxq %[low], %[" t3 "]\n\t"                    \
  "movl $0, %k[low]\n\t"                           \
  "adoxq %[low], %[" t4 "]\n\t"                    \
  "adcxq %[low], %[" t4 "]\n\t"

// (t + t0 * p) / 2^64, with the limb above in the place of t0. What FieldModulus::reduce_limb()
// does.
#define CIPHERDECK_REDUCE_LIMB(t0, t1, t2, t3) \
  "movq %[" t0 "], %[low]\n\t"                 \
  "movq %[" t0 "], %%rdx\n\t"                  \
  "shlq $32, %[low]\n\t"                       \
  "shrq $32, %%rdx\n\t"                        \
  "addq %[" t0 "], %[" t1 "]\n\t"              \
  "adcq $0, %[" t2 "]\n\t"                     \
  "adcq $0, %[" t3 "]\n\t"                     \
  "adcq $0, %[" t0 "]\n\t"                     \
  "subq %[low], %[" t1 "]\n\t"                 \
  "sbbq %%rdx, %[" t2 "]\n\t"                  \
  "sbbq %[low], %[" t3 "]\n\t"                 \
  "sbbq %%rdx, %[" t0 "]\n\t"

// s = t - p, where the carry says that t has a limb 1 above. Sets the carry if t was less than p.
#define CIPHERDECK_SUBTRACT_P(s0, s1, s2, s3, t0, t1, t2, t3) \
  "sbbq %[low], %[low]\n\t"                                   \
  "movq $0xffffffff00000000, %%rdx\n\t"                       \
  "movq %[" t0 "], %[" s0 "]\n\t"                             \
  "movq %[" t1 "], %[" s1 "]\n\t"                             \
  "movq %[" t2 "], %[" s2 "]\n\t"                             \
  "movq %[" t3 "], %[" s3 "]\n\t"                             \
  "subq $-1, %[" s0 "]\n\t"                                   \
  "sbbq %%rdx, %[" s1 "]\n\t"                                 \
  "movabsq $0xfffffffeffffffff, %%rdx\n\t"                    \
  "sbbq $-1, %[" s2 "]\n\t"                                   \
  "sbbq %%rdx, %[" s3 "]\n\t"                                 \
  "sbbq $0, %[low]\n\t"

// t / 2^256 modulo p, to t0 to t3.
#define CIPHERDECK_REDUCE                                                                 \
  CIPHERDECK_REDUCE_LIMB("t0", "t1", "t2", "t3")                                          \
  CIPHERDECK_REDUCE_LIMB("t1", "t2", "t3", "t0")                                          \
  CIPHERDECK_REDUCE_LIMB("t2", "t3", "t0", "t1")                                          \
  CIPHERDECK_REDUCE_LIMB("t3", "t0", "t1", "t2")                                          \
  "addq %[t0], %[t4]\n\t"                                                                 \
  "adcq %[t1], %[t5]\n\t"                                                                 \
  "adcq %[t2], %[t6]\n\t"                                                                 \
  "adcq %[t3], %[t7]\n\t" CIPHERDECK_SUBTRACT_P("t0", "t1", "t2", "t3", "t4", "t5", "t6", \
                                                "t7") "cmovcq %[t4], %[t0]\n\t"           \
                                                      "cmovcq %[t5], %[t1]\n\t"           \
                                                      "cmovcq %[t6], %[t2]\n\t"           \
                                                      "cmovcq %[t7], %[t3]\n\t"

#define CIPHERDECK_PRODUCT_REGISTERS                                                              \
  [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5), \
      [t6] "=&r"(t6), [t7] "=&r"(t7), [low] "=&r"(low)

struct AdxArithmetic {
  /// a * b / 2^256 modulo p, of reduced numbers.
  [[gnu::always_inline]] static inline Uint256 product(const Uint256& a,
                                                       const Uint256& b) noexcept {
    std::uint64_t t0, t1, t2, t3, t4, t5, t6, t7, low;
    __asm__("movq 0(%[b]), %%rdx\n\t"
            "mulxq 0(%[a]), %[t0], %[t1]\n\t"
            "mulxq 8(%[a]), %[low], %[t2]\n\t"
            "addq %[low], %[t1]\n\t"
            "mulxq 16(%[a]), %[low], %[t3]\n\t"
            "adcq %[low], %[t2]\n\t"
            "mulxq 24(%[a]), %[low], %[t4]\n\t"
            "adcq %[low], %[t3]\n\t"
            "adcq $0, %[t4]\n\t" CIPHERDECK_ROW("8", "t1", "t2", "t3", "t4", "t5")
                CIPHERDECK_ROW("16", "t2", "t3", "t4", "t5", "t6")
                    CIPHERDECK_ROW("24", "t3", "t4", "t5", "t6", "t7") CIPHERDECK_REDUCE
:CIPHERDECK_PRODUCT_REGISTERS
            : [a] "r"(a.data()), [b] "r"(b.data()), "m"(a), "m"(b)
            : "rdx", "cc");
    return {t0, t1, t2, t3};
  }

  /// product(a, a).
  [[gnu::always_inline]] static inline Uint256 square(const Uint256& a) noexcept {
    std::uint64_t t0, t1, t2, t3, t4, t5, t6, t7, low;
    __asm__("movq 0(%[a]), %%rdx\n\t"  // a0 (a1, a2, a3)
            "mulxq 8(%[a]), %[t1], %[t2]\n\t"
            "mulxq 16(%[a]), %[low], %[t3]\n\t"
            "addq %[low], %[t2]\n\t"
            "mulxq 24(%[a]), %[low], %[t4]\n\t"
            "adcq %[low], %[t3]\n\t"
            "adcq $0, %[t4]\n\t"
            "movq 8(%[a]), %%rdx\n\t"  // a1 (a2, a3)
            "mulxq 24(%[a]), %[low], %[t5]\n\t"
            "mulxq 16(%[a]), %[t0], %[t6]\n\t"
            "addq %[t0], %[t3]\n\t"
            "adcq %[low], %[t4]\n\t"
            "adcq $0, %[t5]\n\t"
            "addq %[t6], %[t4]\n\t"
            "movq 16(%[a]), %%rdx\n\t"  // a2 a3
            "mulxq 24(%[a]), %[low], %[t6]\n\t"
            "adcq %[low], %[t5]\n\t"
            "adcq $0, %[t6]\n\t"
            "xorl %k[t7], %k[t7]\n\t"  // twice that, and the squares of the limbs
            "movq 0(%[a]), %%rdx\n\t"
            "mulxq %%rdx, %[t0], %[low]\n\t"
            "adcxq %[t1], %[t1]\n\t"
            "adoxq %[low], %[t1]\n\t"
            "movq 8(%[a]), %%rdx\n\t"
            "mulxq %%rdx, %[low], %%rdx\n\t"
            "adcxq %[t2], %[t2]\n\t"
            "adoxq %[low], %[t2]\n\t"
            "adcxq %[t3], %[t3]\n\t"
            "adoxq %%rdx, %[t3]\n\t"
            "movq 16(%[a]), %%rdx\n\t"
            "mulxq %%rdx, %[low], %%rdx\n\t"
            "adcxq %[t4], %[t4]\n\t"
            "adoxq %[low], %[t4]\n\t"
            "adcxq %[t5], %[t5]\n\t"
            "adoxq %%rdx, %[t5]\n\t"
            "movq 24(%[a]), %%rdx\n\t"
            "mulxq %%rdx, %[low], %%rdx\n\t"
            "adcxq %[t6], %[t6]\n\t"
            "adoxq %[low], %[t6]\n\t"
            "adcxq %[t7], %[t7]\n\t"
            "adoxq %%rdx, %[t7]\n\t" CIPHERDECK_REDUCE:CIPHERDECK_PRODUCT_REGISTERS
            : [a] "r"(a.data()), "m"(a)
            : "rdx", "cc");
    return {t0, t1, t2, t3};
  }

  /// a + b modulo p.
  [[gnu::always_inline]] static inline Uint256 sum(const Uint256& a, const Uint256& b) noexcept {
    std::uint64_t t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], u0, u1, u2, u3, low;
    __asm__("addq 0(%[b]), %[t0]\n\t"
            "adcq 8(%[b]), %[t1]\n\t"
            "adcq 16(%[b]), %[t2]\n\t"
            "adcq 24(%[b]), %[t3]\n\t" CIPHERDECK_SUBTRACT_P("u0", "u1", "u2", "u3", "t0", "t1",
                                                             "t2", "t3") "cmovncq %[u0], %[t0]\n\t"
                                                                         "cmovncq %[u1], %[t1]\n\t"
                                                                         "cmovncq %[u2], %[t2]\n\t"
                                                                         "cmovncq %[u3], %[t3]\n\t"
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [u0] "=&r"(u0),
              [u1] "=&r"(u1), [u2] "=&r"(u2), [u3] "=&r"(u3), [low] "=&r"(low)
            : [b] "r"(b.data()), "m"(b)
            : "rdx", "cc");
    return {t0, t1, t2, t3};
  }

  /// a - b modulo p. What is p or nothing is added: p is -1, -2^32, -1, -1 - 2^32 in limbs.
  [[gnu::always_inline]] static inline Uint256 difference(const Uint256& a,
                                                          const Uint256& b) noexcept {
    std::uint64_t t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], mask, shifted;
    __asm__("subq 0(%[b]), %[t0]\n\t"
            "sbbq 8(%[b]), %[t1]\n\t"
            "sbbq 16(%[b]), %[t2]\n\t"
            "sbbq 24(%[b]), %[t3]\n\t"
            "sbbq %[mask], %[mask]\n\t"
            "movq %[mask], %[shifted]\n\t"
            "shlq $32, %[shifted]\n\t"
            "leaq (%[mask], %[shifted]), %%rdx\n\t"
            "addq %[mask], %[t0]\n\t"
            "adcq %[shifted], %[t1]\n\t"
            "adcq %[mask], %[t2]\n\t"
            "adcq %%rdx, %[t3]\n\t"
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [mask] "=&r"(mask),
              [shifted] "=&r"(shifted)
            : [b] "r"(b.data()), "m"(b)
            : "rdx", "cc");
    return {t0, t1, t2, t3};
  }
};

/// Of the processors that have MULX, ADCX and ADOX.
using AdxField = Residue<FieldModulus, AdxArithmetic>;

#undef CIPHERDECK_ROW
#undef CIPHERDECK_REDUCE_LIMB
#undef CIPHERDECK_SUBTRACT_P
#undef CIPHERDECK_REDUCE
#undef CIPHERDECK_PRODUCT_REGISTERS

}  // namespace cipherdeck::engine::sm2
