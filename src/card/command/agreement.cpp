// SPDX-License-Identifier: Apache-2.0
// SM2 key exchange (GB/T 32918.3) with the encryption key pair of an index. It uses a private key,
// so both sides want the access right.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using session::Agreement;
using session::SessionKey;
constexpr std::size_t kTwoPointsLen = 2 * engine::kSm2PointLen;
constexpr std::size_t kMaxIdLen = 8191;

struct Peer {
  engine::Sm2PublicKey key;
  engine::Sm2PublicKey ephemeral;
  engine::Sm3Digest z;
};

Result<engine::Sm3Digest> z_of(const engine::Sm2PublicKey& key, Bytes id) {
  std::array<std::uint8_t, kMaxIdLen> copy;
  std::memcpy(copy.data(), id.data(), id.size());
  return key.z(Bytes(copy).first(id.size()));
}

Result<Peer> read_peer(Bytes points, Bytes id) {
  const auto copy = copy_once<kTwoPointsLen>(points);
  const std::span all(copy);
  CIPHERDECK_ASSIGN(auto key, engine::Sm2PublicKey::from_bytes(all.first<engine::kSm2PointLen>()));
  CIPHERDECK_ASSIGN(auto ephemeral,
                    engine::Sm2PublicKey::from_bytes(all.last<engine::kSm2PointLen>()));
  CIPHERDECK_ASSIGN(auto z, z_of(key, id));
  return Peer{key, ephemeral, z};
}

void write_points(MutableBytes output, const engine::Sm2PublicKey& key,
                  const engine::Sm2PublicKey& ephemeral) noexcept {
  std::memcpy(output.data(), key.bytes().data(), engine::kSm2PointLen);
  std::memcpy(output.data() + engine::kSm2PointLen, ephemeral.bytes().data(), engine::kSm2PointLen);
}

Result<SessionKey> agree(const Agreement& own, const Peer& peer, bool initiator) {
  Secret<session::kMaxSecretLen> bytes;
  const MutableBytes shared = bytes.span().first(own.key_len);
  CIPHERDECK_TRY(engine::sm2_exchange(shared, {.initiator = initiator,
                                               .own_key = own.own->encrypt,
                                               .own_ephemeral = own.ephemeral,
                                               .peer_key = peer.key,
                                               .peer_ephemeral = peer.ephemeral,
                                               .own_z = own.own_z,
                                               .peer_z = peer.z}));
  return SessionKey::from_bytes(shared);
}

// The own half, from the command's key index, own id and key length.
Result<Agreement> start(const Call& call) {
  CIPHERDECK_TRY(check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_EXCHANGE));
  CIPHERDECK_ASSIGN(const std::size_t key_len, wanted_key_len(call));
  CIPHERDECK_ASSIGN(auto own, private_key_pair(call));
  CIPHERDECK_ASSIGN(auto own_z, z_of(own->encrypt.public_key(), call.input));
  CIPHERDECK_ASSIGN(auto ephemeral, engine::Sm2PrivateKey::generate(call.services.random));
  return Agreement{std::move(own), std::move(ephemeral), own_z, key_len};
}

}  // namespace

HandlerResult agreement_start(Call& call) {
  if (call.output.size() < kTwoPointsLen) return too_small(kTwoPointsLen);
  CIPHERDECK_ASSIGN(auto agreement, start(call));
  const engine::Sm2PublicKey key = agreement.own->encrypt.public_key();
  const engine::Sm2PublicKey ephemeral = agreement.ephemeral.public_key();
  CIPHERDECK_ASSIGN(const std::uint32_t handle,
                    call.client.sessions.add_key(*call.session, std::move(agreement)));
  write_points(call.output, key, ephemeral);
  return done(handle, kTwoPointsLen, kSm2Cost);
}

HandlerResult agreement_finish(Call& call) {
  CIPHERDECK_TRY(check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_EXCHANGE));
  auto& sessions = call.client.sessions;
  CIPHERDECK_ASSIGN(const Agreement* const own,
                    sessions.agreement(*call.session, call.command.key));
  CIPHERDECK_TRY(check_key_len(call, own->key_len));
  CIPHERDECK_ASSIGN(const Peer peer, read_peer(call.params, call.input));
  CIPHERDECK_ASSIGN(auto key, agree(*own, peer, true));
  // The ephemeral key has served, once; its handle makes room for the session key's.
  CIPHERDECK_TRY(sessions.destroy_key(*call.session, call.command.key));
  CIPHERDECK_ASSIGN(const std::uint32_t handle, sessions.add_key(*call.session, std::move(key)));
  return done(handle, 0, 2 * kSm2Cost);
}

HandlerResult agreement_respond(Call& call) {
  if (call.output.size() < kTwoPointsLen) return too_small(kTwoPointsLen);
  if (call.client.sessions.keys_full()) return Error::limit;
  CIPHERDECK_ASSIGN(const Agreement own, start(call));
  CIPHERDECK_ASSIGN(const Peer peer, read_peer(call.params, call.aux));
  CIPHERDECK_ASSIGN(auto key, agree(own, peer, false));
  CIPHERDECK_ASSIGN(const std::uint32_t handle,
                    call.client.sessions.add_key(*call.session, std::move(key)));
  write_points(call.output, own.own->encrypt.public_key(), own.ephemeral.public_key());
  return done(handle, kTwoPointsLen, 3 * kSm2Cost);
}

}  // namespace cipherdeck::card::command
