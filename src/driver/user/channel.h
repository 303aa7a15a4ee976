// SPDX-License-Identifier: Apache-2.0
// Commands over a queue pair, for many threads at once: what libsdf and the benchmarks call.
#pragma once

#include "base/result.h"
#include "driver/user/queue_pair.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace cipherdeck::driver {

/// The operands of one command. What lies in the arena for it is placed and fetched by the channel.
struct Request {
  std::uint16_t opcode = 0;
  std::uint32_t session = 0;
  std::uint32_t key = 0;
  std::uint32_t algorithm = 0;
  Bytes input;
  Bytes params;
  Bytes aux;
  MutableBytes output;         // where to copy what the card wrote; its size is the room there is
  MutableBytes params_result;  // where to copy params back to (an IV); empty: not wanted
  std::uint64_t arg0 = 0;
  std::uint64_t arg1 = 0;
};

struct Reply {
  std::uint32_t value = 0;
  std::uint32_t output_len = 0;
};

/// Thread-safe. Waits by polling for a bounded time and then by interrupt.
class Channel {
 public:
  explicit Channel(std::unique_ptr<QueuePair> queue_pair);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Runs one command and waits for it. Fails with the command's error; with buffer_too_small
  /// `needed`, if not null, gets the room the card asked for; with disconnected when the function
  /// was reset or is gone.
  Result<Reply> execute(const Request& request, std::uint32_t* needed = nullptr);

  /// Most bytes that input and output of one command may have.
  [[nodiscard]] std::size_t max_data_len() const noexcept;

  /// False once the function was reset or is gone, and in a child of fork(): every command then
  /// fails with disconnected, and another channel is to be opened.
  [[nodiscard]] bool alive() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace cipherdeck::driver
