// SPDX-License-Identifier: Apache-2.0
// Session keys made, imported and destroyed under SM2 keys.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using session::SessionKey;

// A fresh key, encrypted for `recipient` to the command's output, and its handle.
HandlerResult generate_for(Call& call, const engine::Sm2PublicKey& recipient) {
  CIPHERDECK_ASSIGN(const std::size_t len, wanted_key_len(call));
  const std::size_t needed = len + engine::kSm2CiphertextOverhead;
  if (call.output.size() < needed) return too_small(needed);
  if (call.client.sessions.keys_full()) return Error::limit;
  Secret<session::kMaxSecretLen> bytes;
  const MutableBytes key = bytes.span().first(len);
  CIPHERDECK_TRY(call.services.random.fill(key));
  std::array<std::uint8_t, session::kMaxSecretLen + engine::kSm2CiphertextOverhead> ciphertext;
  CIPHERDECK_TRY(engine::sm2_encrypt(MutableBytes(ciphertext).first(needed), recipient, key,
                                     call.services.random));
  CIPHERDECK_ASSIGN(auto session_key, SessionKey::from_bytes(key));
  CIPHERDECK_ASSIGN(const std::uint32_t handle,
                    call.client.sessions.add_key(*call.session, std::move(session_key)));
  std::memcpy(call.output.data(), ciphertext.data(), needed);
  return done(handle, needed, kSm2Cost);
}

// Decrypts an envelope that holds at most kMaxEnvelopeLen - kSm2CiphertextOverhead bytes.
constexpr std::size_t kMaxEnvelopeLen = 4096;

struct Envelope {
  Secret<kMaxEnvelopeLen> bytes;
  std::size_t len = 0;

  [[nodiscard]] Bytes plaintext() const noexcept { return {bytes.data(), len}; }
};

Result<void> open_envelope(Envelope& opened, const engine::Sm2PrivateKey& key, Bytes input) {
  if (input.size() <= engine::kSm2CiphertextOverhead || input.size() > kMaxEnvelopeLen) {
    return Error::decrypt_failed;
  }
  std::array<std::uint8_t, kMaxEnvelopeLen> ciphertext;
  std::memcpy(ciphertext.data(), input.data(), input.size());
  opened.len = input.size() - engine::kSm2CiphertextOverhead;
  return engine::sm2_decrypt(MutableBytes(opened.bytes.span()).first(opened.len), key,
                             Bytes(ciphertext).first(input.size()));
}

}  // namespace

HandlerResult public_key_export(Call& call) {
  const std::uint64_t use = call.command.arg[0];
  if (use != CIPHERDECK_USE_SIGN && use != CIPHERDECK_USE_ENCRYPT) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const auto key_pair, public_key_pair(call));
  if (call.output.size() < engine::kSm2PointLen) return too_small(engine::kSm2PointLen);
  const auto& key = use == CIPHERDECK_USE_SIGN ? key_pair->sign : key_pair->encrypt;
  std::memcpy(call.output.data(), key.public_key().bytes().data(), engine::kSm2PointLen);
  return done(0, engine::kSm2PointLen);
}

HandlerResult key_generate_ipk(Call& call) {
  CIPHERDECK_TRY(check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_ENCRYPT));
  CIPHERDECK_ASSIGN(const auto key_pair, public_key_pair(call));
  return generate_for(call, key_pair->encrypt.public_key());
}

HandlerResult key_generate_epk(Call& call) {
  CIPHERDECK_TRY(check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_ENCRYPT));
  CIPHERDECK_ASSIGN(const auto recipient, external_public_key(call.params));
  return generate_for(call, recipient);
}

HandlerResult key_import_isk(Call& call) {
  CIPHERDECK_TRY(check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_ENCRYPT));
  CIPHERDECK_ASSIGN(const auto key_pair, private_key_pair(call));
  if (call.client.sessions.keys_full()) return Error::limit;
  Envelope opened;
  CIPHERDECK_TRY(open_envelope(opened, key_pair->encrypt, call.input));
  CIPHERDECK_TRY(check_key_len(call, opened.len));
  return give_key(call.origin(), opened.plaintext(), kSm2Cost);
}

HandlerResult key_destroy(Call& call) {
  CIPHERDECK_TRY(call.client.sessions.destroy_key(*call.session, call.command.key));
  return done();
}

HandlerResult key_import(Call& call) {
  if (call.input.size() > session::kMaxSecretLen) return Error::invalid_key;
  Secret<session::kMaxSecretLen> bytes;
  std::memcpy(bytes.data(), call.input.data(), call.input.size());
  CIPHERDECK_TRY(check_key_len(call, call.input.size()));
  return give_key(call.origin(), {bytes.data(), call.input.size()});
}

HandlerResult key_open(Call& call) {
  CIPHERDECK_ASSIGN(const auto key, other_key(call, CIPHERDECK_KEY_SYMMETRIC));
  const bool has_right = call.session->has_right(CIPHERDECK_KEY_SYMMETRIC, call.command.key, key);
  if (key->access.set && !has_right) return Error::access_denied;
  return give_key(call.origin(), key->material->record().bytes());
}

HandlerResult envelope_exchange(Call& call) {
  CIPHERDECK_TRY(check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_ENCRYPT));
  CIPHERDECK_ASSIGN(const auto key_pair, private_key_pair(call));
  CIPHERDECK_ASSIGN(const auto recipient, external_public_key(call.params));
  if (call.output.size() < call.input.size()) return too_small(call.input.size());
  Envelope opened;
  CIPHERDECK_TRY(open_envelope(opened, key_pair->encrypt, call.input));
  std::array<std::uint8_t, kMaxEnvelopeLen> sealed;
  CIPHERDECK_TRY(engine::sm2_encrypt(MutableBytes(sealed).first(call.input.size()), recipient,
                                     opened.plaintext(), call.services.random));
  std::memcpy(call.output.data(), sealed.data(), call.input.size());
  return done(0, call.input.size(), 2 * kSm2Cost);
}

}  // namespace cipherdeck::card::command
