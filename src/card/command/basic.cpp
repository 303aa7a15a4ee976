// SPDX-License-Identifier: Apache-2.0
// Sessions, device information, random bytes and access rights.
#include "card/command/handlers.h"

#include <algorithm>

namespace cipherdeck::card::command {
namespace {

void count_sessions(Client& client) noexcept {
  client.counters->sessions.fetch_add(1, std::memory_order_relaxed);
}

std::shared_ptr<const void> key_at(const Partition& partition, std::uint32_t kind,
                                   std::uint32_t index) {
  if (kind == CIPHERDECK_KEY_PAIR) return partition.key_pair(index);
  return partition.kek(index);
}

HandlerResult access_get(Call& call, std::uint32_t kind) {
  const std::uint32_t index = call.command.key;
  Partition& partition = call.session->partition();
  // Taken before the code is checked: if the key is replaced in between, the right is for the old
  // one and worth nothing.
  const auto key = key_at(partition, kind, index);
  if (key == nullptr) return Error::key_not_found;
  Secret<kMaxAccessCodeLen> code;
  std::memcpy(code.data(), call.input.data(), call.input.size());
  const auto checked = partition.check_access(kind, index, {code.data(), call.input.size()});
  if (!checked) return Reply{.status = checked.status(), .cost_ns = kAccessCost};
  call.session->give_right(kind, index, key);
  return done(0, 0, kAccessCost);
}

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

HandlerResult key_access_get(Call& call) { return access_get(call, CIPHERDECK_KEY_PAIR); }

HandlerResult key_access_release(Call& call) {
  call.session->release_right(CIPHERDECK_KEY_PAIR, call.command.key);
  return done();
}

HandlerResult kek_access_get(Call& call) { return access_get(call, CIPHERDECK_KEY_KEK); }

HandlerResult kek_access_release(Call& call) {
  call.session->release_right(CIPHERDECK_KEY_KEK, call.command.key);
  return done();
}

}  // namespace cipherdeck::card::command
