// SPDX-License-Identifier: Apache-2.0
// Key exchange (GB/T 32918.3).
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/sm2/sm2_variants.h"

namespace cipherdeck::engine {
namespace {

// 2^w + (x & (2^w - 1)) with w = 127, of the x coordinate of an ephemeral key.
sm2::Uint256 truncated_x(const Sm2PublicKey& key) {
  const sm2::Uint256 x = sm2::load_uint256(key.bytes().data());
  return {x[0], x[1] | (std::uint64_t{1} << 63), 0, 0};
}

// t = d + x r modulo n, steps A5 and B4.
sm2::Uint256 implicit_scalar(const Sm2Exchange& exchange) {
  using sm2::Scalar;
  Scalar d = Scalar::from(sm2::load_uint256(exchange.own_key.bytes().data()));
  Scalar r = Scalar::from(sm2::load_uint256(exchange.own_ephemeral.bytes().data()));
  const Scalar x = Scalar::from(truncated_x(exchange.own_ephemeral.public_key()));
  const sm2::Uint256 t = (d + x * r).value();
  wipe_object(d);
  wipe_object(r);
  return t;
}

// P + x R of the peer, steps A7 and B6; all public.
sm2::Point implicit_point(const Sm2Exchange& exchange) {
  const sm2::Point ephemeral = sm2::Point::from(sm2::load_point(exchange.peer_ephemeral.bytes()));
  return sm2::add(sm2::multiply(truncated_x(exchange.peer_ephemeral), ephemeral),
                  sm2::load_point(exchange.peer_key.bytes()));
}

// The common point, infinity if that is what the peer's keys or the scalar give.
sm2::PlainPoint common_point(const Sm2Exchange& exchange) {
  const sm2::Point implicit = implicit_point(exchange);
  if (implicit.is_infinity() != 0) return {};
  const sm2::AffinePoint affine = sm2::to_affine(implicit);
  const sm2::PlainPoint base{affine.x.value(), affine.y.value()};
  sm2::Uint256 t = implicit_scalar(exchange);
  sm2::PlainPoint common;
  sm2::chosen_variant().multiply(std::span(&common, 1), std::span(&t, 1), std::span(&base, 1));
  wipe_object(t);
  return common;
}

}  // namespace

Result<void> sm2_exchange(MutableBytes shared_key, const Sm2Exchange& exchange) {
  sm2::PlainPoint common = common_point(exchange);
  const std::uint64_t is_infinity = common.is_infinity();
  declassify(is_infinity);
  if (is_infinity != 0) {
    wipe(shared_key);
    return Error::invalid_key;
  }
  // x || y || Z of the initiator || Z of the responder.
  Secret<kSm2PointLen + 2 * kSm3DigestLen> seed;
  sm2::store_uint256(seed.data(), common.x);
  sm2::store_uint256(seed.data() + 32, common.y);
  wipe_object(common);
  const Sm3Digest& first = exchange.initiator ? exchange.own_z : exchange.peer_z;
  const Sm3Digest& second = exchange.initiator ? exchange.peer_z : exchange.own_z;
  std::memcpy(seed.data() + kSm2PointLen, first.data(), first.size());
  std::memcpy(seed.data() + kSm2PointLen + kSm3DigestLen, second.data(), second.size());
  sm2::derive(shared_key, seed.span());
  return {};
}

}  // namespace cipherdeck::engine
