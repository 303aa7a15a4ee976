// SPDX-License-Identifier: Apache-2.0
// SM4 and SM3 commands, against OpenSSL.
#include "card/scheduler/tenant_fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace cipherdeck::card {
namespace {

Buffer openssl_cipher(const EVP_CIPHER* cipher, Bytes key, Bytes iv, Bytes input, bool encrypt) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex(context, cipher, nullptr, key.data(), iv.data(), encrypt ? 1 : 0);
  EVP_CIPHER_CTX_set_padding(context, 0);
  Buffer output(input.size() + 16);
  int len = 0;
  EXPECT_EQ(
      EVP_CipherUpdate(context, output.data(), &len, input.data(), static_cast<int>(input.size())),
      1);
  int rest = 0;
  EXPECT_EQ(EVP_CipherFinal_ex(context, output.data() + len, &rest), 1);
  EVP_CIPHER_CTX_free(context);
  output.resize(static_cast<std::size_t>(len + rest));
  return output;
}

Buffer openssl_sm3(Bytes input) {
  Buffer digest(32);
  EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sm3(), nullptr);
  return digest;
}

Buffer openssl_hmac(Bytes key, Bytes input) {
  Buffer mac(32);
  unsigned len = 0;
  HMAC(EVP_sm3(), key.data(), static_cast<int>(key.size()), input.data(), input.size(), mac.data(),
       &len);
  return mac;
}

class CipherTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { s_card = new TestCard; }
  static void TearDownTestSuite() {
    delete s_card;
    s_card = nullptr;
  }

  void SetUp() override {
    m_session = m_tenant.open_session();
    m_key = m_tenant.import_key(m_session, m_key_bytes);
  }

  // Runs the command on `input`; the output has the length of the completion.
  Buffer run(std::uint16_t opcode, std::uint32_t algorithm, Bytes input, Bytes params,
             std::size_t room, Bytes aad = {}, std::uint64_t arg = 0) {
    m_tenant.clear();
    m_params = m_tenant.put(params);
    const auto output = m_tenant.room(room);
    m_done = m_tenant.call({.opcode = opcode,
                            .session = m_session,
                            .key = m_key,
                            .algorithm = algorithm,
                            .input = m_tenant.put(input),
                            .output = room == 0 ? cipherdeck_extent{} : output,
                            .params = m_params,
                            .aux = m_tenant.put(aad),
                            .arg = {arg, 0}});
    return m_tenant.get(output, m_done.output_len <= room ? m_done.output_len : 0);
  }

  Buffer run_hash(Bytes input) {
    m_tenant.clear();
    const auto output = m_tenant.room(32);
    m_done = m_tenant.call({.opcode = CIPHERDECK_OP_HASH,
                            .session = m_session,
                            .algorithm = CIPHERDECK_ALG_SM3,
                            .input = m_tenant.put(input),
                            .output = output});
    EXPECT_EQ(m_done.status, CIPHERDECK_STATUS_OK);
    return m_tenant.get(output, 32);
  }

  static TestCard* s_card;
  Tenant m_tenant{**s_card, 1};
  const Buffer m_key_bytes = pattern(16, 7);
  const Buffer m_iv = pattern(16, 8);
  std::uint32_t m_session = 0;
  std::uint32_t m_key = 0;
  cipherdeck_extent m_params{};
  ring::Completion m_done;
};
TestCard* CipherTest::s_card = nullptr;

struct Mode {
  std::uint32_t algorithm;
  const EVP_CIPHER* (*openssl)();
  bool stream;
};
const Mode kModes[] = {{CIPHERDECK_ALG_SM4_ECB, EVP_sm4_ecb, false},
                       {CIPHERDECK_ALG_SM4_CBC, EVP_sm4_cbc, false},
                       {CIPHERDECK_ALG_SM4_CFB, EVP_sm4_cfb128, true},
                       {CIPHERDECK_ALG_SM4_OFB, EVP_sm4_ofb, true},
                       {CIPHERDECK_ALG_SM4_CTR, EVP_sm4_ctr, true}};

TEST_F(CipherTest, ModesAgreeWithOpenSsl) {
  // 200,000 bytes are more than a slice.
  for (const Mode& mode : kModes) {
    for (const std::size_t len : {16, 160, 65536, 65552, 200000, 17, 1}) {
      if (!mode.stream && len % 16 != 0) continue;
      const Buffer plain = pattern(len, static_cast<unsigned>(len));
      const Buffer expected = openssl_cipher(mode.openssl(), m_key_bytes, m_iv, plain, true);
      const Buffer cipher = run(CIPHERDECK_OP_ENCRYPT, mode.algorithm, plain, m_iv, len);
      ASSERT_EQ(m_done.status, CIPHERDECK_STATUS_OK);
      EXPECT_TRUE(cipher == expected) << std::hex << mode.algorithm << std::dec << " " << len;
      const Buffer again = run(CIPHERDECK_OP_DECRYPT, mode.algorithm, cipher, m_iv, len);
      ASSERT_EQ(m_done.status, CIPHERDECK_STATUS_OK);
      EXPECT_TRUE(again == plain) << std::hex << mode.algorithm << std::dec << " " << len;
    }
  }
}

TEST_F(CipherTest, IvIsWrittenBackSoThatTheNextCommandGoesOn) {
  for (const Mode& mode : kModes) {
    if (mode.algorithm == CIPHERDECK_ALG_SM4_ECB) continue;
    const Buffer plain = pattern(320);
    const Buffer expected = openssl_cipher(mode.openssl(), m_key_bytes, m_iv, plain, true);
    const Buffer first =
        run(CIPHERDECK_OP_ENCRYPT, mode.algorithm, Bytes(plain).first(160), m_iv, 160);
    const Buffer iv = m_tenant.get(m_params, 16);
    const Buffer second =
        run(CIPHERDECK_OP_ENCRYPT, mode.algorithm, Bytes(plain).last(160), iv, 160);
    EXPECT_TRUE(concat(first, second) == expected) << std::hex << mode.algorithm;
  }
}

TEST_F(CipherTest, InPlaceIsAllowedAndPartialOverlapIsNot) {
  const Buffer plain = pattern(1024);
  m_tenant.clear();
  const auto at = m_tenant.put(plain);
  cipherdeck_command command{.opcode = CIPHERDECK_OP_ENCRYPT,
                             .session = m_session,
                             .key = m_key,
                             .algorithm = CIPHERDECK_ALG_SM4_CBC,
                             .input = at,
                             .output = at,
                             .params = m_tenant.put(m_iv)};
  EXPECT_EQ(m_tenant.call(command).status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(m_tenant.get(at, 1024), openssl_cipher(EVP_sm4_cbc(), m_key_bytes, m_iv, plain, true));
  command.output.offset = at.offset + 16;
  EXPECT_EQ(m_tenant.call(command).status, CIPHERDECK_STATUS_INVALID_ARGUMENT);
  command.output.offset = at.offset + 1024;
  EXPECT_EQ(m_tenant.call(command).status, CIPHERDECK_STATUS_OK);
}

TEST_F(CipherTest, XtsGoesBackAndForth) {
  m_key = m_tenant.import_key(m_session, pattern(32, 9));
  for (const std::size_t len : {16, 17, 31, 4096, 65536, 65537, 65552, 131073}) {
    const Buffer plain = pattern(len, 3);
    const Buffer cipher = run(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_XTS, plain, m_iv, len);
    ASSERT_EQ(m_done.status, CIPHERDECK_STATUS_OK) << len;
    EXPECT_FALSE(cipher == plain);
    const Buffer again = run(CIPHERDECK_OP_DECRYPT, CIPHERDECK_ALG_SM4_XTS, cipher, m_iv, len);
    EXPECT_TRUE(again == plain) << len;
  }
  (void)run(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_XTS, pattern(15), m_iv, 15);
  EXPECT_EQ(m_done.status, CIPHERDECK_STATUS_INVALID_ARGUMENT);
}

TEST_F(CipherTest, XtsFirstBlockIsAsTheStandardSays) {
  const Buffer keys = pattern(32, 9);
  m_key = m_tenant.import_key(m_session, keys);
  Buffer block = pattern(16, 3);
  const Buffer cipher = run(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_XTS, block, m_iv, 16);
  const Buffer tweak = openssl_cipher(EVP_sm4_ecb(), Bytes(keys).last(16), m_iv, m_iv, true);
  for (std::size_t i = 0; i < 16; ++i) block[i] ^= tweak[i];
  Buffer expected = openssl_cipher(EVP_sm4_ecb(), Bytes(keys).first(16), m_iv, block, true);
  for (std::size_t i = 0; i < 16; ++i) expected[i] ^= tweak[i];
  EXPECT_EQ(cipher, expected);
}

TEST_F(CipherTest, MacIsTheLastBlockOfCbc) {
  for (const std::size_t len : {16, 4096, 131072}) {
    const Buffer input = pattern(len);
    const Buffer cbc = openssl_cipher(EVP_sm4_cbc(), m_key_bytes, m_iv, input, true);
    const Buffer mac = run(CIPHERDECK_OP_MAC, CIPHERDECK_ALG_SM4_MAC, input, m_iv, 16);
    ASSERT_EQ(m_done.status, CIPHERDECK_STATUS_OK);
    EXPECT_EQ(mac, Buffer(cbc.end() - 16, cbc.end()));
    EXPECT_EQ(m_tenant.get(m_params, 16), mac);
  }
}

TEST_F(CipherTest, AeadOpensWhatItSealedAndNothingElse) {
  for (const std::uint32_t algorithm : {CIPHERDECK_ALG_SM4_GCM, CIPHERDECK_ALG_SM4_CCM}) {
    const Buffer nonce = pattern(12, 4);
    const Buffer aad = pattern(37, 5);
    for (const std::size_t len : {0, 1, 4096, 100000}) {
      const Buffer plain = pattern(len, 6);
      Buffer sealed = run(CIPHERDECK_OP_AUTH_ENCRYPT, algorithm, plain, nonce, len + 16, aad, 16);
      ASSERT_EQ(m_done.status, CIPHERDECK_STATUS_OK);
      ASSERT_EQ(sealed.size(), len + 16);
      const Buffer opened = run(CIPHERDECK_OP_AUTH_DECRYPT, algorithm, sealed, nonce, len, aad, 16);
      ASSERT_EQ(m_done.status, CIPHERDECK_STATUS_OK);
      EXPECT_TRUE(opened == plain);
      sealed[len / 2] ^= 1;
      (void)run(CIPHERDECK_OP_AUTH_DECRYPT, algorithm, sealed, nonce, len, aad, 16);
      EXPECT_EQ(m_done.status, CIPHERDECK_STATUS_MAC_FAILED);
      EXPECT_EQ(m_done.output_len, 0U);
    }
  }
}

TEST_F(CipherTest, AeadWithAWrongTagLeavesTheOutputAlone) {
  m_tenant.clear();
  const Buffer before = pattern(64, 99);
  const auto output = m_tenant.put(before);
  const auto done = m_tenant.call({.opcode = CIPHERDECK_OP_AUTH_DECRYPT,
                                   .session = m_session,
                                   .key = m_key,
                                   .algorithm = CIPHERDECK_ALG_SM4_GCM,
                                   .input = m_tenant.put(pattern(80)),
                                   .output = output,
                                   .params = m_tenant.put(pattern(12)),
                                   .arg = {16, 0}});
  EXPECT_EQ(done.status, CIPHERDECK_STATUS_MAC_FAILED);
  EXPECT_EQ(m_tenant.get(output, 64), before);
}

TEST_F(CipherTest, GcmVectorOfRfc8998) {
  const Buffer key = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
                      0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10};
  const Buffer nonce = {0, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xAB, 0xCD};
  const Buffer aad = {0xFE, 0xED, 0xFA, 0xCE, 0xDE, 0xAD, 0xBE, 0xEF, 0xFE, 0xED,
                      0xFA, 0xCE, 0xDE, 0xAD, 0xBE, 0xEF, 0xAB, 0xAD, 0xDA, 0xD2};
  Buffer plain;
  for (const int byte : {0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA}) {
    plain.insert(plain.end(), 8, static_cast<std::uint8_t>(byte));
  }
  const Buffer tag = {0x83, 0xDE, 0x35, 0x41, 0xE4, 0xC2, 0xB5, 0x81,
                      0x77, 0xE0, 0x65, 0xA9, 0xBF, 0x7B, 0x62, 0xEC};
  m_key = m_tenant.import_key(m_session, key);
  const Buffer sealed =
      run(CIPHERDECK_OP_AUTH_ENCRYPT, CIPHERDECK_ALG_SM4_GCM, plain, nonce, 80, aad, 16);
  ASSERT_EQ(sealed.size(), 80U);
  EXPECT_EQ(Buffer(sealed.end() - 16, sealed.end()), tag);
}

TEST_F(CipherTest, HashAtOnceAgreesWithOpenSsl) {
  for (const std::size_t len : {0, 1, 64, 4096, 65536, 65537, 1048576}) {
    const Buffer input = pattern(len);
    const Buffer digest = run_hash(input);
    EXPECT_EQ(digest, openssl_sm3(input)) << len;
  }
}

TEST_F(CipherTest, HashInPartsAndHmacAgreeWithOpenSsl) {
  const Buffer input = pattern(150000);
  for (const bool hmac : {false, true}) {
    m_tenant.clear();
    const std::uint16_t init = hmac ? CIPHERDECK_OP_HMAC_INIT : CIPHERDECK_OP_HASH_INIT;
    const auto step = [&](std::uint16_t opcode) {
      return static_cast<std::uint16_t>(opcode + init);
    };
    EXPECT_EQ(m_tenant
                  .call({.opcode = init,
                         .session = m_session,
                         .key = hmac ? m_key : 0,
                         .algorithm = hmac ? CIPHERDECK_ALG_SM3_HMAC : CIPHERDECK_ALG_SM3})
                  .status,
              0);
    for (std::size_t at = 0; at < input.size(); at += 50000) {
      m_tenant.clear();
      EXPECT_EQ(m_tenant
                    .call({.opcode = step(1),
                           .session = m_session,
                           .input = m_tenant.put(Bytes(input).subspan(at, 50000))})
                    .status,
                0);
    }
    const auto output = m_tenant.room(32);
    EXPECT_EQ(m_tenant.call({.opcode = step(2), .session = m_session, .output = output}).output_len,
              32U);
    EXPECT_EQ(m_tenant.get(output, 32),
              hmac ? openssl_hmac(m_key_bytes, input) : openssl_sm3(input));
    EXPECT_EQ(m_tenant.call({.opcode = step(2), .session = m_session, .output = output}).status,
              CIPHERDECK_STATUS_STEP);
  }
}

TEST_F(CipherTest, HashStepsOutOfSequenceAreRefused) {
  const auto status = [&](std::uint16_t opcode, std::uint32_t algorithm = 0,
                          std::uint32_t key = 0) {
    m_tenant.clear();
    const bool final_step = (opcode & 3) == 2;
    return m_tenant
        .call({.opcode = opcode,
               .session = m_session,
               .key = key,
               .algorithm = algorithm,
               .output = final_step ? m_tenant.room(32) : cipherdeck_extent{}})
        .status;
  };
  EXPECT_EQ(status(CIPHERDECK_OP_HASH_UPDATE), CIPHERDECK_STATUS_STEP);
  EXPECT_EQ(status(CIPHERDECK_OP_HMAC_FINAL), CIPHERDECK_STATUS_STEP);
  EXPECT_EQ(status(CIPHERDECK_OP_HASH_INIT, CIPHERDECK_ALG_SM3), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(status(CIPHERDECK_OP_HMAC_UPDATE), CIPHERDECK_STATUS_STEP);
  EXPECT_EQ(status(CIPHERDECK_OP_HMAC_INIT, CIPHERDECK_ALG_SM3_HMAC, m_key), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(status(CIPHERDECK_OP_HASH_FINAL), CIPHERDECK_STATUS_STEP);
  EXPECT_EQ(status(CIPHERDECK_OP_HMAC_FINAL), CIPHERDECK_STATUS_OK);
  EXPECT_EQ(status(CIPHERDECK_OP_HASH_INIT, 0x77), CIPHERDECK_STATUS_ALGORITHM);
}

TEST_F(CipherTest, WrongAlgorithmsKeysAndLengthsAreRefused) {
  const Buffer data = pattern(32);
  const auto status = [&](std::uint16_t opcode, std::uint32_t algorithm, std::size_t len = 32,
                          std::size_t room = 32) {
    (void)run(opcode, algorithm, Bytes(data).first(len), m_iv, room);
    return m_done.status;
  };
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, 0x101), CIPHERDECK_STATUS_ALGORITHM);  // SM1_ECB
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, 0), CIPHERDECK_STATUS_ALGORITHM);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, 0x80000401), CIPHERDECK_STATUS_ALGORITHM);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_MAC), CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_GCM), CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(status(CIPHERDECK_OP_MAC, CIPHERDECK_ALG_SM4_CBC), CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_XTS), CIPHERDECK_STATUS_KEY_TYPE);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_ECB, 15),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_ECB, 0),
            CIPHERDECK_STATUS_INVALID_COMMAND);
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_ECB, 32, 16),
            CIPHERDECK_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(m_done.output_len, 32U);
  m_key = m_tenant.import_key(m_session, pattern(32));
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_ECB), CIPHERDECK_STATUS_KEY_TYPE);
  m_key = 0x12345;
  EXPECT_EQ(status(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_ECB), CIPHERDECK_STATUS_KEY_NOT_FOUND);
}

TEST_F(CipherTest, AeadParametersOutOfBoundsAreRefused) {
  const auto status = [&](std::uint32_t algorithm, std::size_t nonce_len, std::uint64_t tag_len) {
    (void)run(CIPHERDECK_OP_AUTH_ENCRYPT, algorithm, pattern(8), pattern(nonce_len), 64, {},
              tag_len);
    return m_done.status;
  };
  constexpr auto kRefused = CIPHERDECK_STATUS_INVALID_ARGUMENT;
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_GCM, 12, 0), kRefused);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_GCM, 12, 11), kRefused);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_GCM, 12, UINT64_MAX), kRefused);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_CCM, 12, 5), kRefused);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_CCM, 14, 8), kRefused);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_CCM, 6, 8), kRefused);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_GCM, 0, 16), CIPHERDECK_STATUS_INVALID_COMMAND);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_CBC, 12, 16), CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(status(CIPHERDECK_ALG_SM4_CCM, 7, 4), CIPHERDECK_STATUS_OK);
}

}  // namespace
}  // namespace cipherdeck::card
