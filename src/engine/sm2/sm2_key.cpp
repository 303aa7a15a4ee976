// SPDX-License-Identifier: Apache-2.0
// Keys (GB/T 32918.1, 6) and Z (GB/T 32918.2, 5.5).
#include "engine/declassify.h"
#include "engine/sm2/sm2_variants.h"

namespace cipherdeck::engine {
namespace {

constexpr std::size_t kMaxIdLen = 8191;  // its length in bits has 16 bits

constexpr sm2::Uint256 kOrderMinusOne = [] {
  std::uint64_t borrow = 0;
  return sm2::subtract(sm2::OrderModulus::kValue, {1, 0, 0, 0}, borrow);
}();

// a || b || xG || yG.
std::array<std::uint8_t, 128> curve_bytes() {
  std::array<std::uint8_t, 128> bytes;
  const auto three = sm2::FieldElement::from({3, 0, 0, 0});
  sm2::store_uint256(bytes.data(), three.negate().value());
  sm2::store_uint256(bytes.data() + 32, sm2::coefficient_b().value());
  sm2::store_point(std::span(bytes).last<kSm2PointLen>(), sm2::generator());
  return bytes;
}

}  // namespace

Result<Sm2PublicKey> Sm2PublicKey::from_bytes(std::span<const std::uint8_t, kSm2PointLen> point) {
  Sm2PublicKey key;
  std::memcpy(key.m_point.data(), point.data(), kSm2PointLen);
  if (!sm2::is_on_curve(key.m_point)) return Error::invalid_key;
  return key;
}

Result<Sm3Digest> Sm2PublicKey::z(Bytes id) const {
  if (id.size() > kMaxIdLen) return Error::invalid_argument;
  const std::size_t num_bits = id.size() * 8;
  const std::uint8_t entl[2] = {static_cast<std::uint8_t>(num_bits >> 8),
                                static_cast<std::uint8_t>(num_bits)};
  static const std::array<std::uint8_t, 128> curve = curve_bytes();
  Sm3 hash;
  hash.update(entl);
  hash.update(id);
  hash.update(curve);
  hash.update(m_point);
  return hash.finish();
}

Result<Sm2PrivateKey> Sm2PrivateKey::from_bytes(
    std::span<const std::uint8_t, kSm2ScalarLen> scalar) {
  const Secret<kSm2ScalarLen> bytes(scalar);
  sm2::Uint256 d = sm2::load_uint256(bytes.data());
  const std::uint64_t is_valid = sm2::is_in_range(d, kOrderMinusOne);
  declassify(is_valid);
  if (is_valid == 0) return Error::invalid_key;

  Secret<kSm2ScalarLen> inverse;
  const sm2::Scalar d_plus_one = sm2::Scalar::from(d) + sm2::Scalar::one();
  sm2::store_uint256(inverse.data(), d_plus_one.inverse().value());

  sm2::PlainPoint product;
  sm2::chosen_variant().multiply_generator(std::span(&product, 1), std::span(&d, 1));
  declassify(product);
  sm2::PointBytes point;
  sm2::store_uint256(point.data(), product.x);
  sm2::store_uint256(point.data() + 32, product.y);
  wipe_object(d);
  CIPHERDECK_ASSIGN(const Sm2PublicKey public_key, Sm2PublicKey::from_bytes(point));
  return Sm2PrivateKey(bytes, inverse, public_key);
}

Result<Sm2PrivateKey> Sm2PrivateKey::generate(RandomSource& random) {
  for (;;) {
    sm2::Uint256 d;
    CIPHERDECK_TRY(sm2::random_scalar(d, random));
    Secret<kSm2ScalarLen> bytes;
    sm2::store_uint256(bytes.data(), d);
    wipe_object(d);
    auto key = from_bytes(bytes.span());
    if (key || key.error() != Error::invalid_key) return key;  // n - 1 is drawn again
  }
}

}  // namespace cipherdeck::engine
