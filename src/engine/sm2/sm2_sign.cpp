// SPDX-License-Identifier: Apache-2.0
// Signatures (GB/T 32918.2).
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/sm2/curve.h"
#include "engine/sm2/sm2.h"

namespace cipherdeck::engine {
namespace {

using sm2::Scalar;
using sm2::Uint256;

// Steps A4 to A6 with the nonce `k`. False: another nonce is needed.
bool sign_with(Sm2Signature& signature, const Sm2PrivateKey& key, const Scalar& e,
               const Uint256& k) {
  const sm2::AffinePoint point = sm2::to_affine(sm2::multiply_generator(k));
  const Scalar r = e + Scalar::from(point.x.value());
  Scalar r_plus_k = r + Scalar::from(k);
  Scalar inverse = Scalar::from(sm2::load_uint256(key.inverse().data()));
  // (k - r d) / (1 + d) = (r + k) / (1 + d) - r.
  const Scalar s = r_plus_k * inverse - r;
  sm2::store_uint256(signature.data(), r.value());
  sm2::store_uint256(signature.data() + 32, s.value());
  const std::uint64_t bad = r.is_zero() | r_plus_k.is_zero() | s.is_zero();
  declassify(bad);
  wipe_object(r_plus_k);
  wipe_object(inverse);
  return bad == 0;
}

}  // namespace

Result<Sm2Signature> sm2_sign(const Sm2PrivateKey& key,
                              std::span<const std::uint8_t, kSm3DigestLen> e,
                              RandomSource& random) {
  constexpr int kMaxTries = 64;
  const Scalar e_residue = Scalar::from(sm2::load_uint256(e.data()));
  Sm2Signature signature;
  for (int i = 0; i < kMaxTries; ++i) {
    Uint256 k;
    CIPHERDECK_TRY(sm2::random_scalar(k, random));
    const bool done = sign_with(signature, key, e_residue, k);
    wipe_object(k);
    if (done) {
      declassify(signature);
      return signature;
    }
  }
  wipe(signature);
  return Error::sign_failed;
}

Result<void> sm2_verify(const Sm2PublicKey& key, std::span<const std::uint8_t, kSm3DigestLen> e,
                        std::span<const std::uint8_t, kSm2SignatureLen> signature) {
  const Uint256 r = sm2::load_uint256(signature.data());
  const Uint256 s = sm2::load_uint256(signature.data() + 32);
  const Uint256& n = sm2::OrderModulus::kValue;
  if ((sm2::is_in_range(r, n) & sm2::is_in_range(s, n)) == 0) return Error::verify_failed;

  const Scalar r_residue = Scalar::from(r);
  const Scalar t = r_residue + Scalar::from(s);
  if (t.is_zero() != 0) return Error::verify_failed;

  const sm2::Point public_point = sm2::Point::from(sm2::load_point(key.bytes()));
  const sm2::Point sum =
      sm2::add(sm2::multiply_generator(s), sm2::multiply(t.value(), public_point));
  if (sum.is_infinity() != 0) return Error::verify_failed;

  const Scalar x = Scalar::from(sm2::to_affine(sum).x.value());
  const Scalar expected = Scalar::from(sm2::load_uint256(e.data())) + x;
  if (expected.equals(r_residue) == 0) return Error::verify_failed;
  return {};
}

}  // namespace cipherdeck::engine
