// SPDX-License-Identifier: Apache-2.0
// 128-EEA3 (GM/T 0001.2) and 128-EIA3 (GM/T 0001.3).
#include "base/secret.h"
#include "engine/batch.h"
#include "engine/known_answer.h"
#include "engine/zuc/zuc.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

constexpr std::size_t kUnusedAt = 7;  // in an IV
constexpr std::uint8_t kMaxUnused = 7;

// COUNT, BEARER and zeros, twice.
ZucIv common_iv(const ZucMessage& message) {
  ZucIv iv{};
  store_be32(iv.data(), message.count);
  iv[4] = static_cast<std::uint8_t>(message.bearer << 3);
  std::copy_n(iv.begin(), 8, iv.begin() + 8);
  return iv;
}

ZucMessage common_fields(const ZucIv& iv) {
  ZucMessage message;
  message.count = load_be32(iv.data());
  message.bearer = iv[4] >> 3;
  message.unused_bits = iv[kUnusedAt];
  return message;
}

// What ZUC itself gets: without the number of unused bits.
ZucIv plain(ZucIv iv) {
  iv[kUnusedAt] = 0;
  return iv;
}

}  // namespace

ZucIv eea3_iv(const ZucMessage& message) noexcept {
  ZucIv iv = common_iv(message);
  const auto direction = static_cast<std::uint8_t>(message.direction << 2);
  iv[4] |= direction;
  iv[12] |= direction;
  iv[kUnusedAt] = message.unused_bits;
  return iv;
}

ZucIv eia3_iv(const ZucMessage& message) noexcept {
  ZucIv iv = common_iv(message);
  const auto direction = static_cast<std::uint8_t>(message.direction << 7);
  iv[8] ^= direction;
  iv[14] = direction;
  iv[kUnusedAt] = message.unused_bits;
  return iv;
}

Result<ZucMessage> parse_eea3_iv(const ZucIv& iv) noexcept {
  ZucMessage message = common_fields(iv);
  message.direction = iv[4] >> 2 & 1;
  if (message.unused_bits > kMaxUnused || eea3_iv(message) != iv) return Error::invalid_argument;
  return message;
}

Result<ZucMessage> parse_eia3_iv(const ZucIv& iv) noexcept {
  ZucMessage message = common_fields(iv);
  message.direction = iv[14] >> 7;
  if (message.unused_bits > kMaxUnused || eia3_iv(message) != iv) return Error::invalid_argument;
  return message;
}

ZucEea3::ZucEea3(std::span<const std::uint8_t, kZucKeyLen> key, const ZucMessage& message) noexcept
    : m_stream(key, plain(eea3_iv(message))), m_unused_bits(message.unused_bits) {}

ZucEea3::~ZucEea3() { wipe(m_word); }

void ZucEea3::crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len,
                    bool is_last) noexcept {
  for (std::size_t i = 0; i < len; ++i) {
    if (m_num_used == m_word.size()) {
      store_be32(m_word.data(), m_stream.next());
      m_num_used = 0;
    }
    out[i] = in[i] ^ m_word[m_num_used++];
  }
  if (is_last && len > 0) out[len - 1] &= static_cast<std::uint8_t>(0xff << m_unused_bits);
}

ZucEia3::ZucEia3(std::span<const std::uint8_t, kZucKeyLen> key, const ZucMessage& message) noexcept
    : m_stream(key, plain(eia3_iv(message))), m_unused_bits(message.unused_bits) {
  const std::uint64_t first = m_stream.next();
  m_window = first << 32 | m_stream.next();
}

ZucEia3::~ZucEia3() {
  wipe_object(m_window);
  wipe_object(m_tag);
  wipe_object(m_last);
}

// For each bit that is set, the 32 bits of key stream that begin at its place.
void ZucEia3::add_bits(std::uint8_t bits, int num_bits) noexcept {
  for (int i = 7; i >= 8 - num_bits; --i) {
    const std::uint32_t mask = 0 - static_cast<std::uint32_t>(bits >> i & 1);
    m_tag ^= mask & static_cast<std::uint32_t>(m_window >> 32);
    m_window <<= 1;
  }
  m_num_bits -= num_bits;
  if (m_num_bits <= 32) {
    m_window |= std::uint64_t{m_stream.next()} << (32 - m_num_bits);
    m_num_bits += 32;
  }
}

void ZucEia3::update(Bytes data) noexcept {
  for (const std::uint8_t byte : data) {
    if (m_last >= 0) add_bits(static_cast<std::uint8_t>(m_last), 8);
    m_last = byte;
  }
}

std::array<std::uint8_t, kZucMacLen> ZucEia3::finish() noexcept {
  if (m_last >= 0) add_bits(static_cast<std::uint8_t>(m_last), 8 - m_unused_bits);
  m_tag ^= static_cast<std::uint32_t>(m_window >> 32);
  // The word after the one with the bit at the end of the message: what of the window is a begun
  // word is skipped with that.
  const int begun = m_num_bits % 32;
  const std::uint32_t last = begun == 0 ? static_cast<std::uint32_t>(m_window) : m_stream.next();
  std::array<std::uint8_t, kZucMacLen> mac;
  store_be32(mac.data(), m_tag ^ last);
  return mac;
}

void run(std::span<ZucJob> jobs) noexcept {
  for (ZucJob& job : jobs) {
    job.state->crypt(job.output, job.input, job.len, job.is_last);
    job.result = {};
  }
}

void run(std::span<ZucMacJob> jobs) noexcept {
  for (ZucMacJob& job : jobs) {
    job.state->update(job.input);
    job.result = {};
  }
}

bool zuc_self_test() {
  using known_answer::hex;
  // The first examples of TS 35.223.
  constexpr auto kKey = hex("173d14ba5003731d7a60049470f00a29");
  constexpr auto kText = hex("6cf65340735552ab0c9752fa6f9025fe0bd675d9005875b2");
  constexpr auto kCipher = hex("a6c85fc66afb8533aafc2518dfe784940ee1e4b030238cc8");
  ZucEea3 eea3(kKey, {0x66035492, 0xf, 0, 7});
  auto out = kText;
  eea3.crypt(out.data(), out.data(), out.size(), false);
  constexpr auto kMac = hex("c8a9595e");
  constexpr std::array<std::uint8_t, kZucKeyLen> kZeroKey{};
  ZucEia3 eia3(kZeroKey, {0, 0, 0, 7});
  eia3.update(hex("00"));
  return out == kCipher && eia3.finish() == kMac;
}

}  // namespace cipherdeck::engine
