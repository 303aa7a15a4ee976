// SPDX-License-Identifier: Apache-2.0
// RSA through the whole way, against OpenSSL.
#include "sdf/test_fixture.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

namespace cipherdeck::sdf::testing {
namespace {

constexpr std::size_t kLen = kRsaBits / 8;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using OpenSslKey = std::unique_ptr<EVP_PKEY, Free>;

OpenSslKey to_openssl(const RSArefPublicKey& key) {
  BIGNUM* const n = BN_bin2bn(key.m, RSAref_MAX_LEN, nullptr);
  BIGNUM* const e = BN_bin2bn(key.e, RSAref_MAX_LEN, nullptr);
  OSSL_PARAM_BLD* const builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
  OSSL_PARAM* const params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* made = nullptr;
  EVP_PKEY_fromdata_init(context);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params), 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_free(n);
  BN_free(e);
  return OpenSslKey(made);
}

// EMSA-PKCS1-v1_5 of a SHA-256 digest: what programs have the private key operate on.
Buffer encode_for_signature(const Buffer& digest) {
  const Buffer info = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  Buffer block(kLen, 0xff);
  block[0] = 0;
  block[1] = 1;
  block[kLen - 33 - info.size()] = 0;
  std::copy(info.begin(), info.end(), block.end() - 32 - info.size());
  std::copy(digest.begin(), digest.end(), block.end() - 32);
  return block;
}

class RsaTest : public SdfTest {
 protected:
  [[nodiscard]] RSArefPublicKey signing_key() {
    RSArefPublicKey key;
    EXPECT_EQ(SDF_ExportSignPublicKey_RSA(m_session, 1, &key), SDR_OK);
    return key;
  }
  [[nodiscard]] RSArefPublicKey encryption_key() {
    RSArefPublicKey key;
    EXPECT_EQ(SDF_ExportEncPublicKey_RSA(m_session, 1, &key), SDR_OK);
    return key;
  }
  // Whether two handles name the same key.
  [[nodiscard]] bool are_same(void* one, void* two) {
    const Buffer data = pattern(32), iv(16);
    return encrypt(one, SGD_SM4_CBC, iv, data) == encrypt(two, SGD_SM4_CBC, iv, data);
  }
};

TEST_F(RsaTest, KeysAreApartAndRightAligned) {
  const RSArefPublicKey sign = signing_key(), enc = encryption_key();
  EXPECT_EQ(sign.bits, kRsaBits);
  EXPECT_NE(Buffer(sign.m, sign.m + RSAref_MAX_LEN), Buffer(enc.m, enc.m + RSAref_MAX_LEN));
  EXPECT_EQ(Buffer(sign.m, sign.m + RSAref_MAX_LEN - kLen), Buffer(RSAref_MAX_LEN - kLen));
  EXPECT_NE(sign.m[RSAref_MAX_LEN - kLen], 0);
  EXPECT_EQ(Buffer(sign.e + RSAref_MAX_LEN - 3, sign.e + RSAref_MAX_LEN), (Buffer{1, 0, 1}));
  RSArefPublicKey none;
  EXPECT_EQ(SDF_ExportSignPublicKey_RSA(m_session, 2, &none), SDR_KEYNOTEXIST);
}

TEST_F(RsaTest, OpenSslAcceptsOurSignatures) {
  Buffer digest = pattern(32), block = encode_for_signature(digest), signature(kLen), back(kLen);
  unsigned int len = 0;
  EXPECT_EQ(
      SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen, signature.data(), &len),
      SDR_PARDENY);
  get_right(1);
  ASSERT_EQ(
      SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen, signature.data(), &len),
      SDR_OK);
  EXPECT_EQ(len, kLen);
  const RSArefPublicKey key = signing_key();
  const OpenSslKey openssl = to_openssl(key);
  const std::unique_ptr<EVP_PKEY_CTX, Free> context(EVP_PKEY_CTX_new(openssl.get(), nullptr));
  EVP_PKEY_verify_init(context.get());
  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING);
  EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256());
  EXPECT_EQ(EVP_PKEY_verify(context.get(), signature.data(), kLen, digest.data(), 32), 1);

  ASSERT_EQ(
      SDF_InternalPublicKeyOperation_RSA(m_session, 1, signature.data(), kLen, back.data(), &len),
      SDR_OK);
  EXPECT_EQ(back, block);
  RSArefPublicKey copy = key;
  std::fill(back.begin(), back.end(), 0);
  ASSERT_EQ(SDF_ExternalPublicKeyOperation_RSA(m_session, &copy, signature.data(), kLen,
                                               back.data(), &len),
            SDR_OK);
  EXPECT_EQ(back, block);
  EXPECT_EQ(SDF_ReleasePrivateKeyAccessRight(m_session, 1), SDR_OK);
  EXPECT_EQ(
      SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen, signature.data(), &len),
      SDR_PARDENY);
}

TEST_F(RsaTest, LengthsAreChecked) {
  get_right(1);
  Buffer block(kLen, 0xff), out(kLen);
  unsigned int len = 0;
  EXPECT_EQ(SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen, out.data(), &len),
            SDR_INARGERR)
      << "not below the modulus";
  block[0] = 0;
  EXPECT_EQ(
      SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen - 1, out.data(), &len),
      SDR_INARGERR);
  len = kLen - 1;
  EXPECT_EQ(SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen, out.data(), &len),
            SDR_NOBUFFER);
  EXPECT_EQ(len, kLen);
  EXPECT_EQ(SDF_InternalPrivateKeyOperation_RSA(m_session, 1, block.data(), kLen, nullptr, &len),
            SDR_OK);
  RSArefPublicKey key = signing_key();
  key.m[RSAref_MAX_LEN - 1] &= 0xfe;
  EXPECT_EQ(
      SDF_ExternalPublicKeyOperation_RSA(m_session, &key, block.data(), kLen, out.data(), &len),
      SDR_KEYERR);
  key = signing_key();
  key.bits = 4096;
  EXPECT_EQ(
      SDF_ExternalPublicKeyOperation_RSA(m_session, &key, block.data(), kLen, out.data(), &len),
      SDR_KEYERR);
}

TEST_F(RsaTest, SessionKeysComeBack) {
  Buffer wrapped(kLen);
  unsigned int len = 0;
  void *made = nullptr, *again = nullptr;
  ASSERT_EQ(SDF_GenerateKeyWithIPK_RSA(m_session, 1, 128, wrapped.data(), &len, &made), SDR_OK);
  EXPECT_EQ(len, kLen);
  EXPECT_EQ(SDF_ImportKeyWithISK_RSA(m_session, 1, wrapped.data(), len, &again), SDR_PARDENY);
  get_right(1);
  ASSERT_EQ(SDF_ImportKeyWithISK_RSA(m_session, 1, wrapped.data(), len, &again), SDR_OK);
  EXPECT_TRUE(are_same(made, again));

  RSArefPublicKey key = encryption_key();
  ASSERT_EQ(SDF_GenerateKeyWithEPK_RSA(m_session, 128, &key, wrapped.data(), &len, &made), SDR_OK);
  ASSERT_EQ(SDF_ImportKeyWithISK_RSA(m_session, 1, wrapped.data(), len, &again), SDR_OK);
  EXPECT_TRUE(are_same(made, again));

  wrapped[kLen - 1] ^= 1;
  EXPECT_EQ(SDF_ImportKeyWithISK_RSA(m_session, 1, wrapped.data(), len, &again), SDR_ENCDATAERR);
}

TEST_F(RsaTest, EnvelopeGoesToAnotherKey) {
  RSArefPublicKey to;
  RSArefPrivateKey private_key;
  ASSERT_EQ(SDF_GenerateKeyPair_RSA(m_session, 1024, &to, &private_key), SDR_OK);
  Buffer wrapped(kLen), exchanged(kLen), opened(kLen);
  unsigned int len = 0;
  void* made = nullptr;
  ASSERT_EQ(SDF_GenerateKeyWithIPK_RSA(m_session, 1, 128, wrapped.data(), &len, &made), SDR_OK);
  get_right(1);
  len = 0;
  ASSERT_EQ(SDF_ExchangeDigitEnvelopeBaseOnRSA(m_session, 1, &to, wrapped.data(), kLen,
                                               exchanged.data(), &len),
            SDR_OK);
  len = 0;
  ASSERT_EQ(SDF_ExternalPrivateKeyOperation_RSA(m_session, &private_key, exchanged.data(), kLen,
                                                opened.data(), &len),
            SDR_OK);
  EXPECT_EQ(opened[0], 0);
  EXPECT_EQ(opened[1], 2);
  EXPECT_EQ(opened[kLen - 17], 0);
  EXPECT_TRUE(are_same(made, import(Buffer(opened.end() - 16, opened.end()))));
}

TEST_F(RsaTest, PairsInTheClear) {
  RSArefPublicKey public_key;
  RSArefPrivateKey private_key;
  ASSERT_EQ(SDF_GenerateKeyPair_RSA(m_session, 2048, &public_key, &private_key), SDR_OK);
  EXPECT_EQ(public_key.bits, 2048u);
  EXPECT_EQ(private_key.bits, 2048u);
  Buffer input = pattern(256), power(256), back(256);
  input[0] = 0;
  unsigned int len = 0;
  ASSERT_EQ(SDF_ExternalPrivateKeyOperation_RSA(m_session, &private_key, input.data(), 256,
                                                power.data(), &len),
            SDR_OK);
  ASSERT_EQ(SDF_ExternalPublicKeyOperation_RSA(m_session, &public_key, power.data(), 256,
                                               back.data(), &len),
            SDR_OK);
  EXPECT_EQ(back, input);
  private_key.prime[0][RSAref_MAX_PLEN - 1] ^= 2;
  EXPECT_EQ(SDF_ExternalPrivateKeyOperation_RSA(m_session, &private_key, input.data(), 256,
                                                power.data(), &len),
            SDR_KEYERR);
  EXPECT_EQ(SDF_GenerateKeyPair_RSA(m_session, 4096, &public_key, &private_key), SDR_INARGERR)
      << "the structures are not wide enough";
  EXPECT_EQ(SDF_GenerateKeyPair_RSA(m_session, 1000, &public_key, &private_key), SDR_INARGERR);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing
