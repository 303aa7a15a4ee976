// SPDX-License-Identifier: Apache-2.0
// Session keys wrapped by key encryption keys: SM4-ECB of the key without padding (GM/T 0018-2023),
// or, for clients that ask for CBC, IV || SM4-CBC of the key with PKCS #7 padding.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using session::SessionKey;
constexpr std::size_t kBlock = engine::kSm4BlockLen;
constexpr std::size_t kMaxWrappedLen = kBlock + session::kMaxSecretLen + kBlock;

enum class Wrapping : std::uint8_t { ecb, cbc };

Result<Wrapping> wrapping_of(std::uint32_t algorithm) noexcept {
  CIPHERDECK_TRY(check_sm4_family(algorithm));
  if (algorithm == CIPHERDECK_ALG_SM4_ECB) return Wrapping::ecb;
  if (algorithm == CIPHERDECK_ALG_SM4_CBC) return Wrapping::cbc;
  return Error::mode;
}

// A KEK with an access code wants the right first; one without is free to use.
Result<std::shared_ptr<const Kek>> usable_kek(const Call& call) {
  auto kek = call.session->partition().kek(call.command.key);
  if (kek == nullptr) return Error::key_not_found;
  if (kek->access.set && !call.session->has_right(CIPHERDECK_KEY_KEK, call.command.key, kek)) {
    return Error::access_denied;
  }
  return kek;
}

engine::Sm4Key sm4_key(const Kek& kek) noexcept {
  return engine::Sm4Key(kek.key.span().first<engine::kSm4KeyLen>());
}

Result<void> run_cbc(const engine::Sm4Key& key, engine::Direction direction, Bytes iv,
                     MutableBytes data) noexcept {
  auto chain = copy_once<kBlock>(iv);
  engine::CipherJob job{.key = &key,
                        .mode = engine::CipherMode::cbc,
                        .direction = direction,
                        .iv = chain.data(),
                        .input = data.data(),
                        .output = data.data(),
                        .len = data.size()};
  engine::run(std::span(&job, 1));
  return job.result;
}

// Wraps `key` to `wrapped`, and gives back the length.
Result<std::size_t> wrap(MutableBytes wrapped, const engine::Sm4Key& kek, Wrapping wrapping,
                         Bytes key, RandomSource& random) {
  if (wrapping == Wrapping::ecb) {
    kek.encrypt_blocks(wrapped.data(), key.data(), key.size() / kBlock);
    return key.size();
  }
  CIPHERDECK_TRY(random.fill(wrapped.first(kBlock)));
  const MutableBytes data = wrapped.subspan(kBlock, key.size() + kBlock);
  std::memcpy(data.data(), key.data(), key.size());
  std::memset(data.data() + key.size(), kBlock, kBlock);
  CIPHERDECK_TRY(run_cbc(kek, engine::Direction::encrypt, wrapped.first(kBlock), data));
  return kBlock + data.size();
}

// Unwraps to `key`, of kMaxWrappedLen bytes, and gives back the length.
Result<std::size_t> unwrap(MutableBytes key, const engine::Sm4Key& kek, Wrapping wrapping,
                           Bytes wrapped) {
  if (wrapping == Wrapping::ecb) {
    if (wrapped.empty() || wrapped.size() % kBlock != 0) return Error::decrypt_failed;
    if (wrapped.size() > session::kMaxSecretLen) return Error::decrypt_failed;
    kek.decrypt_blocks(key.data(), wrapped.data(), wrapped.size() / kBlock);
    return wrapped.size();
  }
  if (wrapped.size() < 3 * kBlock || wrapped.size() % kBlock != 0) return Error::decrypt_failed;
  const MutableBytes data = key.first(wrapped.size() - kBlock);
  std::memcpy(data.data(), wrapped.data() + kBlock, data.size());
  CIPHERDECK_TRY(run_cbc(kek, engine::Direction::decrypt, wrapped.first(kBlock), data));
  std::array<std::uint8_t, kBlock> padding;
  padding.fill(kBlock);
  if (!equal_constant_time(data.last(kBlock), padding)) return Error::decrypt_failed;
  return data.size() - kBlock;
}

}  // namespace

HandlerResult key_generate_kek(Call& call) {
  CIPHERDECK_ASSIGN(const Wrapping wrapping, wrapping_of(call.command.algorithm));
  CIPHERDECK_ASSIGN(const std::size_t len, wanted_key_len(call));
  if (len % kBlock != 0) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const auto kek, usable_kek(call));
  const std::size_t needed = wrapping == Wrapping::ecb ? len : kBlock + len + kBlock;
  if (call.output.size() < needed) return too_small(needed);
  if (call.client.sessions.keys_full()) return Error::limit;
  Secret<session::kMaxSecretLen> bytes;
  const MutableBytes key = bytes.span().first(len);
  CIPHERDECK_TRY(call.services.random.fill(key));
  Secret<kMaxWrappedLen> wrapped;
  CIPHERDECK_TRY(wrap(wrapped.span(), sm4_key(*kek), wrapping, key, call.services.random));
  CIPHERDECK_ASSIGN(auto session_key, SessionKey::from_bytes(key));
  CIPHERDECK_ASSIGN(const std::uint32_t handle,
                    call.client.sessions.add_key(*call.session, std::move(session_key)));
  std::memcpy(call.output.data(), wrapped.data(), needed);
  return done(handle, needed, kAccessCost);
}

HandlerResult key_import_kek(Call& call) {
  CIPHERDECK_ASSIGN(const Wrapping wrapping, wrapping_of(call.command.algorithm));
  CIPHERDECK_ASSIGN(const auto kek, usable_kek(call));
  if (call.input.size() > kMaxWrappedLen) return Error::decrypt_failed;
  std::array<std::uint8_t, kMaxWrappedLen> wrapped;
  std::memcpy(wrapped.data(), call.input.data(), call.input.size());
  Secret<kMaxWrappedLen> bytes;
  CIPHERDECK_ASSIGN(const std::size_t len, unwrap(bytes.span(), sm4_key(*kek), wrapping,
                                                  Bytes(wrapped).first(call.input.size())));
  CIPHERDECK_TRY(check_key_len(call, len));
  return give_key(call.origin(), {bytes.data(), len}, kAccessCost);
}

}  // namespace cipherdeck::card::command
