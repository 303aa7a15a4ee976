// SPDX-License-Identifier: Apache-2.0
// ZUC: 128-EEA3 and 128-EIA3.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using ZucKey = std::span<const std::uint8_t, engine::kZucKeyLen>;

Result<ZucKey> key_for(const Call& call) {
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  if (key->bytes().size() != engine::kZucKeyLen) return Error::key_type;
  return ZucKey(key->bytes());
}

}  // namespace

// Both directions.
HandlerResult crypt_by_zuc(Call& call) {
  CIPHERDECK_ASSIGN(const ZucKey key, key_for(call));
  const std::size_t len = call.input.size();
  if (call.output.size() < len) return too_small(len);
  CIPHERDECK_TRY(check_overlap(call.input, call.output.first(len)));
  if (call.params.empty()) return Error::invalid_command;
  CIPHERDECK_ASSIGN(const auto message,
                    engine::parse_eea3_iv(copy_once<engine::kZucIvLen>(call.params)));
  ZucTask task{.origin = call.origin(), .state = {key, message}, .len = len};
  return queued(call.batch.add(
      std::move(task),
      engine::ZucJob{.input = call.input.data(), .output = call.output.data(), .len = len}));
}

HandlerResult mac_by_zuc(Call& call) {
  CIPHERDECK_ASSIGN(const ZucKey key, key_for(call));
  if (call.output.size() < engine::kZucMacLen) return too_small(engine::kZucMacLen);
  CIPHERDECK_ASSIGN(const auto message,
                    engine::parse_eia3_iv(copy_once<engine::kZucIvLen>(call.params)));
  ZucMacTask task{.origin = call.origin(), .state = {key, message}, .output = call.output.data()};
  return queued(call.batch.add(std::move(task), engine::ZucMacJob{.input = call.input}));
}

}  // namespace cipherdeck::card::command
