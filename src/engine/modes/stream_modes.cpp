// SPDX-License-Identifier: Apache-2.0
// CFB, OFB and CTR.
#include "base/secret.h"
#include "engine/modes/blocks.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {
void cfb_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv) {
  for (std::size_t i = 0; i < len; i += kSm4BlockLen) {
    const std::size_t taken = std::min(len - i, kSm4BlockLen);
    key.encrypt_blocks(iv, iv, 1);
    xor_bytes(iv, iv, in + i, taken);
    std::memset(iv + taken, 0, kSm4BlockLen - taken);
    std::memcpy(out + i, iv, taken);
  }
}

void cfb_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 std::uint8_t* iv) {
  alignas(64) std::array<std::uint8_t, kSm4BlockLen + kChunkLen> cipher;  // after the block before
  Chunk stream;
  const std::size_t most = std::min(len, kChunkLen);
  while (len != 0) {
    const std::size_t taken = std::min(len, kChunkLen);
    const std::size_t num_blocks = num_blocks_of(taken);
    prefetch(in + taken, out + taken, std::min(len - taken, kChunkLen));
    std::memcpy(cipher.data(), iv, kSm4BlockLen);
    std::memset(cipher.data() + num_blocks * kSm4BlockLen, 0, kSm4BlockLen);
    std::memcpy(cipher.data() + kSm4BlockLen, in, taken);
    key.encrypt_blocks(stream.data(), cipher.data(), num_blocks);
    xor_bytes(out, stream.data(), cipher.data() + kSm4BlockLen, taken);
    std::memcpy(iv, cipher.data() + num_blocks * kSm4BlockLen, kSm4BlockLen);
    out += taken;
    in += taken;
    len -= taken;
  }
  wipe(MutableBytes(stream).first(most));
}

void ofb_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               std::uint8_t* iv) {
  for (std::size_t i = 0; i < len; i += kSm4BlockLen) {
    key.encrypt_blocks(iv, iv, 1);
    xor_bytes(out + i, in + i, iv, std::min(len - i, kSm4BlockLen));
  }
}

void ctr_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               Counter& counter) {
  if (const auto ctr_blocks = sm4::chosen_variant().ctr_blocks) {
    const std::size_t num_blocks = len / kSm4BlockLen;
    ctr_blocks(out, in, num_blocks, key.encryption_keys(), counter.hi(), counter.lo(),
               counter.bits());
    counter.advance(num_blocks);
    out += num_blocks * kSm4BlockLen;
    in += num_blocks * kSm4BlockLen;
    len %= kSm4BlockLen;
  }
  Chunk stream;
  const std::size_t most = num_blocks_of(std::min(len, kChunkLen)) * kSm4BlockLen;
  while (len != 0) {
    const std::size_t taken = std::min(len, kChunkLen);
    const std::size_t num_blocks = num_blocks_of(taken);
    prefetch(in + taken, out + taken, std::min(len - taken, kChunkLen));
    counter.store_next(stream.data(), num_blocks);
    key.encrypt_blocks(stream.data(), stream.data(), num_blocks);
    xor_bytes(out, in, stream.data(), taken);
    out += taken;
    in += taken;
    len -= taken;
  }
  wipe(MutableBytes(stream).first(most));
}

void ctr_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               std::uint8_t* iv) {
  Counter counter(iv, sm4::CounterBits::all);
  ctr_crypt(out, in, len, key, counter);
  counter.store(iv);
}

}  // namespace cipherdeck::engine::modes
