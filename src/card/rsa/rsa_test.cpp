// SPDX-License-Identifier: Apache-2.0
// RSA against OpenSSL's own padding and signatures.
#include "card/rsa/rsa.h"

#include "card/random/random.h"
#include "card/rsa/padding.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

namespace cipherdeck::card::rsa {
namespace {

using Buffer = std::vector<std::uint8_t>;

class CountingRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (auto& byte : out) byte = m_next++;
    return {};
  }

 private:
  std::uint8_t m_next = 0;
};

random::Generator& generator() {
  static const auto made = [] {
    auto created = random::Generator::create();
    return std::move(created).value();
  }();
  return *made;
}

const PrivateKey& key_of(std::uint32_t bits) {
  static const PrivateKey small = PrivateKey::generate(1024, generator()).value();
  static const PrivateKey usual = PrivateKey::generate(2048, generator()).value();
  return bits == 1024 ? small : usual;
}

TEST(Rsa, OperationsAreInverse) {
  for (const std::uint32_t bits : {1024U, 2048U}) {
    const PrivateKey& key = key_of(bits);
    EXPECT_EQ(key.public_key().bits(), bits);
    Buffer input(bits / 8, 0x5a), power(bits / 8), back(bits / 8);
    input[0] = 0;
    ASSERT_TRUE(key.apply(power, input, generator()));
    EXPECT_NE(power, input);
    ASSERT_TRUE(key.public_key().apply(back, power));
    EXPECT_EQ(back, input);
  }
}

TEST(Rsa, InputNotBelowTheModulusIsRefused) {
  const PrivateKey& key = key_of(1024);
  Buffer output(128);
  const Buffer modulus(key.public_key().modulus().begin(), key.public_key().modulus().end());
  EXPECT_EQ(key.public_key().apply(output, modulus).error(), Error::invalid_argument);
  EXPECT_EQ(key.apply(output, modulus, generator()).error(), Error::invalid_argument);
  EXPECT_EQ(key.apply(output, Buffer(127), generator()).error(), Error::invalid_argument);
}

TEST(Rsa, OpenSslDecryptsWhatWeEncrypt) {
  const PrivateKey& key = key_of(2048);
  const Buffer message = {1, 2, 3, 4, 5};
  Buffer ciphertext(256);
  ASSERT_TRUE(key.public_key().encrypt(ciphertext, message, generator()));
  const SecretBytes der = key.der();
  const unsigned char* at = der.bytes().data();
  EVP_PKEY* const openssl =
      d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size()));
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(openssl, nullptr);
  Buffer plaintext(256);
  std::size_t len = plaintext.size();
  EXPECT_EQ(EVP_PKEY_decrypt_init(context), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_decrypt(context, plaintext.data(), &len, ciphertext.data(), ciphertext.size()),
            1);
  plaintext.resize(len);
  EXPECT_EQ(plaintext, message);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(openssl);
}

TEST(Rsa, WeDecryptWhatWeEncrypt) {
  const PrivateKey& key = key_of(1024);
  for (const std::size_t len : {0U, 1U, 16U, 64U, 117U}) {
    const Buffer message(len, 0x77);
    Buffer ciphertext(128), plaintext(117);
    ASSERT_TRUE(key.public_key().encrypt(ciphertext, message, generator()));
    const auto got = key.decrypt(plaintext, ciphertext, generator());
    ASSERT_TRUE(got) << len;
    EXPECT_EQ(*got, len);
    EXPECT_TRUE(std::equal(message.begin(), message.end(), plaintext.begin()));
  }
  Buffer ciphertext(128);
  EXPECT_EQ(key.public_key().encrypt(ciphertext, Buffer(118), generator()).error(),
            Error::invalid_argument);
}

TEST(Rsa, PaddingHasNoZeroAndIsChecked) {
  CountingRandom random;
  Buffer block(64), message(53);
  ASSERT_TRUE(pad_for_encryption(block, Buffer{9, 8, 7}, random));
  EXPECT_EQ(std::count(block.begin() + 2, block.end() - 4, 0), 0);
  const auto len = unpad_after_decryption(message, block);
  ASSERT_TRUE(len);
  EXPECT_EQ(*len, 3U);
  EXPECT_EQ(message[0], 9);

  const auto fails = [&](auto change) {
    Buffer changed = block;
    change(changed);
    const auto unpadded = unpad_after_decryption(message, changed);
    return !unpadded && unpadded.error() == Error::decrypt_failed;
  };
  EXPECT_TRUE(fails([](Buffer& b) { b[0] = 1; }));
  EXPECT_TRUE(fails([](Buffer& b) { b[1] = 1; }));
  EXPECT_TRUE(fails([](Buffer& b) { b[9] = 0; })) << "seven bytes of padding";
  EXPECT_FALSE(fails([](Buffer& b) { b[10] = 0; })) << "eight, and a message of 53 bytes";
  EXPECT_TRUE(fails([](Buffer& b) { b[60] = 1; })) << "no end of the padding";
  Buffer small(2);
  EXPECT_FALSE(unpad_after_decryption(small, block)) << "no room";
}

TEST(Rsa, KeysComeBackFromRecordAndNumbers) {
  const PrivateKey& key = key_of(1024);
  const KeyPair pair(key, key_of(2048));
  EXPECT_EQ(pair.bits(), 1024U);
  const SecretBytes record = pair.record();
  const auto read = KeyPair::from_record(record.bytes());
  ASSERT_TRUE(read);
  const auto& again = static_cast<const KeyPair&>(**read);
  EXPECT_TRUE(std::ranges::equal(again.sign.public_key().modulus(), key.public_key().modulus()));
  EXPECT_EQ(again.encrypt.public_key().bits(), 2048U);
  for (std::size_t len = 0; len < record.size(); len += 97) {
    EXPECT_FALSE(KeyPair::from_record(record.bytes().first(len))) << len;
  }

  const auto numbers = key.private_numbers();
  ASSERT_TRUE(numbers);
  const Bytes all = numbers->bytes();
  const auto part = [&](std::size_t i) { return all.subspan(128 + 64 * i, 64); };
  PrivateKey::Numbers given{key.public_key().modulus(), key.public_key().exponent(), all.first(128),
                            {part(0), part(1)},         {part(2), part(3)},          part(4)};
  EXPECT_TRUE(PrivateKey::from_numbers(given));
  given.primes[0] = part(1);
  EXPECT_FALSE(PrivateKey::from_numbers(given));
}

TEST(Rsa, HostilePublicKeysAreRefused) {
  const Bytes modulus = key_of(1024).public_key().modulus();
  const Buffer three{3}, one{1}, even{4}, none;
  Buffer even_modulus(modulus.begin(), modulus.end());
  even_modulus.back() &= 0xfe;
  EXPECT_TRUE(PublicKey::from_numbers(modulus, three));
  EXPECT_FALSE(PublicKey::from_numbers(modulus, one));
  EXPECT_FALSE(PublicKey::from_numbers(modulus, even));
  EXPECT_FALSE(PublicKey::from_numbers(modulus, none));
  EXPECT_FALSE(PublicKey::from_numbers(modulus, modulus));
  EXPECT_FALSE(PublicKey::from_numbers(even_modulus, three));
  EXPECT_FALSE(PublicKey::from_numbers(modulus.first(127), three));
  EXPECT_FALSE(PublicKey::from_numbers(Buffer(513, 0xff), three));
}

TEST(Rsa, BitsAreChecked) {
  for (const std::uint32_t bits : {0U, 512U, 1000U, 1025U, 8192U}) {
    EXPECT_EQ(PrivateKey::generate(bits, generator()).status(), to_status(Error::invalid_argument));
  }
}

TEST(Rsa, KeysComeFromTheCardsRandomness) {
  class NoRandom final : public RandomSource {
   public:
    Result<void> fill(MutableBytes) override { return Error::random_failed; }
  } none;
  EXPECT_EQ(PrivateKey::generate(1024, none).status(), to_status(Error::random_failed));
}

}  // namespace
}  // namespace cipherdeck::card::rsa
