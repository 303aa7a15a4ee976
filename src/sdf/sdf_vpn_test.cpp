// SPDX-License-Identifier: Apache-2.0
// Annex C against HMAC and hash of OpenSSL, chained here as the standards say.
#include "sdf/test_fixture.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>

namespace cipherdeck::sdf::testing {
namespace {

Buffer join(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Buffer prf(const Buffer& key, const Buffer& data) { return engine::oracle::hmac_sm3(key, data); }

Buffer first(const Buffer& bytes, std::size_t len) { return {bytes.begin(), bytes.begin() + len}; }

class VpnTest : public SdfTest {
 protected:
  // HMAC-SM3 of a text tells one key of the card from another.
  Buffer fingerprint(void* key) {
    Buffer text = pattern(20), code(32);
    unsigned int len = 0;
    EXPECT_EQ(SDF_HMACInit(m_session, key, SGD_SM3_HMAC), SDR_OK);
    EXPECT_EQ(SDF_HMACUpdate(m_session, text.data(), 20), SDR_OK);
    EXPECT_EQ(SDF_HMACFinal(m_session, code.data(), &len), SDR_OK);
    return code;
  }
  void expect_key(void* handle, const Buffer& bytes) {
    ASSERT_NE(handle, nullptr);
    EXPECT_EQ(fingerprint(handle), prf(bytes, pattern(20)));
  }

  Buffer m_ni = pattern(16, 1), m_nr = pattern(20, 2), m_ci = pattern(8, 3), m_cr = pattern(8, 4);
};

struct Ike {
  Buffer d, a, e;
};

Ike ike_keys(const Buffer& ni, const Buffer& nr, const Buffer& ci, const Buffer& cr) {
  const Buffer skeyid = prf(engine::oracle::sm3(join({ni, nr})), join({ci, cr}));
  Ike keys;
  keys.d = prf(skeyid, join({ci, cr, {0}}));
  keys.a = prf(skeyid, join({keys.d, ci, cr, {1}}));
  keys.e = prf(skeyid, join({keys.a, ci, cr, {2}}));
  return keys;
}

TEST_F(VpnTest, IkeKeys) {
  void *d = nullptr, *a = nullptr, *e = nullptr;
  ASSERT_EQ(SDF_GenerateKeywithIKE(m_session, m_ni.data(), 16, m_nr.data(), 20, m_ci.data(), 8,
                                   m_cr.data(), 8, SGD_SM3, &d, 256, &a, 256, &e, 128),
            SDR_OK);
  const Ike keys = ike_keys(m_ni, m_nr, m_ci, m_cr);
  expect_key(d, keys.d);
  expect_key(a, keys.a);
  expect_key(e, first(keys.e, 16));
  EXPECT_EQ(SDF_GenerateKeywithIKE(m_session, m_ni.data(), 16, m_nr.data(), 20, m_ci.data(), 8,
                                   m_cr.data(), 8, SGD_SHA1, &d, 256, &a, 256, &e, 128),
            SDR_ALGNOTSUPPORT);
  EXPECT_EQ(SDF_GenerateKeywithIKE(m_session, m_ni.data(), 16, m_nr.data(), 20, m_ci.data(), 8,
                                   m_cr.data(), 8, SGD_SM3, &d, 264, &a, 256, &e, 128),
            SDR_INARGERR);
  EXPECT_EQ(SDF_GenerateKeywithIKE(m_session, nullptr, 16, m_nr.data(), 20, m_ci.data(), 8,
                                   m_cr.data(), 8, SGD_SM3, &d, 256, &a, 256, &e, 128),
            SDR_INARGERR);
  EXPECT_EQ(d, nullptr);
}

TEST_F(VpnTest, IkeKeysForAnExternalKey) {
  const Peer peer;
  ECCrefPublicKey key = peer.structure();
  CipherBuffer d(32), a(32), e(16);
  ASSERT_EQ(SDF_GenerateKeywithEPK_IKE(m_session, m_ni.data(), 16, m_nr.data(), 20, m_ci.data(), 8,
                                       m_cr.data(), 8, SGD_SM3, SGD_SM2_3, &key, d.get(), 256,
                                       a.get(), 256, e.get(), 128),
            SDR_OK);
  const Ike keys = ike_keys(m_ni, m_nr, m_ci, m_cr);
  EXPECT_EQ(peer.sm2->decrypt(d.wire()), keys.d);
  EXPECT_EQ(peer.sm2->decrypt(a.wire()), keys.a);
  EXPECT_EQ(peer.sm2->decrypt(e.wire()), first(keys.e, 16));
}

TEST_F(VpnTest, IpsecKeys) {
  const Buffer skeyid_d = pattern(32, 77);
  void* const d = import(skeyid_d);
  Buffer protocol = {50}, spi = {1, 2, 3, 4}, salt(4);
  void *enc = nullptr, *mac = nullptr;
  ASSERT_EQ(
      SDF_GenerateKeywithIPSEC(m_session, protocol.data(), 1, spi.data(), 4, m_ni.data(), 16,
                               m_nr.data(), 20, d, SGD_SM3, &enc, 128, &mac, 256, salt.data(), 4),
      SDR_OK);
  const Buffer seed = join({protocol, spi, m_ni, m_nr});
  const Buffer k1 = prf(skeyid_d, seed);
  const Buffer all = join({k1, prf(skeyid_d, join({k1, seed}))});
  expect_key(enc, first(all, 16));
  expect_key(mac, Buffer(all.begin() + 16, all.begin() + 48));
  EXPECT_EQ(salt, Buffer(all.begin() + 48, all.begin() + 52));

  const Peer peer;
  ECCrefPublicKey key = peer.structure();
  CipherBuffer enc_cipher(16), mac_cipher(32);
  Buffer again(4);
  ASSERT_EQ(
      SDF_GenerateKeywithEPK_IPSEC(m_session, protocol.data(), 1, spi.data(), 4, m_ni.data(), 16,
                                   m_nr.data(), 20, d, SGD_SM3, SGD_SM2_3, &key, enc_cipher.get(),
                                   128, mac_cipher.get(), 256, again.data(), 4),
      SDR_OK);
  EXPECT_EQ(peer.sm2->decrypt(enc_cipher.wire()), first(all, 16));
  EXPECT_EQ(peer.sm2->decrypt(mac_cipher.wire()), Buffer(all.begin() + 16, all.begin() + 48));
  EXPECT_EQ(again, salt);
}

// TLS1-PRF of OpenSSL.
Buffer tls_prf(const char* digest, const Buffer& secret, const std::string& label,
               const Buffer& seed, std::size_t len) {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  const Buffer all = join({Buffer(label.begin(), label.end()), seed});
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string("digest", const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_octet_string("secret", const_cast<std::uint8_t*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string("seed", const_cast<std::uint8_t*>(all.data()), all.size()),
      OSSL_PARAM_construct_end()};
  Buffer out(len);
  EXPECT_EQ(EVP_KDF_derive(context, out.data(), len, params), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return out;
}

TEST_F(VpnTest, SslKeysAreThoseOfOpenSslsTls) {
  struct Hash {
    unsigned int algorithm;
    const char* name;
  };
  const Buffer premaster = pattern(48, 11);
  void* const handle = import(premaster);
  Buffer client = pattern(32, 5), server = pattern(32, 6), client_iv(16), server_iv(16);
  for (const Hash& hash : {Hash{SGD_SM3, "SM3"}, Hash{SGD_SHA256, "SHA256"}}) {
    void* keys[4] = {};
    ASSERT_EQ(SDF_GenerateKeywithSSL(m_session, handle, client.data(), 32, server.data(), 32,
                                     hash.algorithm, &keys[0], 256, &keys[1], 256, &keys[2], 128,
                                     &keys[3], 128, client_iv.data(), 16, server_iv.data(), 16),
              SDR_OK);
    const Buffer master =
        tls_prf(hash.name, premaster, "master secret", join({client, server}), 48);
    const Buffer block = tls_prf(hash.name, master, "key expansion", join({server, client}), 128);
    const auto part = [&](std::size_t at, std::size_t len) {
      return Buffer(block.begin() + at, block.begin() + at + len);
    };
    expect_key(keys[0], part(0, 32));
    expect_key(keys[1], part(32, 32));
    expect_key(keys[2], part(64, 16));
    expect_key(keys[3], part(80, 16));
    EXPECT_EQ(client_iv, part(96, 16));
    EXPECT_EQ(server_iv, part(112, 16));
  }
}

TEST_F(VpnTest, SslWithoutMacKeys) {
  const Buffer premaster = pattern(48, 11);
  void* const handle = import(premaster);
  Buffer client = pattern(32, 5), server = pattern(32, 6), client_iv(4), server_iv(4);
  void *client_key = nullptr, *server_key = nullptr;
  ASSERT_EQ(SDF_GenerateKeywithSSL(m_session, handle, client.data(), 32, server.data(), 32, SGD_SM3,
                                   nullptr, 0, nullptr, 0, &client_key, 128, &server_key, 128,
                                   client_iv.data(), 4, server_iv.data(), 4),
            SDR_OK);
  const Buffer master = tls_prf("SM3", premaster, "master secret", join({client, server}), 48);
  const Buffer block = tls_prf("SM3", master, "key expansion", join({server, client}), 40);
  expect_key(client_key, first(block, 16));
  EXPECT_EQ(server_iv, Buffer(block.begin() + 36, block.end()));

  const Peer peer;
  ECCrefPublicKey key = peer.structure();
  CipherBuffer client_cipher(16), server_cipher(16);
  ASSERT_EQ(SDF_GenerateKeywithEPK_SSL(m_session, handle, client.data(), 32, server.data(), 32,
                                       SGD_SM3, SGD_SM2_3, &key, nullptr, 0, nullptr, 0,
                                       client_cipher.get(), 128, server_cipher.get(), 128,
                                       client_iv.data(), 4, server_iv.data(), 4),
            SDR_OK);
  EXPECT_EQ(peer.sm2->decrypt(client_cipher.wire()), first(block, 16));
  EXPECT_EQ(SDF_GenerateKeywithSSL(m_session, handle, client.data(), 31, server.data(), 32, SGD_SM3,
                                   nullptr, 256, nullptr, 0, &client_key, 128, &server_key, 128,
                                   client_iv.data(), 4, server_iv.data(), 4),
            SDR_INARGERR);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing
