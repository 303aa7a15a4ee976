// SPDX-License-Identifier: Apache-2.0
// Known answers, run before SM9 is trusted.
#include "engine/known_answer.h"
#include "engine/sm9/sm9.h"

namespace cipherdeck::engine {
namespace {

using known_answer::FixedNonce;
using known_answer::hex;

// GM/T 0044.5, annex A.
bool is_signature_right() {
  constexpr auto kMaster = hex("000130e78459d78545cb54c587e02cf480ce0b66340f319f348a1d5b1f2dc5f4");
  constexpr auto kNonce = hex("00033c8616b06704813203dfd00965022ed15975c662337aed648835dc4b1cbe");
  constexpr auto kSignature =
      hex("823c4b21e4bd2dfe1ed92c606653e996668563152fc33f55d7bfbb9bd9705adb"
          "73bf96923ce58b6ad0e13e9643a406d8eb98417c50ef1b29cef9adb48b6d598c"
          "856712f1c2e0968ab7769f42a99586aed139d5b8b3e15891827cc2aced9baa05");
  const Bytes id = as_bytes("Alice"), message = as_bytes("Chinese IBS standard");
  const auto master = Sm9SignMasterKey::from_bytes(kMaster);
  if (!master) return false;
  const auto key = master->extract(id);
  if (!key) return false;
  FixedNonce nonce(kNonce);
  const auto signature = sm9_sign(*key, master->public_key(), message, nonce);
  return signature && *signature == kSignature &&
         sm9_verify(master->public_key(), id, message, kSignature) &&
         !sm9_verify(master->public_key(), id, id, kSignature);
}

// GM/T 0044.5, annex D.
bool is_encryption_right() {
  constexpr auto kMaster = hex("0001edee3778f441f8dea3d9fa0acc4e07ee36c93f9a08618af4ad85cede1c22");
  constexpr auto kNonce = hex("0000aac0541779c8fc45e3e2cb25c12b5d2576b2129ae8bb5ee2cbe5ec9e785c");
  constexpr auto kCiphertext =
      hex("2445471164490618e1ee20528ff1d545b0f14c8bcaa44544f03dab5dac07d8ff"
          "42ffca97d57cddc05ea405f2e586feb3a6930715532b8000759f13059ed59ac0"
          "ba672387bcd6de5016a158a52bb2e7fc429197bcab70b25afee37a2b9db9f367"
          "1b5f5b0e951489682f3e64e1378cdd5da9513b1c");
  const Bytes id = as_bytes("Bob"), text = as_bytes("Chinese IBE standard");
  const auto master = Sm9EncryptMasterKey::from_bytes(kMaster);
  if (!master) return false;
  const auto key = master->extract(id, Sm9Use::encrypt);
  if (!key) return false;
  std::array<std::uint8_t, kCiphertext.size()> ciphertext;
  std::array<std::uint8_t, kCiphertext.size() - kSm9CiphertextOverhead> plaintext;
  FixedNonce nonce(kNonce);
  return sm9_encrypt(ciphertext, {}, master->public_key(), id, text, nonce) &&
         ciphertext == kCiphertext && sm9_decrypt(plaintext, {}, *key, id, ciphertext) &&
         std::equal(plaintext.begin(), plaintext.end(), text.begin(), text.end());
}

}  // namespace

bool sm9_self_test() { return is_signature_right() && is_encryption_right(); }

}  // namespace cipherdeck::engine
