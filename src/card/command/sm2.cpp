// SPDX-License-Identifier: Apache-2.0
// SM2 signatures and encryption.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

Result<void> check_sign(const Call& call) noexcept {
  return check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_SIGN);
}

Result<void> check_encrypt(const Call& call) noexcept {
  return check_sm2(call.command.algorithm, CIPHERDECK_ALG_SM2_ENCRYPT);
}

engine::Sm2VerifyJob verify_job(const Call& call) noexcept {
  return {.e = copy_once<engine::kSm3DigestLen>(call.input),
          .signature = copy_once<engine::kSm2SignatureLen>(call.params)};
}

Result<engine::Sm2PrivateKey> external_private_key(const Call& call) {
  CIPHERDECK_TRY(check_debugging(call));
  Secret<engine::kSm2ScalarLen> scalar;
  std::memcpy(scalar.data(), call.params.data(), scalar.size());
  return engine::Sm2PrivateKey::from_bytes(scalar.span());
}

// Plaintext and ciphertext are private: C2 and C3 must come of the same plaintext.
HandlerResult queue_encryption(Call& call, EncryptTask task, const engine::Sm2PublicKey* key) {
  const std::size_t needed = call.input.size() + engine::kSm2CiphertextOverhead;
  if (needed > CIPHERDECK_MAX_DATA_LEN) return Error::invalid_argument;
  if (call.output.size() < needed) return too_small(needed);
  Bounce& bounce = call.batch.bounce();
  if (!bounce.has_room(call.input.size() + needed, 2)) return later();
  task.origin = call.origin();
  task.output = call.output.data();
  const Bytes plaintext = bounce.copy(call.input);
  return queued(call.batch.add(
      std::move(task), engine::Sm2EncryptJob{
                           .key = key, .plaintext = plaintext, .ciphertext = bounce.take(needed)}));
}

}  // namespace

HandlerResult sm2_sign(Call& call) {
  CIPHERDECK_TRY(check_sign(call));
  CIPHERDECK_ASSIGN(auto key_pair, private_key_pair(call));
  if (call.output.size() < engine::kSm2SignatureLen) return too_small(engine::kSm2SignatureLen);
  engine::Sm2SignJob job{.key = &key_pair->sign, .e = copy_once<engine::kSm3DigestLen>(call.input)};
  SignTask task{
      .origin = call.origin(), .key_pair = std::move(key_pair), .output = call.output.data()};
  return queued(call.batch.add(std::move(task), job));
}

HandlerResult sm2_verify(Call& call) {
  CIPHERDECK_TRY(check_sign(call));
  CIPHERDECK_ASSIGN(auto key_pair, public_key_pair(call));
  engine::Sm2VerifyJob job = verify_job(call);
  job.key = &key_pair->sign.public_key();
  return queued(
      call.batch.add(VerifyTask{.origin = call.origin(), .key_pair = std::move(key_pair)}, job));
}

HandlerResult sm2_verify_external(Call& call) {
  CIPHERDECK_TRY(check_sign(call));
  CIPHERDECK_ASSIGN(const auto key, external_public_key(call.aux));
  return queued(
      call.batch.add(VerifyTask{.origin = call.origin(), .public_key = key}, verify_job(call)));
}

HandlerResult sm2_encrypt(Call& call) {
  CIPHERDECK_TRY(check_encrypt(call));
  CIPHERDECK_ASSIGN(auto key_pair, public_key_pair(call));
  const engine::Sm2PublicKey* const key = &key_pair->encrypt.public_key();
  return queue_encryption(call, {.key_pair = std::move(key_pair)}, key);
}

HandlerResult sm2_encrypt_external(Call& call) {
  CIPHERDECK_TRY(check_encrypt(call));
  CIPHERDECK_ASSIGN(const auto key, external_public_key(call.aux));
  return queue_encryption(call, {.public_key = key}, nullptr);
}

HandlerResult sm2_decrypt(Call& call) {
  CIPHERDECK_TRY(check_encrypt(call));
  CIPHERDECK_ASSIGN(auto key_pair, private_key_pair(call));
  if (call.input.size() <= engine::kSm2CiphertextOverhead) return Error::decrypt_failed;
  const std::size_t needed = call.input.size() - engine::kSm2CiphertextOverhead;
  if (call.output.size() < needed) return too_small(needed);
  Bounce& bounce = call.batch.bounce();
  if (!bounce.has_room(call.input.size() + needed, 2)) return later();
  const Bytes ciphertext = bounce.copy(call.input);
  const engine::Sm2DecryptJob job{
      .key = &key_pair->encrypt, .ciphertext = ciphertext, .plaintext = bounce.take(needed)};
  DecryptTask task{
      .origin = call.origin(), .key_pair = std::move(key_pair), .output = call.output.data()};
  return queued(call.batch.add(std::move(task), job));
}

// ---- with keys in the clear: one at a time ------------------------------------------------------

HandlerResult sm2_key_pair_make(Call& call) {
  CIPHERDECK_TRY(check_debugging(call));
  constexpr std::size_t kLen = engine::kSm2PointLen + engine::kSm2ScalarLen;
  if (call.output.size() < kLen) return too_small(kLen);
  CIPHERDECK_ASSIGN(const auto key, engine::Sm2PrivateKey::generate(call.services.random));
  std::memcpy(call.output.data(), key.public_key().bytes().data(), engine::kSm2PointLen);
  std::memcpy(call.output.data() + engine::kSm2PointLen, key.bytes().data(), key.bytes().size());
  return done(0, kLen, kSm2Cost);
}

HandlerResult sm2_sign_external(Call& call) {
  CIPHERDECK_TRY(check_sign(call));
  CIPHERDECK_ASSIGN(const auto key, external_private_key(call));
  if (call.output.size() < engine::kSm2SignatureLen) return too_small(engine::kSm2SignatureLen);
  const auto e = copy_once<engine::kSm3DigestLen>(call.input);
  CIPHERDECK_ASSIGN(const auto signature, engine::sm2_sign(key, e, call.services.random));
  std::memcpy(call.output.data(), signature.data(), signature.size());
  return done(0, signature.size(), kSm2Cost);
}

HandlerResult sm2_decrypt_external(Call& call) {
  CIPHERDECK_TRY(check_encrypt(call));
  CIPHERDECK_ASSIGN(const auto key, external_private_key(call));
  if (call.input.size() <= engine::kSm2CiphertextOverhead) return Error::decrypt_failed;
  const SecretBytes ciphertext{Bytes(call.input)};
  SecretBytes plaintext(ciphertext.size() - engine::kSm2CiphertextOverhead);
  if (call.output.size() < plaintext.size()) return too_small(plaintext.size());
  CIPHERDECK_TRY(engine::sm2_decrypt(plaintext.bytes(), key, ciphertext.bytes()));
  std::memcpy(call.output.data(), plaintext.bytes().data(), plaintext.size());
  return done(0, plaintext.size(), 2 * kSm2Cost);
}

}  // namespace cipherdeck::card::command
