// SPDX-License-Identifier: Apache-2.0
#include "engine/sm9/sm9.h"

#include <vector_file.h>

#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::ScriptedRandom;
using oracle::TestRandom;

constexpr std::uint16_t kDecryptFailed = to_status(Error::decrypt_failed);
constexpr std::uint16_t kInvalidArgument = to_status(Error::invalid_argument);
constexpr std::uint16_t kInvalidKey = to_status(Error::invalid_key);
constexpr std::uint16_t kVerifyFailed = to_status(Error::verify_failed);

Sm9SignMasterKey sign_master(const Buffer& scalar) {
  return *Sm9SignMasterKey::from_bytes(std::span(scalar).first<kSm9ScalarLen>());
}
Sm9EncryptMasterKey encrypt_master(const Buffer& scalar) {
  return *Sm9EncryptMasterKey::from_bytes(std::span(scalar).first<kSm9ScalarLen>());
}

Buffer buffer(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

class Sm9 : public testing::Test {
 protected:
  TestRandom m_random{1};
  const Sm9SignMasterKey m_sign_master = *Sm9SignMasterKey::generate(m_random);
  const Sm9EncryptMasterKey m_encrypt_master = *Sm9EncryptMasterKey::generate(m_random);
  const Sm9SignUserKey m_alice = *m_sign_master.extract(as_bytes("Alice"));
  const Sm9EncryptUserKey m_bob = *m_encrypt_master.extract(as_bytes("Bob"), Sm9Use::encrypt);
};

// ---- vectors of the standard ----

TEST(Sm9Sign, Vectors) {
  test::for_each_vector("sm9_sign.txt", [](test::Vector& vector) {
    const Sm9SignMasterKey master = sign_master(vector.bytes("master_key"));
    const std::string id = vector.text("id"), message = vector.text("message");
    const Sm9SignUserKey key = *master.extract(as_bytes(id));
    EXPECT_EQ(buffer(key.bytes()), vector.bytes("user_key"));
    ScriptedRandom random({vector.bytes("nonce")});
    const auto signature = sm9_sign(key, master.public_key(), as_bytes(message), random);
    ASSERT_TRUE(signature.ok());
    EXPECT_EQ(buffer(std::span(*signature).first<32>()), vector.bytes("h"));
    EXPECT_EQ(buffer(std::span(*signature).last<64>()), vector.bytes("s"));
    EXPECT_TRUE(sm9_verify(master.public_key(), as_bytes(id), as_bytes(message), *signature).ok());
  });
}

TEST(Sm9Encapsulate, Vectors) {
  test::for_each_vector("sm9_encapsulate.txt", [](test::Vector& vector) {
    const Sm9EncryptMasterKey master = encrypt_master(vector.bytes("master_key"));
    EXPECT_EQ(buffer(master.public_key().bytes()), vector.bytes("master_public_key"));
    const std::string id = vector.text("id");
    const Sm9EncryptUserKey user = *master.extract(as_bytes(id), Sm9Use::encrypt);
    EXPECT_EQ(buffer(user.bytes()), vector.bytes("user_key"));
    ScriptedRandom random({vector.bytes("nonce")});
    const Buffer expected = vector.bytes("key");
    Buffer key(expected.size()), again(expected.size());
    Sm9G1Bytes package;
    ASSERT_TRUE(sm9_encapsulate(key, package, master.public_key(), as_bytes(id), random).ok());
    EXPECT_EQ(key, expected);
    EXPECT_EQ(buffer(package), vector.bytes("package"));
    ASSERT_TRUE(sm9_decapsulate(again, user, as_bytes(id), package).ok());
    EXPECT_EQ(again, expected);
  });
}

TEST(Sm9Encrypt, Vectors) {
  test::for_each_vector("sm9_encrypt.txt", [](test::Vector& vector) {
    Sm9CipherChoice choice;
    choice.cipher = vector.text("cipher") == "ecb" ? Sm9Cipher::ecb : Sm9Cipher::key_stream;
    const Sm9EncryptMasterKey master = encrypt_master(vector.bytes("master_key"));
    const std::string id = vector.text("id"), message = vector.text("message");
    ScriptedRandom random({vector.bytes("nonce")});
    const Buffer expected = vector.bytes("ciphertext");
    Buffer ciphertext(expected.size()), plaintext(expected.size() - kSm9CiphertextOverhead);
    ASSERT_TRUE(sm9_encrypt(ciphertext, choice, master.public_key(), as_bytes(id),
                            as_bytes(message), random)
                    .ok());
    EXPECT_EQ(ciphertext, expected);
    const Sm9EncryptUserKey user = *master.extract(as_bytes(id), Sm9Use::encrypt);
    const auto len = sm9_decrypt(plaintext, choice, user, as_bytes(id), ciphertext);
    ASSERT_TRUE(len.ok());
    EXPECT_EQ(buffer(Bytes(plaintext).first(*len)), buffer(as_bytes(message)));
  });
}

TEST(Sm9Exchange, Vectors) {
  test::for_each_vector("sm9_exchange.txt", [](test::Vector& vector) {
    const Sm9EncryptMasterKey master = encrypt_master(vector.bytes("master_key"));
    const Sm9EncryptMasterPublicKey& public_key = master.public_key();
    EXPECT_EQ(buffer(public_key.bytes()), vector.bytes("master_public_key"));
    const std::string id_a = vector.text("id_a"), id_b = vector.text("id_b");
    const Sm9EncryptUserKey a = *master.extract(as_bytes(id_a), Sm9Use::exchange);
    const Sm9EncryptUserKey b = *master.extract(as_bytes(id_b), Sm9Use::exchange);
    EXPECT_EQ(buffer(b.bytes()), vector.bytes("user_key_b"));
    ScriptedRandom random({vector.bytes("nonce_a"), vector.bytes("nonce_b")});
    const auto ra = sm9_exchange_start(public_key, as_bytes(id_b), random);
    const auto rb = sm9_exchange_start(public_key, as_bytes(id_a), random);
    ASSERT_TRUE(ra.ok() && rb.ok());
    EXPECT_EQ(buffer(ra->point), vector.bytes("ephemeral_a"));
    const Buffer expected = vector.bytes("shared_key");
    const Buffer confirmation_a = vector.bytes("confirmation_a");
    const Buffer confirmation_b = vector.bytes("confirmation_b");
    for (const bool initiator : {true, false}) {
      const Sm9Exchange exchange{initiator,
                                 initiator ? a : b,
                                 public_key,
                                 initiator ? *ra : *rb,
                                 initiator ? rb->point : ra->point,
                                 as_bytes(id_a),
                                 as_bytes(id_b)};
      Buffer key(expected.size());
      Sm9Confirmations confirmations;
      ASSERT_TRUE(sm9_exchange(key, exchange, &confirmations).ok());
      EXPECT_EQ(key, expected);
      EXPECT_EQ(buffer(confirmations.initiator), confirmation_a);
      EXPECT_EQ(buffer(confirmations.responder), confirmation_b);
    }
  });
}

// ---- keys ----

TEST_F(Sm9, MasterKeysAreFromOneToNMinusOne) {
  const Buffer n =
      test::from_hex("b640000002a3a6f1d603ab4ff58ec74449f2934b18ea8beee56ee19cd69ecf25");
  Buffer last = n;
  last[31] -= 1;
  const auto status = [](const Buffer& scalar) {
    const auto bytes = std::span(scalar).first<kSm9ScalarLen>();
    const std::uint16_t sign = Sm9SignMasterKey::from_bytes(bytes).status();
    EXPECT_EQ(Sm9EncryptMasterKey::from_bytes(bytes).status(), sign);
    return sign;
  };
  EXPECT_EQ(status(Buffer(32)), kInvalidKey);
  EXPECT_EQ(status(n), kInvalidKey);
  EXPECT_EQ(status(Buffer(32, 0xff)), kInvalidKey);
  EXPECT_EQ(status(last), 0);
}

TEST_F(Sm9, KeysComeBackFromTheirBytes) {
  const auto sign = Sm9SignMasterPublicKey::from_bytes(m_sign_master.public_key().bytes());
  const auto encrypt = Sm9EncryptMasterPublicKey::from_bytes(m_encrypt_master.public_key().bytes());
  const auto alice = Sm9SignUserKey::from_bytes(m_alice.bytes());
  const auto bob = Sm9EncryptUserKey::from_bytes(m_bob.bytes());
  ASSERT_TRUE(sign.ok() && encrypt.ok() && alice.ok() && bob.ok());
  EXPECT_TRUE(sign->base().equals(m_sign_master.public_key().base()));
  EXPECT_TRUE(encrypt->base().equals(m_encrypt_master.public_key().base()));
  EXPECT_EQ(buffer(bob->bytes()), buffer(m_bob.bytes()));
}

TEST_F(Sm9, KeysOfAnIdentityDifferByUse) {
  const auto exchange = m_encrypt_master.extract(as_bytes("Bob"), Sm9Use::exchange);
  ASSERT_TRUE(exchange.ok());
  EXPECT_NE(buffer(exchange->bytes()), buffer(m_bob.bytes()));
}

// ---- signatures ----

TEST_F(Sm9, SignatureHoldsForItsIdentityMessageAndMasterOnly) {
  const auto& master = m_sign_master.public_key();
  for (const std::size_t len : {0u, 1u, 63u, 64u, 1000u}) {
    const Buffer message = m_random.bytes(len);
    const auto signature = sm9_sign(m_alice, master, message, m_random);
    ASSERT_TRUE(signature.ok());
    EXPECT_TRUE(sm9_verify(master, as_bytes("Alice"), message, *signature).ok());
    EXPECT_EQ(sm9_verify(master, as_bytes("Alicf"), message, *signature).status(), kVerifyFailed);
    Buffer other = message;
    other.push_back(0);
    EXPECT_EQ(sm9_verify(master, as_bytes("Alice"), other, *signature).status(), kVerifyFailed);
    const auto stranger = Sm9SignMasterKey::generate(m_random);
    EXPECT_EQ(sm9_verify(stranger->public_key(), as_bytes("Alice"), message, *signature).status(),
              kVerifyFailed);
  }
}

TEST_F(Sm9, SpoiledSignaturesAreRefused) {
  const auto& master = m_sign_master.public_key();
  const Bytes message = as_bytes("message");
  const auto good = sm9_sign(m_alice, master, message, m_random);
  ASSERT_TRUE(good.ok());
  for (std::size_t i = 0; i < good->size(); i += 5) {
    Sm9Signature bad = *good;
    bad[i] ^= 0x10;
    EXPECT_EQ(sm9_verify(master, as_bytes("Alice"), message, bad).status(), kVerifyFailed);
  }
  Sm9Signature zero_h = *good, no_point = *good;
  std::fill_n(zero_h.begin(), 32, std::uint8_t{0});
  std::fill_n(no_point.begin() + 32, 64, std::uint8_t{0});
  EXPECT_EQ(sm9_verify(master, as_bytes("Alice"), message, zero_h).status(), kVerifyFailed);
  EXPECT_EQ(sm9_verify(master, as_bytes("Alice"), message, no_point).status(), kVerifyFailed);
}

TEST_F(Sm9, FailingRandomSourceIsSaid) {
  ScriptedRandom nothing({});
  const std::uint16_t failed = to_status(Error::random_failed);
  Buffer key(16), ciphertext(kSm9CiphertextOverhead + 1);
  Sm9G1Bytes package;
  const auto& master = m_encrypt_master.public_key();
  const Bytes id = as_bytes("Bob");
  EXPECT_EQ(sm9_sign(m_alice, m_sign_master.public_key(), id, nothing).status(), failed);
  EXPECT_EQ(sm9_encapsulate(key, package, master, id, nothing).status(), failed);
  EXPECT_EQ(sm9_encrypt(ciphertext, {}, master, id, as_bytes("x"), nothing).status(), failed);
  EXPECT_EQ(sm9_exchange_start(master, id, nothing).status(), failed);
}

// ---- encryption ----

TEST_F(Sm9, EncryptionRoundTripsInEveryCipher) {
  const auto& master = m_encrypt_master.public_key();
  const Buffer iv = m_random.bytes(16);
  for (const Sm9Cipher cipher :
       {Sm9Cipher::key_stream, Sm9Cipher::ecb, Sm9Cipher::cbc, Sm9Cipher::ofb, Sm9Cipher::cfb}) {
    const bool has_iv = cipher != Sm9Cipher::key_stream && cipher != Sm9Cipher::ecb;
    const Sm9CipherChoice choice{cipher, has_iv ? Bytes(iv) : Bytes{}};
    for (const std::size_t len : {1u, 15u, 16u, 17u, 300u}) {
      const Buffer text = m_random.bytes(len);
      Buffer ciphertext(kSm9CiphertextOverhead + sm9_c2_len(cipher, len));
      ASSERT_TRUE(sm9_encrypt(ciphertext, choice, master, as_bytes("Bob"), text, m_random).ok());
      Buffer out(sm9_c2_len(cipher, len));
      const auto out_len = sm9_decrypt(out, choice, m_bob, as_bytes("Bob"), ciphertext);
      ASSERT_TRUE(out_len.ok());
      EXPECT_EQ(buffer(Bytes(out).first(*out_len)), text);
    }
  }
}

TEST_F(Sm9, SpoiledCiphertextsAreRefusedAndLeaveNothing) {
  const auto& master = m_encrypt_master.public_key();
  const Buffer text(20, 'x');
  for (const Sm9Cipher cipher : {Sm9Cipher::key_stream, Sm9Cipher::ecb}) {
    Buffer good(kSm9CiphertextOverhead + sm9_c2_len(cipher, text.size()));
    ASSERT_TRUE(sm9_encrypt(good, {cipher, {}}, master, as_bytes("Bob"), text, m_random).ok());
    for (std::size_t i = 0; i < good.size(); i += 7) {
      Buffer bad = good, out(good.size() - kSm9CiphertextOverhead, 0x55);
      bad[i] ^= 1;
      EXPECT_EQ(sm9_decrypt(out, {cipher, {}}, m_bob, as_bytes("Bob"), bad).status(),
                kDecryptFailed);
      EXPECT_EQ(out, Buffer(out.size()));
    }
    Buffer out(good.size());
    EXPECT_EQ(sm9_decrypt(out, {cipher, {}}, m_bob, as_bytes("Bo"), good).status(), kDecryptFailed);
    good.pop_back();
    EXPECT_EQ(sm9_decrypt(out, {cipher, {}}, m_bob, as_bytes("Bob"), good).status(),
              kDecryptFailed);
  }
}

TEST_F(Sm9, LengthsOfEncryptionAreChecked) {
  const auto& master = m_encrypt_master.public_key();
  const Buffer iv(16);
  Buffer out(kSm9CiphertextOverhead + 4);
  const auto status = [&](Sm9CipherChoice choice, std::size_t len) {
    return sm9_encrypt(out, choice, master, as_bytes("Bob"), Buffer(len), m_random).status();
  };
  EXPECT_EQ(status({}, 4), 0);
  EXPECT_EQ(status({}, 3), kInvalidArgument);
  EXPECT_EQ(status({}, 0), kInvalidArgument);
  EXPECT_EQ(status({Sm9Cipher::key_stream, iv}, 4), kInvalidArgument);
  EXPECT_EQ(status({Sm9Cipher::ofb, {}}, 4), kInvalidArgument);
  EXPECT_EQ(status({Sm9Cipher::ofb, iv}, 4), 0);
  Buffer text(4);
  EXPECT_EQ(sm9_decrypt(text, {}, m_bob, as_bytes("Bob"), Bytes(out).first(96)).status(),
            kInvalidArgument);
  EXPECT_EQ(sm9_decrypt(MutableBytes(text).first(3), {}, m_bob, as_bytes("Bob"), out).status(),
            kInvalidArgument);
}

TEST_F(Sm9, PackagesOffTheCurveAreRefused) {
  Buffer key(16, 1);
  const Sm9G1Bytes package{1, 2, 3};
  EXPECT_EQ(sm9_decapsulate(key, m_bob, as_bytes("Bob"), package).status(), kDecryptFailed);
  EXPECT_EQ(key, Buffer(16));
}

TEST_F(Sm9, ExchangeRefusesPointsOffTheCurve) {
  const auto& master = m_encrypt_master.public_key();
  const auto own = sm9_exchange_start(master, as_bytes("Bob"), m_random);
  ASSERT_TRUE(own.ok());
  Sm9G1Bytes peer = own->point;
  peer[10] ^= 1;
  Buffer key(16, 1);
  const Sm9Exchange exchange{true, m_bob, master, *own, peer, as_bytes("A"), as_bytes("B")};
  EXPECT_EQ(sm9_exchange(key, exchange).status(), kInvalidKey);
  EXPECT_EQ(key, Buffer(16));
}

}  // namespace
}  // namespace cipherdeck::engine
