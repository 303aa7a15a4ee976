// SPDX-License-Identifier: Apache-2.0
// SM2, session keys, access rights and the key exchange, against OpenSSL where it has them.
#include "card/scheduler/tenant_fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

namespace cipherdeck::card {
namespace {

Buffer der_integer(Bytes number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  Buffer der = {0x02, static_cast<std::uint8_t>(number.size() + (number[0] >> 7))};
  if ((number[0] & 0x80) != 0) der.push_back(0);
  return concat(der, number);
}

Buffer der_octets(Bytes octets) {
  return concat(Buffer{0x04, static_cast<std::uint8_t>(octets.size())}, octets);
}

Buffer der_sequence(Bytes content) {
  Buffer der = {0x30};
  if (content.size() > 127) der.push_back(0x81);
  der.push_back(static_cast<std::uint8_t>(content.size()));
  return concat(der, content);
}

// An SM2 key of OpenSSL's: one made there, or a public key from the card.
class OpenSslKey {
 public:
  OpenSslKey() : m_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "SM2")) {}
  explicit OpenSslKey(Bytes point) {
    const Buffer encoded = concat(Buffer{0x04}, point);
    OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                     encoded.size());
    OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr);
    EVP_PKEY_fromdata_init(context);
    EXPECT_EQ(EVP_PKEY_fromdata(context, &m_key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
  }
  ~OpenSslKey() { EVP_PKEY_free(m_key); }
  OpenSslKey(const OpenSslKey&) = delete;
  OpenSslKey& operator=(const OpenSslKey&) = delete;

  [[nodiscard]] Buffer point() const {
    Buffer encoded(65);
    std::size_t len = 0;
    EVP_PKEY_get_octet_string_param(m_key, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size(),
                                    &len);
    return {encoded.begin() + 1, encoded.end()};
  }

  [[nodiscard]] bool verifies(Bytes e, Bytes signature) const {
    const Buffer der =
        der_sequence(concat(der_integer(signature.first(32)), der_integer(signature.last(32))));
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(m_key, nullptr);
    EVP_PKEY_verify_init(context);
    const int result = EVP_PKEY_verify(context, der.data(), der.size(), e.data(), e.size());
    EVP_PKEY_CTX_free(context);
    return result == 1;
  }

  [[nodiscard]] Buffer decrypt(Bytes ciphertext) const {
    Buffer parts =
        concat(der_integer(ciphertext.first(32)), der_integer(ciphertext.subspan(32, 32)));
    parts = concat(parts, der_octets(ciphertext.subspan(64, 32)));
    const Buffer der = der_sequence(concat(parts, der_octets(ciphertext.subspan(96))));
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(m_key, nullptr);
    EVP_PKEY_decrypt_init(context);
    Buffer plain(256);
    std::size_t len = plain.size();
    EXPECT_EQ(EVP_PKEY_decrypt(context, plain.data(), &len, der.data(), der.size()), 1);
    EVP_PKEY_CTX_free(context);
    plain.resize(len);
    return plain;
  }

 private:
  EVP_PKEY* m_key = nullptr;
};

struct Operands {
  Buffer input;
  Buffer params;
  Buffer aux;
  std::size_t room = 0;
  std::uint64_t arg = 0;
};

class KeysTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { s_card = new TestCard; }
  static void TearDownTestSuite() {
    delete s_card;
    s_card = nullptr;
  }
  void SetUp() override { m_session = m_tenant.open_session(); }

  // Runs a command in the session; what it wrote is in m_output.
  ring::Completion run(std::uint16_t opcode, std::uint32_t key, std::uint32_t algorithm,
                       const Operands& operands = {}) {
    m_tenant.clear();
    const auto output = operands.room == 0 ? cipherdeck_extent{} : m_tenant.room(operands.room);
    const auto done = m_tenant.call({.opcode = opcode,
                                     .session = m_session,
                                     .key = key,
                                     .algorithm = algorithm,
                                     .input = m_tenant.put(operands.input),
                                     .output = output,
                                     .params = m_tenant.put(operands.params),
                                     .aux = m_tenant.put(operands.aux),
                                     .arg = {operands.arg, 0}});
    m_output = done.status == 0 ? m_tenant.get(output, done.output_len) : Buffer();
    return done;
  }
  std::uint16_t get_right(std::uint32_t index, const std::string& code,
                          std::uint16_t opcode = CIPHERDECK_OP_KEY_ACCESS_GET) {
    return run(opcode, index, 0, {.input = Buffer(code.begin(), code.end())}).status;
  }
  Buffer public_key(std::uint32_t index, std::uint64_t use) {
    EXPECT_EQ(run(CIPHERDECK_OP_PUBLIC_KEY_EXPORT, index, 0, {.room = 64, .arg = use}).status, 0);
    return m_output;
  }
  // What the key does to a block: equal keys, equal blocks.
  Buffer fingerprint(std::uint32_t key, std::size_t key_len = 16) {
    const bool xts = key_len == 32;
    const auto done =
        run(CIPHERDECK_OP_ENCRYPT, key, xts ? CIPHERDECK_ALG_SM4_XTS : CIPHERDECK_ALG_SM4_ECB,
            {.input = Buffer(16), .params = xts ? Buffer(16) : Buffer(), .room = 16});
    EXPECT_EQ(done.status, 0);
    return m_output;
  }

  static TestCard* s_card;
  Tenant m_tenant{**s_card, 1};
  std::uint32_t m_session = 0;
  Buffer m_output;
};
TestCard* KeysTest::s_card = nullptr;

TEST_F(KeysTest, SignaturesVerifyInOpenSslAndHere) {
  const Buffer e = pattern(32);
  EXPECT_EQ(run(CIPHERDECK_OP_SM2_SIGN, 1, 0, {.input = e, .room = 64}).status,
            CIPHERDECK_STATUS_ACCESS_DENIED);
  ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  ASSERT_EQ(
      run(CIPHERDECK_OP_SM2_SIGN, 1, CIPHERDECK_ALG_SM2_SIGN, {.input = e, .room = 64}).status,
      CIPHERDECK_STATUS_OK);
  Buffer signature = m_output;
  ASSERT_EQ(signature.size(), 64U);
  const Buffer point = public_key(1, CIPHERDECK_USE_SIGN);
  EXPECT_TRUE(OpenSslKey(point).verifies(e, signature));
  const auto verify = [&] {
    return run(CIPHERDECK_OP_SM2_VERIFY, 1, 0, {.input = e, .params = signature}).status;
  };
  const auto verify_external = [&](const Buffer& key) {
    return run(CIPHERDECK_OP_SM2_VERIFY_EXTERNAL, 0, CIPHERDECK_ALG_SM2_SIGN,
               {.input = e, .params = signature, .aux = key})
        .status;
  };
  EXPECT_EQ(verify(), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(verify_external(point), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(verify_external(OpenSslKey().point()), CIPHERDECK_STATUS_VERIFY_FAILED);
  EXPECT_EQ(verify_external(pattern(64)), CIPHERDECK_STATUS_INVALID_KEY);
  signature[5] ^= 1;
  EXPECT_EQ(verify(), CIPHERDECK_STATUS_VERIFY_FAILED);
}

TEST_F(KeysTest, EncryptionOpensInOpenSslAndHere) {
  const OpenSslKey peer;
  for (const std::size_t len : {1, 32, 100}) {
    const Buffer plain = pattern(len);
    ASSERT_EQ(run(CIPHERDECK_OP_SM2_ENCRYPT_EXTERNAL, 0, CIPHERDECK_ALG_SM2_ENCRYPT,
                  {.input = plain, .aux = peer.point(), .room = 300})
                  .status,
              0);
    ASSERT_EQ(m_output.size(), len + 96);
    EXPECT_EQ(peer.decrypt(m_output), plain);
  }
  ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  for (const std::size_t len : {1, 32, 100000}) {
    const Buffer plain = pattern(len);
    ASSERT_EQ(run(CIPHERDECK_OP_SM2_ENCRYPT, 1, 0, {.input = plain, .room = len + 96}).status, 0);
    Buffer cipher = m_output;
    ASSERT_EQ(run(CIPHERDECK_OP_SM2_DECRYPT, 1, 0, {.input = cipher, .room = len}).status, 0);
    EXPECT_EQ(m_output, plain);
    cipher.back() ^= 1;
    EXPECT_EQ(run(CIPHERDECK_OP_SM2_DECRYPT, 1, 0, {.input = cipher, .room = len}).status,
              CIPHERDECK_STATUS_DECRYPT_FAILED);
  }
  EXPECT_EQ(run(CIPHERDECK_OP_SM2_DECRYPT, 1, 0, {.input = pattern(96), .room = 64}).status,
            CIPHERDECK_STATUS_DECRYPT_FAILED);
  EXPECT_EQ(run(CIPHERDECK_OP_SM2_DECRYPT, 2, 0, {.input = pattern(128), .room = 64}).status,
            CIPHERDECK_STATUS_ACCESS_DENIED);
}

TEST_F(KeysTest, AccessRightsAreOfOneSessionAndOneIndex) {
  const auto sign = [&](std::uint32_t index) {
    return run(CIPHERDECK_OP_SM2_SIGN, index, 0, {.input = pattern(32), .room = 64}).status;
  };
  EXPECT_EQ(get_right(1, "wrong code"), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(sign(1), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(sign(1), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(sign(0), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(get_right(0, kDeviceCode), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(sign(0), CIPHERDECK_STATUS_OK);
  const std::uint32_t first = std::exchange(m_session, m_tenant.open_session());
  EXPECT_EQ(sign(1), CIPHERDECK_STATUS_ACCESS_DENIED);
  m_session = first;
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_ACCESS_RELEASE, 1, 0).status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(sign(1), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(sign(0), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(get_right(2, "some code"), CIPHERDECK_STATUS_ACCESS_DENIED);  // it has no code
  EXPECT_EQ(get_right(77, kCode), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(sign(77), CIPHERDECK_STATUS_KEY_NOT_FOUND);
}

TEST_F(KeysTest, SessionKeysTravelUnderSm2) {
  ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  for (const std::uint64_t bits : {128, 256}) {
    const std::size_t len = bits / 8;
    auto made = run(CIPHERDECK_OP_KEY_GENERATE_IPK, 1, 0, {.room = 200, .arg = bits});
    ASSERT_EQ(made.status, 0);
    const Buffer envelope = m_output;
    ASSERT_EQ(envelope.size(), 96 + len);
    const auto imported =
        run(CIPHERDECK_OP_KEY_IMPORT_ISK, 1, CIPHERDECK_ALG_SM2_ENCRYPT, {.input = envelope});
    ASSERT_EQ(imported.status, 0);
    EXPECT_NE(imported.value, made.value);
    EXPECT_EQ(fingerprint(imported.value, len), fingerprint(made.value, len));

    const OpenSslKey peer;
    made = run(CIPHERDECK_OP_KEY_GENERATE_EPK, 0, CIPHERDECK_ALG_SM2_ENCRYPT,
               {.params = peer.point(), .room = 200, .arg = bits});
    ASSERT_EQ(made.status, 0);
    const Buffer key = peer.decrypt(m_output);
    ASSERT_EQ(key.size(), len);
    const auto clear = run(CIPHERDECK_OP_KEY_IMPORT, 0, 0, {.input = key});
    EXPECT_EQ(fingerprint(clear.value, len), fingerprint(made.value, len));
  }
}

TEST_F(KeysTest, KeyLengthsAreChecked) {
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_GENERATE_IPK, 1, 0, {.room = 200, .arg = 520}).status,
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(
      run(CIPHERDECK_OP_KEY_GENERATE_IPK, 1, 0, {.room = 200, .arg = 1ULL << 32 | 128}).status,
      CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_IMPORT, 0, 0, {.input = pattern(65)}).status,
            CIPHERDECK_STATUS_INVALID_KEY);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_IMPORT, 0, 0, {.input = pattern(256)}).status,
            CIPHERDECK_STATUS_INVALID_KEY);
  const auto small = run(CIPHERDECK_OP_KEY_GENERATE_IPK, 1, 0, {.room = 16, .arg = 128});
  EXPECT_EQ(small.status, CIPHERDECK_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(small.output_len, 112U);
}

TEST_F(KeysTest, SessionKeysTravelUnderKeks) {
  for (const std::uint32_t algorithm : {CIPHERDECK_ALG_SM4_ECB, CIPHERDECK_ALG_SM4_CBC}) {
    for (const std::uint64_t bits : {128, 256}) {
      const std::size_t len = bits / 8;
      const auto made =
          run(CIPHERDECK_OP_KEY_GENERATE_KEK, 1, algorithm, {.room = 64, .arg = bits});
      ASSERT_EQ(made.status, 0);
      Buffer wrapped = m_output;
      EXPECT_EQ(wrapped.size(), algorithm == CIPHERDECK_ALG_SM4_ECB ? len : len + 32);
      const auto imported = run(CIPHERDECK_OP_KEY_IMPORT_KEK, 1, algorithm, {.input = wrapped});
      ASSERT_EQ(imported.status, 0);
      EXPECT_EQ(fingerprint(imported.value, len), fingerprint(made.value, len));
      if (algorithm == CIPHERDECK_ALG_SM4_ECB) continue;
      wrapped.back() ^= 1;
      EXPECT_EQ(run(CIPHERDECK_OP_KEY_IMPORT_KEK, 1, algorithm, {.input = wrapped}).status,
                CIPHERDECK_STATUS_DECRYPT_FAILED);
    }
  }
  EXPECT_EQ(
      run(CIPHERDECK_OP_KEY_IMPORT_KEK, 1, CIPHERDECK_ALG_SM4_ECB, {.input = pattern(24)}).status,
      CIPHERDECK_STATUS_DECRYPT_FAILED);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_GENERATE_KEK, 1, CIPHERDECK_ALG_SM4_CTR, {.room = 64, .arg = 128})
                .status,
            CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_GENERATE_KEK, 9, CIPHERDECK_ALG_SM4_ECB, {.room = 64, .arg = 128})
                .status,
            CIPHERDECK_STATUS_KEY_NOT_FOUND);
}

TEST_F(KeysTest, AKekWithACodeWantsTheRight) {
  const auto generate = [&] {
    return run(CIPHERDECK_OP_KEY_GENERATE_KEK, 2, CIPHERDECK_ALG_SM4_ECB, {.room = 16, .arg = 128})
        .status;
  };
  EXPECT_EQ(generate(), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(get_right(2, kCode, CIPHERDECK_OP_KEK_ACCESS_GET), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(generate(), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(run(CIPHERDECK_OP_KEK_ACCESS_RELEASE, 2, 0).status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(generate(), CIPHERDECK_STATUS_ACCESS_DENIED);
}

TEST_F(KeysTest, EnvelopesAreExchanged) {
  const OpenSslKey peer;
  const auto made = run(CIPHERDECK_OP_KEY_GENERATE_IPK, 1, 0, {.room = 112, .arg = 128});
  ASSERT_EQ(made.status, 0);
  const Buffer envelope = m_output;
  const auto exchange = [&] {
    return run(CIPHERDECK_OP_ENVELOPE_EXCHANGE, 1, 0,
               {.input = envelope, .params = peer.point(), .room = 112})
        .status;
  };
  EXPECT_EQ(exchange(), CIPHERDECK_STATUS_ACCESS_DENIED);
  ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  ASSERT_EQ(exchange(), CIPHERDECK_STATUS_OK);
  const Buffer key = peer.decrypt(m_output);
  const auto imported = run(CIPHERDECK_OP_KEY_IMPORT, 0, 0, {.input = key});
  EXPECT_EQ(fingerprint(imported.value), fingerprint(made.value));
}

TEST_F(KeysTest, DestroyedKeysAreGoneAndHandlesDoNotComeBack) {
  const std::uint32_t key = m_tenant.import_key(m_session, pattern(16));
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_DESTROY, key, 0).status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_DESTROY, key, 0).status, CIPHERDECK_STATUS_KEY_NOT_FOUND);
  for (int i = 0; i < 3000; ++i) {
    m_tenant.clear();
    const std::uint32_t next = m_tenant.import_key(m_session, pattern(16));
    ASSERT_NE(next, key);
    ASSERT_EQ(run(CIPHERDECK_OP_KEY_DESTROY, next, 0).status, CIPHERDECK_STATUS_OK);
  }
}

TEST_F(KeysTest, HandlesAndSessionsAreLimited) {
  for (std::uint32_t i = 0; i < 1024; ++i) {
    m_tenant.clear();
    (void)m_tenant.import_key(m_session, pattern(16));
  }
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_IMPORT, 0, 0, {.input = pattern(16)}).status,
            CIPHERDECK_STATUS_LIMIT);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_GENERATE_IPK, 1, 0, {.room = 112, .arg = 128}).status,
            CIPHERDECK_STATUS_LIMIT);
  for (int i = 1; i < 256; ++i) (void)m_tenant.open_session();
  EXPECT_EQ(m_tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).status, CIPHERDECK_STATUS_LIMIT);
  EXPECT_EQ(m_tenant.call({.opcode = CIPHERDECK_OP_SESSION_CLOSE, .session = m_session}).status, 0);
  m_session = m_tenant.open_session();
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_IMPORT, 0, 0, {.input = pattern(16)}).status, 0);
}

TEST_F(KeysTest, KeysBelongToTheirSession) {
  const std::uint32_t key = m_tenant.import_key(m_session, pattern(16));
  const std::uint32_t first = std::exchange(m_session, m_tenant.open_session());
  const auto encrypt = [&] {
    return run(CIPHERDECK_OP_ENCRYPT, key, CIPHERDECK_ALG_SM4_ECB,
               {.input = Buffer(16), .room = 16})
        .status;
  };
  EXPECT_EQ(encrypt(), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_DESTROY, key, 0).status, CIPHERDECK_STATUS_KEY_NOT_FOUND);
  m_session = first;
  EXPECT_EQ(encrypt(), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_tenant.call({.opcode = CIPHERDECK_OP_SESSION_CLOSE, .session = first}).status, 0);
  EXPECT_EQ(encrypt(), CIPHERDECK_STATUS_NO_SESSION);
}

TEST_F(KeysTest, TwoTenantsAgreeOnAKey) {
  const Buffer id_a = pattern(16, 1), id_b = pattern(40, 2);
  for (const std::uint64_t bits : {128, 256}) {
    const std::size_t len = bits / 8;
    EXPECT_EQ(run(CIPHERDECK_OP_AGREEMENT_RESPOND, 2, 0,
                  {.input = id_b, .params = pattern(128), .aux = id_a, .room = 128, .arg = bits})
                  .status,
              CIPHERDECK_STATUS_ACCESS_DENIED);
    ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
    const auto started = run(CIPHERDECK_OP_AGREEMENT_START, 1, CIPHERDECK_ALG_SM2_EXCHANGE,
                             {.input = id_a, .room = 128, .arg = bits});
    ASSERT_EQ(started.status, 0);
    const Buffer points_a = m_output;
    EXPECT_EQ(Buffer(points_a.begin(), points_a.begin() + 64),
              public_key(1, CIPHERDECK_USE_ENCRYPT));

    Tenant peer(**s_card, 2);
    const std::uint32_t session = peer.open_session();
    ASSERT_EQ(peer.call({.opcode = CIPHERDECK_OP_KEY_ACCESS_GET,
                         .session = session,
                         .key = 1,
                         .input = peer.put(as_bytes(kCode))})
                  .status,
              0);
    const auto points_at = peer.room(128);
    const auto responded = peer.call({.opcode = CIPHERDECK_OP_AGREEMENT_RESPOND,
                                      .session = session,
                                      .key = 1,
                                      .input = peer.put(id_b),
                                      .output = points_at,
                                      .params = peer.put(points_a),
                                      .aux = peer.put(id_a),
                                      .arg = {bits, 0}});
    ASSERT_EQ(responded.status, 0);
    const Buffer points_b = peer.get(points_at, 128);
    const auto finished =
        run(CIPHERDECK_OP_AGREEMENT_FINISH, started.value, 0, {.input = id_b, .params = points_b});
    ASSERT_EQ(finished.status, 0);
    const auto block = peer.put(Buffer(16));
    ASSERT_EQ(peer.call({.opcode = CIPHERDECK_OP_ENCRYPT,
                         .session = session,
                         .key = responded.value,
                         .algorithm = len == 32 ? CIPHERDECK_ALG_SM4_XTS : CIPHERDECK_ALG_SM4_ECB,
                         .input = block,
                         .output = block,
                         .params = len == 32 ? peer.put(Buffer(16)) : cipherdeck_extent{}})
                  .status,
              0);
    EXPECT_EQ(fingerprint(finished.value, len), peer.get(block, 16));
    EXPECT_EQ(
        run(CIPHERDECK_OP_AGREEMENT_FINISH, started.value, 0, {.input = id_b, .params = points_b})
            .status,
        CIPHERDECK_STATUS_KEY_NOT_FOUND);
  }
}

TEST_F(KeysTest, AnAgreementIsNotAKey) {
  ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  const auto started =
      run(CIPHERDECK_OP_AGREEMENT_START, 1, 0, {.input = pattern(16), .room = 128, .arg = 128});
  ASSERT_EQ(started.status, 0);
  const Buffer points = m_output;
  EXPECT_EQ(run(CIPHERDECK_OP_ENCRYPT, started.value, CIPHERDECK_ALG_SM4_ECB,
                {.input = Buffer(16), .room = 16})
                .status,
            CIPHERDECK_STATUS_KEY_TYPE);
  const std::uint32_t key = m_tenant.import_key(m_session, pattern(16));
  EXPECT_EQ(
      run(CIPHERDECK_OP_AGREEMENT_FINISH, key, 0, {.input = pattern(16), .params = points}).status,
      CIPHERDECK_STATUS_KEY_TYPE);
  EXPECT_EQ(run(CIPHERDECK_OP_AGREEMENT_FINISH, started.value, 0,
                {.input = pattern(16), .params = pattern(128)})
                .status,
            CIPHERDECK_STATUS_INVALID_KEY);
  EXPECT_EQ(run(CIPHERDECK_OP_KEY_DESTROY, started.value, 0).status, CIPHERDECK_STATUS_OK);
}

TEST_F(KeysTest, HashWithAPublicKeyBeginsWithZ) {
  const Buffer point = public_key(1, CIPHERDECK_USE_SIGN);
  const Buffer id = pattern(16), message = pattern(100);
  ASSERT_EQ(
      run(CIPHERDECK_OP_HASH_INIT, 0, CIPHERDECK_ALG_SM3, {.params = point, .aux = id}).status, 0);
  ASSERT_EQ(run(CIPHERDECK_OP_HASH_UPDATE, 0, 0, {.input = message}).status, 0);
  ASSERT_EQ(run(CIPHERDECK_OP_HASH_FINAL, 0, 0, {.room = 32}).status, 0);
  const auto e = m_output;
  ASSERT_EQ(get_right(1, kCode), CIPHERDECK_STATUS_OK);
  ASSERT_EQ(run(CIPHERDECK_OP_SM2_SIGN, 1, 0, {.input = e, .room = 64}).status, 0);
  const Buffer der = der_sequence(
      concat(der_integer(Bytes(m_output).first(32)), der_integer(Bytes(m_output).last(32))));
  // OpenSSL makes Z and the hash of its own.
  const Buffer encoded = concat(Buffer{0x04}, point);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>("SM2"), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                        const_cast<std::uint8_t*>(encoded.data()), encoded.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* maker = EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr);
  EVP_PKEY_fromdata_init(maker);
  ASSERT_EQ(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
  EVP_MD_CTX* verifier = EVP_MD_CTX_new();
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  EVP_PKEY_CTX_set1_id(context, id.data(), static_cast<int>(id.size()));
  EVP_MD_CTX_set_pkey_ctx(verifier, context);
  ASSERT_EQ(EVP_DigestVerifyInit(verifier, nullptr, EVP_sm3(), nullptr, key), 1);
  EXPECT_EQ(EVP_DigestVerify(verifier, der.data(), der.size(), message.data(), message.size()), 1);
  EVP_MD_CTX_free(verifier);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_CTX_free(maker);
  EVP_PKEY_free(key);
  EXPECT_EQ(run(CIPHERDECK_OP_HASH_INIT, 0, CIPHERDECK_ALG_SM3, {.params = point}).status,
            CIPHERDECK_STATUS_INVALID_COMMAND);
}

}  // namespace
}  // namespace cipherdeck::card
