// SPDX-License-Identifier: Apache-2.0
#include "apps/verify/openssl_check.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/modes.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

namespace cipherdeck::verify {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using Gcm = std::unique_ptr<GCM128_CONTEXT, Deleter<CRYPTO_gcm128_release>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

constexpr std::size_t kBlockLen = 16;
constexpr std::size_t kScalarLen = 32;

/// One block of SM4, in the form that OpenSSL's modes call; `key` is an EVP_CIPHER_CTX for ECB.
void encrypt_block(const unsigned char in[16], unsigned char out[16], const void* key) {
  auto* const context = static_cast<EVP_CIPHER_CTX*>(const_cast<void*>(key));
  int len = 0;
  EVP_EncryptUpdate(context, out, &len, in, kBlockLen);
}

Key public_key_of(View xy) {
  if (xy.size() != 2 * kScalarLen) return nullptr;
  Buffer point{POINT_CONVERSION_UNCOMPRESSED};
  point.insert(point.end(), xy.begin(), xy.end());
  char group[] = "SM2";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters)) != 1) {
    return nullptr;
  }
  return Key{key};
}

/// r || s in the DER form that OpenSSL takes.
Buffer der_of(View rs) {
  if (rs.size() != 2 * kScalarLen) return {};
  const Signature signature{ECDSA_SIG_new()};
  BIGNUM* const r = BN_bin2bn(rs.data(), kScalarLen, nullptr);
  BIGNUM* const s = BN_bin2bn(rs.data() + kScalarLen, kScalarLen, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  Buffer der(static_cast<std::size_t>(std::max(0, i2d_ECDSA_SIG(signature.get(), nullptr))));
  unsigned char* end = der.data();
  i2d_ECDSA_SIG(signature.get(), &end);
  return der;
}

}  // namespace

std::optional<Buffer> sm3(View data) {
  Buffer digest(32);
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sm3(), nullptr) != 1) {
    return std::nullopt;
  }
  return digest;
}

std::optional<Buffer> sm4_cbc_encrypt(View key, View iv, View data) {
  const CipherContext context{EVP_CIPHER_CTX_new()};
  Buffer output(data.size() + kBlockLen);
  int len = 0;
  int last_len = 0;
  if (key.size() != kBlockLen || iv.size() != kBlockLen || !context ||
      EVP_EncryptInit_ex2(context.get(), EVP_sm4_cbc(), key.data(), iv.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), output.data(), &len, data.data(),
                        static_cast<int>(data.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), output.data() + len, &last_len) != 1) {
    return std::nullopt;
  }
  output.resize(static_cast<std::size_t>(len + last_len));
  return output;
}

std::optional<Sealed> sm4_gcm_encrypt(View key, View nonce, View aad, View data) {
  const CipherContext block{EVP_CIPHER_CTX_new()};
  if (key.size() != kBlockLen || !block ||
      EVP_EncryptInit_ex2(block.get(), EVP_sm4_ecb(), key.data(), nullptr, nullptr) != 1) {
    return std::nullopt;
  }
  EVP_CIPHER_CTX_set_padding(block.get(), 0);
  const Gcm gcm{CRYPTO_gcm128_new(block.get(), encrypt_block)};
  if (!gcm) return std::nullopt;
  Sealed sealed;
  sealed.ciphertext.resize(data.size());
  CRYPTO_gcm128_setiv(gcm.get(), nonce.data(), nonce.size());
  if (CRYPTO_gcm128_aad(gcm.get(), aad.data(), aad.size()) != 0 ||
      CRYPTO_gcm128_encrypt(gcm.get(), data.data(), sealed.ciphertext.data(), data.size()) != 0) {
    return std::nullopt;
  }
  CRYPTO_gcm128_tag(gcm.get(), sealed.tag.data(), sealed.tag.size());
  return sealed;
}

bool sm2_verify(View public_key, View id, View data, View signature) {
  const Key key = public_key_of(public_key);
  const Buffer der = der_of(signature);
  const DigestContext digest{EVP_MD_CTX_new()};
  if (!key || der.empty() || !digest) return false;
  const KeyContext context{EVP_PKEY_CTX_new(key.get(), nullptr)};
  if (!context ||
      EVP_PKEY_CTX_set1_id(context.get(), id.data(), static_cast<int>(id.size())) != 1) {
    return false;
  }
  EVP_MD_CTX_set_pkey_ctx(digest.get(), context.get());
  return EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sm3(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(digest.get(), der.data(), der.size(), data.data(), data.size()) == 1;
}

}  // namespace cipherdeck::verify
