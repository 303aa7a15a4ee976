// SPDX-License-Identifier: Apache-2.0
#include "card/rsa/rsa.h"

#include "card/rsa/openssl_random.h"
#include "card/rsa/padding.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

namespace cipherdeck::card::rsa {
namespace {

struct Free {
  void operator()(BIGNUM* number) const noexcept { BN_clear_free(number); }
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM_BLD* builder) const noexcept { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* params) const noexcept { OSSL_PARAM_free(params); }
};
using Number = std::unique_ptr<BIGNUM, Free>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free>;

std::shared_ptr<EVP_PKEY> own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

Number to_number(Bytes bytes) {
  return Number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

Number number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  return Number(number);
}

bool write_number(MutableBytes out, const BIGNUM* number) {
  return number != nullptr && BN_bn2binpad(number, out.data(), static_cast<int>(out.size())) >= 0;
}

bool is_public_key(const BIGNUM* modulus, const BIGNUM* exponent) {
  return modulus != nullptr && exponent != nullptr && BN_is_odd(modulus) != 0 &&
         BN_is_odd(exponent) != 0 && BN_is_one(exponent) == 0 && BN_cmp(exponent, modulus) < 0 &&
         is_allowed(static_cast<std::uint32_t>(BN_num_bits(modulus)));
}

// A key of so many named numbers.
struct Named {
  const char* name;
  const BIGNUM* number;
};

std::shared_ptr<EVP_PKEY> build(std::span<const Named> numbers, int selection) {
  const std::unique_ptr<OSSL_PARAM_BLD, Free> builder(OSSL_PARAM_BLD_new());
  for (const Named& each : numbers) {
    if (OSSL_PARAM_BLD_push_BN(builder.get(), each.name, each.number) != 1) return nullptr;
  }
  const std::unique_ptr<OSSL_PARAM, Free> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) {
    return nullptr;
  }
  return own(key);
}

using Operate = int (*)(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*,
                        std::size_t);

Result<void> operate(MutableBytes output, Bytes input, EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*),
                     Operate operation) {
  const Context context(EVP_PKEY_CTX_new(key, nullptr));
  std::size_t len = output.size();
  if (context == nullptr || init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1) {
    return Error::internal;
  }
  const bool done = operation(context.get(), output.data(), &len, input.data(), input.size()) == 1;
  if (!done || len != output.size()) return Error::internal;
  return {};
}

// Both are public.
bool is_below(Bytes number, Bytes modulus) {
  return std::lexicographical_compare(number.begin(), number.end(), modulus.begin(), modulus.end());
}

constexpr const char* kPrivateNames[] = {
    OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

}  // namespace

bool is_allowed(std::uint32_t bits) noexcept {
  return bits >= kMinBits && bits <= kMaxBits && bits % 256 == 0;
}

// ---- public key ---------------------------------------------------------------------------------

Result<PublicKey> PublicKey::from_numbers(Bytes modulus, Bytes exponent) {
  if (modulus.size() > kMaxLen || exponent.size() > kMaxLen) return Error::invalid_key;
  const Number n = to_number(modulus);
  const Number e = to_number(exponent);
  if (!is_public_key(n.get(), e.get())) return Error::invalid_key;
  PublicKey key;
  const Named numbers[] = {{OSSL_PKEY_PARAM_RSA_N, n.get()}, {OSSL_PKEY_PARAM_RSA_E, e.get()}};
  key.m_key = build(numbers, EVP_PKEY_PUBLIC_KEY);
  key.m_modulus.resize(static_cast<std::size_t>(BN_num_bytes(n.get())));
  key.m_exponent.resize(key.m_modulus.size());
  if (key.m_key == nullptr || !write_number(key.m_modulus, n.get()) ||
      !write_number(key.m_exponent, e.get())) {
    return Error::invalid_key;
  }
  return key;
}

Result<void> PublicKey::apply(MutableBytes output, Bytes input) const {
  if (input.size() != len() || output.size() != len() || !is_below(input, m_modulus)) {
    return Error::invalid_argument;
  }
  return operate(output, input, m_key.get(), EVP_PKEY_encrypt_init, EVP_PKEY_encrypt);
}

Result<void> PublicKey::encrypt(MutableBytes output, Bytes message, RandomSource& random) const {
  SecretBytes block(len());
  CIPHERDECK_TRY(pad_for_encryption(block.bytes(), message, random));
  return apply(output, block.bytes());
}

// ---- private key --------------------------------------------------------------------------------

Result<PrivateKey> PrivateKey::from_openssl(EVP_PKEY* key) {
  const auto owned = own(key);
  if (owned == nullptr) return Error::invalid_key;
  const Number n = number_of(key, OSSL_PKEY_PARAM_RSA_N);
  const Number e = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  if (!is_public_key(n.get(), e.get())) return Error::invalid_key;
  PublicKey made;
  made.m_key = owned;
  made.m_modulus.resize(static_cast<std::size_t>(BN_num_bytes(n.get())));
  made.m_exponent.resize(made.m_modulus.size());
  if (!write_number(made.m_modulus, n.get()) || !write_number(made.m_exponent, e.get())) {
    return Error::invalid_key;
  }
  return PrivateKey(std::move(made));
}

Result<PrivateKey> PrivateKey::generate(std::uint32_t bits, RandomSource& random) {
  if (!is_allowed(bits)) return Error::invalid_argument;
  const OpensslRandom using_random(random);
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) != 1 ||
      EVP_PKEY_generate(context.get(), &key) != 1) {
    return Error::random_failed;
  }
  return from_openssl(key);
}

Result<PrivateKey> PrivateKey::from_der(Bytes der) {
  const unsigned char* at = der.data();
  EVP_PKEY* const key = d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size()));
  if (key == nullptr) return Error::invalid_key;
  auto made = from_openssl(key);
  if (at != der.data() + der.size()) return Error::invalid_key;
  return made;
}

Result<PrivateKey> PrivateKey::from_numbers(const Numbers& numbers) {
  const Number n = to_number(numbers.modulus);
  const Number e = to_number(numbers.exponent);
  if (!is_public_key(n.get(), e.get())) return Error::invalid_key;
  const Number d = to_number(numbers.private_exponent);
  const Number parts[] = {to_number(numbers.primes[0]), to_number(numbers.primes[1]),
                          to_number(numbers.exponents[0]), to_number(numbers.exponents[1]),
                          to_number(numbers.coefficient)};
  std::vector<Named> named = {{OSSL_PKEY_PARAM_RSA_N, n.get()},
                              {OSSL_PKEY_PARAM_RSA_E, e.get()},
                              {OSSL_PKEY_PARAM_RSA_D, d.get()}};
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    named.push_back({kPrivateNames[i], parts[i].get()});
  }
  const auto key = build(named, EVP_PKEY_KEYPAIR);
  if (key == nullptr) return Error::invalid_key;
  const Context check(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (check == nullptr || EVP_PKEY_pairwise_check(check.get()) != 1) return Error::invalid_key;
  EVP_PKEY_up_ref(key.get());
  return from_openssl(key.get());
}

SecretBytes PrivateKey::der() const {
  unsigned char* encoded = nullptr;
  const int len = i2d_PrivateKey(m_public.m_key.get(), &encoded);
  if (len <= 0) return {};
  SecretBytes der(Bytes{encoded, static_cast<std::size_t>(len)});
  OPENSSL_clear_free(encoded, static_cast<std::size_t>(len));
  return der;
}

Result<SecretBytes> PrivateKey::private_numbers() const {
  const std::size_t len = m_public.len();
  SecretBytes numbers(len + std::size(kPrivateNames) * (len / 2));
  MutableBytes rest = numbers.bytes();
  const Number d = number_of(m_public.m_key.get(), OSSL_PKEY_PARAM_RSA_D);
  if (!write_number(rest.first(len), d.get())) return Error::internal;
  rest = rest.subspan(len);
  for (const char* const name : kPrivateNames) {
    const Number number = number_of(m_public.m_key.get(), name);
    if (!write_number(rest.first(len / 2), number.get())) return Error::internal;
    rest = rest.subspan(len / 2);
  }
  return numbers;
}

Result<void> PrivateKey::apply(MutableBytes output, Bytes input, RandomSource& random) const {
  const std::size_t len = m_public.len();
  if (input.size() != len || output.size() != len || !is_below(input, m_public.modulus())) {
    return Error::invalid_argument;
  }
  const OpensslRandom using_random(random);
  return operate(output, input, m_public.m_key.get(), EVP_PKEY_decrypt_init, EVP_PKEY_decrypt);
}

Result<std::size_t> PrivateKey::decrypt(MutableBytes message, Bytes input,
                                        RandomSource& random) const {
  SecretBytes block(m_public.len());
  if (input.size() != block.size()) return Error::decrypt_failed;
  if (!apply(block.bytes(), input, random)) return Error::decrypt_failed;
  return unpad_after_decryption(message, block.bytes());
}

// ---- what a partition keeps ---------------------------------------------------------------------

// Length of the first key, 4 bytes; both keys.
SecretBytes KeyPair::record() const {
  const SecretBytes first = sign.der();
  const SecretBytes second = encrypt.der();
  SecretBytes record(4 + first.size() + second.size());
  std::uint8_t* const at = record.bytes().data();
  store_be32(at, static_cast<std::uint32_t>(first.size()));
  std::memcpy(at + 4, first.bytes().data(), first.size());
  std::memcpy(at + 4 + first.size(), second.bytes().data(), second.size());
  return record;
}

Result<std::shared_ptr<const KeyMaterial>> KeyPair::from_record(Bytes record) {
  if (record.size() < 4) return Error::invalid_key;
  const std::size_t first_len = load_be32(record.data());
  if (first_len > record.size() - 4) return Error::invalid_key;
  CIPHERDECK_ASSIGN(auto sign, PrivateKey::from_der(record.subspan(4, first_len)));
  CIPHERDECK_ASSIGN(auto encrypt, PrivateKey::from_der(record.subspan(4 + first_len)));
  return std::shared_ptr<const KeyMaterial>(
      std::make_shared<const KeyPair>(std::move(sign), std::move(encrypt)));
}

}  // namespace cipherdeck::card::rsa
