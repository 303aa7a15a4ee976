// SPDX-License-Identifier: Apache-2.0
#include "card/command/handlers.h"

#include <algorithm>
#include <functional>

namespace cipherdeck::card::command {
namespace {

constexpr std::uint32_t kFamilyMask = 0x0000ff00u;
constexpr std::uint32_t kExtendedModes =
    (CIPHERDECK_ALG_SM4_XTS | CIPHERDECK_ALG_SM4_GCM | CIPHERDECK_ALG_SM4_CCM) & 0xff000000u;

}  // namespace

Result<void> check_overlap(Bytes input, Bytes output) noexcept {
  if (input.empty() || output.empty() || input.data() == output.data()) return {};
  const std::less_equal<const std::uint8_t*> not_after;
  const bool disjoint = not_after(input.data() + input.size(), output.data()) ||
                        not_after(output.data() + output.size(), input.data());
  if (!disjoint) return Error::invalid_argument;
  return {};
}

Result<void> check_sm2(std::uint32_t algorithm, std::uint32_t use) noexcept {
  if (algorithm != 0 && algorithm != CIPHERDECK_ALG_SM2 && algorithm != use) {
    return Error::algorithm;
  }
  return {};
}

Result<void> check_sm4_family(std::uint32_t algorithm) noexcept {
  const std::uint32_t rest = algorithm & ~(kFamilyMask | CIPHERDECK_ALG_MODE_MASK | kExtendedModes);
  if ((algorithm & kFamilyMask) != CIPHERDECK_ALG_SM4 || rest != 0) return Error::algorithm;
  return {};
}

Result<engine::AeadMode> aead_mode(std::uint32_t algorithm) noexcept {
  CIPHERDECK_TRY(check_sm4_family(algorithm));
  if (algorithm == CIPHERDECK_ALG_SM4_GCM) return engine::AeadMode::gcm;
  if (algorithm == CIPHERDECK_ALG_SM4_CCM) return engine::AeadMode::ccm;
  return Error::mode;
}

Result<const session::SessionKey*> sm4_key(const Call& call, bool two_keys) {
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  if (key->bytes().size() != (two_keys ? 2 : 1) * engine::kSm4KeyLen) return Error::key_type;
  return key;
}

Result<std::size_t> wanted_key_len(const Call& call) noexcept {
  const std::uint64_t bits = call.command.arg[0];
  if (bits == 0 || bits % 8 != 0 || bits / 8 > session::kMaxSecretLen) {
    return Error::invalid_argument;
  }
  return static_cast<std::size_t>(bits / 8);
}

Result<void> check_key_len(const Call& call, std::size_t len) noexcept {
  const std::uint64_t bits = call.command.arg[0];
  if (bits != 0 && bits != 8 * std::uint64_t{len}) return Error::invalid_argument;
  return {};
}

Result<std::shared_ptr<const KeyPair>> public_key_pair(const Call& call) {
  auto key_pair = call.session->partition().key_pair(call.command.key);
  if (key_pair == nullptr) return Error::key_not_found;
  return key_pair;
}

Result<std::shared_ptr<const OtherKey>> other_key(const Call& call, std::uint32_t kind) {
  auto key = call.session->partition().other_key(kind, call.command.key);
  if (key == nullptr) return Error::key_not_found;
  return key;
}

Result<std::shared_ptr<const OtherKey>> other_private_key(const Call& call, std::uint32_t kind) {
  CIPHERDECK_ASSIGN(auto key, other_key(call, kind));
  if (!call.session->has_right(kind, call.command.key, key)) return Error::access_denied;
  return key;
}

Result<std::shared_ptr<const KeyPair>> private_key_pair(const Call& call) {
  CIPHERDECK_ASSIGN(auto key_pair, public_key_pair(call));
  if (!call.session->has_right(CIPHERDECK_KEY_PAIR, call.command.key, key_pair)) {
    return Error::access_denied;
  }
  return key_pair;
}

HandlerResult give_key(const Origin& origin, Bytes bytes, std::uint32_t cost_ns) {
  CIPHERDECK_ASSIGN(auto key, session::SessionKey::from_bytes(bytes));
  CIPHERDECK_ASSIGN(const std::uint32_t handle,
                    origin.client->sessions.add_key(*origin.session, std::move(key)));
  return done(handle, 0, cost_ns);
}

Result<void> check_debugging(const Call& call) noexcept {
  if (!call.services.debugging) return Error::not_supported;
  return {};
}

Result<engine::Sm2PublicKey> external_public_key(Bytes at) {
  return engine::Sm2PublicKey::from_bytes(copy_once<engine::kSm2PointLen>(at));
}

}  // namespace cipherdeck::card::command
