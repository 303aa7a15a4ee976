// SPDX-License-Identifier: Apache-2.0
#include <botan/aead.h>

#include <botan/block_cipher.h>
#include <botan/ec_group.h>
#include <botan/hash.h>
#include <botan/pubkey.h>
#include <botan/sm2.h>
#include <botan/system_rng.h>
#include <botan/version.h>

#include <memory>

#include "peers/der.h"
#include "peers/peer.h"

namespace {

using namespace cipherdeck::peers;

Run blocks(Batch& batch) {
  const std::shared_ptr cipher = Botan::BlockCipher::create_or_throw("SM4");
  Message& m = batch.messages.front();
  cipher->set_key(m.key);
  return [cipher, &m] { cipher->encrypt_n(m.in.data(), m.out.data(), m.in.size() / 16); };
}

// Works in place, on a copy of the input made once: what comes out is as good to go in again.
Prepare cipher(const char* name, Botan::Cipher_Dir direction) {
  return [name, direction](Batch& batch) -> Run {
    const std::shared_ptr mode = Botan::Cipher_Mode::create_or_throw(name, direction);
    auto* const aead = dynamic_cast<Botan::AEAD_Mode*>(mode.get());
    Message& m = batch.messages.front();
    Octets key = m.key;
    if (mode->valid_keylength(32)) key.insert(key.end(), m.tweak_key.begin(), m.tweak_key.end());
    mode->set_key(key);
    if (aead != nullptr) aead->set_associated_data(m.aad);
    const std::size_t len = m.in.size();
    const auto buffer = std::make_shared<Botan::secure_vector<std::uint8_t>>(len + m.tag.size());
    std::ranges::copy(m.in, buffer->begin());
    return [=, &m, is_check = batch.is_check] {
      if (is_check) std::ranges::copy(m.in, buffer->begin());
      buffer->resize(len);
      mode->start(m.iv);
      mode->finish(*buffer);
      if (!is_check) return;
      std::copy_n(buffer->begin(), len, m.out.begin());
      if (aead != nullptr) std::copy_n(buffer->begin() + len, m.tag.size(), m.tag.begin());
    };
  };
}

Run hash(Batch& batch) {
  const std::shared_ptr function = Botan::HashFunction::create_or_throw("SM3");
  Message& m = batch.messages.front();
  return [function, &m] {
    function->update(m.in);
    function->final(m.out);
  };
}

void add_signatures(Peer& peer, const Botan::SM2_PrivateKey& key,
                    Botan::RandomNumberGenerator& random) {
  const std::string parameters = std::string(kSm2Id) + ",Raw";  // signs e itself
  Botan::PK_Signer signer(key, random, parameters);
  Botan::PK_Verifier verifier(key, parameters);
  const Octets e = hex(kSm2E), known = hex(std::string(kSm2R) + std::string(kSm2S));
  const auto sign = [&] { return signer.sign_message(e, random); };
  const auto verify = [&](const Octets& signature) {
    return verifier.verify_message(e, signature);
  };
  const auto verifies = [&] { return verify(known) && !verify(altered(known)); };
  peer.add_operation(
      "sm2-sign", 1, [&] { return verifies() && verify(sign()); }, [&] { sign(); });
  peer.add_operation("sm2-verify", 1, verifies, [&] { verify(known); });
}

void add_encryption(Peer& peer, const Botan::SM2_PrivateKey& key,
                    Botan::RandomNumberGenerator& random) {
  const Botan::PK_Encryptor_EME encrypter(key, random, "SM3");
  const Botan::PK_Decryptor_EME decrypter(key, random, "SM3");
  const auto decrypt = [&](const Octets& ciphertext) {
    const auto plaintext = decrypter.decrypt(ciphertext);
    return Octets(plaintext.begin(), plaintext.end());
  };
  const Octets plaintext = some_octets(32);
  const auto encrypt = [&] { return encrypter.encrypt(plaintext, random); };
  const auto is_right = [&] {
    return decrypt(known_ciphertext_der()) == ascii(kSm2Plaintext) &&
           decrypt(encrypt()) == plaintext;
  };
  const Octets ciphertext = encrypt();
  peer.add_operation("sm2-encrypt", 1, is_right, [&] { encrypt(); });
  peer.add_operation("sm2-decrypt", 1, is_right, [&] { decrypter.decrypt(ciphertext); });
}

}  // namespace

int main(int argc, char** argv) {
  Peer peer(argc, argv, "Botan " + Botan::short_version_string());
  using enum Botan::Cipher_Dir;
  peer.add("sm4-ecb", 1, blocks);
  peer.add("sm4-cbc-enc", 1, cipher("SM4/CBC/NoPadding", Encryption));
  peer.add("sm4-cbc-dec", 1, cipher("SM4/CBC/NoPadding", Decryption));
  peer.add("sm4-ctr", 1, cipher("SM4/CTR-BE", Encryption));
  peer.add("sm4-gcm", 1, cipher("SM4/GCM", Encryption));
  peer.add("sm4-xts", 1, cipher("SM4/XTS", Encryption));
  peer.add("sm3", 1, hash);
  Botan::System_RNG random;  // three times as fast a signer as with AutoSeeded_RNG
  const auto group = Botan::EC_Group::from_name("sm2p256v1");
  const auto scalar = Botan::EC_Scalar::deserialize(group, hex(kSm2PrivateKey)).value();
  const Botan::SM2_PrivateKey key(group, scalar);
  add_signatures(peer, key, random);
  add_encryption(peer, key, random);
  peer.add_operation(
      "sm2-keygen", 1, [&] { return Botan::SM2_PrivateKey(random, group).check_key(random, true); },
      [&] { const Botan::SM2_PrivateKey made(random, group); });
  return peer.finish();
}
