// SPDX-License-Identifier: Apache-2.0
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "peers/der.h"
#include "peers/peer.h"

namespace {

using namespace cipherdeck::peers;

Prepare cipher(const char* name, bool is_encryption) {
  return [name, is_encryption](Batch& batch) -> Run {
    EVP_CIPHER* const algorithm = EVP_CIPHER_fetch(nullptr, name, nullptr);
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    Message& m = batch.messages.front();
    Octets key = m.key;
    if (std::strcmp(name, "SM4-XTS") == 0) {
      key.insert(key.end(), m.tweak_key.begin(), m.tweak_key.end());
    }
    const unsigned char* const iv = m.iv.empty() ? nullptr : m.iv.data();
    require(EVP_CipherInit_ex2(context, algorithm, key.data(), iv, is_encryption, nullptr) == 1,
            name);
    EVP_CIPHER_CTX_set_padding(context, 0);
    const bool is_aead = std::strcmp(name, "SM4-GCM") == 0;
    return [=, &m] {
      int len = 0;
      EVP_CipherInit_ex2(context, nullptr, nullptr, iv, -1, nullptr);
      if (!m.aad.empty()) {
        EVP_CipherUpdate(context, nullptr, &len, m.aad.data(), static_cast<int>(m.aad.size()));
      }
      EVP_CipherUpdate(context, m.out.data(), &len, m.in.data(), static_cast<int>(m.in.size()));
      if (!is_aead) return;
      EVP_CipherFinal_ex(context, m.out.data() + len, &len);
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, m.tag.data());
    };
  };
}

Run hash(Batch& batch) {
  EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SM3", nullptr);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  Message& m = batch.messages.front();
  return [=, &m] {
    EVP_DigestInit_ex2(context, algorithm, nullptr);
    EVP_DigestUpdate(context, m.in.data(), m.in.size());
    EVP_DigestFinal_ex(context, m.out.data(), nullptr);
  };
}

EVP_PKEY* known_key() {
  const Octets scalar = hex(kSm2PrivateKey);
  Octets point = {4};
  for (const auto coordinate : {kSm2X, kSm2Y}) {
    const Octets octets = hex(coordinate);
    point.insert(point.end(), octets.begin(), octets.end());
  }
  OSSL_PARAM_BLD* const builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY,
                         BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr);
  EVP_PKEY_fromdata_init(context);
  require(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, OSSL_PARAM_BLD_to_param(builder)) == 1,
          "EVP_PKEY_fromdata");
  return key;
}

void add_signatures(Peer& peer, EVP_PKEY* key) {
  EVP_PKEY_CTX* const signer = EVP_PKEY_CTX_new(key, nullptr);
  EVP_PKEY_CTX* const verifier = EVP_PKEY_CTX_new(key, nullptr);
  require(EVP_PKEY_sign_init(signer) == 1 && EVP_PKEY_verify_init(verifier) == 1, "SM2");
  const Octets e = hex(kSm2E);
  const auto verify = [=](const Octets& signature) {
    return EVP_PKEY_verify(verifier, signature.data(), signature.size(), e.data(), e.size()) == 1;
  };
  const auto sign = [=] {
    Octets signature(128);
    std::size_t len = signature.size();
    EVP_PKEY_sign(signer, signature.data(), &len, e.data(), e.size());
    signature.resize(len);
    return signature;
  };
  const Octets known = known_signature_der();
  const auto verifies = [&] { return verify(known) && !verify(altered(known)); };
  peer.add_operation(
      "sm2-sign", 1, [&] { return verifies() && verify(sign()); }, [&] { sign(); });
  peer.add_operation("sm2-verify", 1, verifies, [&] { verify(known); });
}

void add_encryption(Peer& peer, EVP_PKEY* key) {
  EVP_PKEY_CTX* const encrypter = EVP_PKEY_CTX_new(key, nullptr);
  EVP_PKEY_CTX* const decrypter = EVP_PKEY_CTX_new(key, nullptr);
  require(EVP_PKEY_encrypt_init(encrypter) == 1 && EVP_PKEY_decrypt_init(decrypter) == 1, "SM2");
  const auto encrypt = [=](const Octets& plaintext) {
    Octets ciphertext(256);
    std::size_t len = ciphertext.size();
    EVP_PKEY_encrypt(encrypter, ciphertext.data(), &len, plaintext.data(), plaintext.size());
    ciphertext.resize(len);
    return ciphertext;
  };
  const auto decrypt = [=](const Octets& ciphertext) {
    Octets plaintext(256);
    std::size_t len = plaintext.size();
    const int status =
        EVP_PKEY_decrypt(decrypter, plaintext.data(), &len, ciphertext.data(), ciphertext.size());
    plaintext.resize(status == 1 ? len : 0);
    return plaintext;
  };
  const Octets plaintext = some_octets(32), ciphertext = encrypt(plaintext);
  const auto is_right = [&] {
    return decrypt(known_ciphertext_der()) == ascii(kSm2Plaintext) &&
           decrypt(encrypt(plaintext)) == plaintext;
  };
  peer.add_operation("sm2-encrypt", 1, is_right, [&] { encrypt(plaintext); });
  peer.add_operation("sm2-decrypt", 1, is_right, [&] { decrypt(ciphertext); });
}

void add_key_generation(Peer& peer) {
  const auto generate = [] { return EVP_PKEY_Q_keygen(nullptr, nullptr, "SM2"); };
  const auto is_right = [&] {
    return EVP_PKEY_pairwise_check(EVP_PKEY_CTX_new(generate(), nullptr)) == 1;
  };
  peer.add_operation("sm2-keygen", 1, is_right, [&] { EVP_PKEY_free(generate()); });
}

}  // namespace

int main(int argc, char** argv) {
  Peer peer(argc, argv, "OpenSSL " + std::string(OpenSSL_version(OPENSSL_VERSION_STRING)));
  peer.add("sm4-ecb", 1, cipher("SM4-ECB", true));
  peer.add("sm4-cbc-enc", 1, cipher("SM4-CBC", true));
  peer.add("sm4-cbc-dec", 1, cipher("SM4-CBC", false));
  peer.add("sm4-ctr", 1, cipher("SM4-CTR", true));
  peer.add("sm4-gcm", 1, cipher("SM4-GCM", true));
  peer.add("sm4-xts", 1, cipher("SM4-XTS", true));
  peer.add("sm3", 1, hash);
  EVP_PKEY* const key = known_key();
  add_signatures(peer, key);
  add_encryption(peer, key);
  add_key_generation(peer);
  return peer.finish();
}
