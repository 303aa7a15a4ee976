// SPDX-License-Identifier: Apache-2.0
#include "sdf/sm9_wire.h"

#include <cipherdeck/function.h>

#include <cstddef>

namespace cipherdeck::sdf {
namespace {

constexpr std::uint32_t kSm9Bits = 256;
constexpr std::size_t kMaxCipherLen = CIPHERDECK_MAX_DATA_LEN - kCipherExtra;

// The coordinates of each structure stand together in the order of the function interface.
static_assert(SM9ref_MAX_LEN == kFieldLen);
static_assert(sizeof(SM9SignMasterPublicKey) == sizeof(unsigned int) + kG2Len);
static_assert(sizeof(SM9EncUserPrivateKey) == sizeof(unsigned int) + kG2Len);
static_assert(sizeof(SM9EncMasterPublicKey) == sizeof(unsigned int) + kPointLen);
static_assert(sizeof(SM9SignUserPrivateKey) == sizeof(unsigned int) + kPointLen);
static_assert(sizeof(SM9KeyPackage) == kPointLen);
static_assert(sizeof(SM9Signature) == kSm9SignatureLen);

template <typename Key>
Result<const std::uint8_t*> coordinates(const Key* key) noexcept {
  if (key == nullptr) return Error::invalid_argument;
  if (key->bits != kSm9Bits) return Error::invalid_key;
  return reinterpret_cast<const std::uint8_t*>(key) + sizeof key->bits;
}

template <typename To, typename Key>
Result<To> copy_coordinates(const Key* key) noexcept {
  CIPHERDECK_ASSIGN(const std::uint8_t* const from, coordinates(key));
  To bytes;
  std::memcpy(bytes.data(), from, bytes.size());
  return bytes;
}

}  // namespace

Result<G2Bytes> to_point(const SM9SignMasterPublicKey* key) noexcept {
  return copy_coordinates<G2Bytes>(key);
}
Result<Point> to_point(const SM9EncMasterPublicKey* key) noexcept {
  return copy_coordinates<Point>(key);
}
Result<Secret<kPointLen>> to_point(const SM9SignUserPrivateKey* key) noexcept {
  return copy_coordinates<Secret<kPointLen>>(key);
}
Result<Secret<kG2Len>> to_point(const SM9EncUserPrivateKey* key) noexcept {
  return copy_coordinates<Secret<kG2Len>>(key);
}

void to_struct(SM9EncMasterPublicKey& key,
               std::span<const std::uint8_t, kPointLen> point) noexcept {
  key.bits = kSm9Bits;
  std::memcpy(key.x, point.data(), kFieldLen);
  std::memcpy(key.y, point.data() + kFieldLen, kFieldLen);
}

void to_struct(SM9KeyPackage& package, std::span<const std::uint8_t, kPointLen> point) noexcept {
  std::memcpy(&package, point.data(), sizeof package);
}

void to_struct(SM9Signature& signature, const Sm9SignatureBytes& bytes) noexcept {
  std::memcpy(&signature, bytes.data(), sizeof signature);
}

Point to_bytes(const SM9KeyPackage& package) noexcept { return load<Point>(object_bytes(package)); }

Sm9SignatureBytes to_bytes(const SM9Signature& signature) noexcept {
  return load<Sm9SignatureBytes>(object_bytes(signature));
}

Result<Sm9CipherShape> sm9_cipher_shape(std::uint32_t algorithm) noexcept {
  switch (algorithm) {
    case SGD_SM9:
    case SGD_SM9_3:
      return Sm9CipherShape{0, false, false};
    case CIPHERDECK_ALG_SM4_ECB:
      return Sm9CipherShape{1, false, true};
    case CIPHERDECK_ALG_SM4_CBC:
      return Sm9CipherShape{2, true, true};
    case CIPHERDECK_ALG_SM4_OFB:
      return Sm9CipherShape{4, true, false};
    case CIPHERDECK_ALG_SM4_CFB:
      return Sm9CipherShape{8, true, false};
    default:
      return Error::algorithm;
  }
}

Result<std::vector<std::uint8_t>> to_ciphertext(const SM9Cipher* cipher, std::uint32_t type) {
  if (cipher == nullptr) return Error::invalid_argument;
  const std::size_t len = cipher->L;
  if (cipher->EncType != type || len == 0 || len > kMaxCipherLen) return Error::decrypt_failed;
  std::vector<std::uint8_t> bytes(kCipherExtra + len);
  const auto* const start = reinterpret_cast<const std::uint8_t*>(cipher);
  std::memcpy(bytes.data(), start + offsetof(SM9Cipher, x), kCipherExtra);
  std::memcpy(bytes.data() + kCipherExtra, start + offsetof(SM9Cipher, C), len);
  return bytes;
}

void to_struct(SM9Cipher& cipher, std::uint32_t type, Bytes bytes) noexcept {
  static_assert(offsetof(SM9Cipher, L) - offsetof(SM9Cipher, x) == kCipherExtra);
  cipher.EncType = type;
  cipher.L = static_cast<unsigned int>(bytes.size() - kCipherExtra);
  auto* const start = reinterpret_cast<std::uint8_t*>(&cipher);
  std::memcpy(start + offsetof(SM9Cipher, x), bytes.data(), kCipherExtra);
  std::memcpy(start + offsetof(SM9Cipher, C), bytes.data() + kCipherExtra, cipher.L);
}

}  // namespace cipherdeck::sdf
