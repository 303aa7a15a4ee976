// SPDX-License-Identifier: Apache-2.0
// GCM (GB/T 36624, mechanism 5; NIST SP 800-38D).
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/modes/blocks.h"
#include "engine/modes/ghash.h"
#include "engine/modes/modes.h"

namespace cipherdeck::engine::modes {
namespace {

constexpr std::size_t kUsualNonceLen = 12;

Block encrypt_block(const Sm4Key& key, const Block& in) {
  Block out;
  key.encrypt_blocks(out.data(), in.data(), 1);
  return out;
}

// J0 of SP 800-38D, 7.1.
Block first_counter(const Block& point, Bytes nonce) {
  if (nonce.size() == kUsualNonceLen) {
    Block counter{};
    std::memcpy(counter.data(), nonce.data(), kUsualNonceLen);
    counter[15] = 1;
    return counter;
  }
  Ghash hash(point);
  hash.update_padded(nonce);
  return hash.finish(0, nonce.size());
}

Block compute_tag(const Block& point, const Aead& message, Bytes ciphertext, const Block& counter) {
  Ghash hash(point);
  hash.update_padded(message.aad);
  hash.update_padded(ciphertext);
  Block tag = hash.finish(message.aad.size(), ciphertext.size());
  Block mask = encrypt_block(message.key, counter);
  xor_bytes(tag.data(), tag.data(), mask.data(), tag.size());
  wipe(mask);
  return tag;
}

void crypt(const Aead& message, Block counter) {
  store_be32(counter.data() + 12, load_be32(counter.data() + 12) + 1);
  ctr32_crypt(message.output, message.input, message.len, message.key, counter);
}

}  // namespace

bool gcm_allows_len(std::size_t len) noexcept { return len <= (std::uint64_t{1} << 36) - 32; }

void gcm_encrypt(MutableBytes tag, const Aead& message) {
  Block point = encrypt_block(message.key, Block{});
  const Block counter = first_counter(point, message.nonce);
  crypt(message, counter);
  const Block full = compute_tag(point, message, {message.output, message.len}, counter);
  std::memcpy(tag.data(), full.data(), tag.size());
  wipe(point);
}

Result<void> gcm_decrypt(Bytes tag, const Aead& message) {
  Block point = encrypt_block(message.key, Block{});
  const Block counter = first_counter(point, message.nonce);
  Block full = compute_tag(point, message, {message.input, message.len}, counter);
  const bool is_right = equal_constant_time(Bytes(full).first(tag.size()), tag);
  wipe(point);
  wipe(full);
  declassify(is_right);
  if (!is_right) {
    wipe({message.output, message.len});
    return Error::mac_failed;
  }
  crypt(message, counter);
  return {};
}

}  // namespace cipherdeck::engine::modes
