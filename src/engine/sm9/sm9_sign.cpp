// SPDX-License-Identifier: Apache-2.0
// Signatures (GM/T 0044.2, 7 and 8).
#include "engine/declassify.h"
#include "engine/sm2/curve.h"
#include "engine/sm9/pairing.h"
#include "engine/sm9/range_hash.h"
#include "engine/sm9/sm9.h"
#include "engine/sm9/wiped.h"

namespace cipherdeck::engine {
namespace {

using sm9::Fp12;
using sm9::OrderModulus;
using sm9::Scalar;
using sm9::Uint256;
using sm9::Wiped;

// H2(message || w).
Uint256 hash_message(Bytes message, const Fp12& w) {
  std::array<std::uint8_t, sm9::kGtLen> bytes;
  sm9::store(bytes, w);
  sm9::RangeHash hash(sm9::RangeHash::Function::h2);
  hash.update(message);
  hash.update(bytes);
  wipe(bytes);
  return hash.finish();
}

// [l] of the key.
sm9::G1Affine multiply_key(const Uint256& l, const Sm9SignUserKey& key) {
  const Wiped<sm9::G1Affine> point(*sm9::load_g1(key.bytes()));
  return sm9::to_affine(sm9::multiply(l, point.value));
}

}  // namespace

Result<Sm9Signature> sm9_sign(const Sm9SignUserKey& key, const Sm9SignMasterPublicKey& master,
                              Bytes message, RandomSource& random) {
  for (;;) {
    Wiped<Uint256> r;
    CIPHERDECK_TRY(sm2::random_scalar(r.value, random, OrderModulus::kValue));
    const Wiped<Fp12> w(sm9::power(master.base(), r.value));
    const Uint256 h = hash_message(message, w.value);
    const Wiped<Scalar> l(Scalar::from(r.value) - Scalar::from(h));
    const std::uint64_t is_useless = l.value.is_zero();
    declassify(is_useless);
    if (is_useless != 0) continue;  // once in 2^256
    const Wiped<Uint256> l_value(l.value.value());
    Sm9Signature signature;
    sm2::store_uint256(signature.data(), h);
    sm9::store(std::span(signature).last<kSm9G1Len>(), multiply_key(l_value.value, key));
    declassify(signature);
    return signature;
  }
}

Result<void> sm9_verify(const Sm9SignMasterPublicKey& master, Bytes id, Bytes message,
                        std::span<const std::uint8_t, kSm9SignatureLen> signature) {
  const Uint256 h = sm2::load_uint256(signature.data());
  const auto s = sm9::load_g1(signature.last<kSm9G1Len>());
  if (sm2::is_in_range(h, OrderModulus::kValue) == 0 || !s) return Error::verify_failed;
  const Uint256 h1 = sm9::hash_identity(id, static_cast<std::uint8_t>(Sm9Use::sign));
  const sm9::G2Point p =
      sm9::add(sm9::multiply(h1, sm9::g2_generator()), sm9::G2Point::from(master.point()));
  if (p.is_infinity() != 0) return Error::verify_failed;
  const Fp12 w = sm9::pairing(*s, sm9::to_affine(p)) * sm9::power(master.base(), h);
  if (hash_message(message, w) != h) return Error::verify_failed;
  return {};
}

}  // namespace cipherdeck::engine
