// SPDX-License-Identifier: Apache-2.0
#include "sdf/rsa_struct.h"

#include <algorithm>
#include <cstddef>

namespace cipherdeck::sdf {
namespace {

// After the bits: fields of `len` bytes, or half as many, with numbers at their right ends.
constexpr std::size_t kBitsLen = sizeof(unsigned int);
static_assert(offsetof(RSArefPublicKey, m) == kBitsLen);
static_assert(sizeof(RSArefPrivateKey) ==
              kBitsLen + std::size_t{3} * RSAref_MAX_LEN + std::size_t{5} * RSAref_MAX_PLEN);

// Copies the right end of a field; false if what is left of it is not zero.
bool take(MutableBytes to, Bytes field) noexcept {
  const Bytes left = field.first(field.size() - to.size());
  std::memcpy(to.data(), field.data() + left.size(), to.size());
  return std::all_of(left.begin(), left.end(), [](std::uint8_t byte) { return byte == 0; });
}

void put(MutableBytes field, Bytes number) noexcept {
  const std::size_t left = field.size() - number.size();
  std::memset(field.data(), 0, left);
  std::memcpy(field.data() + left, number.data(), number.size());
}

template <typename Key>
Result<std::size_t> key_len(const Key* key, std::uint32_t max_bits) noexcept {
  if (key == nullptr) return Error::invalid_argument;
  unsigned int bits = 0;
  std::memcpy(&bits, key, sizeof bits);
  if (bits == 0 || bits % 16 != 0 || bits > max_bits) return Error::invalid_key;
  return bits / 8;
}

// Runs over the fields of a structure and the numbers that belong there: `wide` of full width, then
// `narrow` of half.
template <typename Field, typename Number, typename Function>
bool for_each_number(Field* field, std::size_t field_len, Number* number, std::size_t len,
                     std::size_t wide, std::size_t narrow, Function function) {
  bool good = true;
  for (std::size_t i = 0; i < wide + narrow; ++i) {
    const std::size_t part = i < wide ? 1 : 2;
    good &= function(std::span(field, field_len / part), std::span(number, len / part));
    field += field_len / part;
    number += len / part;
  }
  return good;
}

template <typename Key>
Result<void> read_numbers(MutableBytes numbers, const Key* key, std::size_t len,
                          std::uint32_t max_bits, std::size_t wide, std::size_t narrow) {
  const auto* const field = reinterpret_cast<const std::uint8_t*>(key) + kBitsLen;
  const bool fits = for_each_number(field, max_bits / 8, numbers.data(), len, wide, narrow,
                                    [](Bytes from, MutableBytes to) { return take(to, from); });
  if (!fits) return Error::invalid_key;
  return {};
}

template <typename Key>
Result<void> write_numbers(Key& key, Bytes numbers, std::size_t len, std::uint32_t max_bits,
                           std::size_t wide, std::size_t narrow) {
  if (8 * len > max_bits) return Error::key_type;
  auto* const bytes = reinterpret_cast<std::uint8_t*>(&key);
  const auto bits = static_cast<unsigned int>(8 * len);
  std::memcpy(bytes, &bits, sizeof bits);
  for_each_number(bytes + kBitsLen, max_bits / 8, numbers.data(), len, wide, narrow,
                  [](MutableBytes to, Bytes from) {
                    put(to, from);
                    return true;
                  });
  return {};
}

}  // namespace

Result<std::vector<std::uint8_t>> to_rsa_public_key(const RSArefPublicKey* key,
                                                    std::uint32_t max_bits) {
  CIPHERDECK_ASSIGN(const std::size_t len, key_len(key, max_bits));
  std::vector<std::uint8_t> numbers(2 * len);
  CIPHERDECK_TRY(read_numbers(numbers, key, len, max_bits, 2, 0));
  return numbers;
}

Result<SecretBytes> to_rsa_private_key(const RSArefPrivateKey* key, std::uint32_t max_bits) {
  CIPHERDECK_ASSIGN(const std::size_t len, key_len(key, max_bits));
  SecretBytes numbers(3 * len + 5 * (len / 2));
  CIPHERDECK_TRY(read_numbers(numbers.bytes(), key, len, max_bits, 3, 5));
  return numbers;
}

Result<void> to_struct(RSArefPublicKey& key, Bytes modulus_exponent, std::uint32_t max_bits) {
  return write_numbers(key, modulus_exponent, modulus_exponent.size() / 2, max_bits, 2, 0);
}

Result<void> to_struct(RSArefPrivateKey& key, Bytes numbers, std::uint32_t max_bits) {
  return write_numbers(key, numbers, 2 * numbers.size() / 11, max_bits, 3, 5);
}

}  // namespace cipherdeck::sdf
