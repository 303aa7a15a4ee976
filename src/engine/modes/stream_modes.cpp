// SPDX-License-Identifier: Apache-2.0
// CFB, OFB and CTR.
#include "base/secret.h"
#include "engine/modes/blocks.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {
namespace {

// A counter block and how it counts.
class Counter128 {
 public:
  explicit Counter128(const std::uint8_t* block)
      : m_hi(load_be64(block)), m_lo(load_be64(block + 8)) {}
  void store(std::uint8_t* to) const {
    store_be64(to, m_hi);
    store_be64(to + 8, m_lo);
  }
  void increment() {
    m_lo += 1;
    m_hi += m_lo == 0;
  }

 private:
  std::uint64_t m_hi;
  std::uint64_t m_lo;
};

class Counter32 {
 public:
  explicit Counter32(const std::uint8_t* block) : m_count(load_be32(block + 12)) {
    std::memcpy(m_fixed, block, sizeof m_fixed);
  }
  void store(std::uint8_t* to) const {
    std::memcpy(to, m_fixed, sizeof m_fixed);
    store_be32(to + 12, m_count);
  }
  void increment() {
    m_count += 1;
    // GCM's counter may be secret. Without this the compiler tests it for a wrap before the loop.
    __asm__("" : "+r"(m_count));
  }

 private:
  std::uint8_t m_fixed[12];
  std::uint32_t m_count;
};

template <typename Counter>
void crypt_with_counter(std::uint8_t* out, const std::uint8_t* in, std::size_t len,
                        const Sm4Key& key, std::uint8_t* iv) {
  Counter counter(iv);
  Chunk stream;
  while (len != 0) {
    const std::size_t taken = std::min(len, kChunkLen);
    const std::size_t num_blocks = num_blocks_of(taken);
    for (std::size_t i = 0; i < num_blocks; ++i) {
      counter.store(stream.data() + i * kSm4BlockLen);
      counter.increment();
    }
    key.encrypt_blocks(stream.data(), stream.data(), num_blocks);
    xor_bytes(out, in, stream.data(), taken);
    out += taken;
    in += taken;
    len -= taken;
  }
  counter.store(iv);
  wipe(stream);
}

}  // namespace

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
  std::array<std::uint8_t, kSm4BlockLen + kChunkLen> cipher;  // the block before, then the chunk
  Chunk stream;
  while (len != 0) {
    const std::size_t taken = std::min(len, kChunkLen);
    const std::size_t num_blocks = num_blocks_of(taken);
    std::memcpy(cipher.data(), iv, kSm4BlockLen);
    std::memcpy(cipher.data() + kSm4BlockLen, in, taken);
    std::memset(cipher.data() + kSm4BlockLen + taken, 0, num_blocks * kSm4BlockLen - taken);
    key.encrypt_blocks(stream.data(), cipher.data(), num_blocks);
    xor_bytes(out, stream.data(), cipher.data() + kSm4BlockLen, taken);
    std::memcpy(iv, cipher.data() + num_blocks * kSm4BlockLen, kSm4BlockLen);
    out += taken;
    in += taken;
    len -= taken;
  }
  wipe(stream);
}

void ofb_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               std::uint8_t* iv) {
  for (std::size_t i = 0; i < len; i += kSm4BlockLen) {
    key.encrypt_blocks(iv, iv, 1);
    xor_bytes(out + i, in + i, iv, std::min(len - i, kSm4BlockLen));
  }
}

void ctr_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
               std::uint8_t* iv) {
  crypt_with_counter<Counter128>(out, in, len, key, iv);
}

void ctr32_crypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len, const Sm4Key& key,
                 Block& counter) {
  crypt_with_counter<Counter32>(out, in, len, key, counter.data());
}

}  // namespace cipherdeck::engine::modes
