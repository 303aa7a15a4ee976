// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"
#include "engine/sm3/sm3.h"

namespace cipherdeck::engine {

HmacSm3::HmacSm3(Bytes key) noexcept {
  Secret<kSm3BlockLen> pad;
  if (key.size() > kSm3BlockLen) {
    Sm3Digest digest = Sm3::digest(key);
    std::memcpy(pad.data(), digest.data(), digest.size());
    wipe(digest);
  } else if (!key.empty()) {
    std::memcpy(pad.data(), key.data(), key.size());
  }
  for (std::uint8_t& byte : pad.span()) byte ^= 0x36;
  m_inner.update(pad.span());
  for (std::uint8_t& byte : pad.span()) byte ^= 0x36 ^ 0x5c;
  m_outer.update(pad.span());
}

Sm3Digest HmacSm3::finish() noexcept {
  Sm3Digest inner = m_inner.finish();
  m_outer.update(inner);
  wipe(inner);
  return m_outer.finish();
}

Sm3Digest HmacSm3::mac(Bytes key, Bytes data) noexcept {
  HmacSm3 mac(key);
  mac.update(data);
  return mac.finish();
}

}  // namespace cipherdeck::engine
