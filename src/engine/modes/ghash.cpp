// SPDX-License-Identifier: Apache-2.0
#include "engine/modes/ghash.h"

#include "base/secret.h"

namespace cipherdeck::engine::modes {
namespace {

using enum cpu::Feature;

// The low 64 bits of the carry-less product. Each operand is split into four numbers that have
// three zero bits between any two bits, so that integer products carry into those only: the count
// of products that meet at bit 4k is at most k + 1, which overflows four bits only beyond the top.
std::uint64_t multiply_low(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kEveryFourth = 0x1111111111111111;
  std::uint64_t x[4], y[4];
  for (int i = 0; i < 4; ++i) {
    x[i] = a & (kEveryFourth << i);
    y[i] = b & (kEveryFourth << i);
  }
  std::uint64_t product = 0;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t sum =
        (x[0] * y[i]) ^ (x[1] * y[(i + 3) % 4]) ^ (x[2] * y[(i + 2) % 4]) ^ (x[3] * y[(i + 1) % 4]);
    product |= sum & (kEveryFourth << i);
  }
  return product;
}

std::uint64_t reverse_bits(std::uint64_t x) {
  x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
  x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
  return __builtin_bswap64(x);
}

struct Wide {
  std::uint64_t lo, hi;
};

// The carry-less product; its high half comes from the product of the mirrored operands.
Wide multiply(std::uint64_t a, std::uint64_t b) {
  return {multiply_low(a, b), reverse_bits(multiply_low(reverse_bits(a), reverse_bits(b))) >> 1};
}

// The product of two elements.
GhashElement multiply(const GhashElement& a, const GhashElement& b) {
  const Wide low = multiply(a.lo, b.lo);
  const Wide high = multiply(a.hi, b.hi);
  Wide mid = multiply(a.lo ^ a.hi, b.lo ^ b.hi);  // Karatsuba
  mid.lo ^= low.lo ^ high.lo;
  mid.hi ^= low.hi ^ high.hi;

  // The bits are mirrored, so the 255 bits of the product stand one place too low.
  std::uint64_t v0 = low.lo, v1 = low.hi ^ mid.lo, v2 = high.lo ^ mid.hi, v3 = high.hi;
  v3 = (v3 << 1) | (v2 >> 63);
  v2 = (v2 << 1) | (v1 >> 63);
  v1 = (v1 << 1) | (v0 >> 63);
  v0 <<= 1;

  // Modulo x^128 + x^7 + x^2 + x + 1, one word at a time.
  v2 ^= v0 ^ (v0 >> 1) ^ (v0 >> 2) ^ (v0 >> 7);
  v1 ^= (v0 << 63) ^ (v0 << 62) ^ (v0 << 57);
  v3 ^= v1 ^ (v1 >> 1) ^ (v1 >> 2) ^ (v1 >> 7);
  v2 ^= (v1 << 63) ^ (v1 << 62) ^ (v1 << 57);
  return {v3, v2};
}

constexpr GhashVariant kVariants[] = {
    {{"vpclmul512", {avx2, bmi2, pclmul, vpclmul, avx512}}, ghash_vpclmul512},
    {{"vpclmul", {avx2, pclmul, vpclmul}}, ghash_vpclmul},
    {{"pclmul", {pclmul}}, ghash_pclmul},
    {{"portable", {}}, ghash_portable},
};

}  // namespace

std::span<const GhashVariant> ghash_variants() noexcept { return kVariants; }

const GhashVariant& chosen_ghash_variant() noexcept {
  static const GhashVariant& chosen = cpu::choose<GhashVariant>(kVariants, "ghash");
  return chosen;
}

void ghash_portable(GhashElement& sum, const GhashElement& point, const std::uint8_t* blocks,
                    std::size_t num_blocks) noexcept {
  for (; num_blocks != 0; --num_blocks, blocks += kSm4BlockLen) {
    sum.hi ^= load_be64(blocks);
    sum.lo ^= load_be64(blocks + 8);
    sum = multiply(sum, point);
  }
}

Ghash::Ghash(const Block& point) noexcept : Ghash(point, chosen_ghash_variant()) {}

Ghash::Ghash(const Block& point, const GhashVariant& variant) noexcept
    : m_variant(variant), m_point{load_be64(point.data()), load_be64(point.data() + 8)} {}

Ghash::~Ghash() {
  wipe_object(m_point);
  wipe_object(m_sum);
}

void Ghash::update_padded(Bytes data) noexcept {
  const std::size_t num_blocks = data.size() / kSm4BlockLen;
  m_variant.update(m_sum, m_point, data.data(), num_blocks);
  data = data.subspan(num_blocks * kSm4BlockLen);
  if (data.empty()) return;
  Block last{};
  std::memcpy(last.data(), data.data(), data.size());
  m_variant.update(m_sum, m_point, last.data(), 1);
}

Block Ghash::finish(Bytes last, std::uint64_t first_len, std::uint64_t second_len) noexcept {
  const std::size_t whole = last.size() < kTogether ? 0 : last.size() / kSm4BlockLen * kSm4BlockLen;
  update_padded(last.first(whole));
  last = last.subspan(whole);
  std::array<std::uint8_t, kTogether + kSm4BlockLen> blocks{};
  if (!last.empty()) std::memcpy(blocks.data(), last.data(), last.size());
  const std::size_t num_blocks = num_blocks_of(last.size());
  std::uint8_t* const lens = blocks.data() + num_blocks * kSm4BlockLen;
  store_be64(lens, first_len * 8);
  store_be64(lens + 8, second_len * 8);
  m_variant.update(m_sum, m_point, blocks.data(), num_blocks + 1);
  Block hash;
  store_be64(hash.data(), m_sum.hi);
  store_be64(hash.data() + 8, m_sum.lo);
  return hash;
}

}  // namespace cipherdeck::engine::modes
