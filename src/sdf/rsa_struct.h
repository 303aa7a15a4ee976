// SPDX-License-Identifier: Apache-2.0
// RSArefPublicKey and RSArefPrivateKey, whose fields are as wide as the program was compiled for:
// 256 bytes, or 512 where its header has RSAref_MAX_BITS 4096 (profile.rsa_max_bits).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

#include <sdf/sdf_types.h>

#include <vector>

namespace cipherdeck::sdf {

/// modulus || exponent, as the function interface has it. Fails with invalid_argument if null, and
/// with invalid_key if a number is wider than `bits` says or that is wider than `max_bits`.
[[nodiscard]] Result<std::vector<std::uint8_t>> to_rsa_public_key(const RSArefPublicKey* key,
                                                                  std::uint32_t max_bits);
/// The private key as the function interface has it; fails likewise.
[[nodiscard]] Result<SecretBytes> to_rsa_private_key(const RSArefPrivateKey* key,
                                                     std::uint32_t max_bits);

/// Fail with key_type if the key is wider than the structure.
Result<void> to_struct(RSArefPublicKey& key, Bytes modulus_exponent, std::uint32_t max_bits);
Result<void> to_struct(RSArefPrivateKey& key, Bytes numbers, std::uint32_t max_bits);

}  // namespace cipherdeck::sdf
