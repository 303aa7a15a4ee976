// SPDX-License-Identifier: Apache-2.0
#include "engine/oracle/openssl_oracle.h"

#include <openssl/asn1.h>
#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include <stdexcept>

namespace cipherdeck::engine::oracle {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

template <typename T, void (*Function)(T*)>
struct Free {
  void operator()(T* object) const { Function(object); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG, ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM, OSSL_PARAM_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;

Buffer to_der(Bytes signature) {
  Signature object(ECDSA_SIG_new());
  ECDSA_SIG_set0(object.get(), number(signature.first(32)).release(),
                 number(signature.last(32)).release());
  unsigned char* der = nullptr;
  const int len = i2d_ECDSA_SIG(object.get(), &der);
  require(len > 0, "i2d_ECDSA_SIG");
  Buffer out(der, der + len);
  OPENSSL_free(der);
  return out;
}

// One DER element: the tag, its length and its contents.
Buffer element(std::uint8_t tag, const Buffer& contents) {
  Buffer out = {tag};
  const std::size_t len = contents.size();
  if (len < 128) {
    out.push_back(static_cast<std::uint8_t>(len));
  } else {
    out.push_back(0x83);
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<std::uint8_t>(len >> shift));
  }
  out.insert(out.end(), contents.begin(), contents.end());
  return out;
}

Buffer minimal(Buffer der) {  // OpenSSL wants the shortest form of a length
  if (der[1] == 0x83 && der[2] == 0) {
    if (der[3] == 0) {
      der.erase(der.begin() + 2, der.begin() + 4);
      der[1] = 0x81;
    } else {
      der.erase(der.begin() + 2);
      der[1] = 0x82;
    }
  }
  return der;
}

Buffer integer(Bytes big_endian) {
  while (big_endian.size() > 1 && big_endian[0] == 0) big_endian = big_endian.subspan(1);
  Buffer contents(big_endian.begin(), big_endian.end());
  if (contents[0] >= 0x80) contents.insert(contents.begin(), 0);
  return element(0x02, contents);
}

Buffer ciphertext_to_der(Bytes ciphertext) {
  const auto octets = [](Bytes bytes) {
    return minimal(element(0x04, Buffer(bytes.begin(), bytes.end())));
  };
  Buffer contents;
  for (const Buffer& part : {integer(ciphertext.first(32)), integer(ciphertext.subspan(32, 32)),
                             octets(ciphertext.subspan(64, 32)), octets(ciphertext.subspan(96))}) {
    contents.insert(contents.end(), part.begin(), part.end());
  }
  return minimal(element(0x30, contents));
}

// Takes one element off `der` and gives its contents.
Bytes take(Bytes& der) {
  std::size_t at = 2, len = der[1];
  if (len >= 0x80) {
    const std::size_t num = len & 0x7f;
    len = 0;
    for (std::size_t i = 0; i < num; ++i) len = len * 256 + der[at++];
  }
  const Bytes contents = der.subspan(at, len);
  der = der.subspan(at + len);
  return contents;
}

Buffer ciphertext_from_der(Bytes der) {
  Bytes sequence = take(der);
  Buffer out;
  for (int i = 0; i < 2; ++i) {
    const Buffer coordinate = to_bytes(number(take(sequence)).get());
    out.insert(out.end(), coordinate.begin(), coordinate.end());
  }
  for (int i = 0; i < 2; ++i) {
    const Bytes octets = take(sequence);
    out.insert(out.end(), octets.begin(), octets.end());
  }
  return out;
}

KeyContext context_of(const std::shared_ptr<EVP_PKEY>& key) {
  KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  require(context != nullptr, "EVP_PKEY_CTX_new");
  return context;
}

}  // namespace

const EC_GROUP* sm2_group() {
  static const EC_GROUP* group = EC_GROUP_new_by_curve_name(NID_sm2);
  return group;
}

Number number(Bytes big_endian) {
  return Number(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), nullptr));
}

Number number_from_hex(const char* hex) {
  BIGNUM* out = nullptr;
  require(BN_hex2bn(&out, hex) != 0, "BN_hex2bn");
  return Number(out);
}

Buffer to_bytes(const BIGNUM* value) {
  Buffer out(32);
  require(BN_bn2binpad(value, out.data(), 32) == 32, "BN_bn2binpad");
  return out;
}

Buffer sm2_affine(const EC_POINT* point) {
  if (EC_POINT_is_at_infinity(sm2_group(), point) == 1) return {};
  Number x(BN_new()), y(BN_new());
  require(EC_POINT_get_affine_coordinates(sm2_group(), point, x.get(), y.get(), nullptr) == 1,
          "EC_POINT_get_affine_coordinates");
  Buffer out = to_bytes(x.get());
  const Buffer second = to_bytes(y.get());
  out.insert(out.end(), second.begin(), second.end());
  return out;
}

GroupPoint sm2_point(Bytes xy) {
  GroupPoint point(EC_POINT_new(sm2_group()));
  require(EC_POINT_set_affine_coordinates(sm2_group(), point.get(), number(xy.first(32)).get(),
                                          number(xy.last(32)).get(), nullptr) == 1,
          "EC_POINT_set_affine_coordinates");
  return point;
}

Buffer sm2_multiply(const BIGNUM* scalar, const EC_POINT* point) {
  GroupPoint product(EC_POINT_new(sm2_group()));
  require(EC_POINT_mul(sm2_group(), product.get(), point == nullptr ? scalar : nullptr, point,
                       point == nullptr ? nullptr : scalar, nullptr) == 1,
          "EC_POINT_mul");
  return sm2_affine(product.get());
}

Sm2Peer::Sm2Peer(Bytes private_key, Bytes public_key) {
  Buffer encoded = {0x04};
  encoded.insert(encoded.end(), public_key.begin(), public_key.end());
  const Number d = number(private_key);
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                   encoded.size());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, d.get());
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr));
  EVP_PKEY* key = nullptr;
  require(EVP_PKEY_fromdata_init(context.get()) == 1 &&
              EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1,
          "EVP_PKEY_fromdata");
  m_key.reset(key, EVP_PKEY_free);
}

Buffer Sm2Peer::sign(Bytes e) const {
  const KeyContext context = context_of(m_key);
  Buffer der(256);
  std::size_t len = der.size();
  require(EVP_PKEY_sign_init(context.get()) == 1 &&
              EVP_PKEY_sign(context.get(), der.data(), &len, e.data(), e.size()) == 1,
          "EVP_PKEY_sign");
  const unsigned char* from = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(len)));
  Buffer out = to_bytes(ECDSA_SIG_get0_r(signature.get()));
  const Buffer s = to_bytes(ECDSA_SIG_get0_s(signature.get()));
  out.insert(out.end(), s.begin(), s.end());
  return out;
}

bool Sm2Peer::verify(Bytes e, Bytes signature) const {
  const KeyContext context = context_of(m_key);
  const Buffer der = to_der(signature);
  require(EVP_PKEY_verify_init(context.get()) == 1, "EVP_PKEY_verify_init");
  return EVP_PKEY_verify(context.get(), der.data(), der.size(), e.data(), e.size()) == 1;
}

bool Sm2Peer::verify_message(Bytes id, Bytes message, Bytes signature) const {
  const Buffer der = to_der(signature);
  const DigestContext digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  require(EVP_DigestVerifyInit(digest.get(), &key_context, EVP_sm3(), nullptr, m_key.get()) == 1 &&
              EVP_PKEY_CTX_set1_id(key_context, id.data(), static_cast<int>(id.size())) == 1,
          "EVP_DigestVerifyInit");
  return EVP_DigestVerify(digest.get(), der.data(), der.size(), message.data(), message.size()) ==
         1;
}

Buffer Sm2Peer::encrypt(Bytes plaintext) const {
  const KeyContext context = context_of(m_key);
  Buffer der(plaintext.size() + 256);
  std::size_t len = der.size();
  require(EVP_PKEY_encrypt_init(context.get()) == 1 &&
              EVP_PKEY_encrypt(context.get(), der.data(), &len, plaintext.data(),
                               plaintext.size()) == 1,
          "EVP_PKEY_encrypt");
  der.resize(len);
  return ciphertext_from_der(der);
}

Buffer Sm2Peer::decrypt(Bytes ciphertext) const {
  const KeyContext context = context_of(m_key);
  const Buffer der = ciphertext_to_der(ciphertext);
  Buffer out(der.size());
  std::size_t len = out.size();
  require(EVP_PKEY_decrypt_init(context.get()) == 1, "EVP_PKEY_decrypt_init");
  if (EVP_PKEY_decrypt(context.get(), out.data(), &len, der.data(), der.size()) != 1) return {};
  out.resize(len);
  return out;
}

}  // namespace cipherdeck::engine::oracle
