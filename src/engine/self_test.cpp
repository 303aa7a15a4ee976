// SPDX-License-Identifier: Apache-2.0
// Known answers, run before the engine is trusted.
#include "engine/batch.h"
#include "engine/known_answer.h"
#include "engine/modes/modes.h"
#include "engine/sm4/sm4_variants.h"
#include "engine/sm9/sm9.h"
#include "engine/zuc/zuc.h"

#include <algorithm>
#include <exception>

namespace cipherdeck::engine {
namespace {

using known_answer::FixedNonce;
using known_answer::hex;

// GB/T 32905, A.1 and A.2; alone, and in a batch that fills the lanes of every kernel.
bool is_sm3_right() {
  constexpr auto kDigest1 = hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
  constexpr auto kDigest2 = hex("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
  Sm3 hash;
  for (int i = 0; i < 16; ++i) hash.update(as_bytes("abcd"));
  if (Sm3::digest(as_bytes("abc")) != kDigest1 || hash.finish() != kDigest2) return false;

  constexpr std::size_t kNumJobs = 17;
  std::array<Sm3, kNumJobs> states;
  std::array<Sm3Digest, kNumJobs> digests;
  std::array<HashJob, kNumJobs> jobs;
  for (std::size_t i = 0; i < kNumJobs; ++i) {
    jobs[i] = {&states[i], as_bytes("abc"), digests[i].data(), {}};
  }
  run(jobs);
  return std::ranges::all_of(digests, [&](const Sm3Digest& digest) { return digest == kDigest1; });
}

// GB/T 32907, A.1, in as many copies as make every kernel of the variant run.
bool is_sm4_right() {
  constexpr auto kText = hex("0123456789abcdeffedcba9876543210");
  constexpr auto kCipher = hex("681edf34d206965e86b3e94f536e4246");
  constexpr std::size_t kMaxBlocks = 127;
  const Sm4Key key(kText);
  std::array<std::uint8_t, kMaxBlocks * kSm4BlockLen> data;
  for (const std::size_t num_blocks : {std::size_t{1}, std::size_t{7}, kMaxBlocks}) {
    const auto is_all = [&](const auto& block) {
      for (std::size_t i = 0; i < num_blocks * kSm4BlockLen; i += kSm4BlockLen) {
        if (!std::equal(block.begin(), block.end(), data.begin() + i)) return false;
      }
      return true;
    };
    for (std::size_t i = 0; i < num_blocks; ++i) {
      std::ranges::copy(kText, data.begin() + i * kSm4BlockLen);
    }
    key.encrypt_blocks(data.data(), data.data(), num_blocks);
    if (!is_all(kCipher)) return false;
    key.decrypt_blocks(data.data(), data.data(), num_blocks);
    if (!is_all(kText)) return false;
  }
  return true;
}

// RFC 8998, A.1 (the tag covers all of the message and of its encryption).
bool is_gcm_right() {
  constexpr auto kKey = hex("0123456789abcdeffedcba9876543210");
  constexpr auto kNonce = hex("00001234567800000000abcd");
  constexpr auto kAad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  constexpr auto kText =
      hex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
          "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa");
  constexpr auto kTag = hex("83de3541e4c2b58177e065a9bf7b62ec");
  const Sm4Key key(kKey);
  std::array<std::uint8_t, kText.size()> data = kText;
  std::array<std::uint8_t, 16> tag;
  const modes::Aead message{&key, kNonce, kAad, data.data(), data.data(), data.size()};
  modes::gcm_encrypt(tag, message);
  return tag == kTag && modes::gcm_decrypt(tag, message).ok() && data == kText;
}

constexpr auto kPrivateKey =
    hex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
constexpr auto kNonce = hex("59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21");

// GB/T 32918.5, A.2.
bool is_sm2_signature_right(const Sm2PrivateKey& key) {
  constexpr auto kSignature =
      hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
          "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
  const auto z = key.public_key().z(as_bytes("1234567812345678"));
  if (!z) return false;
  Sm3 hash;
  hash.update(*z);
  hash.update(as_bytes("message digest"));
  Sm3Digest e = hash.finish();
  FixedNonce nonce(kNonce);
  const auto signature = sm2_sign(key, e, nonce);
  if (!signature || *signature != kSignature) return false;
  if (!sm2_verify(key.public_key(), e, kSignature)) return false;
  e[0] ^= 1;
  return !sm2_verify(key.public_key(), e, kSignature);
}

// GB/T 32918.5, C.2.
bool is_sm2_encryption_right(const Sm2PrivateKey& key) {
  constexpr auto kCiphertext =
      hex("04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
          "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
          "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
          "21886ca989ca9c7d58087307ca93092d651efa");
  const Bytes text = as_bytes("encryption standard");
  std::array<std::uint8_t, kCiphertext.size()> ciphertext;
  std::array<std::uint8_t, kCiphertext.size() - kSm2CiphertextOverhead> plaintext;
  FixedNonce nonce(kNonce);
  return sm2_encrypt(ciphertext, key.public_key(), text, nonce).ok() && ciphertext == kCiphertext &&
         sm2_decrypt(plaintext, key, ciphertext).ok() && std::ranges::equal(plaintext, text);
}

bool is_sm2_right() {
  const auto key = Sm2PrivateKey::from_bytes(kPrivateKey);
  return key && is_sm2_signature_right(*key) && is_sm2_encryption_right(*key);
}

}  // namespace

bool self_test() noexcept {
  try {
    return is_sm3_right() && is_sm4_right() && is_gcm_right() && is_sm2_right() && sm9_self_test();
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace cipherdeck::engine
