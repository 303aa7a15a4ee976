// SPDX-License-Identifier: Apache-2.0
#include "sdf/wire.h"

#include <algorithm>
#include <cstddef>

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kPadLen = ECCref_MAX_LEN - kFieldLen;
constexpr std::size_t kMaxCipherLen = CIPHERDECK_MAX_DATA_LEN - kCipherExtra;

// How some clients lay out an ECCCipher.
struct ShortCipher {
  std::uint32_t len;
  std::uint8_t x[kFieldLen];
  std::uint8_t y[kFieldLen];
  std::uint8_t c[136];
  std::uint8_t m[kDigestLen];
};
static_assert(sizeof(ShortCipher) == 236);
static_assert(offsetof(ECCCipher, C) == 164);

// The standard's fields are wide and right-aligned; false if the number does not fit 256 bits.
bool take_field(std::uint8_t* to, const unsigned char (&field)[ECCref_MAX_LEN]) noexcept {
  std::memcpy(to, field + kPadLen, kFieldLen);
  return std::all_of(field, field + kPadLen, [](unsigned char byte) { return byte == 0; });
}

void put_field(unsigned char (&field)[ECCref_MAX_LEN], const std::uint8_t* from) noexcept {
  std::memset(field, 0, kPadLen);
  std::memcpy(field + kPadLen, from, kFieldLen);
}

Result<std::vector<std::uint8_t>> from_short(const ShortCipher& cipher) {
  if (cipher.len == 0 || cipher.len > sizeof cipher.c) return Error::decrypt_failed;
  std::vector<std::uint8_t> bytes(kCipherExtra + cipher.len);
  std::memcpy(bytes.data(), cipher.x, kFieldLen);
  std::memcpy(bytes.data() + kFieldLen, cipher.y, kFieldLen);
  std::memcpy(bytes.data() + kPointLen, cipher.m, kDigestLen);
  std::memcpy(bytes.data() + kCipherExtra, cipher.c, cipher.len);
  return bytes;
}

void to_short(ShortCipher& cipher, Bytes bytes) noexcept {
  cipher = {};
  cipher.len = static_cast<std::uint32_t>(bytes.size() - kCipherExtra);
  std::memcpy(cipher.x, bytes.data(), kFieldLen);
  std::memcpy(cipher.y, bytes.data() + kFieldLen, kFieldLen);
  std::memcpy(cipher.m, bytes.data() + kPointLen, kDigestLen);
  std::memcpy(cipher.c, bytes.data() + kCipherExtra, cipher.len);
}

}  // namespace

Result<Point> to_point(const ECCrefPublicKey* key) noexcept {
  if (key == nullptr) return Error::invalid_argument;
  Point point;
  const bool fits =
      take_field(point.data(), key->x) && take_field(point.data() + kFieldLen, key->y);
  if (key->bits != kSm2Bits || !fits) return Error::invalid_key;
  return point;
}

void to_struct(ECCrefPublicKey& key, std::span<const std::uint8_t, kPointLen> point) noexcept {
  key.bits = kSm2Bits;
  put_field(key.x, point.data());
  put_field(key.y, point.data() + kFieldLen);
}

Result<Scalar> to_scalar(const ECCrefPrivateKey* key) noexcept {
  if (key == nullptr) return Error::invalid_argument;
  Scalar scalar;
  if (!take_field(scalar.data(), key->K) || key->bits != kSm2Bits) return Error::invalid_key;
  return scalar;
}

void to_struct(ECCrefPrivateKey& key, std::span<const std::uint8_t, kFieldLen> scalar) noexcept {
  key.bits = kSm2Bits;
  put_field(key.K, scalar.data());
}

Result<SignatureBytes> to_signature(const ECCSignature* signature) noexcept {
  if (signature == nullptr) return Error::invalid_argument;
  SignatureBytes bytes;
  const bool fits =
      take_field(bytes.data(), signature->r) && take_field(bytes.data() + kFieldLen, signature->s);
  if (!fits) return Error::verify_failed;
  return bytes;
}

void to_struct(ECCSignature& signature, std::span<const std::uint8_t, kPointLen> bytes) noexcept {
  put_field(signature.r, bytes.data());
  put_field(signature.s, bytes.data() + kFieldLen);
}

Result<std::vector<std::uint8_t>> to_ciphertext(const ECCCipher* cipher, CipherLayout layout,
                                                std::size_t max_len) {
  if (cipher == nullptr) return Error::invalid_argument;
  if (layout == CipherLayout::short_) {
    return from_short(*reinterpret_cast<const ShortCipher*>(cipher));
  }
  const std::size_t len = cipher->L;
  if (len == 0 || len > max_len) return Error::decrypt_failed;
  std::vector<std::uint8_t> bytes(kCipherExtra + len);
  const bool fits =
      take_field(bytes.data(), cipher->x) && take_field(bytes.data() + kFieldLen, cipher->y);
  if (!fits) return Error::decrypt_failed;
  std::memcpy(bytes.data() + kPointLen, cipher->M, kDigestLen);
  const auto* const start = reinterpret_cast<const std::uint8_t*>(cipher);
  std::memcpy(bytes.data() + kCipherExtra, start + offsetof(ECCCipher, C), len);
  return bytes;
}

Result<void> to_struct(ECCCipher& cipher, CipherLayout layout, Bytes bytes) noexcept {
  const std::size_t len = bytes.size() - kCipherExtra;
  if (len > max_plaintext_len(layout)) return Error::buffer_too_small;
  if (layout == CipherLayout::short_) {
    to_short(reinterpret_cast<ShortCipher&>(cipher), bytes);
    return {};
  }
  put_field(cipher.x, bytes.data());
  put_field(cipher.y, bytes.data() + kFieldLen);
  std::memcpy(cipher.M, bytes.data() + kPointLen, kDigestLen);
  cipher.L = static_cast<unsigned int>(len);
  auto* const start = reinterpret_cast<std::uint8_t*>(&cipher);
  std::memcpy(start + offsetof(ECCCipher, C), bytes.data() + kCipherExtra, len);
  return {};
}

std::size_t max_plaintext_len(CipherLayout layout) noexcept {
  return layout == CipherLayout::short_ ? sizeof(ShortCipher::c) : kMaxCipherLen;
}

std::uint32_t to_symmetric_algorithm(std::uint32_t algorithm, std::uint32_t sm4_base) noexcept {
  constexpr std::uint32_t kFamily = 0x0000ff00;
  if (sm4_base == CIPHERDECK_ALG_SM4) return algorithm;
  if ((algorithm & kFamily) == sm4_base) return (algorithm & ~kFamily) | CIPHERDECK_ALG_SM4;
  // What stands at the standard's place of SM4 is another cipher there (AES), and not ours.
  return (algorithm & kFamily) == CIPHERDECK_ALG_SM4 ? 0 : algorithm;
}

Result<void> check_sm2(std::uint32_t algorithm, std::uint32_t use) noexcept {
  const bool known = algorithm == SGD_SM2 || algorithm == use || algorithm == (SGD_SM2 | use);
  return known ? Result<void>{} : Error::algorithm;
}

}  // namespace cipherdeck::sdf
