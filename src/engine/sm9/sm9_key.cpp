// SPDX-License-Identifier: Apache-2.0
// Keys (GM/T 0044.2, 6 and 0044.4, 6).
#include "engine/declassify.h"
#include "engine/sm2/curve.h"
#include "engine/sm9/pairing.h"
#include "engine/sm9/range_hash.h"
#include "engine/sm9/sm9.h"
#include "engine/sm9/wiped.h"

namespace cipherdeck::engine {
namespace {

using sm9::OrderModulus;
using sm9::Scalar;
using sm9::Uint256;
using sm9::Wiped;
using MasterScalar = Secret<kSm9ScalarLen>;

Result<MasterScalar> checked_scalar(std::span<const std::uint8_t, kSm9ScalarLen> bytes) {
  const Wiped<Uint256> scalar(sm2::load_uint256(bytes.data()));
  const std::uint64_t is_valid = sm2::is_in_range(scalar.value, OrderModulus::kValue);
  declassify(is_valid);
  if (is_valid == 0) return Error::invalid_key;
  return MasterScalar(bytes);
}

Result<MasterScalar> new_scalar(RandomSource& random) {
  Wiped<Uint256> scalar;
  CIPHERDECK_TRY(sm2::random_scalar(scalar.value, random, OrderModulus::kValue));
  MasterScalar bytes;
  sm2::store_uint256(bytes.data(), scalar.value);
  return bytes;
}

// [master] generator, which is public.
template <typename Point>
Point public_point(const MasterScalar& master, const Point& generator) {
  const Wiped<Uint256> scalar(sm2::load_uint256(master.data()));
  const Point point = sm9::to_affine(sm9::multiply(scalar.value, generator));
  declassify(point);
  return point;
}

// t2 = master / (H1(id || hid) + master) modulo n, of which a user's key is the multiple of the
// generator.
Result<void> extraction_scalar(Uint256& t2, const MasterScalar& master, Bytes id, Sm9Use use) {
  const Wiped<Scalar> scalar(Scalar::from(sm2::load_uint256(master.data())));
  const Uint256 h1 = sm9::hash_identity(id, static_cast<std::uint8_t>(use));
  const Wiped<Scalar> t1(Scalar::from(h1) + scalar.value);
  const std::uint64_t is_useless = t1.value.is_zero();
  declassify(is_useless);
  if (is_useless != 0) return Error::invalid_key;
  t2 = (scalar.value * t1.value.inverse()).value();
  return {};
}

}  // namespace

// ---- signing keys ----

Sm9SignMasterPublicKey::Sm9SignMasterPublicKey(const sm9::G2Affine& point) noexcept
    : m_point(point), m_base(sm9::pairing(sm9::g1_generator(), point)) {
  sm9::store(m_bytes, point);
}

Result<Sm9SignMasterPublicKey> Sm9SignMasterPublicKey::from_bytes(
    std::span<const std::uint8_t, kSm9G2Len> point) {
  CIPHERDECK_ASSIGN(const sm9::G2Affine checked, sm9::load_g2(point));
  return Sm9SignMasterPublicKey(checked);
}

Result<Sm9SignUserKey> Sm9SignUserKey::from_bytes(std::span<const std::uint8_t, kSm9G1Len> point) {
  CIPHERDECK_TRY(sm9::load_g1(point));
  return Sm9SignUserKey(point);
}

Sm9SignMasterKey::Sm9SignMasterKey(const Secret<kSm9ScalarLen>& scalar) noexcept
    : m_scalar(scalar), m_public(public_point(scalar, sm9::g2_generator())) {}

Result<Sm9SignMasterKey> Sm9SignMasterKey::from_bytes(
    std::span<const std::uint8_t, kSm9ScalarLen> scalar) {
  CIPHERDECK_ASSIGN(const MasterScalar checked, checked_scalar(scalar));
  return Sm9SignMasterKey(checked);
}

Result<Sm9SignMasterKey> Sm9SignMasterKey::generate(RandomSource& random) {
  CIPHERDECK_ASSIGN(const MasterScalar scalar, new_scalar(random));
  return Sm9SignMasterKey(scalar);
}

Result<Sm9SignUserKey> Sm9SignMasterKey::extract(Bytes id) const {
  Wiped<Uint256> t2;
  CIPHERDECK_TRY(extraction_scalar(t2.value, m_scalar, id, Sm9Use::sign));
  const Wiped<sm9::G1Affine> point(sm9::to_affine(sm9::multiply(t2.value, sm9::g1_generator())));
  Secret<kSm9G1Len> bytes;
  sm9::store(bytes.span(), point.value);
  return Sm9SignUserKey::from_bytes(bytes.span());
}

// ---- encryption keys ----

Sm9EncryptMasterPublicKey::Sm9EncryptMasterPublicKey(const sm9::G1Affine& point) noexcept
    : m_point(point), m_base(sm9::pairing(point, sm9::g2_generator())) {
  sm9::store(m_bytes, point);
}

Result<Sm9EncryptMasterPublicKey> Sm9EncryptMasterPublicKey::from_bytes(
    std::span<const std::uint8_t, kSm9G1Len> point) {
  CIPHERDECK_ASSIGN(const sm9::G1Affine checked, sm9::load_g1(point));
  return Sm9EncryptMasterPublicKey(checked);
}

Sm9EncryptUserKey::Sm9EncryptUserKey(const sm9::G2Affine& point) noexcept : m_point(point) {
  sm9::store(m_bytes.span(), point);
}

Result<Sm9EncryptUserKey> Sm9EncryptUserKey::from_bytes(
    std::span<const std::uint8_t, kSm9G2Len> point) {
  CIPHERDECK_ASSIGN(const sm9::G2Affine checked, sm9::load_g2(point));
  return Sm9EncryptUserKey(checked);
}

Sm9EncryptMasterKey::Sm9EncryptMasterKey(const Secret<kSm9ScalarLen>& scalar) noexcept
    : m_scalar(scalar), m_public(public_point(scalar, sm9::g1_generator())) {}

Result<Sm9EncryptMasterKey> Sm9EncryptMasterKey::from_bytes(
    std::span<const std::uint8_t, kSm9ScalarLen> scalar) {
  CIPHERDECK_ASSIGN(const MasterScalar checked, checked_scalar(scalar));
  return Sm9EncryptMasterKey(checked);
}

Result<Sm9EncryptMasterKey> Sm9EncryptMasterKey::generate(RandomSource& random) {
  CIPHERDECK_ASSIGN(const MasterScalar scalar, new_scalar(random));
  return Sm9EncryptMasterKey(scalar);
}

Result<Sm9EncryptUserKey> Sm9EncryptMasterKey::extract(Bytes id, Sm9Use use) const {
  Wiped<Uint256> t2;
  CIPHERDECK_TRY(extraction_scalar(t2.value, m_scalar, id, use));
  const Wiped<sm9::G2Affine> point(sm9::to_affine(sm9::multiply(t2.value, sm9::g2_generator())));
  return Sm9EncryptUserKey(point.value);
}

}  // namespace cipherdeck::engine
