// SPDX-License-Identifier: Apache-2.0
// Annex B through the card, against the engine in this process and the standard's vectors. The card
// has master keys of both kinds at index 1, and keys of kSm9Users from index 1.
#include "sdf/test_fixture.h"

#include <cipherdeck/function.h>
#include <vector_file.h>

#include "engine/sm9/sm9.h"
#include "sdf/library.h"
#include "sdf/sm9_wire.h"

namespace cipherdeck::sdf::testing {
namespace {

using engine::oracle::TestRandom;

unsigned int len_of(const Buffer& buffer) { return static_cast<unsigned int>(buffer.size()); }

Buffer id_of(unsigned int index) {
  const std::string_view id = kSm9Users[index - 1];
  return {id.begin(), id.end()};
}

template <typename Structure>
Structure structure_of(Bytes point) {
  Structure structure{};
  structure.bits = 256;
  std::memcpy(reinterpret_cast<std::uint8_t*>(&structure) + sizeof structure.bits, point.data(),
              point.size());
  return structure;
}

// An SM9Cipher with room for `len` bytes, between guards that must stay as they are.
class Sm9CipherBuffer {
 public:
  explicit Sm9CipherBuffer(std::size_t len) : m_bytes(kHeader + len + kGuard, 0xa5) {}
  Sm9CipherBuffer(unsigned int type, const Buffer& wire) : Sm9CipherBuffer(wire.size() - 96) {
    to_struct(*get(), type, wire);
  }
  SM9Cipher* get() { return reinterpret_cast<SM9Cipher*>(m_bytes.data()); }
  Buffer wire() {
    EXPECT_EQ(Buffer(m_bytes.end() - kGuard, m_bytes.end()), Buffer(kGuard, 0xa5));
    const auto wire = to_ciphertext(get(), get()->EncType);
    return wire ? *wire : Buffer();
  }

 private:
  static constexpr std::size_t kHeader = offsetof(SM9Cipher, C), kGuard = 16;
  Buffer m_bytes;
};

class SdfSm9 : public SdfTest {
 protected:
  // The card's master public key, which no function of the standard exports.
  template <std::size_t kLen>
  std::array<std::uint8_t, kLen> master_key(std::uint64_t use) {
    std::array<std::uint8_t, kLen> point{};
    driver::Request request;
    request.opcode = CIPHERDECK_OP_SM9_MASTER_EXPORT;
    request.key = 1;
    request.arg0 = use;
    request.output = point;
    EXPECT_TRUE((*Library::instance().session(m_session))->execute(request).ok());
    return point;
  }
  engine::Sm9SignMasterPublicKey sign_master() {
    return *engine::Sm9SignMasterPublicKey::from_bytes(master_key<128>(CIPHERDECK_USE_SIGN));
  }
  engine::Sm9EncryptMasterPublicKey encrypt_master() {
    return *engine::Sm9EncryptMasterPublicKey::from_bytes(master_key<64>(CIPHERDECK_USE_ENCRYPT));
  }

  // What a key encrypts a block of zeros to. XTS takes a key of 256 bits.
  Buffer shown(void* key, unsigned int algorithm = SGD_SM4_ECB) {
    return encrypt(key, algorithm, Buffer(16), Buffer(16));
  }

  TestRandom m_random{9};
};

TEST_F(SdfSm9, UserIdComesBack) {
  for (unsigned int index = 1; index <= 2; ++index) {
    Buffer id(128);
    unsigned int len = len_of(id);
    ASSERT_EQ(SDF_ExportUserID_SM9(m_session, index, id.data(), &len), SDR_OK);
    id.resize(len);
    EXPECT_EQ(id, id_of(index));
  }
  unsigned int len = 1;
  Buffer small(1);
  EXPECT_EQ(SDF_ExportUserID_SM9(m_session, 1, small.data(), &len), SDR_NOBUFFER);
  EXPECT_EQ(len, id_of(1).size());
  EXPECT_EQ(SDF_ExportUserID_SM9(m_session, 99, small.data(), &len), SDR_KEYNOTEXIST);
}

// ---- signatures ----

TEST_F(SdfSm9, EngineAcceptsTheCardsSignatures) {
  get_right(1);
  const auto master = sign_master();
  auto structure = structure_of<SM9SignMasterPublicKey>(master.bytes());
  Buffer data = pattern(100), id = id_of(1), other = id_of(2);
  for (const bool is_external : {false, true}) {
    SM9Signature signature;
    ASSERT_EQ(is_external ? SDF_InternalSignWithMasterEPK_SM9(m_session, &structure, 1, data.data(),
                                                              len_of(data), &signature)
                          : SDF_InternalSignWithMasterIPK_SM9(m_session, 1, 1, data.data(),
                                                              len_of(data), &signature),
              SDR_OK);
    EXPECT_TRUE(engine::sm9_verify(master, id, data, sdf::to_bytes(signature)).ok());
    EXPECT_EQ(SDF_VerifyWithMasterIPK_SM9(m_session, 1, id.data(), len_of(id), data.data(),
                                          len_of(data), &signature),
              SDR_OK);
    EXPECT_EQ(SDF_VerifyWithMasterEPK_SM9(m_session, &structure, id.data(), len_of(id), data.data(),
                                          len_of(data), &signature),
              SDR_OK);
    EXPECT_EQ(SDF_VerifyWithMasterIPK_SM9(m_session, 1, other.data(), len_of(other), data.data(),
                                          len_of(data), &signature),
              SDR_VERIFYERR);
    signature.x[5] ^= 1;
    EXPECT_EQ(SDF_VerifyWithMasterIPK_SM9(m_session, 1, id.data(), len_of(id), data.data(),
                                          len_of(data), &signature),
              SDR_VERIFYERR);
  }
}

TEST_F(SdfSm9, CardAcceptsTheSignatureOfTheStandard) {
  test::for_each_vector("sm9_sign.txt", [this](test::Vector& vector) {
    const Buffer scalar = vector.bytes("master_key");
    const auto master =
        engine::Sm9SignMasterKey::from_bytes(std::span(scalar).first<engine::kSm9ScalarLen>());
    ASSERT_TRUE(master.ok());
    const std::string id_text = vector.text("id"), message = vector.text("message");
    Buffer id(id_text.begin(), id_text.end()), data(message.begin(), message.end());
    Buffer bytes = vector.bytes("h");
    const Buffer s = vector.bytes("s");
    bytes.insert(bytes.end(), s.begin(), s.end());
    SM9Signature signature = load<SM9Signature>(bytes);
    auto public_key = structure_of<SM9SignMasterPublicKey>(master->public_key().bytes());
    EXPECT_EQ(SDF_VerifyWithMasterEPK_SM9(m_session, &public_key, id.data(), len_of(id),
                                          data.data(), len_of(data), &signature),
              SDR_OK);
    auto user = structure_of<SM9SignUserPrivateKey>(vector.bytes("user_key"));
    (void)vector.text("nonce");
    SM9Signature own;
    ASSERT_EQ(SDF_ExternalSign_SM9(m_session, &public_key, &user, data.data(), len_of(data), &own),
              SDR_OK);
    EXPECT_TRUE(engine::sm9_verify(master->public_key(), id, data, sdf::to_bytes(own)).ok());
  });
}

// ---- encryption ----

TEST_F(SdfSm9, EncryptionRoundTripsInEveryAlgorithm) {
  get_right(2);
  auto master = structure_of<SM9EncMasterPublicKey>(encrypt_master().bytes());
  Buffer id = id_of(2), iv = pattern(16, 3);
  for (const unsigned int algorithm :
       {SGD_SM9_3, SGD_SM9, SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_OFB, SGD_SM4_CFB}) {
    for (const std::size_t len : {1, 16, 33, 100000}) {
      Buffer data = pattern(len), out(len);
      Sm9CipherBuffer cipher(len + 16);
      const bool is_external = len == 33;
      ASSERT_EQ(
          is_external
              ? SDF_EncryptWithMasterEPK_SM9(m_session, &master, id.data(), len_of(id), algorithm,
                                             iv.data(), data.data(), len_of(data), cipher.get())
              : SDF_EncryptWithMasterIPK_SM9(m_session, 1, id.data(), len_of(id), algorithm,
                                             iv.data(), data.data(), len_of(data), cipher.get()),
          SDR_OK);
      EXPECT_NE(cipher.wire(), Buffer());
      unsigned int out_len = len_of(out);
      ASSERT_EQ(SDF_DecryptWithISK_SM9(m_session, 2, id.data(), len_of(id), algorithm, iv.data(),
                                       cipher.get(), &out_len, out.data()),
                SDR_OK);
      EXPECT_EQ(out_len, len);
      EXPECT_TRUE(out == data);
      cipher.get()->h[3] ^= 1;
      EXPECT_EQ(SDF_DecryptWithISK_SM9(m_session, 2, id.data(), len_of(id), algorithm, iv.data(),
                                       cipher.get(), &out_len, out.data()),
                SDR_ENCDATAERR);
    }
  }
}

TEST_F(SdfSm9, ExternalKeysDecryptTheCiphertextsOfTheStandard) {
  test::for_each_vector("sm9_encrypt.txt", [this](test::Vector& vector) {
    const bool is_ecb = vector.text("cipher") == "ecb";
    const Buffer scalar = vector.bytes("master_key");
    const auto master =
        engine::Sm9EncryptMasterKey::from_bytes(std::span(scalar).first<engine::kSm9ScalarLen>());
    ASSERT_TRUE(master.ok());
    const std::string id_text = vector.text("id"), message = vector.text("message");
    (void)vector.text("nonce");
    Buffer id(id_text.begin(), id_text.end());
    const auto user = master->extract(id, engine::Sm9Use::encrypt);
    ASSERT_TRUE(user.ok());
    auto key = structure_of<SM9EncUserPrivateKey>(user->bytes());
    Sm9CipherBuffer cipher(is_ecb ? 1 : 0, vector.bytes("ciphertext"));
    const unsigned int algorithm = is_ecb ? SGD_SM4_ECB : SGD_SM9_3;
    Buffer out(message.size());
    unsigned int len = 0;
    ASSERT_EQ(SDF_ExternalDecrypt_SM9(m_session, &key, id.data(), len_of(id), algorithm, nullptr,
                                      cipher.get(), nullptr, &len),
              SDR_OK);
    EXPECT_EQ(len, message.size());
    len = len_of(out) - 1;
    EXPECT_EQ(SDF_ExternalDecrypt_SM9(m_session, &key, id.data(), len_of(id), algorithm, nullptr,
                                      cipher.get(), out.data(), &len),
              SDR_NOBUFFER);
    ASSERT_EQ(SDF_ExternalDecrypt_SM9(m_session, &key, id.data(), len_of(id), algorithm, nullptr,
                                      cipher.get(), out.data(), &len),
              SDR_OK);
    EXPECT_EQ(out, Buffer(message.begin(), message.end()));
  });
}

// ---- session keys ----

TEST_F(SdfSm9, KeyForAnIdentityComesBack) {
  get_right(2);
  Buffer id = id_of(2);
  for (const unsigned int key_len : {128u, 256u, 16u, 32u}) {
    SM9KeyPackage package;
    void *made = nullptr, *imported = nullptr;
    ASSERT_EQ(
        SDF_GenerateKeyWithIMK_SM9(m_session, key_len, 1, id.data(), len_of(id), &package, &made),
        SDR_OK);
    ASSERT_EQ(SDF_ImportKeyWithISK_SM9(m_session, 2, key_len, &package, &imported), SDR_OK);
    const bool is_long = key_len == 256 || key_len == 32;
    const unsigned int algorithm = is_long ? SGD_SM4_XTS : SGD_SM4_ECB;
    EXPECT_EQ(shown(made, algorithm), shown(imported, algorithm));
    package.y[0] ^= 1;
    EXPECT_EQ(SDF_ImportKeyWithISK_SM9(m_session, 2, key_len, &package, &imported), SDR_ENCDATAERR);
  }
}

TEST_F(SdfSm9, KeyForAnExternalMasterIsTheOneTheEngineFinds) {
  const auto master = engine::Sm9EncryptMasterKey::generate(m_random);
  Buffer id = id_of(1);
  const auto user = master->extract(id, engine::Sm9Use::encrypt);
  auto structure = structure_of<SM9EncMasterPublicKey>(master->public_key().bytes());
  SM9KeyPackage package;
  void* made = nullptr;
  ASSERT_EQ(SDF_GenerateKeyWithEMK_SM9(m_session, 128, &structure, id.data(), len_of(id), &package,
                                       &made),
            SDR_OK);
  Buffer key(16);
  ASSERT_TRUE(engine::sm9_decapsulate(key, *user, id, sdf::to_bytes(package)).ok());
  EXPECT_EQ(shown(made), shown(import(key)));
}

// ---- key exchange ----

TEST_F(SdfSm9, BothSidesOfAnAgreementHaveTheSameKey) {
  get_right(1);
  get_right(2);
  Buffer sponsor = id_of(1), response = id_of(2);
  SM9EncMasterPublicKey master_a, master_b, temporary_a, temporary_b;
  void *agreement = nullptr, *key_a = nullptr, *key_b = nullptr;
  ASSERT_EQ(SDF_GenerateAgreementDataWithSM9(m_session, 1, 1, 128, response.data(),
                                             len_of(response), sponsor.data(), len_of(sponsor),
                                             &master_a, &temporary_a, &agreement),
            SDR_OK);
  ASSERT_EQ(SDF_GenerateAgreementDataAndKeyWithSM9(
                m_session, 1, 2, 128, response.data(), len_of(response), sponsor.data(),
                len_of(sponsor), &master_b, &temporary_a, &temporary_b, &key_b),
            SDR_OK);
  SM9EncMasterPublicKey off_the_curve = temporary_b;
  off_the_curve.y[9] ^= 1;
  EXPECT_EQ(SDF_GenerateKeyWithSM9(m_session, agreement, &off_the_curve, &key_a), SDR_KEYERR);
  ASSERT_EQ(SDF_GenerateKeyWithSM9(m_session, agreement, &temporary_b, &key_a), SDR_OK);
  EXPECT_EQ(shown(key_a), shown(key_b));
  EXPECT_EQ(SDF_GenerateKeyWithSM9(m_session, agreement, &temporary_b, &key_a), SDR_KEYNOTEXIST)
      << "an agreement serves once";
  const auto bytes = encrypt_master().bytes();
  EXPECT_EQ(0, std::memcmp(master_a.x, bytes.data(), 64));
  EXPECT_EQ(0, std::memcmp(master_b.x, bytes.data(), 64));
}

TEST_F(SdfSm9, AgreementNeedsTheOwnIdentity) {
  get_right(1);
  Buffer own = id_of(2), peer = id_of(2);
  SM9EncMasterPublicKey master, temporary;
  void* agreement = nullptr;
  EXPECT_EQ(
      SDF_GenerateAgreementDataWithSM9(m_session, 1, 1, 128, peer.data(), len_of(peer), own.data(),
                                       len_of(own), &master, &temporary, &agreement),
      SDR_INARGERR);
}

// ---- rights and arguments ----

TEST_F(SdfSm9, PrivateKeysNeedTheAccessRight) {
  Buffer data = pattern(20), id = id_of(1);
  SM9Signature signature;
  SM9KeyPackage package;
  void* key = nullptr;
  const auto sign = [&] {
    return SDF_InternalSignWithMasterIPK_SM9(m_session, 1, 1, data.data(), 20, &signature);
  };
  ASSERT_EQ(SDF_GenerateKeyWithIMK_SM9(m_session, 128, 1, id.data(), len_of(id), &package, &key),
            SDR_OK);
  EXPECT_EQ(sign(), SDR_PARDENY);
  EXPECT_EQ(SDF_ImportKeyWithISK_SM9(m_session, 1, 128, &package, &key), SDR_PARDENY);
  get_right(1);
  EXPECT_EQ(sign(), SDR_OK);
  EXPECT_EQ(SDF_ImportKeyWithISK_SM9(m_session, 1, 128, &package, &key), SDR_OK);
  ASSERT_EQ(SDF_ReleasePrivateKeyAccessRight(m_session, 1), SDR_OK);
  EXPECT_EQ(sign(), SDR_PARDENY);
}

TEST_F(SdfSm9, ArgumentsAreChecked) {
  get_right(1);
  Buffer data = pattern(20), id = id_of(1), long_id(129, 'x');
  SM9Signature signature;
  SM9KeyPackage package;
  void* key = nullptr;
  EXPECT_EQ(SDF_InternalSignWithMasterIPK_SM9(m_session, 99, 1, data.data(), 20, &signature),
            SDR_KEYNOTEXIST);
  EXPECT_EQ(SDF_InternalSignWithMasterIPK_SM9(m_session, 0, 1, data.data(), 20, &signature),
            SDR_KEYNOTEXIST);
  EXPECT_EQ(SDF_InternalSignWithMasterIPK_SM9(m_session, 1, 99, data.data(), 20, &signature),
            SDR_KEYNOTEXIST);
  EXPECT_EQ(SDF_InternalSignWithMasterEPK_SM9(m_session, nullptr, 1, data.data(), 20, &signature),
            SDR_INARGERR);
  SM9SignMasterPublicKey off_the_curve{};
  off_the_curve.bits = 256;
  EXPECT_EQ(
      SDF_InternalSignWithMasterEPK_SM9(m_session, &off_the_curve, 1, data.data(), 20, &signature),
      SDR_KEYERR);
  EXPECT_EQ(SDF_GenerateKeyWithIMK_SM9(m_session, 100, 1, id.data(), len_of(id), &package, &key),
            SDR_INARGERR);
  EXPECT_EQ(SDF_GenerateKeyWithIMK_SM9(m_session, 128, 1, long_id.data(), len_of(long_id), &package,
                                       &key),
            SDR_INARGERR);
  Sm9CipherBuffer cipher(36);
  EXPECT_EQ(SDF_EncryptWithMasterIPK_SM9(m_session, 1, id.data(), len_of(id), SGD_SM4_CTR,
                                         data.data(), data.data(), 20, cipher.get()),
            SDR_ALGNOTSUPPORT);
  EXPECT_EQ(SDF_EncryptWithMasterIPK_SM9(m_session, 1, id.data(), len_of(id), SGD_SM4_CBC, nullptr,
                                         data.data(), 20, cipher.get()),
            SDR_INARGERR);
}

// Making master keys is the management's.
TEST_F(SdfSm9, MasterKeysAreNotMadeByPrograms) {
  unsigned int index = 0;
  SM9EncMasterPublicKey key;
  EXPECT_EQ(SDF_GenerateEncMasterKeyPair_SM9(m_session, SGD_SM9, &index, &key), SDR_NOTSUPPORT);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing
