// SPDX-License-Identifier: Apache-2.0
// Encryption (GM/T 0044.4, 8): of the key of an encapsulation, the first part K1 encrypts, the
// second part K2 authenticates C2.
#include "engine/declassify.h"
#include "engine/modes/modes.h"
#include "engine/sm9/encapsulation.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

constexpr std::size_t kMacKeyLen = 32;
using MacKey = Secret<kMacKeyLen>;

bool is_padded(Sm9Cipher cipher) { return cipher == Sm9Cipher::ecb || cipher == Sm9Cipher::cbc; }

bool is_iv_right(const Sm9CipherChoice& choice) {
  const bool has_iv = choice.cipher != Sm9Cipher::key_stream && choice.cipher != Sm9Cipher::ecb;
  return choice.iv.size() == (has_iv ? kSm4BlockLen : 0);
}

// SM3(C2 || K2).
Sm3Digest mac(Bytes c2, const MacKey& key) {
  Sm3 hash;
  hash.update(c2);
  hash.update(key.span());
  return hash.finish();
}

// `data` in place; its length is whole blocks where the mode takes only those.
void run_mode(MutableBytes data, const Sm9CipherChoice& choice, const Sm4Key& key,
              bool is_decryption) {
  std::array<std::uint8_t, kSm4BlockLen> iv{};
  std::copy(choice.iv.begin(), choice.iv.end(), iv.begin());
  std::uint8_t* const at = data.data();
  switch (choice.cipher) {
    case Sm9Cipher::ecb:
      is_decryption ? modes::ecb_decrypt(at, at, data.size(), key)
                    : modes::ecb_encrypt(at, at, data.size(), key);
      break;
    case Sm9Cipher::cbc:
      is_decryption ? modes::cbc_decrypt(at, at, data.size(), key, iv.data())
                    : modes::cbc_encrypt(at, at, data.size(), key, iv.data());
      break;
    case Sm9Cipher::cfb:
      is_decryption ? modes::cfb_decrypt(at, at, data.size(), key, iv.data())
                    : modes::cfb_encrypt(at, at, data.size(), key, iv.data());
      break;
    case Sm9Cipher::ofb:
      modes::ofb_crypt(at, at, data.size(), key, iv.data());
      break;
    case Sm9Cipher::key_stream:
      break;
  }
}

// `out` from `in`, as long, by the key stream. False: K1 is all zero.
bool apply_key_stream(MutableBytes out, Bytes in, sm2::Kdf& kdf) {
  kdf.fill(out);
  if (sm9::is_all_zero(out)) return false;
  for (std::size_t i = 0; i < in.size(); ++i) out[i] ^= in[i];
  return true;
}

// The text with its padding if the mode has one. `out` has that length.
void pad(MutableBytes out, Bytes text) {
  std::copy(text.begin(), text.end(), out.begin());
  const std::size_t padding = out.size() - text.size();
  std::fill(out.begin() + text.size(), out.end(), static_cast<std::uint8_t>(padding));
}

// K1 for SM4. False: it is all zero.
bool next_sm4_key(Secret<kSm4KeyLen>& key, sm2::Kdf& kdf) {
  kdf.fill(key.span());
  return !sm9::is_all_zero(key.span());
}

// C2 in `c2`. False: K1 is all zero.
bool encrypt_with(MutableBytes c2, const Sm9CipherChoice& choice, Bytes plaintext, sm2::Kdf& kdf) {
  if (choice.cipher == Sm9Cipher::key_stream) return apply_key_stream(c2, plaintext, kdf);
  Secret<kSm4KeyLen> key;
  if (!next_sm4_key(key, kdf)) return false;
  pad(c2, plaintext);
  run_mode(c2, choice, Sm4Key(key.span()), false);
  return true;
}

// What there is of padding at the end of `padded`, 0 if it is wrong. C3 was right: the text is what
// the sender sent, and nobody can learn from how its padding is wrong.
std::size_t padding_len(Bytes padded) {
  const std::uint8_t len = padded.back();
  declassify(len);
  if (len == 0 || len > kSm4BlockLen) return 0;
  std::uint8_t difference = 0;
  for (const std::uint8_t byte : padded.last(len)) difference |= byte ^ len;
  declassify(difference);
  return difference == 0 ? len : 0;
}

Result<std::size_t> decrypt_with(MutableBytes out, const Sm9CipherChoice& choice, Bytes c2,
                                 std::span<const std::uint8_t, kSm3DigestLen> c3, sm2::Kdf& kdf) {
  Secret<kSm4KeyLen> key;
  const bool is_stream = choice.cipher == Sm9Cipher::key_stream;
  const bool has_key = is_stream ? apply_key_stream(out, c2, kdf) : next_sm4_key(key, kdf);
  MacKey mac_key;
  kdf.fill(mac_key.span());
  const bool is_authentic = equal_constant_time(mac(c2, mac_key), c3);
  declassify(is_authentic);
  if (!has_key || !is_authentic) return Error::decrypt_failed;
  if (is_stream) return c2.size();
  std::copy(c2.begin(), c2.end(), out.begin());
  run_mode(out, choice, Sm4Key(key.span()), true);
  if (!is_padded(choice.cipher)) return c2.size();
  const std::size_t padding = padding_len(out);
  if (padding == 0) return Error::decrypt_failed;
  return c2.size() - padding;
}

}  // namespace

std::size_t sm9_c2_len(Sm9Cipher cipher, std::size_t plaintext_len) noexcept {
  if (!is_padded(cipher)) return plaintext_len;
  return plaintext_len - plaintext_len % kSm4BlockLen + kSm4BlockLen;
}

Result<void> sm9_encrypt(MutableBytes ciphertext, const Sm9CipherChoice& choice,
                         const Sm9EncryptMasterPublicKey& master, Bytes id, Bytes plaintext,
                         RandomSource& random) {
  const std::size_t c2_len = sm9_c2_len(choice.cipher, plaintext.size());
  if (plaintext.empty() || !is_iv_right(choice) ||
      ciphertext.size() != kSm9CiphertextOverhead + c2_len) {
    return Error::invalid_argument;
  }
  const MutableBytes c2 = ciphertext.subspan(kSm9CiphertextOverhead);
  for (;;) {
    Sm9G1Bytes c1;
    CIPHERDECK_ASSIGN(sm2::Kdf kdf, sm9::encapsulate(c1, master, id, random));
    if (!encrypt_with(c2, choice, plaintext, kdf)) continue;
    MacKey mac_key;
    kdf.fill(mac_key.span());
    const Sm3Digest c3 = mac(c2, mac_key);
    std::copy(c1.begin(), c1.end(), ciphertext.begin());
    std::copy(c3.begin(), c3.end(), ciphertext.begin() + c1.size());
    return {};
  }
}

Result<std::size_t> sm9_decrypt(MutableBytes plaintext, const Sm9CipherChoice& choice,
                                const Sm9EncryptUserKey& user, Bytes id, Bytes ciphertext) {
  if (ciphertext.size() <= kSm9CiphertextOverhead || !is_iv_right(choice)) {
    return Error::invalid_argument;
  }
  const Bytes c2 = ciphertext.subspan(kSm9CiphertextOverhead);
  if (plaintext.size() < c2.size()) return Error::invalid_argument;
  const bool is_whole = !is_padded(choice.cipher) || c2.size() % kSm4BlockLen == 0;
  auto kdf = sm9::decapsulate(user, id, ciphertext.first<kSm9G1Len>());
  if (!is_whole || !kdf) {
    wipe(plaintext);
    return Error::decrypt_failed;
  }
  const auto len = decrypt_with(plaintext.first(c2.size()), choice, c2,
                                ciphertext.subspan<kSm9G1Len, kSm3DigestLen>(), *kdf);
  wipe(plaintext.subspan(len ? *len : 0));
  return len;
}

}  // namespace cipherdeck::engine
