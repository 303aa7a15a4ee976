// SPDX-License-Identifier: Apache-2.0
// Key exchange (GM/T 0044.3).
#include "engine/declassify.h"
#include "engine/sm9/encapsulation.h"
#include "engine/sm9/pairing.h"
#include "engine/sm9/wiped.h"

namespace cipherdeck::engine {
namespace {

using sm9::Fp12;
using sm9::Uint256;
using sm9::Wiped;

// g1, g2 and g3 as bytes.
struct SharedValues {
  Secret<sm9::kGtLen> g1, g2, g3;
};

void compute(SharedValues& out, const Sm9Exchange& exchange, const sm9::G1Affine& peer) {
  const Wiped<Uint256> r(sm2::load_uint256(exchange.own_ephemeral.scalar.data()));
  const Wiped<Fp12> own(sm9::power(exchange.master.base(), r.value));
  const Wiped<Fp12> others(sm9::pairing(peer, exchange.own_key.point()));
  const Wiped<Fp12> common(sm9::power(others.value, r.value));
  sm9::store(out.g1.span(), exchange.initiator ? own.value : others.value);
  sm9::store(out.g2.span(), exchange.initiator ? others.value : own.value);
  sm9::store(out.g3.span(), common.value);
}

// Identities and ephemeral keys, the initiator's first.
void hash_parties(Sm3& hash, const Sm9Exchange& exchange) {
  const Bytes own = exchange.own_ephemeral.point, peer = exchange.peer_ephemeral;
  hash.update(exchange.initiator_id);
  hash.update(exchange.responder_id);
  hash.update(exchange.initiator ? own : peer);
  hash.update(exchange.initiator ? peer : own);
}

sm2::Kdf key_stream(const SharedValues& values, const Sm9Exchange& exchange) {
  Sm3 seed;
  hash_parties(seed, exchange);
  for (const auto* value : {&values.g1, &values.g2, &values.g3}) seed.update(value->span());
  return sm2::Kdf(seed);
}

// SM3(prefix || g1 || SM3(g2 || g3 || parties)).
Sm3Digest confirmation(std::uint8_t prefix, const SharedValues& values,
                       const Sm9Exchange& exchange) {
  Sm3 inner;
  inner.update(values.g2.span());
  inner.update(values.g3.span());
  hash_parties(inner, exchange);
  Sm3 outer;
  outer.update({&prefix, 1});
  outer.update(values.g1.span());
  outer.update(inner.finish());
  return outer.finish();
}

}  // namespace

Result<Sm9Ephemeral> sm9_exchange_start(const Sm9EncryptMasterPublicKey& master, Bytes peer_id,
                                        RandomSource& random) {
  CIPHERDECK_ASSIGN(const sm9::G1Affine q, sm9::identity_point(master, peer_id, Sm9Use::exchange));
  Wiped<Uint256> r;
  CIPHERDECK_TRY(sm2::random_scalar(r.value, random, sm9::OrderModulus::kValue));
  Sm9Ephemeral ephemeral;
  sm2::store_uint256(ephemeral.scalar.data(), r.value);
  sm9::store(ephemeral.point, sm9::to_affine(sm9::multiply(r.value, q)));
  declassify(ephemeral.point);
  return ephemeral;
}

Result<void> sm9_exchange(MutableBytes shared_key, const Sm9Exchange& exchange,
                          Sm9Confirmations* confirmations) {
  const auto peer = sm9::load_g1(exchange.peer_ephemeral);
  if (!peer) {
    wipe(shared_key);
    return peer.error();
  }
  SharedValues values;
  compute(values, exchange, *peer);
  key_stream(values, exchange).fill(shared_key);
  if (confirmations != nullptr) {
    confirmations->responder = confirmation(0x82, values, exchange);
    confirmations->initiator = confirmation(0x83, values, exchange);
  }
  return {};
}

}  // namespace cipherdeck::engine
