// SPDX-License-Identifier: Apache-2.0
// The card: takes queue pairs from the device, serves their commands, keeps the keys. Knows nothing
// of PCI or of where the memory comes from.
#pragma once

#include "base/result.h"
#include "card/chip/chip_set.h"
#include "card/partition/management.h"
#include "card/partition/partition.h"
#include "engine/self_test.h"
#include "ring/ring.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::card {

constexpr unsigned kMaxWorkers = 64;

struct CardOptions {
  std::filesystem::path store;       // directory, made with mode 0700 if it is not there
  std::filesystem::path key_file;    // what wraps the management key; made by CARD_INIT, mode 0600
  std::filesystem::path credential;  // or that, if CARD_INIT asks for it; empty: there is none
  unsigned workers = 1;              // threads that compute, 1 to kMaxWorkers
  std::vector<int> cpus;             // processors they are pinned to, in turn; -1 or empty: none
  std::chrono::microseconds poll{200};  // how long the worker polls after the last work
  bool batching =
      true;  // false: no two commands share an engine call, to measure what that is worth
  bool debugging = true;  // operations with private keys in the clear (GM/T 0018-2023, 6.8)
  std::vector<chip::ChipSpec> chips;  // up to chip::kMaxChips
  chip::Limits chip_limits;
  chip::Log log;  // called when a chip is fenced or refused, or with an alarm, by any thread
  std::vector<std::filesystem::path> noise_files;  // hardware noise sources, besides the machine's
  std::vector<engine::SelfTest> self_tests;        // besides the engine's: of the program
  bool power_on_random_test = false;           // of GM/T 0062 class E: seconds; a card in service
  std::chrono::seconds self_test_interval{0};  // between runs by itself; 0: none
};

/// How a queue pair reaches its driver. Implemented by the device.
class InterruptLine {
 public:
  virtual ~InterruptLine() = default;
  /// Called by a worker; never blocks.
  virtual void raise() noexcept = 0;
};

/// Names an attached queue pair; never used twice in a run.
using QueuePairHandle = std::uint64_t;

/// Thread-safe. Worker threads serve the queue pairs, those of a function always the same one at a
/// time, and no lock stands between them.
class Card {
 public:
  /// Chips are loaded and tried here; one that cannot be had does not keep the card from opening.
  static Result<std::unique_ptr<Card>> open(const CardOptions& options);
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  /// Starts serving a queue pair of `function`. `memory` stays mapped until detach() has returned.
  /// `moderation` is the least time between two interrupts. A ring that breaks becomes FAILED in
  /// its doorbell page and is served no more; it still wants its detach().
  Result<QueuePairHandle> attach(FunctionNumber function, const ring::QueueMemory& memory,
                                 std::shared_ptr<InterruptLine> interrupt,
                                 std::chrono::microseconds moderation);

  /// Ends a queue pair: its sessions and keys are wiped, commands in flight are dropped, and its
  /// memory is not touched again once this returns. Waits for the batch at work, milliseconds.
  void detach(QueuePairHandle handle) noexcept;

  /// Wakes the worker for a queue pair whose needs_kick was set. Never blocks. Unknown handles are
  /// ignored.
  void kick(QueuePairHandle handle) noexcept;

  /// Management commands (0x8100 and up); `token` is that of a login, or empty. Serialised; may
  /// wait for the disk, so not for a thread that others wait for.
  [[nodiscard]] ManagementReply manage(const cipherdeck_command& command, Bytes input,
                                       Bytes token = {});

  [[nodiscard]] cipherdeck_identity identity(FunctionNumber function) const;
  [[nodiscard]] std::uint64_t features() const noexcept;
  /// CIPHERDECK_CARD_ state.
  [[nodiscard]] std::uint32_t state() const noexcept;
  /// What open() found that an operator should know: why the card is FAILED, which keys are
  /// damaged. Sentences with cause and remedy.
  [[nodiscard]] const std::vector<std::string>& messages() const noexcept;

  /// The device tells how many VFs there are, for CARD_STATUS and FUNCTION_LIST. VFs beyond it lose
  /// nothing: their bindings stay for when they are made again.
  void set_num_vfs(std::uint32_t num_vfs) noexcept;

 private:
  class Impl;
  explicit Card(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace cipherdeck::card
