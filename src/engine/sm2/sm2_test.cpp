// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/sm2.h"

#include <vector_file.h>

#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::ScriptedRandom;
using oracle::Sm2Peer;
using oracle::TestRandom;

Sm2PrivateKey private_key(Bytes bytes) {
  auto key = Sm2PrivateKey::from_bytes(bytes.first<kSm2ScalarLen>());
  if (!key) throw std::runtime_error("private key refused");
  return *key;
}

Buffer order_plus(int offset) {
  const oracle::Number n(BN_dup(EC_GROUP_get0_order(oracle::sm2_group())));
  offset < 0 ? BN_sub_word(n.get(), -offset) : BN_add_word(n.get(), offset);
  return oracle::to_bytes(n.get());
}

Buffer small(std::uint8_t value) {
  Buffer out(32);
  out[31] = value;
  return out;
}

Sm3Digest digest_of(Bytes bytes) {
  Sm3Digest out;
  std::ranges::copy(bytes, out.begin());
  return out;
}

Sm2Peer peer_of(const Sm2PrivateKey& key) { return {key.bytes(), key.public_key().bytes()}; }

template <typename T>
std::uint16_t status_of(const Result<T>& result) {
  return result.status();
}

// ---- keys ----

TEST(Sm2Key, TheRangeOfPrivateKeys) {
  const auto from = [](const Buffer& bytes) {
    return status_of(Sm2PrivateKey::from_bytes(std::span(bytes).first<kSm2ScalarLen>()));
  };
  EXPECT_EQ(from(small(0)), to_status(Error::invalid_key));
  EXPECT_EQ(from(small(1)), 0);
  EXPECT_EQ(from(order_plus(-2)), 0);
  EXPECT_EQ(from(order_plus(-1)), to_status(Error::invalid_key));
  EXPECT_EQ(from(order_plus(0)), to_status(Error::invalid_key));
  EXPECT_EQ(from(order_plus(1)), to_status(Error::invalid_key));
  EXPECT_EQ(from(Buffer(32, 0xff)), to_status(Error::invalid_key));
}

TEST(Sm2Key, PublicKeyAndInverseAgreeWithOpenssl) {
  TestRandom random(1);
  std::vector<Buffer> scalars = {small(1), small(2), order_plus(-2), order_plus(-3)};
  for (int i = 0; i < 20; ++i) scalars.push_back(random.bytes(32));
  for (Buffer& scalar : scalars) {
    if (scalars.size() > 4 && scalar[0] == 0xff) scalar[0] = 1;
    const Sm2PrivateKey key = private_key(scalar);
    EXPECT_TRUE(std::ranges::equal(key.bytes(), scalar));
    const oracle::Number d = oracle::number(scalar);
    EXPECT_TRUE(
        std::ranges::equal(key.public_key().bytes(), oracle::sm2_multiply(d.get(), nullptr)));
    BN_add_word(d.get(), 1);
    const oracle::Number inverse(
        BN_mod_inverse(nullptr, d.get(), EC_GROUP_get0_order(oracle::sm2_group()), nullptr));
    if (inverse != nullptr) {
      EXPECT_TRUE(std::ranges::equal(key.inverse(), oracle::to_bytes(inverse.get())));
    }
  }
}

TEST(Sm2Key, GenerateDrawsAgainBeyondTheRange) {
  ScriptedRandom random({order_plus(-1), order_plus(0), small(0), Buffer(32, 0xff), small(9)});
  const auto key = Sm2PrivateKey::generate(random);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(random.num_used(), 5u);
  EXPECT_TRUE(std::ranges::equal(key->bytes(), small(9)));
  EXPECT_EQ(status_of(Sm2PrivateKey::generate(random)), to_status(Error::random_failed));
}

TEST(Sm2Key, PublicKeysMustBeOnTheCurve) {
  TestRandom random(2);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  std::array<std::uint8_t, kSm2PointLen> point;
  std::ranges::copy(key.public_key().bytes(), point.begin());
  EXPECT_TRUE(Sm2PublicKey::from_bytes(point).ok());
  point[40] ^= 1;
  EXPECT_EQ(status_of(Sm2PublicKey::from_bytes(point)), to_status(Error::invalid_key));
  point.fill(0);
  EXPECT_EQ(status_of(Sm2PublicKey::from_bytes(point)), to_status(Error::invalid_key));
}

TEST(Sm2Key, IdsMustBeShorterThan8192Bytes) {
  TestRandom random(3);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  EXPECT_TRUE(key.public_key().z(Bytes{}).ok());
  EXPECT_TRUE(key.public_key().z(Buffer(8191)).ok());
  EXPECT_EQ(status_of(key.public_key().z(Buffer(8192))), to_status(Error::invalid_argument));
}

// ---- signatures ----

TEST(Sm2Sign, Vectors) {
  test::for_each_vector("sm2_sign.txt", [](test::Vector& vector) {
    const Sm2PrivateKey key = private_key(vector.bytes("private_key"));
    EXPECT_TRUE(std::ranges::equal(key.public_key().bytes(), vector.bytes("public_key")));
    const std::string id = vector.text("id"), message = vector.text("message");
    const auto z = key.public_key().z(as_bytes(id));
    ASSERT_TRUE(z.ok());
    EXPECT_TRUE(std::ranges::equal(*z, vector.bytes("z")));
    Sm3 hash;
    hash.update(*z);
    hash.update(as_bytes(message));
    const Sm3Digest e = hash.finish();
    EXPECT_TRUE(std::ranges::equal(e, vector.bytes("e")));
    ScriptedRandom nonce({vector.bytes("nonce")});
    const auto signature = sm2_sign(key, e, nonce);
    ASSERT_TRUE(signature.ok());
    const Buffer expected = vector.bytes("signature");
    EXPECT_TRUE(std::ranges::equal(*signature, expected));
    EXPECT_TRUE(sm2_verify(key.public_key(), e, *signature).ok());
    EXPECT_TRUE(peer_of(key).verify_message(as_bytes(id), as_bytes(message), expected));
  });
}

TEST(Sm2Sign, OpensslVerifiesOursAndWeItsOwn) {
  TestRandom random(4);
  for (int i = 0; i < 40; ++i) {
    const Sm2PrivateKey key = i == 0   ? private_key(small(1))
                              : i == 1 ? private_key(order_plus(-2))
                                       : *Sm2PrivateKey::generate(random);
    const Sm2Peer peer = peer_of(key);
    const Sm3Digest e = digest_of(i == 2   ? Buffer(32, 0xff)
                                  : i == 3 ? Buffer(32)
                                           : random.bytes(32));
    const auto ours = sm2_sign(key, e, random);
    ASSERT_TRUE(ours.ok());
    EXPECT_TRUE(peer.verify(e, *ours));
    Sm2Signature theirs;
    std::ranges::copy(peer.sign(e), theirs.begin());
    EXPECT_TRUE(sm2_verify(key.public_key(), e, theirs).ok());
  }
}

TEST(Sm2Sign, AnyChangeIsFound) {
  TestRandom random(5);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  const Sm2PrivateKey other = *Sm2PrivateKey::generate(random);
  const Sm3Digest e = digest_of(random.bytes(32));
  const Sm2Signature signature = *sm2_sign(key, e, random);
  EXPECT_FALSE(sm2_verify(other.public_key(), e, signature).ok());
  for (std::size_t i = 0; i < 64; ++i) {
    Sm2Signature changed = signature;
    changed[i] ^= static_cast<std::uint8_t>(1 << (i % 8));
    EXPECT_EQ(sm2_verify(key.public_key(), e, changed).status(), to_status(Error::verify_failed));
  }
  for (std::size_t i = 0; i < 32; ++i) {
    Sm3Digest changed = e;
    changed[i] ^= 0x10;
    EXPECT_FALSE(sm2_verify(key.public_key(), changed, signature).ok());
  }
}

TEST(Sm2Sign, SignaturesOutOfRangeAreRefused) {
  TestRandom random(6);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  const Sm3Digest e = digest_of(random.bytes(32));
  const Sm2Signature good = *sm2_sign(key, e, random);
  const Buffer r(good.begin(), good.begin() + 32), s(good.begin() + 32, good.end());
  const auto verify = [&](const Buffer& first, const Buffer& second) {
    Sm2Signature signature;
    std::ranges::copy(first, signature.begin());
    std::ranges::copy(second, signature.begin() + 32);
    return sm2_verify(key.public_key(), e, signature).ok();
  };
  EXPECT_TRUE(verify(r, s));
  for (const Buffer& bad : {small(0), order_plus(0), order_plus(1), Buffer(32, 0xff)}) {
    EXPECT_FALSE(verify(bad, s));
    EXPECT_FALSE(verify(r, bad));
  }
  const oracle::Number minus_r(BN_dup(EC_GROUP_get0_order(oracle::sm2_group())));
  BN_sub(minus_r.get(), minus_r.get(), oracle::number(r).get());
  EXPECT_FALSE(verify(r, oracle::to_bytes(minus_r.get())));  // t = r + s = 0
}

TEST(Sm2Sign, SumAtInfinityIsRefused) {
  // With d = 1, s G + t P = (r + 2 s) G: infinity when r = n - 2 s.
  const Sm2PrivateKey key = private_key(small(1));
  const oracle::Number n(BN_dup(EC_GROUP_get0_order(oracle::sm2_group())));
  BN_sub_word(n.get(), 10);
  Sm2Signature signature;
  std::ranges::copy(oracle::to_bytes(n.get()), signature.begin());
  std::ranges::copy(small(5), signature.begin() + 32);
  EXPECT_FALSE(sm2_verify(key.public_key(), digest_of(Buffer(32)), signature).ok());
  // And e such that r = e + 0 would hold if infinity were taken for x = 0.
  EXPECT_FALSE(sm2_verify(key.public_key(), digest_of(oracle::to_bytes(n.get())), signature).ok());
}

TEST(Sm2Sign, NoncesThatTheStandardRejectsAreDrawnAgain) {
  TestRandom random(7);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  const Buffer k = small(77);
  const Buffer point = oracle::sm2_multiply(oracle::number(k).get(), nullptr);
  const oracle::Number x = oracle::number(Bytes(point).first(32));
  const BIGNUM* n = EC_GROUP_get0_order(oracle::sm2_group());
  const auto e_for_r = [&](const BIGNUM* r) {  // e = r - x modulo n
    const oracle::Number e(BN_new());
    BN_CTX* context = BN_CTX_new();
    BN_mod_sub(e.get(), r, x.get(), n, context);
    BN_CTX_free(context);
    return digest_of(oracle::to_bytes(e.get()));
  };
  const oracle::Number zero(BN_new());
  const oracle::Number minus_k(BN_dup(n));
  BN_sub_word(minus_k.get(), 77);
  for (const BIGNUM* r : {zero.get(), minus_k.get()}) {  // r = 0; r + k = n
    const Sm3Digest e = e_for_r(r);
    ScriptedRandom script({k, small(78)});
    const auto signature = sm2_sign(key, e, script);
    ASSERT_TRUE(signature.ok());
    EXPECT_EQ(script.num_used(), 2u);
    EXPECT_TRUE(sm2_verify(key.public_key(), e, *signature).ok());
    ScriptedRandom stuck(std::vector<Buffer>(200, k));
    EXPECT_EQ(status_of(sm2_sign(key, e, stuck)), to_status(Error::sign_failed));
  }
}

TEST(Sm2Sign, ZeroSIsDrawnAgain) {
  // s = 0 when k = r d modulo n. With d = 2: r = k / 2, so take k = 2 r with r = 50.
  const Sm2PrivateKey key = private_key(small(2));
  const Buffer k = small(100);
  const Buffer point = oracle::sm2_multiply(oracle::number(k).get(), nullptr);
  const oracle::Number e(BN_new()), fifty(BN_new());
  BN_set_word(fifty.get(), 50);
  BN_CTX* context = BN_CTX_new();
  BN_mod_sub(e.get(), fifty.get(), oracle::number(Bytes(point).first(32)).get(),
             EC_GROUP_get0_order(oracle::sm2_group()), context);
  BN_CTX_free(context);
  ScriptedRandom script({k, small(101)});
  const Sm3Digest digest = digest_of(oracle::to_bytes(e.get()));
  const auto signature = sm2_sign(key, digest, script);
  ASSERT_TRUE(signature.ok());
  EXPECT_EQ(script.num_used(), 2u);
  EXPECT_TRUE(sm2_verify(key.public_key(), digest, *signature).ok());
}

TEST(Sm2Sign, AFailingSourceFailsTheSignature) {
  const Sm2PrivateKey key = private_key(small(5));
  ScriptedRandom empty({});
  EXPECT_EQ(status_of(sm2_sign(key, digest_of(Buffer(32)), empty)),
            to_status(Error::random_failed));
}

// ---- encryption ----

TEST(Sm2Encrypt, Vectors) {
  test::for_each_vector("sm2_encrypt.txt", [](test::Vector& vector) {
    const Sm2PrivateKey key = private_key(vector.bytes("private_key"));
    const std::string message = vector.text("message");
    ScriptedRandom nonce({vector.bytes("nonce")});
    Buffer ciphertext(message.size() + kSm2CiphertextOverhead);
    ASSERT_TRUE(sm2_encrypt(ciphertext, key.public_key(), as_bytes(message), nonce).ok());
    EXPECT_EQ(ciphertext, vector.bytes("ciphertext"));
    Buffer plaintext(message.size());
    ASSERT_TRUE(sm2_decrypt(plaintext, key, ciphertext).ok());
    EXPECT_TRUE(std::ranges::equal(plaintext, as_bytes(message)));
    EXPECT_EQ(peer_of(key).decrypt(ciphertext), plaintext);
  });
}

TEST(Sm2Encrypt, OpensslDecryptsOursAndWeItsOwn) {
  TestRandom random(8);
  for (const std::size_t len : {1u, 2u, 16u, 31u, 32u, 33u, 64u, 127u, 128u, 500u, 3000u}) {
    const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
    const Sm2Peer peer = peer_of(key);
    const Buffer plain = random.bytes(len);
    Buffer ciphertext(len + kSm2CiphertextOverhead), out(len);
    ASSERT_TRUE(sm2_encrypt(ciphertext, key.public_key(), plain, random).ok());
    EXPECT_EQ(peer.decrypt(ciphertext), plain) << len;
    ASSERT_TRUE(sm2_decrypt(out, key, peer.encrypt(plain)).ok()) << len;
    EXPECT_EQ(out, plain);
  }
}

TEST(Sm2Encrypt, AZeroKeyStreamIsDrawnAgain) {
  // Among one-byte messages one nonce in 256 gives the key stream 0.
  const Sm2PrivateKey key = private_key(small(9));
  const oracle::GroupPoint point = oracle::sm2_point(key.public_key().bytes());
  int num_zero = 0;
  for (int i = 1; i <= 255; ++i) {
    const Buffer k = small(static_cast<std::uint8_t>(i));
    const Buffer shared = oracle::sm2_multiply(oracle::number(k).get(), point.get());
    Buffer seed = shared;
    seed.insert(seed.end(), {0, 0, 0, 1});
    const bool is_zero = oracle::sm3(seed)[0] == 0;
    num_zero += is_zero;
    ScriptedRandom script({k, order_plus(-5), order_plus(-6)});
    Buffer ciphertext(1 + kSm2CiphertextOverhead), out(1);
    ASSERT_TRUE(sm2_encrypt(ciphertext, key.public_key(), Buffer{42}, script).ok());
    EXPECT_EQ(script.num_used() > 1, is_zero);
    ASSERT_TRUE(sm2_decrypt(out, key, ciphertext).ok());
    EXPECT_EQ(out[0], 42);
  }
  EXPECT_GT(num_zero, 0);
}

TEST(Sm2Encrypt, AnyChangeIsFoundAndGivesNoPlaintext) {
  TestRandom random(9);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  const Buffer plain = random.bytes(40);
  Buffer ciphertext(plain.size() + kSm2CiphertextOverhead);
  ASSERT_TRUE(sm2_encrypt(ciphertext, key.public_key(), plain, random).ok());
  for (std::size_t i = 0; i < ciphertext.size(); ++i) {
    Buffer changed = ciphertext, out(plain.size(), 0xee);
    changed[i] ^= static_cast<std::uint8_t>(1 << (i % 8));
    EXPECT_EQ(sm2_decrypt(out, key, changed).status(), to_status(Error::decrypt_failed)) << i;
    EXPECT_EQ(out, Buffer(plain.size(), 0)) << i;
  }
}

TEST(Sm2Encrypt, LengthsMustFit) {
  TestRandom random(10);
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(random);
  const auto encrypt = [&](std::size_t out_len, std::size_t in_len) {
    Buffer out(out_len);
    return sm2_encrypt(out, key.public_key(), Buffer(in_len), random).status();
  };
  const auto decrypt = [&](std::size_t out_len, std::size_t in_len) {
    Buffer out(out_len);
    return sm2_decrypt(out, key, Buffer(in_len)).status();
  };
  const std::uint16_t invalid = to_status(Error::invalid_argument);
  EXPECT_EQ(encrypt(97, 1), 0);
  EXPECT_EQ(encrypt(96, 0), invalid);
  EXPECT_EQ(encrypt(97, 2), invalid);
  EXPECT_EQ(encrypt(98, 1), invalid);
  EXPECT_EQ(encrypt(0, 1), invalid);
  EXPECT_EQ(decrypt(1, 97), to_status(Error::decrypt_failed));
  EXPECT_EQ(decrypt(0, 96), invalid);
  EXPECT_EQ(decrypt(1, 96), invalid);
  EXPECT_EQ(decrypt(2, 97), invalid);
  EXPECT_EQ(decrypt(1, 0), invalid);
}

// ---- key exchange ----

TEST(Sm2Exchange, Vectors) {
  test::for_each_vector("sm2_exchange.txt", [](test::Vector& vector) {
    const Sm2PrivateKey a = private_key(vector.bytes("private_key_a"));
    const Sm2PrivateKey b = private_key(vector.bytes("private_key_b"));
    const Sm2PrivateKey ra = private_key(vector.bytes("ephemeral_a"));
    const Sm2PrivateKey rb = private_key(vector.bytes("ephemeral_b"));
    const Sm3Digest za = *a.public_key().z(as_bytes(vector.text("id_a")));
    const Sm3Digest zb = *b.public_key().z(as_bytes(vector.text("id_b")));
    EXPECT_TRUE(std::ranges::equal(za, vector.bytes("z_a")));
    EXPECT_TRUE(std::ranges::equal(zb, vector.bytes("z_b")));
    const Buffer expected = vector.bytes("shared_key");
    Buffer at_a(expected.size()), at_b(expected.size());
    EXPECT_TRUE(sm2_exchange(at_a, {true, a, ra, b.public_key(), rb.public_key(), za, zb}).ok());
    EXPECT_TRUE(sm2_exchange(at_b, {false, b, rb, a.public_key(), ra.public_key(), zb, za}).ok());
    EXPECT_EQ(at_a, expected);
    EXPECT_EQ(at_b, expected);
  });
}

TEST(Sm2Exchange, BothSidesAgreeAndOthersDoNot) {
  TestRandom random(11);
  for (int i = 0; i < 10; ++i) {
    const auto make = [&] { return *Sm2PrivateKey::generate(random); };
    const Sm2PrivateKey a = make(), b = make(), ra = make(), rb = make(), other = make();
    const Sm3Digest za = *a.public_key().z(as_bytes("a")), zb = *b.public_key().z(as_bytes("b"));
    Buffer at_a(48), at_b(48), at_other(48);
    EXPECT_TRUE(sm2_exchange(at_a, {true, a, ra, b.public_key(), rb.public_key(), za, zb}).ok());
    EXPECT_TRUE(sm2_exchange(at_b, {false, b, rb, a.public_key(), ra.public_key(), zb, za}).ok());
    EXPECT_TRUE(
        sm2_exchange(at_other, {false, other, rb, a.public_key(), ra.public_key(), zb, za}).ok());
    EXPECT_EQ(at_a, at_b);
    EXPECT_NE(at_a, at_other);
  }
}

TEST(Sm2Exchange, AnInfiniteCommonPointIsRefused) {
  // P + x R is infinity for P = -x R. Choose the peer's R and then such a P.
  TestRandom random(12);
  const Sm2PrivateKey own = *Sm2PrivateKey::generate(random);
  const Sm2PrivateKey own_ephemeral = *Sm2PrivateKey::generate(random);
  const Sm2PrivateKey peer_ephemeral = *Sm2PrivateKey::generate(random);
  Buffer bar(peer_ephemeral.public_key().bytes().begin() + 16,
             peer_ephemeral.public_key().bytes().begin() + 32);
  bar[0] |= 0x80;
  const oracle::GroupPoint ephemeral = oracle::sm2_point(peer_ephemeral.public_key().bytes());
  const Buffer product = oracle::sm2_multiply(oracle::number(bar).get(), ephemeral.get());
  const oracle::GroupPoint opposite = oracle::sm2_point(product);
  EC_POINT_invert(oracle::sm2_group(), opposite.get(), nullptr);
  const Buffer bytes = oracle::sm2_affine(opposite.get());
  const auto peer = Sm2PublicKey::from_bytes(std::span(bytes).first<kSm2PointLen>());
  ASSERT_TRUE(peer.ok());
  const Sm3Digest z{};
  Buffer key(16, 0xee);
  EXPECT_EQ(sm2_exchange(key, {true, own, own_ephemeral, *peer, peer_ephemeral.public_key(), z, z})
                .status(),
            to_status(Error::invalid_key));
  EXPECT_EQ(key, Buffer(16, 0));
}

}  // namespace
}  // namespace cipherdeck::engine
