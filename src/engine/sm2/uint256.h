// SPDX-License-Identifier: Apache-2.0
// 256-bit numbers, constant-time: no branch and no address depends on a value. Truth values are
// masks: all ones or zero.
#pragma once

#include "base/bytes.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <array>
#include <cstdint>

namespace cipherdeck::engine::sm2 {

__extension__ using Uint128 = unsigned __int128;

/// Four limbs, the least significant first.
using Uint256 = std::array<std::uint64_t, 4>;

/// Hides from the compiler that `mask` has two values only, so that it does not branch on it.
[[gnu::always_inline]] constexpr std::uint64_t opaque(std::uint64_t mask) noexcept {
  if (!__builtin_is_constant_evaluated()) __asm__("" : "+r"(mask));
  return mask;
}

[[gnu::always_inline]] constexpr std::uint64_t add_carry(std::uint64_t a, std::uint64_t b,
                                                         std::uint64_t& carry) noexcept {
#ifdef __x86_64__
  if (!__builtin_is_constant_evaluated()) {  // the compiler keeps the carry in its flag
    unsigned long long sum = 0;
    carry = _addcarry_u64(static_cast<unsigned char>(carry), a, b, &sum);
    return sum;
  }
#endif
  const Uint128 sum = static_cast<Uint128>(a) + b + carry;
  carry = static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
}

[[gnu::always_inline]] constexpr std::uint64_t sub_borrow(std::uint64_t a, std::uint64_t b,
                                                          std::uint64_t& borrow) noexcept {
#ifdef __x86_64__
  if (!__builtin_is_constant_evaluated()) {
    unsigned long long difference = 0;
    borrow = _subborrow_u64(static_cast<unsigned char>(borrow), a, b, &difference);
    return difference;
  }
#endif
  const Uint128 difference = static_cast<Uint128>(a) - b - borrow;
  borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
  return static_cast<std::uint64_t>(difference);
}

/// a - b modulo 2^256; `borrow` becomes 1 if a < b, else 0.
[[gnu::always_inline]] constexpr Uint256 subtract(const Uint256& a, const Uint256& b,
                                                  std::uint64_t& borrow) noexcept {
  Uint256 out{};
  borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) out[i] = sub_borrow(a[i], b[i], borrow);
  return out;
}

/// a + b modulo 2^256; `carry` becomes 1 if the sum is not less than 2^256, else 0.
[[gnu::always_inline]] constexpr Uint256 add(const Uint256& a, const Uint256& b,
                                             std::uint64_t& carry) noexcept {
  Uint256 out{};
  carry = 0;
  for (std::size_t i = 0; i < 4; ++i) out[i] = add_carry(a[i], b[i], carry);
  return out;
}

/// `a` where `mask` is all ones, `b` where it is zero.
[[gnu::always_inline]] constexpr Uint256 select(std::uint64_t mask, const Uint256& a,
                                                const Uint256& b) noexcept {
  mask = opaque(mask);
  Uint256 out{};
  for (std::size_t i = 0; i < 4; ++i) out[i] = b[i] ^ (mask & (a[i] ^ b[i]));
  return out;
}

[[nodiscard]] constexpr std::uint64_t is_zero(std::uint64_t x) noexcept {
  return opaque(((x | (0 - x)) >> 63) - 1);
}

[[nodiscard]] constexpr std::uint64_t is_zero(const Uint256& a) noexcept {
  return is_zero(a[0] | a[1] | a[2] | a[3]);
}

[[nodiscard]] constexpr std::uint64_t is_less(const Uint256& a, const Uint256& b) noexcept {
  std::uint64_t borrow = 0;
  (void)subtract(a, b, borrow);
  return opaque(0 - borrow);
}

[[nodiscard]] inline Uint256 load_uint256(const std::uint8_t* from) noexcept {
  return {load_be64(from + 24), load_be64(from + 16), load_be64(from + 8), load_be64(from)};
}

inline void store_uint256(std::uint8_t* to, const Uint256& a) noexcept {
  for (std::size_t i = 0; i < 4; ++i) store_be64(to + 8 * i, a[3 - i]);
}

}  // namespace cipherdeck::engine::sm2
