// SPDX-License-Identifier: Apache-2.0
// Between the structures of annex B and the formats of the function interface. In a structure with
// xa, xb, ya and yb, the a are the coefficients of u, which GM/T 0044 writes first.
#pragma once

#include "base/secret.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {

constexpr std::size_t kG2Len = 128;           // xa || xb || ya || yb
constexpr std::size_t kSm9SignatureLen = 96;  // h || x || y

using G2Bytes = std::array<std::uint8_t, kG2Len>;
using Sm9SignatureBytes = std::array<std::uint8_t, kSm9SignatureLen>;

/// Fail with invalid_argument if the pointer is null, with invalid_key if the key has not 256 bits.
/// Those of private keys are wiped when they go.
[[nodiscard]] Result<G2Bytes> to_point(const SM9SignMasterPublicKey* key) noexcept;
[[nodiscard]] Result<Point> to_point(const SM9EncMasterPublicKey* key) noexcept;
[[nodiscard]] Result<Secret<kPointLen>> to_point(const SM9SignUserPrivateKey* key) noexcept;
[[nodiscard]] Result<Secret<kG2Len>> to_point(const SM9EncUserPrivateKey* key) noexcept;

void to_struct(SM9EncMasterPublicKey& key, std::span<const std::uint8_t, kPointLen> point) noexcept;
void to_struct(SM9KeyPackage& package, std::span<const std::uint8_t, kPointLen> point) noexcept;
void to_struct(SM9Signature& signature, const Sm9SignatureBytes& bytes) noexcept;
[[nodiscard]] Point to_bytes(const SM9KeyPackage& package) noexcept;
[[nodiscard]] Sm9SignatureBytes to_bytes(const SM9Signature& signature) noexcept;

/// What a program's algorithm makes of SM9 encryption; `type` is EncType: that of GB/T 38635.2.
struct Sm9CipherShape {
  std::uint32_t type = 0;
  bool has_iv = false;
  bool is_padded = false;
};

/// `algorithm` is the card's. Fails with algorithm if it is none of SM9 encryption.
[[nodiscard]] Result<Sm9CipherShape> sm9_cipher_shape(std::uint32_t algorithm) noexcept;

/// C1 || C3 || C2. Fails with invalid_argument if null, and with decrypt_failed if EncType is not
/// `type`, or L is 0 or more than the card takes.
[[nodiscard]] Result<std::vector<std::uint8_t>> to_ciphertext(const SM9Cipher* cipher,
                                                              std::uint32_t type);
/// Writes the structure up to C, and L bytes there. `bytes` is longer than kCipherExtra.
void to_struct(SM9Cipher& cipher, std::uint32_t type, Bytes bytes) noexcept;

}  // namespace cipherdeck::sdf
