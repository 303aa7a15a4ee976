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

Result<std::size_t> wanted_key_len(const Call& call) noexcept {
  const std::uint64_t bits = call.command.arg[0];
  if (bits != 128 && bits != 256) return Error::invalid_argument;
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

Result<std::shared_ptr<const KeyPair>> private_key_pair(const Call& call) {
  CIPHERDECK_ASSIGN(auto key_pair, public_key_pair(call));
  if (!call.session->has_right(CIPHERDECK_KEY_PAIR, call.command.key, key_pair)) {
    return Error::access_denied;
  }
  return key_pair;
}

Result<engine::Sm2PublicKey> external_public_key(Bytes at) {
  return engine::Sm2PublicKey::from_bytes(copy_once<engine::kSm2PointLen>(at));
}

}  // namespace cipherdeck::card::command
