// SPDX-License-Identifier: Apache-2.0
// Key encapsulation as a stream of key bytes, of which encryption takes two keys.
#pragma once

#include "engine/sm2/curve.h"
#include "engine/sm9/sm9.h"

namespace cipherdeck::engine::sm9 {

/// Q = [H1(id || hid)] P1 + master: the public key of an identity. Fails with invalid_key for the
/// one identity in 2^256 for which it is infinity.
[[nodiscard]] Result<G1Affine> identity_point(const Sm9EncryptMasterPublicKey& master, Bytes id,
                                              Sm9Use use);

/// KDF(C || w || id) of a new C (GM/T 0044.4, 7.1, steps A1 to A6).
[[nodiscard]] Result<sm2::Kdf> encapsulate(Sm9G1Bytes& package,
                                           const Sm9EncryptMasterPublicKey& master, Bytes id,
                                           RandomSource& random);

/// The same stream from C. Fails with decrypt_failed if C is no point of G1 (7.3, steps B1 to B3).
[[nodiscard]] Result<sm2::Kdf> decapsulate(const Sm9EncryptUserKey& user, Bytes id,
                                           std::span<const std::uint8_t, kG1Len> package);

/// Whether all bytes are zero, which no key may be. The answer is public.
[[nodiscard]] bool is_all_zero(Bytes key) noexcept;

}  // namespace cipherdeck::engine::sm9
