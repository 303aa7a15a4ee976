// SPDX-License-Identifier: Apache-2.0
#include "driver/user/admin_queue.h"

#include "base/secret.h"

#include <algorithm>
#include <cstring>
#include <thread>

namespace cipherdeck::driver {
namespace {

constexpr std::chrono::seconds kCommandTimeout{120};
constexpr std::chrono::microseconds kFirstPause{20};
constexpr std::chrono::microseconds kLongestPause{1000};

ring::QueueMemory parts_of(const Mapping& mapping, cipherdeck_doorbell* doorbell) noexcept {
  std::uint8_t* const base = mapping.data();
  ring::QueueMemory memory;
  memory.submission = reinterpret_cast<cipherdeck_command*>(base);
  memory.completion =
      reinterpret_cast<cipherdeck_completion*>(base + ring::submission_len(AdminQueue::kEntries));
  memory.arena = base + (AdminQueue::arena_address() - AdminQueue::kDmaAddress);
  memory.doorbell = doorbell;
  memory.entries = AdminQueue::kEntries;
  memory.arena_len = AdminQueue::arena_len();
  return memory;
}

}  // namespace

AdminQueue::AdminQueue(Mapping memory, cipherdeck_doorbell* doorbell,
                       std::function<Result<void>()> kick, std::function<bool()> alive)
    : m_mapping(std::move(memory)),
      m_end(parts_of(m_mapping, doorbell)),
      m_kick(std::move(kick)),
      m_alive(std::move(alive)) {}

Result<AdminReply> AdminQueue::execute(cipherdeck_command command, Bytes input,
                                       std::size_t output_room, Bytes token) {
  if (!m_alive()) return Error::disconnected;
  if (input.size() > CIPHERDECK_MAX_DATA_LEN || output_room > CIPHERDECK_MAX_DATA_LEN ||
      token.size() > CIPHERDECK_TOKEN_LEN) {
    return Error::invalid_argument;
  }
  const std::lock_guard lock(m_mutex);
  if (m_failed) return Error::disconnected;
  std::uint8_t* const arena = m_end.memory().arena;
  const auto output_at = CIPHERDECK_MAX_DATA_LEN;
  command.input = {.offset = 0, .len = static_cast<std::uint32_t>(input.size())};
  command.output = {.offset = output_room == 0 ? 0 : output_at,
                    .len = static_cast<std::uint32_t>(output_room)};
  const auto token_at = 2 * CIPHERDECK_MAX_DATA_LEN;
  command.params = {.offset = token.empty() ? 0 : token_at,
                    .len = static_cast<std::uint32_t>(token.size())};
  if (!input.empty()) std::memcpy(arena, input.data(), input.size());
  if (!token.empty()) std::memcpy(arena + token_at, token.data(), token.size());
  auto done = run(command);
  wipe({arena, input.size()});
  wipe({arena + token_at, token.size()});
  if (!done) return done.error();
  if (done->status != CIPHERDECK_STATUS_OK) return from_status(done->status);

  AdminReply reply{.value = done->value, .output = {}};
  const std::size_t len = std::min<std::size_t>(done->output_len, output_room);
  reply.output.assign(arena + output_at, arena + output_at + len);
  wipe({arena + output_at, len});
  return reply;
}

Result<ring::Completion> AdminQueue::run(const cipherdeck_command& command) {
  cipherdeck_command numbered = command;
  numbered.command_id = m_next_id++;
  if (!m_end.push(numbered)) return Error::internal;
  if (m_end.ring_doorbell()) CIPHERDECK_TRY(m_kick());
  return wait_for(numbered.command_id);
}

Result<ring::Completion> AdminQueue::wait_for(std::uint16_t command_id) {
  const auto deadline = std::chrono::steady_clock::now() + kCommandTimeout;
  auto pause = kFirstPause;
  for (;;) {
    if (const auto completion = m_end.reap()) {
      if (completion->command_id == command_id) return *completion;
      continue;
    }
    if (!m_alive() || m_end.state() != CIPHERDECK_QUEUE_LIVE) return Error::disconnected;
    if (std::chrono::steady_clock::now() > deadline) {
      m_failed = true;
      return Error::timed_out;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace cipherdeck::driver
