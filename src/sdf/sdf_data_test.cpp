// SPDX-License-Identifier: Apache-2.0
// Symmetric operations and hashes, against OpenSSL.
#include "sdf/test_fixture.h"

namespace cipherdeck::sdf::testing {
namespace {

using engine::CipherMode;
using engine::Direction;

struct Mode {
  unsigned int algorithm;
  CipherMode mode;
};
constexpr Mode kModes[] = {{SGD_SM4_ECB, CipherMode::ecb},
                           {SGD_SM4_CBC, CipherMode::cbc},
                           {SGD_SM4_CFB, CipherMode::cfb},
                           {SGD_SM4_OFB, CipherMode::ofb},
                           {SGD_SM4_CTR, CipherMode::ctr}};

unsigned int len_of(const Buffer& buffer) { return static_cast<unsigned int>(buffer.size()); }

TEST_F(SdfTest, CiphersAgreeWithOpenSsl) {
  const Buffer key = pattern(16, 100);
  void* const handle = import(key);
  for (const Mode& mode : kModes) {
    for (const std::size_t len : {16, 32, 1600, 4096, 300000, 1 << 20, (2 << 20) + 48}) {
      Buffer data = pattern(len, 7);
      Buffer iv = pattern(16, 50), expected_iv = iv, out(len);
      const Buffer expected =
          engine::oracle::sm4(mode.mode, Direction::encrypt, key, expected_iv, data);
      unsigned int out_len = 0;
      ASSERT_EQ(SDF_Encrypt(m_session, handle, mode.algorithm, iv.data(), data.data(), len_of(data),
                            out.data(), &out_len),
                SDR_OK);
      ASSERT_EQ(out_len, len);
      ASSERT_TRUE(out == expected) << std::hex << mode.algorithm << " " << len;
      EXPECT_EQ(iv, expected_iv);
      iv = pattern(16, 50);
      ASSERT_EQ(SDF_Decrypt(m_session, handle, mode.algorithm, iv.data(), out.data(), len_of(out),
                            out.data(), &out_len),  // in place
                SDR_OK);
      ASSERT_TRUE(out == data);
    }
  }
}

TEST_F(SdfTest, XtsTakesAnyLengthFromOneBlock) {
  const Buffer key = pattern(32, 60), first(key.begin(), key.begin() + 16),
               second(key.begin() + 16, key.end());
  void* const handle = import(key);
  for (const std::size_t len : {16, 100, 4096, (256 << 10) + 5, 600000}) {
    Buffer data = pattern(len, 1), tweak = pattern(16, 2), out(len);
    const Buffer expected = engine::oracle::sm4_xts(engine::modes::XtsOrder::gbt17964,
                                                    Direction::encrypt, first, second, tweak, data);
    unsigned int out_len = 0;
    ASSERT_EQ(SDF_Encrypt(m_session, handle, SGD_SM4_XTS, tweak.data(), data.data(), len_of(data),
                          out.data(), &out_len),
              SDR_OK);
    EXPECT_TRUE(out == expected) << len;
    tweak = pattern(16, 2);
    ASSERT_EQ(SDF_Decrypt(m_session, handle, SGD_SM4_XTS, tweak.data(), out.data(), len_of(out),
                          out.data(), &out_len),
              SDR_OK);
    EXPECT_TRUE(out == data) << len;
  }
  Buffer data = pattern(16), tweak(16);
  unsigned int len = 0;
  EXPECT_EQ(SDF_Encrypt(m_session, import(pattern(16)), SGD_SM4_XTS, tweak.data(), data.data(), 16,
                        data.data(), &len),
            SDR_KEYTYPEERR)
      << "XTS takes two keys";
}

TEST_F(SdfTest, IvCarriesOverFromCallToCall) {
  const Buffer key = pattern(16, 1);
  void* const handle = import(key);
  for (const Mode& mode : kModes) {
    Buffer data = pattern(160), iv = pattern(16, 9), whole_iv = iv, out(160);
    const Buffer whole = engine::oracle::sm4(mode.mode, Direction::encrypt, key, whole_iv, data);
    unsigned int len = 0;
    ASSERT_EQ(SDF_Encrypt(m_session, handle, mode.algorithm, iv.data(), data.data(), 64, out.data(),
                          &len),
              SDR_OK);
    len = 0;
    ASSERT_EQ(SDF_Encrypt(m_session, handle, mode.algorithm, iv.data(), data.data() + 64, 96,
                          out.data() + 64, &len),
              SDR_OK);
    EXPECT_EQ(out, whole);
  }
}

TEST_F(SdfTest, CipherArgumentsAreChecked) {
  void* const handle = import(pattern(16));
  Buffer data = pattern(32), iv(16), out(32);
  unsigned int len = 0;
  const auto encrypt_with = [&](unsigned int algorithm, unsigned char* vector,
                                unsigned int data_len, unsigned int room, unsigned char* to) {
    len = room;
    return SDF_Encrypt(m_session, handle, algorithm, vector, data.data(), data_len, to, &len);
  };
  EXPECT_EQ(encrypt_with(SGD_SM4_CBC, iv.data(), 17, 0, out.data()), SDR_INARGERR);
  EXPECT_EQ(encrypt_with(SGD_SM4_CBC, iv.data(), 0, 0, out.data()), SDR_INARGERR);
  EXPECT_EQ(encrypt_with(SGD_SM4_CBC, nullptr, 32, 0, out.data()), SDR_INARGERR);
  EXPECT_EQ(encrypt_with(SGD_SM4_CBC, iv.data(), 32, 31, out.data()), SDR_NOBUFFER);
  EXPECT_EQ(len, 32u);
  EXPECT_EQ(encrypt_with(SGD_SM4_CBC, iv.data(), 32, 0, nullptr), SDR_OK);
  EXPECT_EQ(len, 32u);
  EXPECT_EQ(encrypt_with(SGD_SM1_CBC, iv.data(), 32, 0, out.data()), SDR_ALGNOTSUPPORT);
  EXPECT_EQ(encrypt_with(SGD_SM4_CBC | 0x80, iv.data(), 32, 0, out.data()), SDR_ALGMODNOTSUPPORT);
  EXPECT_EQ(iv, Buffer(16)) << "a call that fails leaves the IV";
}

TEST_F(SdfTest, MacIsTheLastBlockOfCbc) {
  const Buffer key = pattern(16, 3);
  void* const handle = import(key);
  for (const std::size_t len : {16, 64, 600000}) {
    Buffer data = pattern(len), iv = pattern(16, 90), oracle_iv = iv, mac(16);
    const Buffer cbc =
        engine::oracle::sm4(CipherMode::cbc, Direction::encrypt, key, oracle_iv, data);
    const Buffer expected(cbc.end() - 16, cbc.end());
    unsigned int mac_len = 16;
    ASSERT_EQ(SDF_CalculateMAC(m_session, handle, SGD_SM4_MAC, iv.data(), data.data(), len_of(data),
                               mac.data(), &mac_len),
              SDR_OK);
    EXPECT_EQ(mac, expected);
    EXPECT_EQ(iv, expected) << "the next call goes on";
    EXPECT_EQ(mac_len, 16u);
  }
  Buffer data = pattern(24), iv(16), mac(16);
  unsigned int mac_len = 16;
  EXPECT_EQ(SDF_CalculateMAC(m_session, handle, SGD_SM4_MAC, iv.data(), data.data(), 24, mac.data(),
                             &mac_len),
            SDR_INARGERR);
}

struct AeadCase {
  unsigned int algorithm;
  engine::AeadMode mode;
  std::size_t nonce_len, aad_len, data_len, tag_len;
};

TEST_F(SdfTest, AuthenticatedEncryptionAgreesWithOpenSsl) {
  const Buffer key = pattern(16, 42);
  void* const handle = import(key);
  const AeadCase cases[] = {{SGD_SM4_GCM, engine::AeadMode::gcm, 12, 0, 0, 16},
                            {SGD_SM4_GCM, engine::AeadMode::gcm, 12, 20, 100, 16},
                            {SGD_SM4_GCM, engine::AeadMode::gcm, 16, 13, 4096, 12},
                            {SGD_SM4_GCM, engine::AeadMode::gcm, 12, 1000, 900000, 16},
                            {SGD_SM4_CCM, engine::AeadMode::ccm, 12, 20, 100, 16},
                            {SGD_SM4_CCM, engine::AeadMode::ccm, 7, 0, 5000, 8}};
  for (const AeadCase& c : cases) {
    Buffer nonce = pattern(c.nonce_len, 1), aad = pattern(c.aad_len, 2), data = pattern(c.data_len);
    Buffer out(c.data_len), tag(c.tag_len);
    unsigned int out_len = len_of(out), tag_len = len_of(tag);
    ASSERT_EQ(SDF_AuthEnc(m_session, handle, c.algorithm, nonce.data(), len_of(nonce), aad.data(),
                          len_of(aad), data.data(), len_of(data), out.data(), &out_len, tag.data(),
                          &tag_len),
              SDR_OK);
    Buffer sealed = out;
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    EXPECT_TRUE(sealed ==
                engine::oracle::sm4_aead_encrypt(c.mode, key, nonce, aad, data, c.tag_len));
    Buffer opened(c.data_len, 0xee);
    ASSERT_EQ(
        SDF_AuthDec(m_session, handle, c.algorithm, nonce.data(), len_of(nonce), aad.data(),
                    len_of(aad), tag.data(), tag_len, out.data(), out_len, opened.data(), &out_len),
        SDR_OK);
    EXPECT_TRUE(opened == data);
    tag[0] ^= 1;
    opened.assign(c.data_len, 0xee);
    EXPECT_EQ(
        SDF_AuthDec(m_session, handle, c.algorithm, nonce.data(), len_of(nonce), aad.data(),
                    len_of(aad), tag.data(), tag_len, out.data(), out_len, opened.data(), &out_len),
        SDR_MACERR);
    EXPECT_EQ(opened, Buffer(c.data_len, 0xee)) << "no data without a right tag";
  }
}

TEST_F(SdfTest, TagLengthDefaultsToSixteen) {
  void* const handle = import(pattern(16));
  Buffer nonce(12), data = pattern(32), out(32), tag(16);
  unsigned int out_len = 0, tag_len = 0;
  ASSERT_EQ(SDF_AuthEnc(m_session, handle, SGD_SM4_GCM, nonce.data(), 12, nullptr, 0, data.data(),
                        32, out.data(), &out_len, tag.data(), &tag_len),
            SDR_OK);
  EXPECT_EQ(out_len, 32u);
  EXPECT_EQ(tag_len, 16u);
}

Buffer hash_in_pieces(void* session, Buffer data, std::size_t piece) {
  EXPECT_EQ(SDF_HashInit(session, SGD_SM3, nullptr, nullptr, 0), SDR_OK);
  for (std::size_t at = 0; at < data.size(); at += piece) {
    const std::size_t len = std::min(piece, data.size() - at);
    EXPECT_EQ(SDF_HashUpdate(session, data.data() + at, static_cast<unsigned int>(len)), SDR_OK);
  }
  Buffer digest(32);
  unsigned int len = 32;
  EXPECT_EQ(SDF_HashFinal(session, digest.data(), &len), SDR_OK);
  EXPECT_EQ(len, 32u);
  return digest;
}

TEST_F(SdfTest, HashAgreesWithOpenSsl) {
  for (const std::size_t len : {0, 1, 55, 64, 1000, 3 << 20}) {
    const Buffer data = pattern(len);
    const Buffer expected = engine::oracle::sm3(data);
    EXPECT_EQ(hash_in_pieces(m_session, data, data.size() + 1), expected);
    EXPECT_EQ(hash_in_pieces(m_session, data, 1 + len / 7), expected);
  }
}

TEST_F(SdfTest, HashSteps) {
  Buffer data = pattern(10), digest(32);
  unsigned int len = 32;
  EXPECT_EQ(SDF_HashUpdate(m_session, data.data(), 10), SDR_STEPERR);
  EXPECT_EQ(SDF_HashUpdate(m_session, data.data(), 0), SDR_STEPERR);
  EXPECT_EQ(SDF_HashFinal(m_session, digest.data(), &len), SDR_STEPERR);
  ASSERT_EQ(SDF_HashInit(m_session, SGD_SM3, nullptr, nullptr, 0), SDR_OK);
  EXPECT_EQ(SDF_HashUpdate(m_session, data.data(), 0), SDR_OK);
  len = 31;
  EXPECT_EQ(SDF_HashFinal(m_session, digest.data(), &len), SDR_NOBUFFER);
  EXPECT_EQ(len, 32u);
  EXPECT_EQ(SDF_HashFinal(m_session, nullptr, &len), SDR_OK);
  EXPECT_EQ(SDF_HashFinal(m_session, digest.data(), &len), SDR_OK) << "still in progress";
  EXPECT_EQ(digest, engine::oracle::sm3({}));
  EXPECT_EQ(SDF_HashFinal(m_session, digest.data(), &len), SDR_STEPERR);
  EXPECT_EQ(SDF_HMACUpdate(m_session, data.data(), 10), SDR_STEPERR);
  EXPECT_EQ(SDF_HashInit(m_session, 0x77, nullptr, nullptr, 0), SDR_ALGNOTSUPPORT);
}

TEST_F(SdfTest, SessionsHashApart) {
  void* other = nullptr;
  ASSERT_EQ(SDF_OpenSession(m_device, &other), SDR_OK);
  Buffer data = pattern(100), digest(32);
  ASSERT_EQ(SDF_HashInit(m_session, SGD_SM3, nullptr, nullptr, 0), SDR_OK);
  ASSERT_EQ(SDF_HashUpdate(m_session, data.data(), 100), SDR_OK);
  EXPECT_EQ(hash_in_pieces(other, pattern(50), 10), engine::oracle::sm3(pattern(50)));
  unsigned int len = 32;
  ASSERT_EQ(SDF_HashFinal(m_session, digest.data(), &len), SDR_OK);
  EXPECT_EQ(digest, engine::oracle::sm3(data));
  EXPECT_EQ(SDF_CloseSession(other), SDR_OK);
}

TEST_F(SdfTest, HmacAgreesWithOpenSsl) {
  for (const std::size_t key_len : {16, 32}) {
    const Buffer key = pattern(key_len, 17);
    void* const handle = import(key);
    Buffer data = pattern(500000), mac(32);
    unsigned int len = 32;
    ASSERT_EQ(SDF_HMACInit(m_session, handle, SGD_SM3_HMAC), SDR_OK);
    ASSERT_EQ(SDF_HMACUpdate(m_session, data.data(), 100), SDR_OK);
    ASSERT_EQ(SDF_HMACUpdate(m_session, data.data() + 100, len_of(data) - 100), SDR_OK);
    ASSERT_EQ(SDF_HMACFinal(m_session, mac.data(), &len), SDR_OK);
    EXPECT_EQ(mac, engine::oracle::hmac_sm3(key, data));
  }
  EXPECT_EQ(SDF_HMACInit(m_session, m_session, SGD_SM3_HMAC), SDR_KEYNOTEXIST);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing
