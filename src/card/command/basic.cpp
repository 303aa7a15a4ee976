// SPDX-License-Identifier: Apache-2.0
// Sessions, device information, random bytes and access rights.
#include "card/command/handlers.h"

#include <algorithm>
#include <array>

namespace cipherdeck::card::command {
namespace {

void count_sessions(Client& client) noexcept {
  client.counters->sessions.fetch_add(1, std::memory_order_relaxed);
}

std::shared_ptr<const void> key_at(const Partition& partition, std::uint32_t kind,
                                   std::uint32_t index) {
  if (kind == CIPHERDECK_KEY_PAIR) return partition.key_pair(index);
  if (kind == CIPHERDECK_KEY_KEK) return partition.kek(index);
  if (is_sm9_kind(kind)) return partition.sm9_key(kind, index);
  return partition.other_key(kind, index);
}

Reply refused(Error error) noexcept { return {.status = to_status(error), .cost_ns = kAccessCost}; }

}  // namespace

HandlerResult nop(Call&) { return done(); }

HandlerResult session_open(Call& call) {
  const std::uint32_t state = call.services.state.load(std::memory_order_relaxed);
  if (state == CIPHERDECK_CARD_FAILED) return Error::card_failed;
  if (state == CIPHERDECK_CARD_LOCKED) return Error::card_locked;
  if (state != CIPHERDECK_CARD_READY) return Error::not_initialised;
  auto partition = call.services.partitions.bound_to(call.client.function);
  if (partition == nullptr) return Error::no_partition;
  CIPHERDECK_ASSIGN(const std::uint32_t handle, call.client.sessions.open(std::move(partition)));
  count_sessions(call.client);
  return done(handle);
}

HandlerResult session_close(Call& call) {
  call.client.sessions.close(*call.session);
  call.session = nullptr;
  call.client.counters->sessions.fetch_sub(1, std::memory_order_relaxed);
  return done();
}

HandlerResult device_info(Call& call) {
  const cipherdeck_identity identity = call.services.identity(call.client.function);
  if (call.output.size() < sizeof identity) return too_small(sizeof identity);
  std::memcpy(call.output.data(), &identity, sizeof identity);
  return done(0, sizeof identity);
}

HandlerResult random(Call& call) {
  return queued(call.batch.add(RandomTask{.origin = call.origin(), .len = call.output.size()},
                               RandomJob{.output = call.output}));
}

// Keys are taken before the code is checked: if one is replaced in between, the right is for the
// old one and worth nothing.
HandlerResult key_access_get(Call& call) {
  const std::uint32_t index = call.command.key;
  Partition& partition = call.session->partition();
  std::array<std::shared_ptr<const void>, std::size(kKindsOfAccess)> keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = key_at(partition, kKindsOfAccess[i], index);
  }
  const SecretBytes code{Bytes(call.input)};
  const auto opened = partition.check_private_access(index, code.bytes());
  if (!opened) return refused(opened.error());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool is_open =
        std::find(opened->begin(), opened->end(), kKindsOfAccess[i]) != opened->end();
    if (is_open) call.session->give_right(kKindsOfAccess[i], index, keys[i]);
  }
  return done(0, 0, kAccessCost);
}

HandlerResult key_access_release(Call& call) {
  for (const std::uint32_t kind : kKindsOfAccess)
    call.session->release_right(kind, call.command.key);
  return done();
}

HandlerResult kek_access_get(Call& call) {
  const std::uint32_t index = call.command.key;
  Partition& partition = call.session->partition();
  const auto key = key_at(partition, CIPHERDECK_KEY_KEK, index);
  const SecretBytes code{Bytes(call.input)};
  const auto checked = partition.check_access(CIPHERDECK_KEY_KEK, index, code.bytes());
  if (!checked) return refused(checked.error());
  call.session->give_right(CIPHERDECK_KEY_KEK, index, key);
  return done(0, 0, kAccessCost);
}

HandlerResult kek_access_release(Call& call) {
  call.session->release_right(CIPHERDECK_KEY_KEK, call.command.key);
  return done();
}

}  // namespace cipherdeck::card::command
