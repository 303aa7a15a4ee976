// SPDX-License-Identifier: Apache-2.0
// SM3 and HMAC-SM3, one in progress per session.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using session::HashContext;
using Kind = HashContext::Kind;
constexpr std::size_t kDigestLen = engine::kSm3DigestLen;
constexpr std::size_t kMaxIdLen = 8191;

Result<void> check_sm3(std::uint32_t algorithm) noexcept {
  if (algorithm != CIPHERDECK_ALG_SM3) return Error::algorithm;
  return {};
}

HandlerResult update(Call& call, Kind kind) {
  HashContext& context = call.session->hash;
  if (context.kind != kind) return Error::step;
  if (call.input.empty()) return done();
  return queued(call.batch.add(HashTask{.origin = call.origin()},
                               engine::HashJob{.state = &context.inner, .input = call.input}));
}

HandlerResult finish(Call& call, Kind kind) {
  HashContext& context = call.session->hash;
  if (context.kind != kind) return Error::step;
  if (call.output.size() < kDigestLen) return too_small(kDigestLen);
  engine::Sm3Digest digest = context.inner.finish();
  if (kind == Kind::hmac) {
    context.outer.update(digest);
    digest = context.outer.finish();
  }
  context.reset();
  std::memcpy(call.output.data(), digest.data(), digest.size());
  wipe(digest);
  return done(0, kDigestLen, 2 * kSmallCost);
}

// H((key ^ ipad) || data) begun in `inner`, H((key ^ opad) || ...) in `outer`. A session key is
// never longer than a block.
void start_hmac(HashContext& context, Bytes key) noexcept {
  Secret<engine::kSm3BlockLen> block;
  std::memcpy(block.data(), key.data(), key.size());
  for (auto& byte : block.span()) byte ^= 0x36;
  context.inner.update(block.span());
  for (auto& byte : block.span()) byte ^= 0x36 ^ 0x5c;
  context.outer.update(block.span());
}

}  // namespace

HandlerResult hash_init(Call& call) {
  CIPHERDECK_TRY(check_sm3(call.command.algorithm));
  if (call.params.empty() != call.aux.empty()) return Error::invalid_command;
  HashContext& context = call.session->hash;
  if (call.params.empty()) {
    context.reset();
    context.kind = Kind::hash;
    return done();
  }
  CIPHERDECK_ASSIGN(const auto key, external_public_key(call.params));
  std::array<std::uint8_t, kMaxIdLen> id;
  std::memcpy(id.data(), call.aux.data(), call.aux.size());
  CIPHERDECK_ASSIGN(const auto z, key.z(Bytes(id).first(call.aux.size())));
  context.reset();
  context.kind = Kind::hash;
  context.inner.update(z);
  return done(0, 0, kAccessCost);
}

HandlerResult hash_update(Call& call) { return update(call, Kind::hash); }

HandlerResult hash_final(Call& call) { return finish(call, Kind::hash); }

HandlerResult hash(Call& call) {
  CIPHERDECK_TRY(check_sm3(call.command.algorithm));
  if (call.output.size() < kDigestLen) return too_small(kDigestLen);
  return queued(call.batch.add(
      HashTask{.origin = call.origin(), .own_state = true, .output = call.output.data()},
      engine::HashJob{.input = call.input}));
}

HandlerResult hmac_init(Call& call) {
  if (call.command.algorithm != CIPHERDECK_ALG_SM3_HMAC)
    CIPHERDECK_TRY(check_sm3(call.command.algorithm));
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  HashContext& context = call.session->hash;
  context.reset();
  start_hmac(context, key->bytes());
  context.kind = Kind::hmac;
  return done(0, 0, 2 * kSmallCost);
}

HandlerResult hmac_update(Call& call) { return update(call, Kind::hmac); }

HandlerResult hmac_final(Call& call) { return finish(call, Kind::hmac); }

}  // namespace cipherdeck::card::command
