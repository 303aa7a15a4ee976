// SPDX-License-Identifier: Apache-2.0
// Hashes and HMACs, one in progress per session: SM3 by the engine, SHA by OpenSSL.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using session::HashContext;
using Kind = HashContext::Kind;
constexpr std::size_t kDigestLen = engine::kSm3DigestLen;
constexpr std::size_t kMaxIdLen = 8191;

using session::OtherHash;

// SHA is done at once, and roughly at a byte a nanosecond.
std::uint32_t cost_of_other(std::size_t len) noexcept {
  return kAccessCost + static_cast<std::uint32_t>(len);
}

HandlerResult update_other(Call& call, OtherHash& hash) {
  if (call.input.size() > CIPHERDECK_MAX_PART_LEN) return Error::invalid_argument;
  CIPHERDECK_TRY(hash.update(call.input));
  return done(0, 0, cost_of_other(call.input.size()));
}

HandlerResult finish_other(Call& call, OtherHash& hash) {
  const std::size_t len = hash.digest_len();
  std::array<std::uint8_t, session::kMaxDigestLen> digest;
  CIPHERDECK_TRY(hash.finish(digest));
  std::memcpy(call.output.data(), digest.data(), len);
  return done(0, len, kAccessCost);
}

std::size_t digest_len(const HashContext& context) noexcept {
  return context.other ? context.other->digest_len() : kDigestLen;
}

HandlerResult begin_other(HashContext& context, Kind kind, Result<OtherHash> begun) {
  CIPHERDECK_ASSIGN(auto hash, std::move(begun));
  context.reset();
  context.kind = kind;
  context.other.emplace(std::move(hash));
  return done(0, 0, kAccessCost);
}

HandlerResult update(Call& call, Kind kind) {
  HashContext& context = call.session->hash;
  if (context.kind != kind) return Error::step;
  if (call.input.empty()) return done();
  if (context.other) return update_other(call, *context.other);
  return queued(call.batch.add(HashTask{.origin = call.origin()},
                               engine::HashJob{.state = &context.inner, .input = call.input}));
}

HandlerResult finish(Call& call, Kind kind) {
  HashContext& context = call.session->hash;
  if (context.kind != kind) return Error::step;
  if (call.output.size() < digest_len(context)) return too_small(digest_len(context));
  if (context.other) {
    auto reply = finish_other(call, *context.other);
    context.reset();
    return reply;
  }
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

HandlerResult hash_other(Call& call) {
  CIPHERDECK_ASSIGN(auto hash, OtherHash::begin(call.command.algorithm));
  if (call.output.size() < hash.digest_len()) return too_small(hash.digest_len());
  CIPHERDECK_ASSIGN(const Reply updated, update_other(call, hash));
  CIPHERDECK_ASSIGN(Reply finished, finish_other(call, hash));
  finished.cost_ns += updated.cost_ns;
  return finished;
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
  if (call.params.empty() != call.aux.empty()) return Error::invalid_command;
  HashContext& context = call.session->hash;
  if (call.command.algorithm != CIPHERDECK_ALG_SM3) {
    if (!call.params.empty()) return Error::algorithm;  // Z is of SM3
    return begin_other(context, Kind::hash, OtherHash::begin(call.command.algorithm));
  }
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
  if (call.command.algorithm != CIPHERDECK_ALG_SM3) return hash_other(call);
  if (call.output.size() < kDigestLen) return too_small(kDigestLen);
  return queued(call.batch.add(
      HashTask{.origin = call.origin(), .own_state = true, .output = call.output.data()},
      engine::HashJob{.input = call.input}));
}

HandlerResult hmac_init(Call& call) {
  const std::uint32_t algorithm = call.command.algorithm;
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  HashContext& context = call.session->hash;
  if (algorithm == CIPHERDECK_ALG_SHA256_HMAC) {
    return begin_other(context, Kind::hmac,
                       OtherHash::begin_hmac(CIPHERDECK_ALG_SHA256, key->bytes()));
  }
  if (algorithm != CIPHERDECK_ALG_SM3_HMAC && algorithm != CIPHERDECK_ALG_SM3) {
    return Error::algorithm;
  }
  context.reset();
  start_hmac(context, key->bytes());
  context.kind = Kind::hmac;
  return done(0, 0, 2 * kSmallCost);
}

HandlerResult hmac_update(Call& call) { return update(call, Kind::hmac); }

HandlerResult hmac_final(Call& call) { return finish(call, Kind::hmac); }

}  // namespace cipherdeck::card::command
