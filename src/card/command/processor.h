// SPDX-License-Identifier: Apache-2.0
// The commands of I/O queue pairs: validated against a table, then acted on.
#pragma once

#include "card/command/batch.h"
#include "card/command/services.h"

#include <cstdint>

namespace cipherdeck::card::command {

/// What became of a command.
struct Reply {
  enum class Kind : std::uint8_t {
    done,    // complete it with what is here
    queued,  // it is in the batch, which will complete it
    later,   // the session is at work or the batch is full: nothing has happened, try next round
    away,    // at a chip or the coprocessor; AwayJobs will complete it
    after_away,  // as later, but there is no use in trying before one that is away has come back
  };
  Kind kind = Kind::done;
  std::uint16_t status = CIPHERDECK_STATUS_OK;
  std::uint32_t value = 0;
  std::uint32_t output_len = 0;
  std::uint32_t cost_ns = 0;  // what its owner is charged

  [[nodiscard]] bool is_put_off() const noexcept {
    return kind == Kind::later || kind == Kind::after_away;
  }
};

/// A validated command: the operands that it may have are there or empty, and lie in the arena.
/// `input`, `params` and `aux` may change while they are looked at.
struct Call {
  const cipherdeck_command& command;
  Client& client;
  Batch& batch;
  const Services& services;
  session::Session* session = nullptr;  // null only for commands that need none
  MutableBytes input;
  MutableBytes output;
  MutableBytes params;
  MutableBytes aux;

  [[nodiscard]] Origin origin() const noexcept { return {&client, session, command.command_id}; }
};

/// Validates a command that was taken from the ring of `client`, and does it, puts it in the batch,
/// or puts it off. The batch must not be full. Never throws.
[[nodiscard]] Reply process(const cipherdeck_command& command, Client& client, Batch& batch,
                            const Services& services) noexcept;

}  // namespace cipherdeck::card::command
