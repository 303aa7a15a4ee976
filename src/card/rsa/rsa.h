// SPDX-License-Identifier: Apache-2.0
// RSA of 1024 to 4096 bits (GM/T 0018-2023, 6.3 and 6.4), by OpenSSL. It takes milliseconds, and
// keys seconds: not for a worker's thread.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"
#include "card/partition/partition.h"

#include <memory>
#include <vector>

using EVP_PKEY = struct evp_pkey_st;

namespace cipherdeck::card::rsa {

constexpr std::uint32_t kMinBits = 1024;
constexpr std::uint32_t kMaxBits = 4096;
constexpr std::size_t kMaxLen = kMaxBits / 8;

/// Bits of modulus that keys may have: multiples of 256 from kMinBits to kMaxBits.
[[nodiscard]] bool is_allowed(std::uint32_t bits) noexcept;

/// Thread-safe: immutable.
class PublicKey {
 public:
  /// From big-endian numbers with or without zeros before them. Fails with invalid_key unless the
  /// modulus is odd and has an allowed number of bits, and the exponent is odd, above 1 and below
  /// the modulus.
  static Result<PublicKey> from_numbers(Bytes modulus, Bytes exponent);

  [[nodiscard]] std::uint32_t bits() const noexcept {
    return static_cast<std::uint32_t>(8 * m_modulus.size());
  }
  /// Of modulus, input and output, in bytes.
  [[nodiscard]] std::size_t len() const noexcept { return m_modulus.size(); }
  /// len() bytes each, big-endian.
  [[nodiscard]] Bytes modulus() const noexcept { return m_modulus; }
  [[nodiscard]] Bytes exponent() const noexcept { return m_exponent; }

  /// output = input^e; both have len() bytes. Fails with invalid_argument if the input is not below
  /// the modulus.
  Result<void> apply(MutableBytes output, Bytes input) const;

  /// Encrypts a message of at most len() - 11 bytes by RSAES-PKCS1-v1_5 to `output`, of len()
  /// bytes.
  Result<void> encrypt(MutableBytes output, Bytes message, RandomSource& random) const;

 private:
  friend class PrivateKey;
  PublicKey() = default;

  std::shared_ptr<EVP_PKEY> m_key;
  std::vector<std::uint8_t> m_modulus;
  std::vector<std::uint8_t> m_exponent;
};

/// Thread-safe: immutable. OpenSSL keeps the key, and wipes it when the last copy goes.
class PrivateKey {
 public:
  /// With e = 65537. Fails with invalid_argument if `bits` is not allowed.
  static Result<PrivateKey> generate(std::uint32_t bits, RandomSource& random);
  /// What der() gave. Fails with invalid_key.
  static Result<PrivateKey> from_der(Bytes der);

  /// The numbers of a private key as RSArefPrivateKey has them, big-endian.
  struct Numbers {
    Bytes modulus, exponent, private_exponent;
    Bytes primes[2], exponents[2], coefficient;
  };
  /// Fails with invalid_key if the numbers do not belong together.
  static Result<PrivateKey> from_numbers(const Numbers& numbers);

  /// RSAPrivateKey of PKCS #1.
  [[nodiscard]] SecretBytes der() const;
  [[nodiscard]] const PublicKey& public_key() const noexcept { return m_public; }
  /// d; p, q; d mod p - 1, d mod q - 1; q^-1 mod p, one after the other: a first part of len()
  /// bytes and five of half as many, big-endian.
  [[nodiscard]] Result<SecretBytes> private_numbers() const;

  /// output = input^d, blinded; as PublicKey::apply().
  Result<void> apply(MutableBytes output, Bytes input, RandomSource& random) const;

  /// Decrypts what PublicKey::encrypt() made, to the first bytes of `message`, and gives back how
  /// many they are. Fails with decrypt_failed, in a time that tells nothing else, if the padding is
  /// wrong or the message longer than `message`.
  Result<std::size_t> decrypt(MutableBytes message, Bytes input, RandomSource& random) const;

 private:
  explicit PrivateKey(PublicKey key) : m_public(std::move(key)) {}
  static Result<PrivateKey> from_openssl(EVP_PKEY* key);

  PublicKey m_public;  // of the same EVP_PKEY, which has the private numbers, too
};

/// What stands at an index of kind CIPHERDECK_KEY_RSA.
class KeyPair final : public KeyMaterial {
 public:
  KeyPair(PrivateKey sign_key, PrivateKey encrypt_key)
      : sign(std::move(sign_key)), encrypt(std::move(encrypt_key)) {}
  static Result<std::shared_ptr<const KeyMaterial>> from_record(Bytes record);

  [[nodiscard]] SecretBytes record() const override;
  [[nodiscard]] std::uint32_t bits() const noexcept override { return sign.public_key().bits(); }

  const PrivateKey sign;
  const PrivateKey encrypt;
};

}  // namespace cipherdeck::card::rsa
