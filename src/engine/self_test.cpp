// SPDX-License-Identifier: Apache-2.0
// Known answers, run before the engine is trusted.
#include "engine/self_test.h"

#include "engine/batch.h"
#include "engine/modes/modes.h"
#include "engine/self_test_answers.h"
#include "engine/self_test_variants.h"
#include "engine/sm9/sm9.h"
#include "engine/zuc/zuc.h"

#include <exception>

namespace cipherdeck::engine {
namespace {

using answers::FixedNonce;
using answers::hex;
using answers::is_equal;

// GB/T 32905, A.1 and A.2.
bool is_sm3_right() {
  constexpr static auto kDigest =
      hex("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
  Sm3 hash;
  for (int i = 0; i < 16; ++i) hash.update(as_bytes("abcd"));
  return is_equal(Sm3::digest(as_bytes("abc")), answers::kSm3OfAbc) &&
         is_equal(hash.finish(), kDigest);
}

// Computed with OpenSSL, as tests/vectors/hmac_sm3.txt.
bool is_hmac_right() {
  constexpr static auto kKey = hex("0102030405060708090a0b0c0d0e0f10");
  constexpr static auto kMessage =
      hex("000306090c0f1215181b1e2124272a2d303336393c3f4245484b4e5154575a5d");
  constexpr static auto kMac =
      hex("ab8ad4525c390d840bd10a308c4daf2df5b819c3ea1fd79a7500489bacb1879f");
  return is_equal(HmacSm3::mac(kKey, kMessage), kMac);
}

struct ModeAnswer {
  CipherMode mode;
  Bytes iv, text, cipher;
};

bool crypts(const ModeAnswer& answer, const Sm4Key& key, const Sm4Key* tweak_key = nullptr) {
  std::vector<std::uint8_t> data(answer.text.begin(), answer.text.end());
  for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
    std::vector<std::uint8_t> iv(answer.iv.begin(), answer.iv.end());
    CipherJob job{.key = &key,
                  .tweak_key = tweak_key,
                  .mode = answer.mode,
                  .direction = direction,
                  .iv = iv.data(),
                  .input = data.data(),
                  .output = data.data(),
                  .len = data.size(),
                  .is_last = true};
    run(std::span(&job, 1));
    const bool encrypts = direction == Direction::encrypt;
    if (!job.result || !is_equal(data, encrypts ? answer.cipher : answer.text)) return false;
  }
  return true;
}

// draft-ribose-cfrg-sm4-10, A.2, by the functions that the card uses.
bool are_modes_right() {
  constexpr static auto kIv = hex("000102030405060708090a0b0c0d0e0f");
  constexpr static auto kText =
      hex("aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffaaaaaaaabbbbbbbb");
  constexpr static auto kEcb =
      hex("5ec8143de509cff7b5179f8f474b86192f1d305a7fb17df985f81c8482192304");
  constexpr static auto kCbc =
      hex("78ebb11cc40b0a48312aaeb2040244cb4cb7016951909226979b0d15dc6a8f6d");
  constexpr static auto kCfb =
      hex("ac3236cb861dd316e6413b4e3c7524b769d4c54ed433b9a0346009beb37b2b3f");
  constexpr static auto kOfb =
      hex("ac3236cb861dd316e6413b4e3c7524b71d01aca2487ca582cbf5463e6698539b");
  constexpr static auto kCtrText = hex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc");
  constexpr static auto kCtr = hex("ac3236cb970cc20791364c395a1342d1a3cbc1878c6f30cd");
  const ModeAnswer kAnswers[] = {{CipherMode::ecb, kIv, kText, kEcb},
                                 {CipherMode::cbc, kIv, kText, kCbc},
                                 {CipherMode::cfb, kIv, kText, kCfb},
                                 {CipherMode::ofb, kIv, kText, kOfb},
                                 {CipherMode::ctr, kIv, kCtrText, kCtr}};
  const Sm4Key key(answers::kSm4Text);
  return std::ranges::all_of(kAnswers,
                             [&](const ModeAnswer& answer) { return crypts(answer, key); });
}

// CBC-MAC of two blocks is the last block of CBC.
bool is_mac_right() {
  constexpr static auto kText =
      hex("aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffaaaaaaaabbbbbbbb");
  constexpr static auto kMac = hex("4cb7016951909226979b0d15dc6a8f6d");
  auto iv = hex("000102030405060708090a0b0c0d0e0f");
  const Sm4Key key(answers::kSm4Text);
  MacJob job{.key = &key, .iv = iv.data(), .input = kText.data(), .len = kText.size()};
  run(std::span(&job, 1));
  return job.result.ok() && is_equal(iv, kMac);
}

// GB/T 17964-2021, with ciphertext stealing.
bool is_xts_right() {
  constexpr static auto kKey = hex("2b7e151628aed2a6abf7158809cf4f3c");
  constexpr static auto kTweakKey = hex("000102030405060708090a0b0c0d0e0f");
  constexpr static auto kTweak = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  constexpr static auto kText =
      hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17");
  constexpr static auto kCipher =
      hex("e9538251c71d7b80bbe4483fef497bd12c5c581bd6242fc51e08964fb4f60fdb"
          "0ba42f63499279213d318d2c11f6886e903be7f93a1b3479");
  const Sm4Key key(kKey), tweak_key(kTweakKey);
  return crypts({CipherMode::xts, kTweak, kText, kCipher}, key, &tweak_key);
}

// RFC 8998, A. The tag covers all of the message and of its encryption; a wrong one is refused.
bool is_aead_right(AeadMode mode, Bytes known_tag) {
  const Sm4Key key(answers::kSm4Text);
  auto data = answers::kAeadText;
  std::array<std::uint8_t, 16> tag{};
  AeadJob job{.key = &key,
              .mode = mode,
              .direction = Direction::encrypt,
              .nonce = answers::kAeadNonce,
              .aad = answers::kAeadAad,
              .input = data.data(),
              .output = data.data(),
              .len = data.size(),
              .tag = tag.data()};
  run(std::span(&job, 1));
  if (!job.result || !is_equal(tag, known_tag)) return false;
  auto spoilt = data;
  spoilt[0] ^= 1;
  job.direction = Direction::decrypt;
  run(std::span(&job, 1));
  if (!job.result || !is_equal(data, answers::kAeadText)) return false;
  job.input = job.output = spoilt.data();
  run(std::span(&job, 1));
  return !job.result;
}

// GB/T 32918.5, A.2.
bool is_sm2_signature_right() {
  const auto key = Sm2PrivateKey::from_bytes(answers::kSm2Private);
  if (!key) return false;
  const auto z = key->public_key().z(as_bytes("1234567812345678"));
  if (!z) return false;
  Sm3 hash;
  hash.update(*z);
  hash.update(as_bytes("message digest"));
  Sm3Digest e = hash.finish();
  if (!is_equal(e, answers::kSm2E)) return false;
  FixedNonce nonce(answers::kSm2Nonce);
  const auto signature = sm2_sign(*key, e, nonce);
  if (!signature || !is_equal(*signature, answers::kSm2Signature)) return false;
  if (!sm2_verify(key->public_key(), e, answers::kSm2Signature)) return false;
  e[0] ^= 1;
  return !sm2_verify(key->public_key(), e, answers::kSm2Signature);
}

// GB/T 32918.5, C.2.
bool is_sm2_encryption_right() {
  constexpr static auto kCiphertext =
      hex("04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
          "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
          "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
          "21886ca989ca9c7d58087307ca93092d651efa");
  const auto key = Sm2PrivateKey::from_bytes(answers::kSm2Private);
  if (!key) return false;
  const Bytes text = as_bytes("encryption standard");
  std::array<std::uint8_t, kCiphertext.size()> ciphertext;
  std::array<std::uint8_t, kCiphertext.size() - kSm2CiphertextOverhead> plaintext;
  FixedNonce nonce(answers::kSm2Nonce);
  return sm2_encrypt(ciphertext, key->public_key(), text, nonce).ok() &&
         is_equal(ciphertext, kCiphertext) && sm2_decrypt(plaintext, *key, ciphertext).ok() &&
         is_equal(plaintext, text);
}

// GB/T 32918.5, B.2, from the initiator's side.
bool is_sm2_exchange_right() {
  const auto own = Sm2PrivateKey::from_bytes(
      hex("81eb26e941bb5af16df116495f90695272ae2cd63d6c4ae1678418be48230029"));
  const auto own_ephemeral = Sm2PrivateKey::from_bytes(
      hex("d4de15474db74d06491c440d305e012400990f3e390c7e87153c12db2ea60bb3"));
  const auto peer = Sm2PrivateKey::from_bytes(
      hex("785129917d45a9ea5437a59356b82338eaadda6ceb199088f14ae10defa229b5"));
  const auto peer_ephemeral = Sm2PrivateKey::from_bytes(
      hex("7e07124814b309489125eaed101113164ebf0f3458c5bd88335c1f9d596243d6"));
  if (!own || !own_ephemeral || !peer || !peer_ephemeral) return false;
  constexpr static auto kShared = hex("6c89347354de2484c60b4ab1fde4c6e5");
  const auto own_z = own->public_key().z(as_bytes("1234567812345678"));
  const auto peer_z = peer->public_key().z(as_bytes("1234567812345678"));
  if (!own_z || !peer_z) return false;
  std::array<std::uint8_t, kShared.size()> shared;
  return sm2_exchange(shared, {true, *own, *own_ephemeral, peer->public_key(),
                               peer_ephemeral->public_key(), *own_z, *peer_z})
             .ok() &&
         is_equal(shared, kShared);
}

bool passes(const SelfTest& test) {
  try {
    return test.run();
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::vector<SelfTest> self_tests() {
  std::vector<SelfTest> tests;
  add_variant_tests(tests);
  const SelfTest kBuiltOnThem[] = {
      {"sm3", is_sm3_right},
      {"sm3-hmac", is_hmac_right},
      {"sm4-modes", are_modes_right},
      {"sm4-mac", is_mac_right},
      {"sm4-xts", is_xts_right},
      {"sm4-gcm", [] { return is_aead_right(AeadMode::gcm, answers::kGcmTag); }},
      {"sm4-ccm", [] { return is_aead_right(AeadMode::ccm, answers::kCcmTag); }},
      {"sm2-sign", is_sm2_signature_right},
      {"sm2-encrypt", is_sm2_encryption_right},
      {"sm2-exchange", is_sm2_exchange_right},
      {"sm9", sm9_self_test},
      {"zuc", zuc_self_test},
  };
  tests.insert(tests.end(), std::begin(kBuiltOnThem), std::end(kBuiltOnThem));
  return tests;
}

bool self_test() noexcept {
  try {
    return std::ranges::all_of(self_tests(), passes);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace cipherdeck::engine
