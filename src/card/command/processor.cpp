// SPDX-License-Identifier: Apache-2.0
#include "card/command/processor.h"

#include "card/command/table.h"

#include <new>

namespace cipherdeck::card::command {
namespace {

bool is_zero(const cipherdeck_extent& extent) noexcept {
  return extent.offset == 0 && extent.len == 0;
}

Result<MutableBytes> operand(const ring::QueueMemory& memory, const OperandSpec& spec,
                             const cipherdeck_extent& extent) noexcept {
  if (spec.need == Need::absent) {
    if (!is_zero(extent)) return Error::invalid_command;
    return MutableBytes{};
  }
  if (extent.len == 0) {
    if (spec.need == Need::required) return Error::invalid_command;
    return MutableBytes{};
  }
  if (extent.len < spec.min || extent.len > spec.max) return Error::invalid_argument;
  return ring::resolve(memory, extent);
}

Result<void> check_fields(const OpcodeSpec& spec, const cipherdeck_command& command) noexcept {
  const bool reserved_set = (spec.session == Need::absent && command.session != 0) ||
                            (!spec.has_key && command.key != 0) ||
                            (!spec.has_algorithm && command.algorithm != 0) ||
                            (!spec.has_arg && command.arg[0] != 0) || command.arg[1] != 0;
  if (reserved_set) return Error::invalid_command;
  return {};
}

Result<void> resolve_operands(Call& call, const OpcodeSpec& spec) noexcept {
  const ring::QueueMemory& memory = call.client.end.memory();
  CIPHERDECK_ASSIGN(call.input, operand(memory, spec.input, call.command.input));
  CIPHERDECK_ASSIGN(call.output, operand(memory, spec.output, call.command.output));
  CIPHERDECK_ASSIGN(call.params, operand(memory, spec.params, call.command.params));
  CIPHERDECK_ASSIGN(call.aux, operand(memory, spec.aux, call.command.aux));
  return {};
}

Result<void> find_session(Call& call, const OpcodeSpec& spec) noexcept {
  const bool named = call.command.session != 0;
  if (spec.session == Need::absent || (spec.session == Need::optional && !named)) return {};
  const std::uint32_t state = call.services.state.load(std::memory_order_relaxed);
  if (state == CIPHERDECK_CARD_FAILED) return Error::card_failed;
  call.session = call.client.sessions.find(call.command.session);
  if (call.session == nullptr) return Error::no_session;
  // Sessions outlive their partition's zeroization, but are of no use any more.
  if (call.session->partition().is_gone()) return Error::no_partition;
  return {};
}

HandlerResult act(Call& call) {
  const OpcodeSpec* const spec = find_spec(call.command.opcode);
  if (spec == nullptr) return Error::not_supported;
  CIPHERDECK_TRY(check_fields(*spec, call.command));
  CIPHERDECK_TRY(resolve_operands(call, *spec));
  CIPHERDECK_TRY(find_session(call, *spec));
  if (call.session != nullptr && call.session->at_work) return later();
  if (call.session != nullptr && call.session->is_away) return after_away();
  auto reply = spec->handler(call);
  if (reply && !reply->is_put_off()) {
    auto& bytes = call.client.counters->bytes;
    bytes.store(bytes.load(std::memory_order_relaxed) + call.input.size(),
                std::memory_order_relaxed);
  }
  return reply;
}

}  // namespace

Reply process(const cipherdeck_command& command, Client& client, Batch& batch,
              const Services& services) noexcept {
  Call call{.command = command, .client = client, .batch = batch, .services = services};
  Error error = Error::internal;
  try {
    auto reply = act(call);
    if (reply) return *reply;
    error = reply.error();
  } catch (const std::bad_alloc&) {
    error = Error::no_memory;
  } catch (...) {
    error = Error::internal;
  }
  return {.status = to_status(error), .cost_ns = kSmallCost};
}

}  // namespace cipherdeck::card::command
