// SPDX-License-Identifier: Apache-2.0
#include "engine/sm3/sm3.h"

#include "base/secret.h"
#include "engine/sm3/sm3_feed.h"

#include <algorithm>
#include <limits>

namespace cipherdeck::engine {
namespace sm3 {
namespace {

using enum cpu::Feature;

constexpr State kInitial = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                            0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kLengthAt = kSm3BlockLen - 8;

constexpr Variant kVariants[] = {
    {{"avx512", {avx2, bmi2, avx512}}, compress_avx2, 16, 3, compress_lanes_avx512},
    {{"avx2", {avx2, bmi2}}, compress_avx2, 8, 3, compress_lanes_avx2},
    {{"portable", {}}, compress_portable, 0, kNever, nullptr},
};

void compress_all(Feed& feed) {
  const Variant& variant = chosen_variant();
  for (Blocks blocks = feed.next(); blocks.num != 0; blocks = feed.next()) {
    variant.compress(feed.state(), blocks.data, blocks.num);
  }
}

}  // namespace

std::span<const Variant> variants() noexcept { return kVariants; }

const Variant& chosen_variant() noexcept {
  static const Variant& chosen = cpu::choose<Variant>(kVariants, "sm3");
  return chosen;
}

Blocks Feed::next() noexcept {
  auto& block = m_hash->m_block;
  if (m_step == Step::buffered) {
    m_step = Step::whole;
    if (fill_buffer()) return {block.data(), 1};
  }
  if (m_step == Step::whole) {
    m_step = Step::rest;
    const Blocks blocks = {m_input.data(), m_input.size() / kSm3BlockLen};
    m_input = m_input.subspan(blocks.num * kSm3BlockLen);
    if (blocks.num != 0) return blocks;
  }
  if (m_step == Step::rest) {
    m_step = Step::done;
    if (!m_input.empty()) std::memcpy(block.data(), m_input.data(), m_input.size());
    if (m_is_last) return pad(m_hash->m_len % kSm3BlockLen);
  }
  return m_step == Step::length ? put_length(0) : Blocks{};
}

bool Feed::fill_buffer() noexcept {
  const std::size_t used = m_hash->m_len % kSm3BlockLen;
  m_hash->m_len += m_input.size();
  if (used == 0 || m_input.empty()) return false;
  const std::size_t taken = std::min(kSm3BlockLen - used, m_input.size());
  std::memcpy(m_hash->m_block.data() + used, m_input.data(), taken);
  m_input = m_input.subspan(taken);
  return used + taken == kSm3BlockLen;
}

Blocks Feed::pad(std::size_t used) noexcept {
  auto& block = m_hash->m_block;
  block[used++] = 0x80;
  if (used <= kLengthAt) return put_length(used);
  m_step = Step::length;
  std::memset(block.data() + used, 0, kSm3BlockLen - used);
  return {block.data(), 1};
}

Blocks Feed::put_length(std::size_t used) noexcept {
  auto& block = m_hash->m_block;
  m_step = Step::done;
  std::memset(block.data() + used, 0, kLengthAt - used);
  store_be64(block.data() + kLengthAt, m_hash->m_len * 8);
  return {block.data(), 1};
}

void Feed::take_digest(std::uint8_t* digest) const noexcept {
  for (std::size_t i = 0; i < 8; ++i) store_be32(digest + 4 * i, m_hash->m_state[i]);
  wipe(m_hash->m_block);
  m_hash->m_state = kInitial;
  m_hash->m_len = 0;
}

}  // namespace sm3

Sm3::Sm3() noexcept : m_state(sm3::kInitial) {}

Sm3::~Sm3() { wipe({reinterpret_cast<std::uint8_t*>(this), sizeof *this}); }

void Sm3::update(Bytes data) noexcept {
  sm3::Feed feed(*this, data, false);
  sm3::compress_all(feed);
}

Sm3Digest Sm3::finish() noexcept {
  sm3::Feed feed(*this, {}, true);
  sm3::compress_all(feed);
  Sm3Digest digest;
  feed.take_digest(digest.data());
  return digest;
}

Sm3Digest Sm3::digest(Bytes data) noexcept {
  Sm3 hash;
  sm3::Feed feed(hash, data, true);
  sm3::compress_all(feed);
  Sm3Digest digest;
  feed.take_digest(digest.data());
  return digest;
}

}  // namespace cipherdeck::engine
