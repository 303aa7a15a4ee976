// SPDX-License-Identifier: Apache-2.0
#include "card/random/ctr_drbg.h"

#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::card::random {

CtrDrbg::CtrDrbg(std::span<const std::uint8_t, kCtrDrbgSeedLen> entropy) noexcept {
  static const engine::Sm4Key kZeroKey(std::array<std::uint8_t, engine::kSm4KeyLen>{});
  m_counter.span().back() = 1;
  update(kZeroKey, entropy);
}

void CtrDrbg::generate(MutableBytes out) noexcept {
  const engine::Sm4Key key(m_key.span());
  key_stream(out, key);
  update(key, std::array<std::uint8_t, kCtrDrbgSeedLen>{});
}

// E(V + 1), E(V + 2), and so on; V becomes the last of these.
void CtrDrbg::key_stream(MutableBytes out, const engine::Sm4Key& key) noexcept {
  std::ranges::fill(out, std::uint8_t{0});
  engine::modes::ctr_crypt(out.data(), out.data(), out.size(), key, m_counter.data());
}

// CTR_DRBG_Update (10.2.1.2).
void CtrDrbg::update(const engine::Sm4Key& key,
                     std::span<const std::uint8_t, kCtrDrbgSeedLen> data) noexcept {
  Secret<kCtrDrbgSeedLen> next;
  key_stream(next.span(), key);
  for (std::size_t i = 0; i < data.size(); ++i) next.span()[i] ^= data[i];
  std::ranges::copy(next.span().first<engine::kSm4KeyLen>(), m_key.data());
  // The new V, plus 1.
  unsigned carry = 1;
  for (std::size_t i = engine::kSm4BlockLen; i-- != 0;) {
    carry += next.span()[engine::kSm4KeyLen + i];
    m_counter.span()[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

}  // namespace cipherdeck::card::random
