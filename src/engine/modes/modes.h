// SPDX-License-Identifier: Apache-2.0
// Modes of operation over SM4 (GB/T 17964-2021, GB/T 36624, GB/T 15852.1). These functions trust
// their caller (engine/batch.cpp) for what the comments ask of lengths and pointers. `out` and `in`
// are the same or do not overlap; no alignment is needed; each byte of `in` is read once, except by
// the authenticated modes. `iv` has 16 bytes. Nothing is kept between calls but `iv`.
#pragma once

#include "base/result.h"
#include "engine/sm4/sm4.h"

namespace cipherdeck::engine::modes {

/// Lengths are multiples of 16.
void ecb_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key);
void ecb_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key);

/// Lengths are multiples of 16. `iv` becomes the last ciphertext block.
void cbc_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv);
void cbc_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv);

/// The last block of a CBC encryption. `iv` becomes the MAC. `len` is a multiple of 16.
void cbc_mac(const std::uint8_t* in, std::size_t len, const Sm4Key& key, std::uint8_t* iv);

/// CFB with feedback of 128 bits, any length. `iv` becomes the last ciphertext block; if that block
/// is a partial one, filled with zeros: a message ends there and the next call begins another.
void cfb_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv);
void cfb_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv);

/// OFB, any length; its own inverse. `iv` becomes the last block of key stream, whole even if only
/// a part of it was used: the next call goes on with the block after it.
void ofb_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               std::uint8_t* iv);

/// CTR, any length; its own inverse. `iv` is the first counter block, a big-endian number of 128
/// bits, and becomes the first counter not used: the rest of a partial last block is skipped.
void ctr_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               std::uint8_t* iv);

/// How the tweak is multiplied by x from block to block: GB/T 17964-2021 takes the first bit of the
/// first byte as the coefficient of x^0 (as GCM does), IEEE 1619 the last bit of the first byte.
/// SM4_XTS of GM/T 0018 is the former, and so is XTS of batch.h.
enum class XtsOrder : std::uint8_t { gbt17964, ieee1619 };

/// XTS of one data unit, `len` at least 16, with ciphertext stealing. `iv` is the tweak before its
/// encryption. If `len` is a multiple of 16, `iv` becomes the value that makes the next call go on
/// with the blocks that follow; else, or if `is_last` says so, the data unit has ended, and `iv` is
/// left as it was.
void xts_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 const Sm4Key& tweak_key, std::uint8_t* iv, XtsOrder order = XtsOrder::gbt17964,
                 bool is_last = false);
void xts_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 const Sm4Key& tweak_key, std::uint8_t* iv, XtsOrder order = XtsOrder::gbt17964,
                 bool is_last = false);

/// One message of an authenticated mode. The lengths are those that batch.h allows.
struct Aead {
  const Sm4Key* key = nullptr;
  Bytes nonce;
  Bytes aad;
  const std::uint8_t* input = nullptr;
  std::uint8_t* output = nullptr;
  std::size_t len = 0;
};

/// Most bytes of one message: 2^36 - 32 for GCM; 2^(8 * (15 - nonce length)) - 1 for CCM.
[[nodiscard]] bool gcm_allows_len(std::size_t len) noexcept;
[[nodiscard]] bool ccm_allows_len(std::size_t len, std::size_t nonce_len) noexcept;

void gcm_encrypt(MutableBytes tag, const Aead& message);

/// Fails with mac_failed, and `output` wiped, if the tag is wrong. Until it returns, `output` may
/// hold what must not be used.
[[nodiscard]] Result<void> gcm_decrypt(Bytes tag, const Aead& message);

/// A message for CCM, whose tag is written or checked as in the functions of GCM.
struct CcmMessage {
  Aead aead;
  MutableBytes tag;
  bool is_decryption = false;
  Result<void> result;
};

/// At most kCcmTogether messages: their MACs go side by side.
constexpr std::size_t kCcmTogether = 64;
void ccm_crypt(std::span<CcmMessage> messages);

}  // namespace cipherdeck::engine::modes
