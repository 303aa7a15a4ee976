// SPDX-License-Identifier: Apache-2.0
// Scheme 1, software emulation: a card for virtual machines that has no engine of its own. It
// copies each command out of its machine's memory, has the host's card do it over one shared
// function, copies the result back, and interrupts; one command after the other, the machines in
// turn. It is what CipherDeck's direct functions are measured against, and of use where a host has
// one function for many machines: they share its partition, its keys and its speed.
#pragma once

#include "device/card_port.h"
#include "driver/user/channel.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

namespace cipherdeck::emulator {

/// Thread-safe. A command may wait for the host's card; no other call does, but detach(), which
/// waits for the command at work of its queue pair.
class EmulatedCard final : public device::CardPort {
 public:
  /// Takes the host's function, on which nothing else runs. Fails as driver::Channel::execute()
  /// does.
  static Result<std::unique_ptr<EmulatedCard>> start(std::unique_ptr<driver::Channel> host);
  /// All queue pairs are detached before.
  ~EmulatedCard() override;

  Result<card::QueuePairHandle> attach(card::FunctionNumber function,
                                       const ring::QueueMemory& memory,
                                       std::shared_ptr<card::InterruptLine> interrupt,
                                       std::chrono::microseconds moderation) override;
  void detach(card::QueuePairHandle handle) noexcept override;
  void kick(card::QueuePairHandle handle) noexcept override;
  /// There is nothing to manage: the host's card is.
  [[nodiscard]] card::ManagementReply manage(const cipherdeck_command& command, Bytes input,
                                             Bytes token) override;
  [[nodiscard]] cipherdeck_identity identity(card::FunctionNumber function) const override;
  [[nodiscard]] std::uint64_t features() const noexcept override { return m_identity.features; }
  [[nodiscard]] std::uint32_t state() const noexcept override;
  void set_num_vfs(std::uint32_t) noexcept override {}

 private:
  // A machine's queue pair. All but `at_work` and `is_gone` belongs to the thread that serves it.
  struct QueuePair {
    card::FunctionNumber function;
    ring::DeviceEnd end;
    std::shared_ptr<card::InterruptLine> interrupt;
    std::unordered_set<std::uint32_t> sessions;  // of the host's function, and this machine's
    bool is_waiting = false;                     // in m_turns
    bool at_work = false;
    bool is_gone = false;
  };
  // A command's operands, out of reach of the machine.
  struct Copies {
    std::vector<std::uint8_t> input, params, aux, output;
  };

  EmulatedCard(std::unique_ptr<driver::Channel> host, const cipherdeck_identity& identity);

  void loop();
  bool serve_one(QueuePair& queue_pair) noexcept;
  Result<ring::Completion> forward(QueuePair& queue_pair, const cipherdeck_command& command);
  void close_sessions(QueuePair& queue_pair) noexcept;

  const std::unique_ptr<driver::Channel> m_host;
  const cipherdeck_identity m_identity;
  Copies m_copies;  // the serving thread's

  std::mutex m_mutex;  // for what follows
  std::condition_variable m_changed;
  std::map<card::QueuePairHandle, std::shared_ptr<QueuePair>> m_queue_pairs;
  std::deque<std::shared_ptr<QueuePair>> m_turns;  // those that may have commands
  card::QueuePairHandle m_last_handle = 0;
  bool m_is_ending = false;

  std::thread m_thread;
};

}  // namespace cipherdeck::emulator
