// SPDX-License-Identifier: Apache-2.0
// ECB, CBC and CBC-MAC.
#include "base/secret.h"
#include "engine/modes/blocks.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {

void ecb_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key) {
  key.encrypt_blocks(out, in, len / kSm4BlockLen);
}

void ecb_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key) {
  key.decrypt_blocks(out, in, len / kSm4BlockLen);
}

void cbc_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv) {
  for (std::size_t i = 0; i < len; i += kSm4BlockLen) {
    xor_bytes(iv, iv, in + i, kSm4BlockLen);
    key.encrypt_blocks(iv, iv, 1);
    std::memcpy(out + i, iv, kSm4BlockLen);
  }
}

void cbc_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv) {
  alignas(64) std::array<std::uint8_t, kSm4BlockLen + kChunkLen> cipher;  // after the block before
  Chunk plain;
  const std::size_t most = std::min(len, kChunkLen);
  while (len != 0) {
    const std::size_t taken = std::min(len, kChunkLen);
    prefetch(in + taken, out + taken, std::min(len - taken, kChunkLen));
    std::memcpy(cipher.data(), iv, kSm4BlockLen);
    std::memcpy(cipher.data() + kSm4BlockLen, in, taken);
    key.decrypt_blocks(plain.data(), cipher.data() + kSm4BlockLen, taken / kSm4BlockLen);
    xor_bytes(out, plain.data(), cipher.data(), taken);
    std::memcpy(iv, cipher.data() + taken, kSm4BlockLen);
    out += taken;
    in += taken;
    len -= taken;
  }
  wipe(MutableBytes(plain).first(most));
}

void cbc_mac(const std::uint8_t* in, std::size_t len, const Sm4Key& key, std::uint8_t* iv) {
  for (std::size_t i = 0; i < len; i += kSm4BlockLen) {
    xor_bytes(iv, iv, in + i, kSm4BlockLen);
    key.encrypt_blocks(iv, iv, 1);
  }
}

}  // namespace cipherdeck::engine::modes
