// SPDX-License-Identifier: Apache-2.0
// CCM (GB/T 36624, mechanism 3; NIST SP 800-38C; RFC 3610).
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/modes/aead_parts.h"
#include "engine/modes/streams.h"

#include <algorithm>
#include <optional>

namespace cipherdeck::engine::modes {
namespace {

// B0 of SP 800-38C, A.2.1.
Block first_block(Bytes nonce, bool has_aad, std::uint64_t len, std::size_t tag_len) {
  const std::size_t len_len = 15 - nonce.size();
  Block block{};
  for (std::size_t i = 15; i > nonce.size(); --i, len >>= 8) {
    block[i] = static_cast<std::uint8_t>(len);
  }
  block[0] =
      static_cast<std::uint8_t>((has_aad ? 0x40 : 0) | ((tag_len - 2) / 2 << 3) | (len_len - 1));
  std::memcpy(block.data() + 1, nonce.data(), nonce.size());
  return block;
}

// The length of the additional data, SP 800-38C, A.2.2: how many bytes it takes.
std::size_t write_aad_len(std::uint8_t* to, std::size_t len) {
  if (len < 0xff00) {
    to[0] = static_cast<std::uint8_t>(len >> 8);
    to[1] = static_cast<std::uint8_t>(len);
    return 2;
  }
  const bool is_long = len > 0xffffffff;
  to[0] = 0xff;
  to[1] = is_long ? 0xff : 0xfe;
  is_long ? store_be64(to + 2, len) : store_be32(to + 2, static_cast<std::uint32_t>(len));
  return is_long ? 10 : 6;
}

Block counter_block(Bytes nonce, std::uint8_t count) {
  Block counter{};
  counter[0] = static_cast<std::uint8_t>(14 - nonce.size());
  std::memcpy(counter.data() + 1, nonce.data(), nonce.size());
  counter[15] = count;
  return counter;
}

// What is the MAC's, of one message: parts of whole blocks, which go one after the other.
class Mac {
 public:
  Mac(const Aead& message, std::size_t tag_len, const std::uint8_t* plaintext) {
    m_head[0] = first_block(message.nonce, !message.aad.empty(), message.len, tag_len);
    m_parts[0] = {m_head[0].data(), kSm4BlockLen};
    Bytes aad = message.aad;
    if (!aad.empty()) {
      const std::size_t used = write_aad_len(m_head[1].data(), aad.size());
      const std::size_t taken = std::min(aad.size(), kSm4BlockLen - used);
      std::memcpy(m_head[1].data() + used, aad.data(), taken);
      m_parts[0] = {m_head[0].data(), 2 * kSm4BlockLen};
      add_padded(1, aad.subspan(taken));
    }
    add_padded(3, {plaintext, message.len});
  }
  Mac(const Mac&) = delete;
  Mac& operator=(const Mac&) = delete;
  ~Mac() {
    wipe_object(m_tails);
    wipe_object(m_sum);
  }

  static constexpr std::size_t kNumParts = 5;
  [[nodiscard]] Stream part(std::size_t i, const Sm4Key& key) {
    return {&key, m_sum.data(), m_parts[i].data(), nullptr, m_parts[i].size()};
  }
  [[nodiscard]] const Block& sum() const { return m_sum; }

 private:
  // The whole blocks of `data`, and the rest filled with zeros.
  void add_padded(std::size_t i, Bytes data) {
    const std::size_t tail_len = data.size() % kSm4BlockLen;
    m_parts[i] = data.first(data.size() - tail_len);
    if (tail_len == 0) return;
    Block& tail = m_tails[i / 2];
    std::memcpy(tail.data(), data.last(tail_len).data(), tail_len);
    m_parts[i + 1] = tail;
  }

  std::array<Block, 2> m_head{}, m_tails{};
  std::array<Bytes, kNumParts> m_parts;
  Block m_sum{};
};

// The full carry never leaves the counter field: ccm_allows_len bounds the number of blocks.
void crypt(const Aead& message) {
  Block counter = counter_block(message.nonce, 1);
  ctr_crypt(message.output, message.input, message.len, *message.key, counter.data());
}

Block masked(const Mac& mac, const Aead& message) {
  Block counter = counter_block(message.nonce, 0), tag;
  ctr_crypt(tag.data(), mac.sum().data(), tag.size(), *message.key, counter.data());
  return tag;
}

// One part of every message that has it.
class Parts final : public StreamSource {
 public:
  Parts(std::span<const CcmMessage> messages, std::span<std::optional<Mac>> macs, std::size_t part)
      : m_messages(messages), m_macs(macs), m_part(part) {}
  bool next(Stream& stream) override {
    for (; m_next != m_messages.size(); ++m_next) {
      stream = m_macs[m_next]->part(m_part, *m_messages[m_next].aead.key);
      if (stream.len == 0) continue;
      ++m_next;
      return true;
    }
    return false;
  }

 private:
  std::span<const CcmMessage> m_messages;
  std::span<std::optional<Mac>> m_macs;
  std::size_t m_part;
  std::size_t m_next = 0;
};

Result<void> check(const CcmMessage& message, Block& full) {
  const bool is_right = equal_constant_time(Bytes(full).first(message.tag.size()), message.tag);
  wipe(full);
  declassify(is_right);
  if (is_right) return {};
  wipe({message.aead.output, message.aead.len});
  return Error::mac_failed;
}

}  // namespace

// ---- in parts -----------------------------------------------------------------------------------

CcmParts::CcmParts(const Sm4Key& key, Bytes nonce, Bytes aad, std::size_t len, std::size_t tag_len)
    : m_key(key), m_counter(counter_block(nonce, 1)), m_first_counter(counter_block(nonce, 0)) {
  hash(first_block(nonce, !aad.empty(), len, tag_len));
  if (aad.empty()) return;
  Block head{};
  const std::size_t used = write_aad_len(head.data(), aad.size());
  const std::size_t taken = std::min(aad.size(), head.size() - used);
  std::memcpy(head.data() + used, aad.data(), taken);
  hash(head);
  hash(aad.subspan(taken));
}

CcmParts::~CcmParts() { wipe(m_sum); }

void CcmParts::hash(Bytes plaintext) {
  const std::size_t tail_len = plaintext.size() % kSm4BlockLen;
  cbc_mac(plaintext.data(), plaintext.size() - tail_len, m_key, m_sum.data());
  if (tail_len == 0) return;
  Block tail{};
  std::memcpy(tail.data(), plaintext.last(tail_len).data(), tail_len);
  cbc_mac(tail.data(), tail.size(), m_key, m_sum.data());
  wipe(tail);
}

void CcmParts::encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len) {
  hash({in, len});
  ctr_crypt(out, in, len, m_key, m_counter.data());
}

void CcmParts::decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len) {
  ctr_crypt(out, in, len, m_key, m_counter.data());
  hash({out, len});
}

Block CcmParts::tag() {
  Block tag;
  ctr_crypt(tag.data(), m_sum.data(), tag.size(), m_key, m_first_counter.data());
  return tag;
}

bool ccm_allows_len(std::size_t len, std::size_t nonce_len) noexcept {
  const std::size_t len_len = 15 - nonce_len;
  return len_len >= 8 || (std::uint64_t{len} >> (8 * len_len)) == 0;
}

void ccm_crypt(std::span<CcmMessage> messages) {
  std::array<std::optional<Mac>, kCcmTogether> macs;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Aead& aead = messages[i].aead;
    if (messages[i].is_decryption) crypt(aead);
    const std::uint8_t* const plaintext = messages[i].is_decryption ? aead.output : aead.input;
    macs[i].emplace(aead, messages[i].tag.size(), plaintext);
  }
  for (std::size_t part = 0; part < Mac::kNumParts; ++part) {
    Parts parts(messages, std::span(macs).first(messages.size()), part);
    run_streams(sm4::Chaining::mac, parts);
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    CcmMessage& message = messages[i];
    Block full = masked(*macs[i], message.aead);
    if (message.is_decryption) {
      message.result = check(message, full);
    } else {
      crypt(message.aead);
      std::memcpy(message.tag.data(), full.data(), message.tag.size());
      message.result = {};
    }
  }
}

}  // namespace cipherdeck::engine::modes
