// SPDX-License-Identifier: Apache-2.0
// The admin queue pair of a function.
#include "device/function.h"

#include <chrono>

namespace cipherdeck::device {
namespace {

// What one message may cost the thread that serves all functions: making or ending a queue pair
// takes the card up to milliseconds.
constexpr int kAdminBudget = 4;

constexpr std::uint16_t kFirstManagementOpcode = CIPHERDECK_OP_CARD_STATUS;

}  // namespace

bool Function::serve_admin() {
  for (int served = 0; served < kAdminBudget; ++served) {
    if (!m_admin || m_admin->waiting_for_card) return false;
    const auto pending = m_admin->end.pending();
    if (!pending) {
      need_reset(pending.error());
      return false;
    }
    if (*pending == 0) return false;
    execute(m_admin->end.take());
  }
  return true;
}

void Function::execute(const cipherdeck_command& command) {
  if (command.opcode >= kFirstManagementOpcode) {
    if (!is_pf()) return finish(command, CIPHERDECK_STATUS_NOT_SUPPORTED);
    return start_management(command);
  }
  switch (command.opcode) {
    case CIPHERDECK_OP_IDENTIFY: {
      const cipherdeck_identity identity = m_card.identity(m_number);
      return finish_with_output(command, 0, object_bytes(identity));
    }
    case CIPHERDECK_OP_QUEUE_PAIR_CREATE: {
      const auto number = create_queue_pair(command);
      return finish(command, number.status(), number ? *number : 0);
    }
    case CIPHERDECK_OP_QUEUE_PAIR_DESTROY:
      return finish(command, destroy_queue_pair(command).status());
    default:
      return finish(command, CIPHERDECK_STATUS_NOT_SUPPORTED);
  }
}

void Function::finish(const cipherdeck_command& command, std::uint16_t status, std::uint32_t value,
                      std::uint32_t output_len) {
  m_admin->end.complete({.command_id = command.command_id,
                         .status = status,
                         .value = value,
                         .output_len = output_len});
  if (m_admin->end.interrupt_due()) m_interrupts->raise(0);
}

void Function::finish_with_output(const cipherdeck_command& command, std::uint32_t value,
                                  Bytes output) {
  const auto room = ring::resolve(m_admin->mapping.memory(), command.output);
  if (!room) return finish(command, room.status());
  const auto len = static_cast<std::uint32_t>(output.size());
  if (room->size() < output.size()) {
    return finish(command, CIPHERDECK_STATUS_BUFFER_TOO_SMALL, value, len);
  }
  if (len != 0) std::memcpy(room->data(), output.data(), len);
  finish(command, CIPHERDECK_STATUS_OK, value, len);
}

void Function::start_management(const cipherdeck_command& command) {
  const ring::QueueMemory& memory = m_admin->mapping.memory();
  const auto input = ring::resolve(memory, command.input);
  const auto output = ring::resolve(memory, command.output);
  const auto token = ring::resolve(memory, command.params);
  const bool fits =
      command.input.len <= CIPHERDECK_MAX_DATA_LEN && command.params.len <= CIPHERDECK_TOKEN_LEN;
  if (!input || !output || !token || !fits) {
    return finish(command, CIPHERDECK_STATUS_INVALID_EXTENT);
  }
  m_admin->waiting_for_card = true;
  m_host.manage({.epoch = m_epoch,
                 .command = command,
                 .input = {input->begin(), input->end()},
                 .token = {token->begin(), token->end()}});
}

void Function::complete_management(std::uint64_t epoch, const cipherdeck_command& command,
                                   const card::ManagementReply& reply) {
  if (!m_admin || epoch != m_epoch) return;
  m_admin->waiting_for_card = false;
  if (reply.status == CIPHERDECK_STATUS_OK) {
    finish_with_output(command, reply.value, reply.output);
  } else {
    finish(command, reply.status, reply.value, static_cast<std::uint32_t>(reply.output.size()));
  }
  m_host.serve_admin_later(m_number);
}

Result<std::uint32_t> Function::create_queue_pair(const cipherdeck_command& command) {
  cipherdeck_queue_pair_create request;
  CIPHERDECK_ASSIGN(const auto input, ring::resolve(m_admin->mapping.memory(), command.input));
  if (input.size() != sizeof request) return Error::invalid_command;
  std::memcpy(&request, input.data(), sizeof request);

  const bool in_bounds = request.number != 0 && request.number < CIPHERDECK_MAX_QUEUE_PAIRS &&
                         request.vector < CIPHERDECK_MAX_VECTORS;
  if (!in_bounds) return Error::invalid_argument;
  if (m_io.contains(request.number)) return Error::exists;
  CIPHERDECK_ASSIGN(auto mapping,
                    dma::QueueMapping::make(m_dma,
                                            {.submission = dma::GuestAddress{request.submission},
                                             .completion = dma::GuestAddress{request.completion},
                                             .arena = dma::GuestAddress{request.arena},
                                             .entries = request.entries,
                                             .arena_len = request.arena_len},
                                            m_doorbells->page(request.number)));
  ring::DeviceEnd end(mapping.memory());
  end.start();
  const std::chrono::microseconds moderation{
      m_registers.get<std::uint32_t>(CIPHERDECK_REG_MODERATION)};
  const auto handle =
      m_card.attach(m_number, mapping.memory(),
                    std::make_shared<VectorLine>(m_interrupts, request.vector), moderation);
  if (!handle) {
    end.stop();
    return handle.error();
  }
  m_io.emplace(request.number, IoQueuePair{std::move(mapping), *handle, request.vector});
  return request.number;
}

Result<void> Function::destroy_queue_pair(const cipherdeck_command& command) {
  if (command.arg[0] == 0 || command.arg[0] >= CIPHERDECK_MAX_QUEUE_PAIRS) {
    return Error::invalid_argument;
  }
  const auto found = m_io.find(static_cast<std::uint32_t>(command.arg[0]));
  if (found == m_io.end()) return Error::not_found;
  detach(found->second, std::nullopt);
  m_io.erase(found);
  return {};
}

void Function::detach(IoQueuePair& queue_pair, std::optional<Error> reason) noexcept {
  m_card.detach(queue_pair.handle);
  ring::DeviceEnd end(queue_pair.mapping.memory());
  if (reason) {
    end.fail(*reason);
    m_interrupts->raise(queue_pair.vector);
  } else {
    end.stop();
  }
}

}  // namespace cipherdeck::device
