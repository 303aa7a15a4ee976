// SPDX-License-Identifier: Apache-2.0
// Between the structures of GM/T 0018 and the formats of the function interface.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "sdf/config.h"

#include <sdf/sdf_types.h>

#include <array>
#include <vector>

namespace cipherdeck::sdf {

constexpr std::size_t kFieldLen = 32;     // a coordinate or scalar of SM2
constexpr std::size_t kPointLen = 64;     // x || y
constexpr std::size_t kDigestLen = 32;    // e, and the output of SM3
constexpr std::size_t kBlockLen = 16;     // of SM4
constexpr std::size_t kCipherExtra = 96;  // C1 and C3 of an SM2 ciphertext
constexpr std::uint32_t kSm2Bits = 256;

using Point = std::array<std::uint8_t, kPointLen>;
using Scalar = Secret<kFieldLen>;
using SignatureBytes = std::array<std::uint8_t, kPointLen>;

/// Fails with invalid_argument if the pointer is null, and with invalid_key if the key has not 256
/// bits or a coordinate is longer.
[[nodiscard]] Result<Point> to_point(const ECCrefPublicKey* key) noexcept;
void to_struct(ECCrefPublicKey& key, std::span<const std::uint8_t, kPointLen> point) noexcept;

/// Fails with invalid_argument if null, and with invalid_key if the scalar has not 256 bits.
[[nodiscard]] Result<Scalar> to_scalar(const ECCrefPrivateKey* key) noexcept;
void to_struct(ECCrefPrivateKey& key, std::span<const std::uint8_t, kFieldLen> scalar) noexcept;

/// Fails with invalid_argument if null, and with verify_failed if r or s is longer than 256 bits.
[[nodiscard]] Result<SignatureBytes> to_signature(const ECCSignature* signature) noexcept;
void to_struct(ECCSignature& signature, std::span<const std::uint8_t, kPointLen> bytes) noexcept;

/// C1 || C3 || C2. Fails with invalid_argument if null, and with decrypt_failed if L is 0 or above
/// `max_len`, or a coordinate is longer than 256 bits.
[[nodiscard]] Result<std::vector<std::uint8_t>> to_ciphertext(const ECCCipher* cipher,
                                                              CipherLayout layout,
                                                              std::size_t max_len);
/// Writes 164 + L bytes, or, in the short layout, its 236. `bytes` is longer than kCipherExtra.
/// Fails with buffer_too_small if L is beyond the layout.
Result<void> to_struct(ECCCipher& cipher, CipherLayout layout, Bytes bytes) noexcept;
/// The largest L that a structure of this layout can have.
[[nodiscard]] std::size_t max_plaintext_len(CipherLayout layout) noexcept;

/// The card's identifier for a program's, whose SM4 is at `sm4_base`.
[[nodiscard]] std::uint32_t to_symmetric_algorithm(std::uint32_t algorithm,
                                                   std::uint32_t sm4_base) noexcept;

/// Fails with algorithm unless `algorithm` is SM2, with its use (SGD_SM2_) or without.
[[nodiscard]] Result<void> check_sm2(std::uint32_t algorithm, std::uint32_t use) noexcept;

}  // namespace cipherdeck::sdf
