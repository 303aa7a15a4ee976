// SPDX-License-Identifier: Apache-2.0
// The algorithms as OpenSSL has them; nothing of this project's engine is in here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cipherdeck::verify {

using Buffer = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

/// Nothing, or false: OpenSSL could not do it.
[[nodiscard]] std::optional<Buffer> sm3(View data);
/// With PKCS #7 padding.
[[nodiscard]] std::optional<Buffer> sm4_cbc_encrypt(View key, View iv, View data);

struct Sealed {
  Buffer ciphertext;
  std::array<std::uint8_t, 16> tag{};
};
/// OpenSSL's GCM over OpenSSL's SM4: OpenSSL 3.0 has no SM4-GCM of its own.
[[nodiscard]] std::optional<Sealed> sm4_gcm_encrypt(View key, View nonce, View aad, View data);

/// SM2 with SM3; `public_key` is x || y, `signature` r || s.
[[nodiscard]] bool sm2_verify(View public_key, View id, View data, View signature);

}  // namespace cipherdeck::verify
