// SPDX-License-Identifier: Apache-2.0
// Symmetric operations in parts, against those at once and OpenSSL; and those with keys in the
// clear.
#include "sdf/test_fixture.h"

#include <openssl/evp.h>

#include <algorithm>

namespace cipherdeck::sdf::testing {
namespace {

using engine::Direction;

unsigned int len_of(const Buffer& buffer) { return static_cast<unsigned int>(buffer.size()); }

struct Api {
  decltype(&SDF_EncryptInit) init;
  decltype(&SDF_EncryptUpdate) update;
  decltype(&SDF_EncryptFinal) final;
};
constexpr Api kEncrypt{SDF_EncryptInit, SDF_EncryptUpdate, SDF_EncryptFinal};
constexpr Api kDecrypt{SDF_DecryptInit, SDF_DecryptUpdate, SDF_DecryptFinal};

class PartsTest : public SdfTest {
 protected:
  // Updates with parts of these lengths in turn, and ends.
  Buffer finish_in_parts(const Api& api, Buffer data, const std::vector<std::size_t>& parts) {
    Buffer out(data.size() + 64, 0xa5);
    std::size_t done = 0, written = 0;
    for (std::size_t i = 0; done < data.size(); ++i) {
      const std::size_t len = std::min(parts[i % parts.size()], data.size() - done);
      unsigned int room = 0;
      EXPECT_EQ(api.update(m_session, data.data() + done, static_cast<unsigned int>(len),
                           out.data() + written, &room),
                SDR_OK);
      done += len;
      written += room;
      EXPECT_LE(written, done);
    }
    unsigned int room = 0;
    EXPECT_EQ(api.final(m_session, out.data() + written, &room), SDR_OK);
    out.resize(written + room);
    return out;
  }

  Buffer in_parts(const Api& api, void* key, unsigned int algorithm, const Buffer& data,
                  const std::vector<std::size_t>& parts) {
    Buffer iv = pattern(16, 50);
    EXPECT_EQ(api.init(m_session, key, algorithm, iv.data(), 16), SDR_OK);
    return finish_in_parts(api, data, parts);
  }

  const std::vector<std::vector<std::size_t>> m_ways = {{1 << 20}, {1},    {15, 1, 16, 17},
                                                        {0, 31},   {4096}, {33, 100000}};
};

TEST_F(PartsTest, PartsGiveTheWhole) {
  void* const key = import(pattern(16, 100));
  void* const long_key = import(pattern(32, 100));
  const unsigned int modes[] = {SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_CFB,
                                SGD_SM4_OFB, SGD_SM4_CTR, SGD_SM4_XTS};
  for (const unsigned int mode : modes) {
    const bool whole = mode == SGD_SM4_ECB || mode == SGD_SM4_CBC;
    void* const used = mode == SGD_SM4_XTS ? long_key : key;
    for (const std::size_t len : {16, 32, 47, 100, 4096, 70001}) {
      if (whole && len % 16 != 0) continue;
      const Buffer data = pattern(len, 9);
      const Buffer expected = encrypt(used, mode, pattern(16, 50), data);
      for (const auto& parts : m_ways) {
        if (parts[0] < 16 && len > 5000) continue;  // as many commands
        ASSERT_EQ(in_parts(kEncrypt, used, mode, data, parts), expected) << std::hex << mode;
        ASSERT_EQ(in_parts(kDecrypt, used, mode, expected, parts), data) << std::hex << mode;
      }
    }
  }
}

TEST_F(PartsTest, OutputMayTakeThePlaceOfTheInput) {
  void* const key = import(pattern(16, 100));
  const Buffer data = pattern(1000, 3);
  const Buffer expected = encrypt(key, SGD_SM4_CTR, pattern(16, 50), data);
  Buffer iv = pattern(16, 50), work = data;
  ASSERT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_CTR, iv.data(), 16), SDR_OK);
  std::size_t written = 0;
  for (std::size_t at = 0; at < work.size(); at += 250) {
    unsigned int len = 0;
    ASSERT_EQ(SDF_EncryptUpdate(m_session, work.data() + at, 250, work.data() + written, &len),
              SDR_OK);
    written += len;
  }
  unsigned int len = 0;
  ASSERT_EQ(SDF_EncryptFinal(m_session, work.data() + written, &len), SDR_OK);
  EXPECT_EQ(work, expected);
}

TEST_F(PartsTest, EncryptionAndDecryptionGoSideBySide) {
  void* const key = import(pattern(16, 1));
  Buffer iv(16), data = pattern(32), first(32), second(32);
  unsigned int len = 0;
  ASSERT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_CBC, iv.data(), 16), SDR_OK);
  ASSERT_EQ(SDF_DecryptInit(m_session, key, SGD_SM4_CBC, iv.data(), 16), SDR_OK);
  ASSERT_EQ(SDF_EncryptUpdate(m_session, data.data(), 16, first.data(), &len), SDR_OK);
  ASSERT_EQ(SDF_DecryptUpdate(m_session, first.data(), 16, second.data(), &len), SDR_OK);
  EXPECT_TRUE(std::equal(second.begin(), second.begin() + 16, data.begin()));
}

TEST_F(PartsTest, StepsAndLengths) {
  void* const key = import(pattern(16, 1));
  Buffer iv(16), data = pattern(64), out(64);
  unsigned int len = 64;
  EXPECT_EQ(SDF_EncryptUpdate(m_session, data.data(), 16, out.data(), &len), SDR_STEPERR);
  EXPECT_EQ(SDF_EncryptFinal(m_session, out.data(), &len), SDR_STEPERR);
  EXPECT_EQ(SDF_CalculateMACUpdate(m_session, data.data(), 16), SDR_STEPERR);
  EXPECT_EQ(SDF_AuthEncUpdate(m_session, data.data(), 16, out.data(), &len), SDR_STEPERR);
  EXPECT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_CBC, iv.data(), 15), SDR_INARGERR);
  EXPECT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_CBC, nullptr, 16), SDR_INARGERR);
  EXPECT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_GCM, iv.data(), 16), SDR_ALGMODNOTSUPPORT);
  EXPECT_EQ(SDF_EncryptInit(m_session, nullptr, SGD_SM4_CBC, iv.data(), 16), SDR_KEYNOTEXIST);

  ASSERT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_CBC, iv.data(), 16), SDR_OK);
  len = 15;
  EXPECT_EQ(SDF_EncryptUpdate(m_session, data.data(), 16, out.data(), &len), SDR_NOBUFFER);
  EXPECT_EQ(len, 16u);
  EXPECT_EQ(SDF_EncryptUpdate(m_session, data.data(), 20, nullptr, &len), SDR_OK) << "a query";
  EXPECT_EQ(len, 16u);
  EXPECT_EQ(SDF_EncryptUpdate(m_session, data.data(), 20, out.data(), &len), SDR_OK);
  EXPECT_EQ(SDF_EncryptFinal(m_session, out.data(), &len), SDR_INARGERR) << "four bytes are left";
  EXPECT_EQ(SDF_EncryptFinal(m_session, out.data(), &len), SDR_STEPERR) << "and the end is the end";

  ASSERT_EQ(SDF_EncryptInit(m_session, key, SGD_SM4_CBC, iv.data(), 16), SDR_OK);
  ASSERT_EQ(SDF_DestroyKey(m_session, key), SDR_OK);
  len = 16;
  EXPECT_EQ(SDF_EncryptUpdate(m_session, data.data(), 16, out.data(), &len), SDR_KEYNOTEXIST);
}

TEST_F(PartsTest, MacInParts) {
  void* const key = import(pattern(16, 3));
  Buffer data = pattern(1600), iv = pattern(16, 90), expected(16), mac(16);
  Buffer changed = iv;
  unsigned int len = 0;
  ASSERT_EQ(SDF_CalculateMAC(m_session, key, SGD_SM4_MAC, changed.data(), data.data(), 1600,
                             expected.data(), &len),
            SDR_OK);
  ASSERT_EQ(SDF_CalculateMACInit(m_session, key, SGD_SM4_MAC, iv.data(), 16), SDR_OK);
  for (std::size_t at = 0; at < data.size(); at += 50) {
    ASSERT_EQ(SDF_CalculateMACUpdate(m_session, data.data() + at, 50), SDR_OK);
  }
  len = 15;
  EXPECT_EQ(SDF_CalculateMACFinal(m_session, mac.data(), &len), SDR_NOBUFFER);
  ASSERT_EQ(SDF_CalculateMACFinal(m_session, mac.data(), &len), SDR_OK);
  EXPECT_EQ(mac, expected);
  EXPECT_EQ(SDF_CalculateMACFinal(m_session, mac.data(), &len), SDR_STEPERR);
}

struct AuthCase {
  unsigned int algorithm;
  std::size_t nonce_len, aad_len, len;
};

class AuthPartsTest : public PartsTest {
 protected:
  void begin_encryption(unsigned int data_len) {
    ASSERT_EQ(SDF_AuthEncInit(m_session, m_key, m_case.algorithm, m_nonce.data(), len_of(m_nonce),
                              m_aad.data(), len_of(m_aad), data_len),
              SDR_OK);
  }
  void begin_decryption(Buffer tag) {
    ASSERT_EQ(SDF_AuthDecInit(m_session, m_key, m_case.algorithm, m_nonce.data(), len_of(m_nonce),
                              m_aad.data(), len_of(m_aad), tag.data(), len_of(tag),
                              static_cast<unsigned int>(m_case.len)),
              SDR_OK);
  }
  // Text, and what the end gives.
  Buffer update(decltype(&SDF_AuthEncUpdate) each, Buffer data, std::size_t part) {
    Buffer out(data.size() + 16);
    std::size_t written = 0;
    for (std::size_t at = 0; at < data.size(); at += part) {
      unsigned int room = 0;
      EXPECT_EQ(each(m_session, data.data() + at,
                     static_cast<unsigned int>(std::min(part, data.size() - at)),
                     out.data() + written, &room),
                SDR_OK);
      written += room;
    }
    out.resize(written);
    return out;
  }
  Buffer end_encryption(Buffer text, Buffer& tag) {
    Buffer last(16);
    unsigned int len = 0, tag_len = 0;
    tag.resize(16);
    EXPECT_EQ(SDF_AuthEncFinal(m_session, last.data(), &len, tag.data(), &tag_len), SDR_OK);
    EXPECT_EQ(tag_len, 16u);
    text.insert(text.end(), last.begin(), last.begin() + len);
    return text;
  }

  AuthCase m_case{};
  void* m_key = nullptr;
  Buffer m_nonce, m_aad;
};

TEST_F(AuthPartsTest, PartsAgreeWithOpenSsl) {
  m_key = import(pattern(16, 42));
  for (const AuthCase& each :
       {AuthCase{SGD_SM4_GCM, 12, 20, 1000}, AuthCase{SGD_SM4_GCM, 12, 0, 0},
        AuthCase{SGD_SM4_GCM, 16, 100, 200000}, AuthCase{SGD_SM4_CCM, 12, 20, 1000},
        AuthCase{SGD_SM4_CCM, 7, 1000, 70001}}) {
    m_case = each;
    m_nonce = pattern(each.nonce_len, 5);
    m_aad = pattern(each.aad_len, 6);
    const Buffer data = pattern(each.len, 7);
    const auto mode = each.algorithm == SGD_SM4_GCM ? engine::AeadMode::gcm : engine::AeadMode::ccm;
    const Buffer sealed =
        engine::oracle::sm4_aead_encrypt(mode, pattern(16, 42), m_nonce, m_aad, data, 16);
    const Buffer expected(sealed.begin(), sealed.end() - 16), tag(sealed.end() - 16, sealed.end());
    for (const std::size_t part : {std::size_t{100000}, std::size_t{4096}, std::size_t{333}}) {
      begin_encryption(static_cast<unsigned int>(each.len));
      Buffer got_tag;
      EXPECT_EQ(end_encryption(update(SDF_AuthEncUpdate, data, part), got_tag), expected);
      EXPECT_EQ(got_tag, tag);

      begin_decryption(tag);
      Buffer text = update(SDF_AuthDecUpdate, expected, part), last(16);
      unsigned int len = 0;
      EXPECT_EQ(SDF_AuthDecFinal(m_session, last.data(), &len), SDR_OK);
      text.insert(text.end(), last.begin(), last.begin() + len);
      EXPECT_EQ(text, data);
    }
  }
}

TEST_F(AuthPartsTest, WrongTagGivesNoLastPart) {
  m_key = import(pattern(16, 42));
  m_case = {SGD_SM4_GCM, 12, 0, 40};
  m_nonce = pattern(12);
  begin_decryption(Buffer(16, 1));
  (void)update(SDF_AuthDecUpdate, pattern(40), 40);
  Buffer last(16, 0xa5);
  unsigned int len = 0;
  EXPECT_EQ(SDF_AuthDecFinal(m_session, last.data(), &len), SDR_MACERR);
  EXPECT_EQ(Buffer(last.begin(), last.begin() + 8), Buffer(8));
  EXPECT_EQ(SDF_AuthDecFinal(m_session, last.data(), &len), SDR_STEPERR);
}

TEST_F(AuthPartsTest, LengthsThatWereNotAnnouncedAreRefused) {
  m_key = import(pattern(16, 42));
  m_case = {SGD_SM4_CCM, 12, 0, 32};
  m_nonce = pattern(12);
  begin_encryption(32);
  Buffer out(64), data = pattern(48), tag(16);
  unsigned int len = 0, tag_len = 0;
  EXPECT_EQ(SDF_AuthEncUpdate(m_session, data.data(), 48, out.data(), &len), SDR_INARGERR);
  begin_encryption(32);
  ASSERT_EQ(SDF_AuthEncUpdate(m_session, data.data(), 16, out.data(), &len), SDR_OK);
  EXPECT_EQ(SDF_AuthEncFinal(m_session, out.data(), &len, tag.data(), &tag_len), SDR_INARGERR);
}

TEST_F(AuthPartsTest, GcmNeedNotKnowItsLength) {
  m_key = import(pattern(16, 42));
  m_case = {SGD_SM4_GCM, 12, 3, 100};
  m_nonce = pattern(12);
  m_aad = pattern(3);
  begin_encryption(0);
  Buffer tag;
  Buffer got = end_encryption(update(SDF_AuthEncUpdate, pattern(100), 30), tag);
  got.insert(got.end(), tag.begin(), tag.end());
  EXPECT_EQ(got, engine::oracle::sm4_aead_encrypt(engine::AeadMode::gcm, pattern(16, 42), m_nonce,
                                                  m_aad, pattern(100), 16));
}

// ---- 6.8 ----------------------------------------------------------------------------------------

TEST_F(PartsTest, KeysInTheClear) {
  Buffer key = pattern(16, 100), iv = pattern(16, 50), data = pattern(64, 3), out(64), back(64);
  const Buffer expected = encrypt(import(key), SGD_SM4_CBC, iv, data);
  unsigned int len = 0;
  ASSERT_EQ(SDF_ExternalKeyEncrypt(m_session, SGD_SM4_CBC, key.data(), 16, iv.data(), 16,
                                   data.data(), 64, out.data(), &len),
            SDR_OK);
  EXPECT_EQ(out, expected);
  EXPECT_EQ(iv, pattern(16, 50));
  len = 0;
  ASSERT_EQ(SDF_ExternalKeyDecrypt(m_session, SGD_SM4_CBC, key.data(), 16, iv.data(), 16,
                                   out.data(), 64, back.data(), &len),
            SDR_OK);
  EXPECT_EQ(back, data);

  ASSERT_EQ(SDF_ExternalKeyEncryptInit(m_session, SGD_SM4_CBC, key.data(), 16, iv.data(), 16),
            SDR_OK);
  EXPECT_EQ(finish_in_parts(kEncrypt, data, {10}), expected);
  ASSERT_EQ(SDF_ExternalKeyDecryptInit(m_session, SGD_SM4_CBC, key.data(), 16, iv.data(), 16),
            SDR_OK);
  EXPECT_EQ(finish_in_parts(kDecrypt, expected, {10}), data);
  EXPECT_EQ(SDF_ExternalKeyEncryptInit(m_session, SGD_SM4_CBC, key.data(), 0, iv.data(), 16),
            SDR_KEYERR);

  Buffer code(32);
  ASSERT_EQ(SDF_ExternalKeyHMACInit(m_session, SGD_SM3_HMAC, key.data(), 16), SDR_OK);
  ASSERT_EQ(SDF_HMACUpdate(m_session, data.data(), 64), SDR_OK);
  len = 32;
  ASSERT_EQ(SDF_HMACFinal(m_session, code.data(), &len), SDR_OK);
  EXPECT_EQ(code, engine::oracle::hmac_sm3(key, data));
}

TEST_F(PartsTest, KeysInTheClearDoNotStay) {
  Buffer key = pattern(16), iv(16), data = pattern(16), out(16);
  for (int i = 0; i < 3000; ++i) {  // the card has room for 1024
    unsigned int len = 0;
    ASSERT_EQ(SDF_ExternalKeyEncryptInit(m_session, SGD_SM4_CBC, key.data(), 16, iv.data(), 16),
              SDR_OK)
        << i;
    ASSERT_EQ(SDF_ExternalKeyEncrypt(m_session, SGD_SM4_ECB, key.data(), 16, nullptr, 0,
                                     data.data(), 16, out.data(), &len),
              SDR_OK);
  }
}

TEST_F(PartsTest, Sm2KeysInTheClear) {
  ECCrefPublicKey public_key;
  ECCrefPrivateKey private_key;
  ASSERT_EQ(SDF_GenerateKeyPair_ECC(m_session, SGD_SM2_1, 256, &public_key, &private_key), SDR_OK);
  EXPECT_EQ(private_key.bits, 256u);
  Buffer e = pattern(32);
  ECCSignature signature;
  ASSERT_EQ(SDF_ExternalSign_ECC(m_session, SGD_SM2_1, &private_key, e.data(), 32, &signature),
            SDR_OK);
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2_1, &public_key, e.data(), 32, &signature),
            SDR_OK);
  EXPECT_TRUE(public_only(public_key).verify(e, to_bytes(signature)));
  Buffer secret = pattern(50, 1), opened(50);
  CipherBuffer cipher(50);
  ASSERT_EQ(
      SDF_ExternalEncrypt_ECC(m_session, SGD_SM2_3, &public_key, secret.data(), 50, cipher.get()),
      SDR_OK);
  unsigned int len = 0;
  ASSERT_EQ(SDF_ExternalDecrypt_ECC(m_session, SGD_SM2_3, &private_key, cipher.get(), opened.data(),
                                    &len),
            SDR_OK);
  EXPECT_EQ(opened, secret);
  private_key.bits = 255;
  EXPECT_EQ(SDF_ExternalSign_ECC(m_session, SGD_SM2_1, &private_key, e.data(), 32, &signature),
            SDR_KEYERR);
  EXPECT_EQ(SDF_GenerateKeyPair_ECC(m_session, SGD_SM2_1, 512, &public_key, &private_key),
            SDR_INARGERR);
  EXPECT_EQ(SDF_GenerateKeyPair_ECC(m_session, SGD_RSA, 256, &public_key, &private_key),
            SDR_ALGNOTSUPPORT);
}

TEST_F(PartsTest, ShaAgreesWithOpenSsl) {
  struct Hash {
    unsigned int algorithm;
    const EVP_MD* digest;
  };
  const Buffer data = pattern(200000);
  for (const Hash& hash :
       {Hash{SGD_SHA1, EVP_sha1()}, Hash{3, EVP_sha224()}, Hash{SGD_SHA256, EVP_sha256()},
        Hash{5, EVP_sha384()}, Hash{6, EVP_sha512()}}) {
    Buffer expected(64), digest(64);
    unsigned int expected_len = 0, len = 0;
    EVP_Digest(data.data(), data.size(), expected.data(), &expected_len, hash.digest, nullptr);
    ASSERT_EQ(SDF_HashInit(m_session, hash.algorithm, nullptr, nullptr, 0), SDR_OK);
    ASSERT_EQ(SDF_HashUpdate(m_session, const_cast<unsigned char*>(data.data()), len_of(data)),
              SDR_OK);
    ASSERT_EQ(SDF_HashFinal(m_session, nullptr, &len), SDR_OK);
    EXPECT_EQ(len, expected_len);
    ASSERT_EQ(SDF_HashFinal(m_session, digest.data(), &len), SDR_OK);
    EXPECT_EQ(digest, expected);
  }
}

TEST_F(PartsTest, SymmetricKeysOfTheCard) {
  void *handle = nullptr, *again = nullptr;
  ASSERT_EQ(SDF_GetSymmKeyHandle(m_session, 1, &handle), SDR_OK);
  ASSERT_EQ(SDF_GetSymmKeyHandle(m_session, 1, &again), SDR_OK);
  const Buffer data = pattern(64), iv(16);
  EXPECT_EQ(encrypt(handle, SGD_SM4_CBC, iv, data), encrypt(again, SGD_SM4_CBC, iv, data));
  EXPECT_EQ(SDF_GetSymmKeyHandle(m_session, 2, &handle), SDR_PARDENY);
  get_right(2);
  EXPECT_EQ(SDF_GetSymmKeyHandle(m_session, 2, &handle), SDR_OK);
  EXPECT_EQ(SDF_GetSymmKeyHandle(m_session, 9, &handle), SDR_KEYNOTEXIST);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing
