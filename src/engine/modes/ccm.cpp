// SPDX-License-Identifier: Apache-2.0
// CCM (GB/T 36624, mechanism 3; NIST SP 800-38C; RFC 3610).
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/modes/blocks.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {
namespace {

// The CBC-MAC of CCM over parts that are each filled with zeros to whole blocks.
class Mac {
 public:
  explicit Mac(const Sm4Key& key) : m_key(key) {}
  Mac(const Mac&) = delete;
  Mac& operator=(const Mac&) = delete;
  ~Mac() { wipe(m_sum); }

  void update(Bytes data) {
    while (!data.empty()) {
      const std::size_t taken = std::min(kSm4BlockLen - m_used, data.size());
      for (std::size_t i = 0; i < taken; ++i) m_sum[m_used + i] ^= data[i];
      m_used += taken;
      data = data.subspan(taken);
      if (m_used == kSm4BlockLen) pad();
    }
  }
  void pad() {
    if (m_used != 0) m_key.encrypt_blocks(m_sum.data(), m_sum.data(), 1);
    m_used = 0;
  }
  [[nodiscard]] const Block& sum() const { return m_sum; }

 private:
  const Sm4Key& m_key;
  Block m_sum{};
  std::size_t m_used = 0;
};

// B0 of SP 800-38C, A.2.1.
Block first_block(const Aead& message, std::size_t tag_len) {
  const std::size_t len_len = 15 - message.nonce.size();
  Block block{};
  std::uint64_t len = message.len;
  for (std::size_t i = 15; i > message.nonce.size(); --i, len >>= 8) {
    block[i] = static_cast<std::uint8_t>(len);
  }
  block[0] = static_cast<std::uint8_t>((message.aad.empty() ? 0 : 0x40) | ((tag_len - 2) / 2 << 3) |
                                       (len_len - 1));
  std::memcpy(block.data() + 1, message.nonce.data(), message.nonce.size());
  return block;
}

// The length of the additional data, SP 800-38C, A.2.2.
void update_aad(Mac& mac, Bytes aad) {
  if (aad.empty()) return;
  std::uint8_t len[10] = {0xff, 0xff};
  store_be64(len + 2, aad.size());
  if (aad.size() < 0xff00) {
    mac.update({len + 8, 2});
  } else if (aad.size() <= 0xffffffff) {
    len[5] = 0xfe;
    len[4] = 0xff;
    mac.update({len + 4, 6});
  } else {
    mac.update(len);
  }
  mac.update(aad);
  mac.pad();
}

void start(Mac& mac, const Aead& message, std::size_t tag_len) {
  mac.update(first_block(message, tag_len));
  update_aad(mac, message.aad);
}

Block counter_block(Bytes nonce, std::uint8_t count) {
  Block counter{};
  counter[0] = static_cast<std::uint8_t>(14 - nonce.size());
  std::memcpy(counter.data() + 1, nonce.data(), nonce.size());
  counter[15] = count;
  return counter;
}

// The full carry never leaves the counter field: ccm_allows_len bounds the number of blocks.
void crypt(const Aead& message) {
  Block counter = counter_block(message.nonce, 1);
  ctr_crypt(message.output, message.input, message.len, message.key, counter.data());
}

Block masked(const Mac& mac, const Aead& message) {
  Block counter = counter_block(message.nonce, 0), tag;
  ctr_crypt(tag.data(), mac.sum().data(), tag.size(), message.key, counter.data());
  return tag;
}

// The MAC over the plaintext of `message`, which goes through a buffer of its own.
void update_decrypted(Mac& mac, const Aead& message) {
  Block counter = counter_block(message.nonce, 1);
  Chunk plain;
  for (std::size_t i = 0; i < message.len; i += kChunkLen) {
    const std::size_t taken = std::min(message.len - i, kChunkLen);
    ctr_crypt(plain.data(), message.input + i, taken, message.key, counter.data());
    mac.update({plain.data(), taken});
  }
  mac.pad();
  wipe(plain);
}

}  // namespace

bool ccm_allows_len(std::size_t len, std::size_t nonce_len) noexcept {
  const std::size_t len_len = 15 - nonce_len;
  return len_len >= 8 || (std::uint64_t{len} >> (8 * len_len)) == 0;
}

void ccm_encrypt(MutableBytes tag, const Aead& message) {
  Mac mac(message.key);
  start(mac, message, tag.size());
  mac.update({message.input, message.len});
  mac.pad();
  crypt(message);
  const Block full = masked(mac, message);
  std::memcpy(tag.data(), full.data(), tag.size());
}

Result<void> ccm_decrypt(Bytes tag, const Aead& message) {
  Mac mac(message.key);
  start(mac, message, tag.size());
  update_decrypted(mac, message);
  Block full = masked(mac, message);
  const bool is_right = equal_constant_time(Bytes(full).first(tag.size()), tag);
  wipe(full);
  declassify(is_right);
  if (!is_right) {
    wipe({message.output, message.len});
    return Error::mac_failed;
  }
  crypt(message);
  return {};
}

}  // namespace cipherdeck::engine::modes
