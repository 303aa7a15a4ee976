// SPDX-License-Identifier: Apache-2.0
// Points, keys, signatures and ciphertexts of SM9 that come from outside: they are refused or they
// work, and what was changed is refused.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/sm9/sm9.h"

namespace {

using namespace cipherdeck;
using namespace cipherdeck::engine;
using Buffer = std::vector<std::uint8_t>;

void require(bool condition) {
  if (!condition) std::abort();
}

// Gives the input over and over, each time one more; small enough to be in range.
class InputRandom final : public RandomSource {
 public:
  explicit InputRandom(Bytes input) : m_input(input) {}
  Result<void> fill(MutableBytes out) override {
    ++m_count;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = m_input[i % m_input.size()];
    out[0] &= 0x7f;
    out[out.size() - 1] = static_cast<std::uint8_t>(out[out.size() - 1] + m_count);
    return {};
  }

 private:
  Bytes m_input;
  std::size_t m_count = 0;
};

constexpr std::array<std::uint8_t, kSm9ScalarLen> kScalar = {1, 2, 3};

const Sm9SignMasterKey& sign_master() {
  static const Sm9SignMasterKey key = *Sm9SignMasterKey::from_bytes(kScalar);
  return key;
}
const Sm9EncryptMasterKey& encrypt_master() {
  static const Sm9EncryptMasterKey key = *Sm9EncryptMasterKey::from_bytes(kScalar);
  return key;
}

// A byte may be changed. Whether one was.
bool tamper(MutableBytes data, std::uint8_t where, std::uint8_t flip) {
  data[where % data.size()] ^= flip;
  return flip != 0;
}

// Bytes of any kind as each kind of key: taken means that they come back as they were.
void try_keys(Bytes data) {
  const auto g1 = data.first<kSm9G1Len>();
  const auto user = Sm9SignUserKey::from_bytes(g1);
  const auto master = Sm9EncryptMasterPublicKey::from_bytes(g1);
  require(user.ok() == master.ok());
  if (master) require(std::equal(g1.begin(), g1.end(), master->bytes().begin()));
  if (data.size() < kSm9G2Len) return;
  const auto g2 = data.first<kSm9G2Len>();
  const auto encrypt = Sm9EncryptUserKey::from_bytes(g2);
  require(encrypt.ok() == Sm9SignMasterPublicKey::from_bytes(g2).ok());
  if (encrypt) require(std::equal(g2.begin(), g2.end(), encrypt->bytes().begin()));
}

// A master key from the input; its points, perhaps changed, are taken only unchanged.
void try_points(Bytes data) {
  InputRandom random(data);
  const auto sign = Sm9SignMasterKey::generate(random);
  const auto encrypt = Sm9EncryptMasterKey::generate(random);
  require(sign.ok() && encrypt.ok());
  Sm9G2Bytes g2 = sign->public_key().bytes();
  Sm9G1Bytes g1 = encrypt->public_key().bytes();
  const bool is_changed = tamper(g2, data[1], data[2] % 4);
  tamper(g1, data[1], data[2] % 4);
  require(Sm9SignMasterPublicKey::from_bytes(g2).ok() == !is_changed);
  require(Sm9EncryptMasterPublicKey::from_bytes(g1).ok() == !is_changed);
}

void try_signature(Bytes data) {
  const auto& master = sign_master().public_key();
  const Bytes id = data.first(data[3] % 32);
  if (data[0] % 2 == 0) {
    Sm9Signature signature;
    std::fill(signature.begin(), signature.end(), data[1]);
    std::copy_n(data.begin(), std::min(data.size(), signature.size()), signature.begin());
    return require(!sm9_verify(master, id, data, signature));
  }
  const auto user = sign_master().extract(id);
  require(user.ok());
  InputRandom random(data);
  auto signature = sm9_sign(*user, master, data, random);
  require(signature.ok());
  const bool is_changed = tamper(*signature, data[1], data[2] % 4);
  require(sm9_verify(master, id, data, *signature).ok() == !is_changed);
}

void try_ciphertext(Bytes data) {
  constexpr Sm9Cipher kCiphers[] = {Sm9Cipher::key_stream, Sm9Cipher::ecb, Sm9Cipher::cbc,
                                    Sm9Cipher::ofb, Sm9Cipher::cfb};
  const std::array<std::uint8_t, 16> iv{};
  Sm9CipherChoice choice{kCiphers[data[4] % 5], iv};
  if (data[4] % 5 < 2) choice.iv = {};
  const Bytes id = data.first(data[3] % 32);
  const auto user = encrypt_master().extract(id, Sm9Use::encrypt);
  require(user.ok());
  Buffer ciphertext(data.begin(), data.end());
  bool is_changed = true;
  if (data[0] % 2 == 0) {
    InputRandom random(data);
    ciphertext.resize(kSm9CiphertextOverhead + sm9_c2_len(choice.cipher, data.size()));
    require(sm9_encrypt(ciphertext, choice, encrypt_master().public_key(), id, data, random).ok());
    is_changed = tamper(ciphertext, data[1], data[2] % 4);
  }
  Buffer plaintext(ciphertext.size(), 1);
  const auto len = sm9_decrypt(plaintext, choice, *user, id, ciphertext);
  require(len.ok() == !is_changed);
  if (len) require(std::equal(data.begin(), data.end(), plaintext.begin()) && *len == data.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t len) {
  if (len < 1 + kSm9G1Len) return 0;
  const Bytes input(data + 1, len - 1);
  switch (data[0] % 4) {
    case 0:
      try_keys(input);
      break;
    case 1:
      try_points(input);
      break;
    case 2:
      try_signature(input);
      break;
    default:
      try_ciphertext(input);
  }
  return 0;
}
