// SPDX-License-Identifier: Apache-2.0
// GCM (GB/T 36624, mechanism 5; NIST SP 800-38D).
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/modes/aead_parts.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {
namespace {

constexpr std::size_t kUsualNonceLen = 12;

enum class Direction : std::uint8_t { encrypt, decrypt };

Block encrypt_block(const Sm4Key& key, const Block& in) {
  Block out;
  key.encrypt_blocks(out.data(), in.data(), 1);
  return out;
}

// J0 of SP 800-38D, 7.1.
Block first_counter(const Sm4Key& key, Bytes nonce) {
  Block counter{};
  if (nonce.size() == kUsualNonceLen) {
    std::memcpy(counter.data(), nonce.data(), kUsualNonceLen);
    counter[15] = 1;
    return counter;
  }
  Block point = encrypt_block(key, Block{});
  Ghash hash(point);
  counter = hash.finish(nonce, 0, nonce.size());
  wipe(point);
  return counter;
}

// The blocks that every message needs, encrypted at once: the point of the hash, the mask of the
// tag, and the first of the key stream.
class Head {
 public:
  Head(const Sm4Key& key, Counter& counter) {
    m_blocks[0].fill(0);
    counter.store_next(m_blocks[1].data(), m_blocks.size() - 1);
    key.encrypt_blocks(m_blocks[0].data(), m_blocks[0].data(), m_blocks.size());
  }
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;
  ~Head() { wipe_object(m_blocks); }

  [[nodiscard]] const Block& point() const { return m_blocks[0]; }
  [[nodiscard]] const Block& mask() const { return m_blocks[1]; }
  [[nodiscard]] const std::uint8_t* stream() const { return m_blocks[2].data(); }
  static constexpr std::size_t kStreamLen = 6 * kSm4BlockLen;

 private:
  alignas(64) std::array<Block, 8> m_blocks;
};

// Hashed and encrypted in pieces that stay in the first cache.
constexpr std::size_t kPieceLen = 4 * kChunkLen;

// Gives the tag. The ciphertext is hashed before it is decrypted: it may be in the same place.
Block crypt(const Aead& message, Direction direction) {
  const Block first = first_counter(*message.key, message.nonce);
  Counter counter(first.data(), sm4::CounterBits::last32);
  const Head head(*message.key, counter);
  Ghash hash(head.point());
  hash.update_padded(message.aad);
  Block tag{};
  std::size_t done = 0, taken = 0;
  do {
    taken = std::min(message.len - done, done == 0 ? Head::kStreamLen : kPieceLen);
    const std::uint8_t* const in = message.input + done;
    std::uint8_t* const out = message.output + done;
    const bool is_last = done + taken == message.len;
    const auto update = [&](const std::uint8_t* ciphertext) {
      if (is_last) {
        tag = hash.finish({ciphertext, taken}, message.aad.size(), message.len);
      } else {
        hash.update_padded({ciphertext, taken});
      }
    };
    if (direction == Direction::decrypt) update(in);
    if (done == 0) {
      xor_bytes(out, in, head.stream(), taken);
    } else {
      ctr_crypt(out, in, taken, *message.key, counter);
    }
    if (direction == Direction::encrypt) update(out);
    done += taken;
  } while (done != message.len);
  xor_bytes(tag.data(), tag.data(), head.mask().data(), tag.size());
  return tag;
}

}  // namespace

// What a message begins with.
struct GcmParts::Start {
  Start(const Sm4Key& key, Bytes nonce)
      : point(encrypt_block(key, Block{})), first(first_counter(key, nonce)) {}
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;
  ~Start() { wipe(point); }

  Block point;
  Block first;
};

GcmParts::GcmParts(const Sm4Key& key, Bytes nonce, Bytes aad)
    : GcmParts(key, Start(key, nonce), aad) {}

GcmParts::GcmParts(const Sm4Key& key, const Start& start, Bytes aad)
    : m_key(key),
      m_counter(start.first.data(), sm4::CounterBits::last32),
      m_hash(start.point),
      m_mask(encrypt_block(key, start.first)),
      m_aad_len(aad.size()) {
  m_counter.advance(1);
  m_hash.update_padded(aad);
}

GcmParts::~GcmParts() { wipe(m_mask); }

void GcmParts::encrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len) {
  ctr_crypt(out, in, len, m_key, m_counter);
  m_hash.update_padded({out, len});
  m_len += len;
}

void GcmParts::decrypt(std::uint8_t* out, const std::uint8_t* in, std::size_t len) {
  m_hash.update_padded({in, len});
  ctr_crypt(out, in, len, m_key, m_counter);
  m_len += len;
}

Block GcmParts::tag() {
  Block tag = m_hash.finish({}, m_aad_len, m_len);
  xor_bytes(tag.data(), tag.data(), m_mask.data(), tag.size());
  return tag;
}

bool gcm_allows_len(std::size_t len) noexcept { return len <= (std::uint64_t{1} << 36) - 32; }

void gcm_encrypt(MutableBytes tag, const Aead& message) {
  const Block full = crypt(message, Direction::encrypt);
  std::memcpy(tag.data(), full.data(), tag.size());
}

Result<void> gcm_decrypt(Bytes tag, const Aead& message) {
  Block full = crypt(message, Direction::decrypt);
  const bool is_right = equal_constant_time(Bytes(full).first(tag.size()), tag);
  wipe(full);
  declassify(is_right);
  if (!is_right) {
    wipe({message.output, message.len});
    return Error::mac_failed;
  }
  return {};
}

}  // namespace cipherdeck::engine::modes
