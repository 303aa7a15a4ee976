// SPDX-License-Identifier: Apache-2.0
// Residues modulo a prime of 256 bits in Montgomery form, constant-time; the two primes of SM2
// (GB/T 32918.5). Those of SM9 are in engine/sm9/field.h.
#pragma once

#include "engine/sm2/uint256.h"

namespace cipherdeck::engine::sm2 {

using Uint512 = std::array<std::uint64_t, 8>;

[[gnu::always_inline]] constexpr Uint512 multiply_wide(const Uint256& a,
                                                       const Uint256& b) noexcept {
  Uint512 out{};
  for (std::size_t i = 0; i < 4; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const Uint128 t = static_cast<Uint128>(a[i]) * b[j] + out[i + j] + carry;
      out[i + j] = static_cast<std::uint64_t>(t);
      carry = static_cast<std::uint64_t>(t >> 64);
    }
    out[i + 4] = carry;
  }
  return out;
}

/// The prime p of the field.
struct FieldModulus {
  static constexpr Uint256 kValue = {0xffffffffffffffff, 0xffffffff00000000, 0xffffffffffffffff,
                                     0xfffffffeffffffff};

  // (r + r[0] * p) / 2^64, exact since p is -1 modulo 2^64. The product takes no multiplication:
  // p = 2^256 - 2^224 - 2^96 + 2^64 - 1.
  [[gnu::always_inline]] static constexpr Uint256 reduce_limb(const Uint256& r) noexcept {
    const std::uint64_t m = r[0], low = m << 32, high = m >> 32;
    std::uint64_t borrow = 0, carry = 0;
    const std::uint64_t d0 = sub_borrow(m, low, borrow);
    const std::uint64_t d1 = sub_borrow(0, high, borrow);
    const std::uint64_t d2 = sub_borrow(0, low, borrow);
    const std::uint64_t d3 = sub_borrow(m, high, borrow);
    Uint256 out{};
    out[0] = add_carry(r[1], d0, carry);
    out[1] = add_carry(r[2], d1, carry);
    out[2] = add_carry(r[3], d2, carry);
    out[3] = add_carry(d3, 0, carry);
    return out;
  }
};

/// Any prime between 2^255 and 2^256.
template <Uint256 kPrime>
struct PrimeModulus {
  static constexpr Uint256 kValue = kPrime;
  static constexpr std::uint64_t kNegativeInverse = [] {  // -1/kPrime modulo 2^64
    std::uint64_t inverse = 1;
    for (int i = 0; i < 6; ++i) inverse *= 2 - kValue[0] * inverse;
    return 0 - inverse;
  }();

  // (r + m * prime) / 2^64 for the m that makes it exact.
  [[gnu::always_inline]] static constexpr Uint256 reduce_limb(const Uint256& r) noexcept {
    const std::uint64_t m = r[0] * kNegativeInverse;
    std::uint64_t carry = 0;
    std::array<std::uint64_t, 4> sum{};
    for (std::size_t i = 0; i < 4; ++i) {
      const Uint128 t = static_cast<Uint128>(m) * kValue[i] + r[i] + carry;
      sum[i] = static_cast<std::uint64_t>(t);
      carry = static_cast<std::uint64_t>(t >> 64);
    }
    return {sum[1], sum[2], sum[3], carry};
  }
};

/// The prime n, the order of the group.
struct OrderModulus : PrimeModulus<Uint256{0x53bbf40939d54123, 0x7203df6b21c6052b,
                                           0xffffffffffffffff, 0xfffffffeffffffff}> {};

/// a + carry * 2^256, less than twice the modulus, reduced.
template <typename Modulus>
[[gnu::always_inline]] constexpr Uint256 reduce_once(const Uint256& a,
                                                     std::uint64_t carry) noexcept {
  std::uint64_t borrow = 0;
  const Uint256 reduced = subtract(a, Modulus::kValue, borrow);
  return select(0 - (borrow & ~carry & 1), a, reduced);
}

/// t / 2^256 for t less than 2^256 times the modulus. The low half reduces to at most the modulus.
template <typename Modulus>
[[gnu::always_inline]] constexpr Uint256 reduce_wide(const Uint512& t) noexcept {
  Uint256 low = {t[0], t[1], t[2], t[3]};
  for (int i = 0; i < 4; ++i) low = Modulus::reduce_limb(low);
  std::uint64_t carry = 0;
  const Uint256 sum = add(low, {t[4], t[5], t[6], t[7]}, carry);
  return reduce_once<Modulus>(sum, carry);
}

/// The operations on reduced numbers that a processor may have something better for.
template <typename Modulus>
struct PortableArithmetic {
  [[gnu::always_inline]] static constexpr Uint256 sum(const Uint256& a, const Uint256& b) noexcept {
    std::uint64_t carry = 0;
    const Uint256 sum = add(a, b, carry);
    return reduce_once<Modulus>(sum, carry);
  }
  [[gnu::always_inline]] static constexpr Uint256 difference(const Uint256& a,
                                                             const Uint256& b) noexcept {
    std::uint64_t borrow = 0, carry = 0;
    const Uint256 difference = subtract(a, b, borrow);
    const std::uint64_t mask = opaque(0 - borrow);
    Uint256 correction{};
    for (std::size_t i = 0; i < 4; ++i) correction[i] = Modulus::kValue[i] & mask;
    return add(difference, correction, carry);
  }
  [[gnu::always_inline]] static constexpr Uint256 product(const Uint256& a,
                                                          const Uint256& b) noexcept {
    return reduce_wide<Modulus>(multiply_wide(a, b));
  }
  [[gnu::always_inline]] static constexpr Uint256 square(const Uint256& a) noexcept {
    return product(a, a);
  }
};

/// A number modulo a prime between 2^255 and 2^256, kept as value * 2^256 and always reduced.
template <typename Modulus, typename Arithmetic = PortableArithmetic<Modulus>>
class Residue {
 public:
  constexpr Residue() noexcept = default;

  /// The limbs of value * 2^256, reduced; and back.
  [[nodiscard]] static constexpr Residue from_limbs(const Uint256& limbs) noexcept {
    return Residue(limbs);
  }
  [[nodiscard]] constexpr const Uint256& limbs() const noexcept { return m_limbs; }

  /// `value` is less than 2^256 and need not be reduced.
  [[nodiscard]] static constexpr Residue from(const Uint256& value) noexcept {
    return Residue(reduce_once<Modulus>(value, 0)) * Residue(kSquare);
  }
  [[nodiscard]] static constexpr Residue one() noexcept { return Residue(kOne); }

  /// The number itself, less than the modulus.
  [[nodiscard]] constexpr Uint256 value() const noexcept {
    return reduce_wide<Modulus>({m_limbs[0], m_limbs[1], m_limbs[2], m_limbs[3]});
  }

  [[gnu::always_inline]] friend constexpr Residue operator+(const Residue& a,
                                                            const Residue& b) noexcept {
    return Residue(Arithmetic::sum(a.m_limbs, b.m_limbs));
  }
  [[gnu::always_inline]] friend constexpr Residue operator-(const Residue& a,
                                                            const Residue& b) noexcept {
    return Residue(Arithmetic::difference(a.m_limbs, b.m_limbs));
  }
  [[gnu::always_inline]] friend constexpr Residue operator*(const Residue& a,
                                                            const Residue& b) noexcept {
    return Residue(Arithmetic::product(a.m_limbs, b.m_limbs));
  }

  [[nodiscard, gnu::always_inline]] constexpr Residue square() const noexcept {
    return Residue(Arithmetic::square(m_limbs));
  }
  [[nodiscard, gnu::always_inline]] constexpr Residue negate() const noexcept {
    return Residue() - *this;
  }

  /// a / 2.
  [[nodiscard, gnu::always_inline]] constexpr Residue halve() const noexcept {
    const std::uint64_t is_odd = opaque(0 - (m_limbs[0] & 1));
    Uint256 even{};
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      even[i] = add_carry(m_limbs[i], Modulus::kValue[i] & is_odd, carry);
    }
    return Residue({even[0] >> 1 | even[1] << 63, even[1] >> 1 | even[2] << 63,
                    even[2] >> 1 | even[3] << 63, even[3] >> 1 | carry << 63});
  }

  /// 1 / a, and 0 for 0: a to the power of the modulus - 2.
  [[nodiscard]] Residue inverse() const noexcept {
    std::array<Residue, 16> powers;
    powers[0] = one();
    for (std::size_t i = 1; i < 16; ++i) powers[i] = powers[i - 1] * *this;
    std::uint64_t borrow = 0;
    const Uint256 exponent = subtract(Modulus::kValue, {2, 0, 0, 0}, borrow);
    Residue out = one();
    for (std::size_t i = 64; i-- > 0;) {
      for (int j = 0; j < 4; ++j) out = out.square();
      out = out * powers[(exponent[i / 16] >> (4 * (i % 16))) & 15];  // the exponent is public
    }
    return out;
  }

  [[nodiscard]] constexpr std::uint64_t is_zero() const noexcept { return sm2::is_zero(m_limbs); }
  [[nodiscard]] constexpr std::uint64_t equals(const Residue& other) const noexcept {
    return (*this - other).is_zero();
  }

  /// `a` where `mask` is all ones, `b` where it is zero.
  [[nodiscard]] static constexpr Residue select(std::uint64_t mask, const Residue& a,
                                                const Residue& b) noexcept {
    return Residue(sm2::select(mask, a.m_limbs, b.m_limbs));
  }

  /// Adds `other` to what is zero so far, where `mask` is all ones: the step of a full table scan.
  [[gnu::always_inline]] constexpr void collect(std::uint64_t mask, const Residue& other) noexcept {
    for (std::size_t i = 0; i < 4; ++i) m_limbs[i] |= mask & other.m_limbs[i];
  }

 private:
  explicit constexpr Residue(const Uint256& limbs) noexcept : m_limbs(limbs) {}

  static constexpr Uint256 kOne = [] {  // 2^256
    std::uint64_t borrow = 0;
    return subtract(Uint256{}, Modulus::kValue, borrow);
  }();
  static constexpr Uint256 kSquare = [] {  // 2^512
    Uint256 power = kOne;
    for (int i = 0; i < 256; ++i) {
      std::uint64_t carry = 0;
      const Uint256 sum = sm2::add(power, power, carry);
      power = reduce_once<Modulus>(sum, carry);
    }
    return power;
  }();

  Uint256 m_limbs{};
};

using FieldElement = Residue<FieldModulus>;
using Scalar = Residue<OrderModulus>;

}  // namespace cipherdeck::engine::sm2
