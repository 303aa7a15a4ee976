// SPDX-License-Identifier: Apache-2.0
// Devices, sessions, rights, keys and signatures, over the whole way to a real card.
#include "sdf/test_fixture.h"

#include <set>

namespace cipherdeck::sdf::testing {
namespace {

Buffer digest_of(std::string_view text) { return engine::oracle::sm3(as_bytes(text)); }

int sign(void* session, unsigned int index, Buffer e, ECCSignature& signature) {
  return SDF_InternalSign_ECC(session, index, e.data(), static_cast<unsigned int>(e.size()),
                              &signature);
}

// ---- devices and sessions

TEST_F(SdfTest, DeviceMayBeOpenedTwice) {
  void* second = nullptr;
  ASSERT_EQ(SDF_OpenDevice(&second), SDR_OK);
  EXPECT_NE(second, m_device);
  void* session = nullptr;
  ASSERT_EQ(SDF_OpenSession(second, &session), SDR_OK);
  EXPECT_EQ(SDF_CloseDevice(second), SDR_OK);
  unsigned char byte;
  EXPECT_EQ(SDF_GenerateRandom(session, 1, &byte), SDR_INARGERR) << "closed with its device";
  EXPECT_EQ(SDF_GenerateRandom(m_session, 1, &byte), SDR_OK) << "the other handle goes on";
}

TEST_F(SdfTest, HandlesAreNeverGivenTwice) {
  std::set<void*> seen = {m_device, m_session};
  for (int i = 0; i < 50; ++i) {
    void* session = nullptr;
    ASSERT_EQ(SDF_OpenSession(m_device, &session), SDR_OK);
    EXPECT_TRUE(seen.insert(session).second);
    ASSERT_EQ(SDF_CloseSession(session), SDR_OK);
    EXPECT_EQ(SDF_CloseSession(session), SDR_INARGERR);
  }
}

TEST_F(SdfTest, HandlesAreNotBelieved) {
  int local = 0;
  unsigned char byte;
  for (void* wrong : {static_cast<void*>(nullptr), static_cast<void*>(&local), m_device,
                      reinterpret_cast<void*>(~std::uintptr_t{0})}) {
    EXPECT_EQ(SDF_GenerateRandom(wrong, 1, &byte), SDR_INARGERR);
    EXPECT_EQ(SDF_CloseSession(wrong), SDR_INARGERR);
    EXPECT_EQ(SDF_DestroyKey(m_session, wrong), SDR_KEYNOTEXIST);
  }
  EXPECT_EQ(SDF_CloseDevice(m_session), SDR_INARGERR);
  void* session = nullptr;
  EXPECT_EQ(SDF_OpenSession(m_session, &session), SDR_INARGERR);
}

TEST_F(SdfTest, NullOutputsAreRefused) {
  EXPECT_EQ(SDF_OpenDevice(nullptr), SDR_OUTARGERR);
  EXPECT_EQ(SDF_OpenSession(m_device, nullptr), SDR_OUTARGERR);
  EXPECT_EQ(SDF_GetDeviceInfo(m_session, nullptr), SDR_OUTARGERR);
  EXPECT_EQ(SDF_GenerateRandom(m_session, 1, nullptr), SDR_OUTARGERR);
  EXPECT_EQ(SDF_HashFinal(m_session, nullptr, nullptr), SDR_OUTARGERR);
}

TEST_F(SdfTest, DeviceInfoTellsTheAlgorithms) {
  DEVICEINFO info;
  ASSERT_EQ(SDF_GetDeviceInfo(m_session, &info), SDR_OK);
  EXPECT_NE(info.IssuerName[0], 0);
  EXPECT_NE(info.AsymAlgAbility[0] & SGD_SM2, 0u);
  EXPECT_NE(info.SymAlgAbility & 0x400u, 0u);
  EXPECT_NE(info.HashAlgAbility & SGD_SM3, 0u);
}

TEST_F(SdfTest, RandomOfAnyLength) {
  for (const unsigned int len : {0u, 1u, 16u, 1000u, 3u << 20}) {
    Buffer bytes(len + 8, 0x5a);
    ASSERT_EQ(SDF_GenerateRandom(m_session, len, bytes.data()), SDR_OK);
    EXPECT_EQ(Buffer(bytes.end() - 8, bytes.end()), Buffer(8, 0x5a));
    std::array<int, 256> count{};
    for (unsigned int i = 0; i < len; ++i) ++count[bytes[i]];
    if (len >= 3u << 20) {
      for (const int n : count) EXPECT_NEAR(n, 12288, 1000);
    }
  }
  Buffer first(32), second(32);
  ASSERT_EQ(SDF_GenerateRandom(m_session, 32, first.data()), SDR_OK);
  ASSERT_EQ(SDF_GenerateRandom(m_session, 32, second.data()), SDR_OK);
  EXPECT_NE(first, second);
}

// ---- access rights

TEST_F(SdfTest, AccessRightIsOfASessionAndAnIndex) {
  const Buffer e = digest_of("message");
  ECCSignature signature;
  EXPECT_EQ(sign(m_session, 1, e, signature), SDR_PARDENY);
  get_right(1);
  EXPECT_EQ(sign(m_session, 1, e, signature), SDR_OK);
  EXPECT_EQ(sign(m_session, 2, e, signature), SDR_PARDENY);
  void* other = nullptr;
  ASSERT_EQ(SDF_OpenSession(m_device, &other), SDR_OK);
  EXPECT_EQ(sign(other, 1, e, signature), SDR_PARDENY);
  EXPECT_EQ(SDF_CloseSession(other), SDR_OK);
  EXPECT_EQ(SDF_ReleasePrivateKeyAccessRight(m_session, 1), SDR_OK);
  EXPECT_EQ(sign(m_session, 1, e, signature), SDR_PARDENY);
}

TEST_F(SdfTest, AccessCodeIsChecked) {
  Buffer wrong(12, 'x');
  EXPECT_EQ(SDF_GetPrivateKeyAccessRight(m_session, 1, wrong.data(), 12), SDR_PRKRERR);
  EXPECT_EQ(SDF_GetPrivateKeyAccessRight(m_session, 1, wrong.data(), 7), SDR_INARGERR);
  EXPECT_EQ(SDF_GetPrivateKeyAccessRight(m_session, 1, nullptr, 12), SDR_INARGERR);
  EXPECT_EQ(SDF_GetPrivateKeyAccessRight(m_session, 99, wrong.data(), 12), SDR_KEYNOTEXIST);
  get_right(1);
}

TEST_F(SdfTest, KekWithAnAccessCode) {
  Buffer code(kKekAccessCode.begin(), kKekAccessCode.end()), wrapped(16);
  const auto code_len = static_cast<unsigned int>(code.size());
  unsigned int len = 0;
  void* key = nullptr;
  const auto generate = [&] {
    len = 0;
    return SDF_GenerateKeyWithKEK(m_session, 128, SGD_SM4_ECB, 3, wrapped.data(), &len, &key);
  };
  EXPECT_EQ(generate(), SDR_PARDENY);
  EXPECT_EQ(SDF_GetKEKAccessRight(m_session, 3, code.data(), code_len - 1), SDR_PRKRERR);
  EXPECT_EQ(SDF_GetKEKAccessRight(m_session, 3, code.data(), code_len), SDR_OK);
  EXPECT_EQ(generate(), SDR_OK);
  EXPECT_EQ(SDF_ReleaseKEKAccessRight(m_session, 3), SDR_OK);
  EXPECT_EQ(generate(), SDR_PARDENY);
}

TEST_F(SdfTest, KeyOfTheCardItselfSignsForNobody) {
  ECCrefPublicKey key;
  EXPECT_EQ(SDF_ExportSignPublicKey_ECC(m_session, 0, &key), SDR_OK);
  Buffer code(16, 'x');
  EXPECT_EQ(SDF_GetPrivateKeyAccessRight(m_session, 0, code.data(), 16), SDR_PRKRERR);
  ECCSignature signature;
  EXPECT_EQ(sign(m_session, 0, digest_of("message"), signature), SDR_PARDENY);
}

// ---- signatures

TEST_F(SdfTest, OpenSslAcceptsOurSignatures) {
  for (unsigned int index = 1; index <= kNumKeyPairs; ++index) {
    get_right(index);
    ECCrefPublicKey key;
    ASSERT_EQ(SDF_ExportSignPublicKey_ECC(m_session, index, &key), SDR_OK);
    Buffer e = digest_of("message " + std::to_string(index));
    ECCSignature signature;
    ASSERT_EQ(sign(m_session, index, e, signature), SDR_OK);
    EXPECT_TRUE(public_only(key).verify(e, to_bytes(signature)));
    EXPECT_EQ(SDF_InternalVerify_ECC(m_session, index, e.data(), 32, &signature), SDR_OK);
    e[5] ^= 1;
    EXPECT_EQ(SDF_InternalVerify_ECC(m_session, index, e.data(), 32, &signature), SDR_VERIFYERR);
  }
}

TEST_F(SdfTest, WeAcceptSignaturesOfOpenSsl) {
  const Peer peer;
  Buffer e = digest_of("message");
  ECCrefPublicKey key = peer.structure();
  ECCSignature signature = to_signature_struct(peer.sm2->sign(e));
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2_1, &key, e.data(), 32, &signature), SDR_OK);
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2, &key, e.data(), 32, &signature), SDR_OK);
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_RSA, &key, e.data(), 32, &signature),
            SDR_ALGNOTSUPPORT);
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2_1, &key, e.data(), 31, &signature),
            SDR_INARGERR);
  signature.s[63] ^= 1;
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2_1, &key, e.data(), 32, &signature),
            SDR_VERIFYERR);
  signature.s[63] ^= 1;
  signature.r[0] = 1;  // beyond 256 bits
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2_1, &key, e.data(), 32, &signature),
            SDR_VERIFYERR);
  signature.r[0] = 0;
  key.y[63] ^= 1;
  EXPECT_EQ(SDF_ExternalVerify_ECC(m_session, SGD_SM2_1, &key, e.data(), 32, &signature),
            SDR_KEYERR);
}

TEST_F(SdfTest, HashWithIdentityAndSignatureIsWhatOpenSslDoesInOne) {
  get_right(2);
  ECCrefPublicKey key;
  ASSERT_EQ(SDF_ExportSignPublicKey_ECC(m_session, 2, &key), SDR_OK);
  Buffer id = {'1', '2', '3', '4', '5', '6', '7', '8', '1', '2', '3', '4', '5', '6', '7', '8'};
  Buffer message = pattern(1000);
  Buffer e(32);
  unsigned int len = 32;
  ASSERT_EQ(SDF_HashInit(m_session, SGD_SM3, &key, id.data(), 16), SDR_OK);
  ASSERT_EQ(SDF_HashUpdate(m_session, message.data(), 1000), SDR_OK);
  ASSERT_EQ(SDF_HashFinal(m_session, e.data(), &len), SDR_OK);
  ECCSignature signature;
  ASSERT_EQ(sign(m_session, 2, e, signature), SDR_OK);
  EXPECT_TRUE(public_only(key).verify_message(id, message, to_bytes(signature)));
}

TEST_F(SdfTest, KeyPairsAreApart) {
  std::set<Buffer> keys;
  for (unsigned int index = 1; index <= kNumKeyPairs; ++index) {
    ECCrefPublicKey key;
    ASSERT_EQ(SDF_ExportSignPublicKey_ECC(m_session, index, &key), SDR_OK);
    keys.insert(to_bytes(key));
    ASSERT_EQ(SDF_ExportEncPublicKey_ECC(m_session, index, &key), SDR_OK);
    keys.insert(to_bytes(key));
  }
  EXPECT_EQ(keys.size(), 2 * kNumKeyPairs);
  ECCrefPublicKey key;
  EXPECT_EQ(SDF_ExportSignPublicKey_ECC(m_session, 77, &key), SDR_KEYNOTEXIST);
}

// ---- encryption of SM2

TEST_F(SdfTest, OpenSslDecryptsWhatWeEncrypt) {
  const Peer peer;
  ECCrefPublicKey key = peer.structure();
  for (const unsigned int len : {1u, 16u, 33u, 136u, 1000u}) {
    Buffer plain = pattern(len, 3);
    CipherBuffer cipher(len);
    ASSERT_EQ(SDF_ExternalEncrypt_ECC(m_session, SGD_SM2_3, &key, plain.data(), len, cipher.get()),
              SDR_OK);
    EXPECT_EQ(peer.sm2->decrypt(cipher.wire()), plain);
  }
  unsigned char byte = 0;
  CipherBuffer cipher(1);
  EXPECT_EQ(SDF_ExternalEncrypt_ECC(m_session, SGD_SM2_3, &key, &byte, 0, cipher.get()),
            SDR_INARGERR);
}

TEST_F(SdfTest, WeDecryptWhatOpenSslEncrypts) {
  ECCrefPublicKey key;
  ASSERT_EQ(SDF_ExportEncPublicKey_ECC(m_session, 1, &key), SDR_OK);
  const Buffer plain = pattern(100, 9);
  CipherBuffer cipher(public_only(key).encrypt(plain));
  Buffer out(100);
  unsigned int len = 100;
  EXPECT_EQ(SDF_InternalDecrypt_ECC(m_session, 1, cipher.get(), out.data(), &len), SDR_PARDENY);
  get_right(1);
  EXPECT_EQ(SDF_InternalDecrypt_ECC(m_session, 1, cipher.get(), nullptr, &len), SDR_OK);
  EXPECT_EQ(len, 100u);
  len = 99;
  EXPECT_EQ(SDF_InternalDecrypt_ECC(m_session, 1, cipher.get(), out.data(), &len), SDR_NOBUFFER);
  EXPECT_EQ(len, 100u);
  ASSERT_EQ(SDF_InternalDecrypt_ECC(m_session, 1, cipher.get(), out.data(), &len), SDR_OK);
  EXPECT_EQ(out, plain);
  cipher.get()->M[0] ^= 1;
  EXPECT_EQ(SDF_InternalDecrypt_ECC(m_session, 1, cipher.get(), out.data(), &len), SDR_ENCDATAERR);
  cipher.get()->M[0] ^= 1;
  cipher.get()->L = 0x7fffffff;
  EXPECT_EQ(SDF_InternalDecrypt_ECC(m_session, 1, cipher.get(), out.data(), &len), SDR_ENCDATAERR);
}

TEST_F(SdfTest, InternalEncryptionRoundTrip) {
  get_right(3);
  Buffer plain = pattern(64);
  CipherBuffer cipher(64);
  ASSERT_EQ(SDF_InternalEncrypt_ECC(m_session, 3, plain.data(), 64, cipher.get()), SDR_OK);
  Buffer out(64);
  unsigned int len = 0;
  ASSERT_EQ(SDF_InternalDecrypt_ECC(m_session, 3, cipher.get(), out.data(), &len), SDR_OK);
  EXPECT_EQ(out, plain);
  EXPECT_EQ(len, 64u);
}

// ---- session keys

TEST_F(SdfTest, KeyForAnExternalPublicKeyIsTheOneWeUse) {
  const Peer peer;
  ECCrefPublicKey public_key = peer.structure();
  CipherBuffer wrapped(16);
  void* key = nullptr;
  ASSERT_EQ(SDF_GenerateKeyWithEPK_ECC(m_session, 128, SGD_SM2_3, &public_key, wrapped.get(), &key),
            SDR_OK);
  const Buffer in_clear = peer.sm2->decrypt(wrapped.wire());
  ASSERT_EQ(in_clear.size(), 16u);
  Buffer iv(16);
  const Buffer data = pattern(64);
  EXPECT_EQ(
      encrypt(key, SGD_SM4_ECB, {}, data),
      engine::oracle::sm4(engine::CipherMode::ecb, engine::Direction::encrypt, in_clear, iv, data));
}

TEST_F(SdfTest, KeyForAnInternalPublicKeyComesBack) {
  CipherBuffer wrapped(16);
  void *key = nullptr, *again = nullptr;
  ASSERT_EQ(SDF_GenerateKeyWithIPK_ECC(m_session, 1, 128, wrapped.get(), &key), SDR_OK);
  EXPECT_EQ(SDF_ImportKeyWithISK_ECC(m_session, 1, wrapped.get(), &again), SDR_PARDENY);
  EXPECT_EQ(again, nullptr);
  get_right(1);
  ASSERT_EQ(SDF_ImportKeyWithISK_ECC(m_session, 1, wrapped.get(), &again), SDR_OK);
  EXPECT_EQ(encrypt(key, SGD_SM4_ECB, {}, pattern(32)),
            encrypt(again, SGD_SM4_ECB, {}, pattern(32)));
  get_right(2);
  EXPECT_EQ(SDF_ImportKeyWithISK_ECC(m_session, 2, wrapped.get(), &again), SDR_ENCDATAERR);
  EXPECT_EQ(SDF_GenerateKeyWithIPK_ECC(m_session, 1, 100, wrapped.get(), &again), SDR_INARGERR);
}

TEST_F(SdfTest, KekWrapsInBothModes) {
  const std::pair<unsigned int, unsigned int> modes[] = {{SGD_SM4_ECB, 16}, {SGD_SM4_CBC, 48}};
  for (const auto& mode : modes) {
    Buffer wrapped(64);
    unsigned int len = 1;
    void *key = nullptr, *again = nullptr;
    EXPECT_EQ(SDF_GenerateKeyWithKEK(m_session, 128, mode.first, 1, wrapped.data(), &len, &key),
              SDR_NOBUFFER);
    EXPECT_EQ(len, mode.second);
    EXPECT_EQ(key, nullptr);
    EXPECT_EQ(SDF_GenerateKeyWithKEK(m_session, 128, mode.first, 1, nullptr, &len, &key), SDR_OK);
    EXPECT_EQ(len, mode.second);
    ASSERT_EQ(SDF_GenerateKeyWithKEK(m_session, 128, mode.first, 1, wrapped.data(), &len, &key),
              SDR_OK);
    EXPECT_EQ(len, mode.second);
    ASSERT_EQ(SDF_ImportKeyWithKEK(m_session, mode.first, 1, wrapped.data(), len, &again), SDR_OK);
    EXPECT_EQ(encrypt(key, SGD_SM4_ECB, {}, pattern(16)),
              encrypt(again, SGD_SM4_ECB, {}, pattern(16)));
    // ECB has no check: another KEK gives another key, or none.
    void* other = nullptr;
    const int code = SDF_ImportKeyWithKEK(m_session, mode.first, 2, wrapped.data(), len, &other);
    if (code == SDR_OK) {
      EXPECT_NE(encrypt(key, SGD_SM4_ECB, {}, pattern(16)),
                encrypt(other, SGD_SM4_ECB, {}, pattern(16)));
    } else {
      EXPECT_EQ(code, SDR_ENCDATAERR);
    }
    EXPECT_EQ(SDF_ImportKeyWithKEK(m_session, mode.first, 9, wrapped.data(), len, &other),
              SDR_KEYNOTEXIST);
  }
}

TEST_F(SdfTest, DestroyedKeyIsGone) {
  void* key = import(pattern(16));
  ASSERT_EQ(SDF_DestroyKey(m_session, key), SDR_OK);
  EXPECT_EQ(SDF_DestroyKey(m_session, key), SDR_KEYNOTEXIST);
  Buffer data = pattern(16);
  unsigned int len = 16;
  EXPECT_EQ(SDF_Encrypt(m_session, key, SGD_SM4_ECB, nullptr, data.data(), 16, data.data(), &len),
            SDR_KEYNOTEXIST);
}

TEST_F(SdfTest, KeyBelongsToItsSession) {
  void* key = import(pattern(16));
  void* other = nullptr;
  ASSERT_EQ(SDF_OpenSession(m_device, &other), SDR_OK);
  Buffer data = pattern(16);
  unsigned int len = 16;
  EXPECT_EQ(SDF_Encrypt(other, key, SGD_SM4_ECB, nullptr, data.data(), 16, data.data(), &len),
            SDR_KEYNOTEXIST);
  EXPECT_EQ(SDF_DestroyKey(other, key), SDR_KEYNOTEXIST);
  EXPECT_EQ(SDF_CloseSession(other), SDR_OK);
}

TEST_F(SdfTest, ImportRefusesWrongSizes) {
  Buffer key = pattern(100);
  void* handle = nullptr;
  for (const unsigned int len : {0u, 65u, 100u}) {
    EXPECT_EQ(SDF_ImportKey(m_session, key.data(), len, &handle), SDR_KEYERR) << len;
  }
  EXPECT_EQ(handle, nullptr);
}

TEST_F(SdfTest, BothSidesOfAnAgreementHaveTheSameKey) {
  get_right(1);
  get_right(2);
  Buffer sponsor_id = pattern(16, 'a'), responder_id = pattern(20, 'A');
  ECCrefPublicKey sponsor, sponsor_temporary, responder, responder_temporary;
  void *agreement = nullptr, *first = nullptr, *second = nullptr;
  ASSERT_EQ(SDF_GenerateAgreementDataWithECC(m_session, 1, 128, sponsor_id.data(), 16, &sponsor,
                                             &sponsor_temporary, &agreement),
            SDR_OK);
  ASSERT_EQ(SDF_GenerateAgreementDataAndKeyWithECC(
                m_session, 2, 128, responder_id.data(), 20, sponsor_id.data(), 16, &sponsor,
                &sponsor_temporary, &responder, &responder_temporary, &second),
            SDR_OK);
  EXPECT_EQ(SDF_GenerateKeyWithECC(m_session, responder_id.data(), 20, &responder,
                                   &responder_temporary, second, &first),
            SDR_KEYNOTEXIST)
      << "a session key is no agreement";
  ASSERT_EQ(SDF_GenerateKeyWithECC(m_session, responder_id.data(), 20, &responder,
                                   &responder_temporary, agreement, &first),
            SDR_OK);
  EXPECT_EQ(encrypt(first, SGD_SM4_ECB, {}, pattern(32)),
            encrypt(second, SGD_SM4_ECB, {}, pattern(32)));
  EXPECT_EQ(SDF_GenerateKeyWithECC(m_session, responder_id.data(), 20, &responder,
                                   &responder_temporary, agreement, &first),
            SDR_KEYNOTEXIST)
      << "an agreement serves once";
  ECCrefPublicKey exported;
  ASSERT_EQ(SDF_ExportEncPublicKey_ECC(m_session, 1, &exported), SDR_OK);
  EXPECT_EQ(to_bytes(sponsor), to_bytes(exported));
}

TEST_F(SdfTest, UnusedAgreementCanBeDestroyed) {
  get_right(1);
  Buffer id = pattern(16);
  ECCrefPublicKey key, temporary;
  void* agreement = nullptr;
  EXPECT_EQ(SDF_GenerateAgreementDataWithECC(m_session, 1, 128, id.data(), 0, &key, &temporary,
                                             &agreement),
            SDR_INARGERR);
  ASSERT_EQ(SDF_GenerateAgreementDataWithECC(m_session, 1, 128, id.data(), 16, &key, &temporary,
                                             &agreement),
            SDR_OK);
  EXPECT_EQ(SDF_DestroyKey(m_session, agreement), SDR_OK);
  EXPECT_EQ(SDF_DestroyKey(m_session, agreement), SDR_KEYNOTEXIST);
}

TEST_F(SdfTest, EnvelopeGoesToAnotherKey) {
  const Peer peer;
  ECCrefPublicKey own, other = peer.structure();
  ASSERT_EQ(SDF_ExportEncPublicKey_ECC(m_session, 1, &own), SDR_OK);
  const Buffer secret = pattern(16, 77);
  CipherBuffer in(public_only(own).encrypt(secret));
  CipherBuffer out(16);
  EXPECT_EQ(
      SDF_ExchangeDigitEnvelopeBaseOnECC(m_session, 1, SGD_SM2_3, &other, in.get(), out.get()),
      SDR_PARDENY);
  get_right(1);
  ASSERT_EQ(
      SDF_ExchangeDigitEnvelopeBaseOnECC(m_session, 1, SGD_SM2_3, &other, in.get(), out.get()),
      SDR_OK);
  EXPECT_EQ(peer.sm2->decrypt(out.wire()), secret);
}

TEST_F(SdfTest, WhatIsNotThereSaysSo) {
  EXPECT_EQ(SDF_CreateFile(m_session, nullptr, 0, 0), SDR_NOTSUPPORT);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing
