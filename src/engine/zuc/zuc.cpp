// SPDX-License-Identifier: Apache-2.0
// The key stream (GM/T 0001.1).
#include "engine/zuc/zuc.h"

#include "base/secret.h"
#include "engine/zuc/zuc_sbox.h"

#include <bit>

namespace cipherdeck::engine {
namespace {

constexpr std::uint32_t kCellMask = 0x7fffffff;
constexpr std::array<std::uint16_t, 16> kLoadConstants = {
    0x44d7, 0x26bc, 0x626b, 0x135e, 0x5789, 0x35e2, 0x7135, 0x09af,
    0x4d78, 0x2f13, 0x6bc4, 0x1af1, 0x5e26, 0x3c4d, 0x789a, 0x47ac};
constexpr int kNumWarmUpRounds = 32;

// The high 16 bits of one cell and the low 16 bits of another, or the other way round.
std::uint32_t high_low(std::uint32_t high, std::uint32_t low) {
  return (high << 1 & 0xffff0000) | (low & 0xffff);
}
std::uint32_t low_high(std::uint32_t low, std::uint32_t high) { return low << 16 | high >> 15; }

std::uint32_t l1(std::uint32_t x) {
  return x ^ std::rotl(x, 2) ^ std::rotl(x, 10) ^ std::rotl(x, 18) ^ std::rotl(x, 24);
}
std::uint32_t l2(std::uint32_t x) {
  return x ^ std::rotl(x, 8) ^ std::rotl(x, 14) ^ std::rotl(x, 22) ^ std::rotl(x, 30);
}

// S0, S1, S0, S1 on the bytes of both, from the top: each box takes its four bytes at once.
void substitute(std::uint32_t& a, std::uint32_t& b) {
  constexpr std::uint32_t kOdd = 0xff00ff00, kEven = 0x00ff00ff;
  const std::uint32_t s0 = zuc::s0((a & kOdd) | (b & kOdd) >> 8);
  const std::uint32_t s1 = zuc::s1((a & kEven) << 8 | (b & kEven));
  a = (s0 & kOdd) | (s1 & kOdd) >> 8;
  b = (s0 & kEven) << 8 | (s1 & kEven);
}

// Modulo 2^31 - 1, from 1 to 2^31 - 1 unless `sum` is 0; below 2^61.
std::uint32_t reduce(std::uint64_t sum) {
  sum = (sum & kCellMask) + (sum >> 31);
  return static_cast<std::uint32_t>((sum & kCellMask) + (sum >> 31));
}

}  // namespace

Zuc::Zuc(std::span<const std::uint8_t, kZucKeyLen> key,
         std::span<const std::uint8_t, kZucIvLen> iv) noexcept {
  for (std::size_t i = 0; i < m_cells.size(); ++i) {
    m_cells[i] = std::uint32_t{key[i]} << 23 | std::uint32_t{kLoadConstants[i]} << 8 | iv[i];
  }
  for (int i = 0; i < kNumWarmUpRounds; ++i) {
    shift(filter() >> 1);
  }
  (void)next();
}

Zuc::~Zuc() {
  wipe_object(m_cells);
  wipe_object(m_r1);
  wipe_object(m_r2);
}

// F on the reorganized bits, with its registers.
std::uint32_t Zuc::filter() noexcept {
  const std::uint32_t x0 = high_low(m_cells[15], m_cells[14]);
  const std::uint32_t x1 = low_high(m_cells[11], m_cells[9]);
  const std::uint32_t x2 = low_high(m_cells[7], m_cells[5]);
  const std::uint32_t word = (x0 ^ m_r1) + m_r2;
  const std::uint32_t w1 = m_r1 + x1, w2 = m_r2 ^ x2;
  m_r1 = l1(w1 << 16 | w2 >> 16);
  m_r2 = l2(w2 << 16 | w1 >> 16);
  substitute(m_r1, m_r2);
  return word;
}

void Zuc::shift(std::uint32_t input) noexcept {
  const auto cell = [this](std::size_t i, int bits) { return std::uint64_t{m_cells[i]} << bits; };
  const std::uint32_t fed = reduce(cell(15, 15) + cell(13, 17) + cell(10, 21) + cell(4, 20) +
                                   cell(0, 8) + cell(0, 0) + input);
  for (std::size_t i = 0; i < 15; ++i) m_cells[i] = m_cells[i + 1];
  m_cells[15] = fed;
}

std::uint32_t Zuc::next() noexcept {
  const std::uint32_t x3 = low_high(m_cells[2], m_cells[0]);
  const std::uint32_t word = filter();
  shift(0);
  return word ^ x3;
}

}  // namespace cipherdeck::engine
