// SPDX-License-Identifier: Apache-2.0
// A card that answers every command with its own input: enough of one to test the device alone. It
// serves a queue pair whenever it is kicked, on the thread that kicks.
#pragma once

#include "device/card_port.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

namespace cipherdeck::wire {

class EchoCard final : public device::CardPort {
 public:
  Result<card::QueuePairHandle> attach(card::FunctionNumber function,
                                       const ring::QueueMemory& memory,
                                       std::shared_ptr<card::InterruptLine> interrupt,
                                       std::chrono::microseconds moderation) override {
    const std::lock_guard lock(m_mutex);
    if (refuse_attach) return Error::limit;
    last_function = function;
    last_moderation = moderation;
    m_pairs.emplace(++m_last, Pair{ring::DeviceEnd(memory), std::move(interrupt)});
    return m_last;
  }

  void detach(card::QueuePairHandle handle) noexcept override {
    const std::lock_guard lock(m_mutex);
    m_pairs.erase(handle);
    ++detached;
  }

  void kick(card::QueuePairHandle handle) noexcept override {
    const std::lock_guard lock(m_mutex);
    ++kicked;
    const auto found = m_pairs.find(handle);
    if (found != m_pairs.end() && !found->second.failed) serve(found->second);
  }

  card::ManagementReply manage(const cipherdeck_command& command, Bytes input, Bytes) override {
    while (hold_management) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++managed;
    return {.status = CIPHERDECK_STATUS_OK,
            .value = static_cast<std::uint32_t>(command.arg[0]),
            .output = {input.rbegin(), input.rend()}};
  }

  cipherdeck_identity identity(card::FunctionNumber function) const override {
    cipherdeck_identity identity{};
    std::memcpy(identity.name, "EchoCard", 8);
    std::memcpy(identity.serial, "SERIAL01", 8);
    identity.function = function;
    return identity;
  }

  std::uint64_t features() const noexcept override { return CIPHERDECK_FEATURE_RANDOM; }
  std::uint32_t state() const noexcept override { return card_state; }
  void set_num_vfs(std::uint32_t count) noexcept override { num_vfs = count; }

  [[nodiscard]] std::size_t num_attached() const {
    const std::lock_guard lock(m_mutex);
    return m_pairs.size();
  }

  std::atomic<bool> refuse_attach = false;
  std::atomic<bool> hold_management = false;
  std::atomic<std::uint32_t> card_state = CIPHERDECK_CARD_READY;
  std::atomic<std::uint32_t> num_vfs = 0;
  std::atomic<std::uint32_t> detached = 0;
  std::atomic<std::uint32_t> kicked = 0;
  std::atomic<std::uint32_t> managed = 0;
  std::atomic<card::FunctionNumber> last_function = 0;
  std::atomic<std::chrono::microseconds> last_moderation{};

 private:
  struct Pair {
    ring::DeviceEnd end;
    std::shared_ptr<card::InterruptLine> interrupt;
    bool failed = false;
  };

  static void serve(Pair& pair) noexcept {
    // As many as one ring holds: a driver that goes on submitting meanwhile kicks again.
    for (std::uint32_t n = 0; n < pair.end.memory().entries; ++n) {
      const auto pending = pair.end.pending();
      if (!pending) {
        pair.failed = true;
        return pair.end.fail(pending.error());
      }
      if (*pending == 0) break;
      answer(pair.end, pair.end.take());
    }
    if (pair.end.interrupt_due()) pair.interrupt->raise();
  }

  static void answer(ring::DeviceEnd& end, const cipherdeck_command& command) noexcept {
    const auto input = ring::resolve(end.memory(), command.input);
    const auto output = ring::resolve(end.memory(), command.output);
    ring::Completion done{.command_id = command.command_id};
    if (!input || !output) {
      done.status = CIPHERDECK_STATUS_INVALID_EXTENT;
    } else {
      done.value = command.key;
      done.output_len = static_cast<std::uint32_t>(std::min(input->size(), output->size()));
      if (done.output_len != 0) std::memmove(output->data(), input->data(), done.output_len);
    }
    end.complete(done);
  }

  mutable std::mutex m_mutex;
  std::map<card::QueuePairHandle, Pair> m_pairs;
  card::QueuePairHandle m_last = 0;
};

}  // namespace cipherdeck::wire
