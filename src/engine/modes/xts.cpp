// SPDX-License-Identifier: Apache-2.0
// XTS with the tweaks of GB/T 17964-2021 or of IEEE 1619.
#include "base/secret.h"
#include "engine/modes/blocks.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {
namespace {

// The tweak of the next block. It is secret: no branch on it.
class Tweak {
 public:
  Tweak(const std::uint8_t* iv, const Sm4Key& key, XtsOrder order) : m_order(order) {
    Block block;
    key.encrypt_blocks(block.data(), iv, 1);
    m_hi = load_be64(block.data());
    m_lo = load_be64(block.data() + 8);
    wipe(block);
  }

  void store(std::uint8_t* to) const {
    store_value(to, BlockValue{__builtin_bswap64(m_hi), __builtin_bswap64(m_lo)});
  }

  // Multiplies by x.
  void advance() {
    if (m_order == XtsOrder::gbt17964) {
      const std::uint64_t overflow = -(m_lo & 1);
      m_lo = (m_lo >> 1) | (m_hi << 63);
      m_hi = (m_hi >> 1) ^ (overflow & 0xe100000000000000u);
    } else {
      std::uint64_t low = __builtin_bswap64(m_hi);  // little-endian
      std::uint64_t high = __builtin_bswap64(m_lo);
      const std::uint64_t overflow = -(high >> 63);
      high = (high << 1) | (low >> 63);
      low = (low << 1) ^ (overflow & 0x87);
      m_hi = __builtin_bswap64(low);
      m_lo = __builtin_bswap64(high);
    }
  }

 private:
  XtsOrder m_order;
  std::uint64_t m_hi;
  std::uint64_t m_lo;
};

// One direction of the block cipher under one data key.
struct Cipher {
  const Sm4Key& key;
  bool is_encryption;

  void operator()(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks) const {
    if (is_encryption) {
      key.encrypt_blocks(out, in, num_blocks);
    } else {
      key.decrypt_blocks(out, in, num_blocks);
    }
  }
};

void crypt_full(std::uint8_t* out, const std::uint8_t* in, std::size_t num_blocks,
                const Cipher& cipher, Tweak& tweak) {
  Chunk tweaks, data;
  const std::size_t most = std::min(num_blocks, kChunkBlocks) * kSm4BlockLen;
  while (num_blocks != 0) {
    const std::size_t taken = std::min(num_blocks, kChunkBlocks);
    const std::size_t next = std::min(num_blocks - taken, kChunkBlocks) * kSm4BlockLen;
    prefetch(in + taken * kSm4BlockLen, out + taken * kSm4BlockLen, next);
    for (std::size_t i = 0; i < taken; ++i) {
      tweak.store(tweaks.data() + i * kSm4BlockLen);
      tweak.advance();
    }
    const std::size_t len = taken * kSm4BlockLen;
    xor_bytes(data.data(), in, tweaks.data(), len);
    cipher(data.data(), data.data(), taken);
    xor_bytes(out, data.data(), tweaks.data(), len);
    out += len;
    in += len;
    num_blocks -= taken;
  }
  wipe(MutableBytes(tweaks).first(most));
  wipe(MutableBytes(data).first(most));
}

void crypt_block(Block& block, const Cipher& cipher, const Tweak& tweak) {
  Block mask;
  tweak.store(mask.data());
  xor_bytes(block.data(), block.data(), mask.data(), kSm4BlockLen);
  cipher(block.data(), block.data(), 1);
  xor_bytes(block.data(), block.data(), mask.data(), kSm4BlockLen);
  wipe(mask);
}

// The last full block and the `tail_len` bytes after it.
void crypt_stealing(std::uint8_t* out, const std::uint8_t* in, std::size_t tail_len,
                    const Cipher& cipher, const Tweak& tweak) {
  Tweak first = tweak, second = tweak;
  (cipher.is_encryption ? second : first).advance();
  Block block, tail;
  std::memcpy(block.data(), in, kSm4BlockLen);
  std::memcpy(tail.data(), in + kSm4BlockLen, tail_len);
  crypt_block(block, cipher, first);
  std::memcpy(tail.data() + tail_len, block.data() + tail_len, kSm4BlockLen - tail_len);
  crypt_block(tail, cipher, second);
  std::memcpy(out, tail.data(), kSm4BlockLen);
  std::memcpy(out + kSm4BlockLen, block.data(), tail_len);
  wipe(block);
  wipe(tail);
  wipe_object(first);
  wipe_object(second);
}

void xts_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Cipher& cipher,
               const Sm4Key& tweak_key, std::uint8_t* iv, XtsOrder order, bool is_last) {
  Tweak tweak(iv, tweak_key, order);
  const std::size_t tail_len = len % kSm4BlockLen;
  const std::size_t num_full = len / kSm4BlockLen - (tail_len != 0);
  crypt_full(out, in, num_full, cipher, tweak);
  if (tail_len != 0) {
    const std::size_t done = num_full * kSm4BlockLen;
    crypt_stealing(out + done, in + done, tail_len, cipher, tweak);
  } else if (!is_last) {
    tweak.store(iv);
    tweak_key.decrypt_blocks(iv, iv, 1);
  }
  wipe_object(tweak);
}

}  // namespace

void xts_encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 const Sm4Key& tweak_key, std::uint8_t* iv, XtsOrder order, bool is_last) {
  xts_crypt(out, in, len, Cipher{key, true}, tweak_key, iv, order, is_last);
}

void xts_decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 const Sm4Key& tweak_key, std::uint8_t* iv, XtsOrder order, bool is_last) {
  xts_crypt(out, in, len, Cipher{key, false}, tweak_key, iv, order, is_last);
}

}  // namespace cipherdeck::engine::modes
