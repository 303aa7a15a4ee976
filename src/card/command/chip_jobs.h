// SPDX-License-Identifier: Apache-2.0
// The commands of one worker that chips have: sent with private copies of their data, so that
// neither side can disturb the other, and completed when their outcomes come.
#pragma once

#include "card/chip/chip_set.h"
#include "card/command/processor.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace cipherdeck::card::command {

/// What one function may have at chips: so many jobs, and bytes in them.
constexpr std::uint32_t kMaxChipJobs = 8;
constexpr std::size_t kMaxChipBytes = CIPHERDECK_MAX_DATA_LEN;

/// A command at a chip. Its session is at work until it is back.
struct ChipTask {
  Origin origin;  // client null: dropped, nobody waits for it
  FunctionNumber function = 0;
  std::uint8_t* iv_out = nullptr;  // in the arena; null: none
  MutableBytes output;             // in the arena; where a MAC goes too
  std::shared_ptr<chip::Job> job;
};

/// Not thread-safe, but for what chips put into its mailbox.
class ChipJobs {
 public:
  /// `chips`, which may be null, outlives it.
  explicit ChipJobs(chip::ChipSet* chips) : m_chips(chips) {}
  ~ChipJobs();
  ChipJobs(const ChipJobs&) = delete;
  ChipJobs& operator=(const ChipJobs&) = delete;

  /// `wake` is called by other threads when outcomes have come, and must not block.
  void set_wake(std::function<void()> wake) { m_mailbox->set_wake(std::move(wake)); }

  /// As ChipSet::find().
  [[nodiscard]] Result<chip::Chip*> find(std::uint32_t algorithm) const noexcept;

  /// Whether the function may have `len` more bytes at chips. Always, if it has nothing there.
  [[nodiscard]] bool has_room(FunctionNumber function, std::size_t len) const noexcept;

  /// There must be room. Job's ticket and sender are set here.
  void send(chip::Chip& chip, ChipTask task);

  /// Whether there is anything to collect. Takes no lock.
  [[nodiscard]] bool has_outcomes() const noexcept { return m_mailbox->has_outcomes(); }
  /// Completes the commands whose outcomes have come.
  void collect() noexcept;

  /// Forgets the jobs of `client` without completing them. What a chip makes of them goes nowhere.
  void drop(const Client& client) noexcept;

 private:
  struct Usage {
    std::uint32_t jobs = 0;
    std::size_t bytes = 0;
  };

  chip::ChipSet* const m_chips;
  std::shared_ptr<chip::Mailbox> m_mailbox = std::make_shared<chip::Mailbox>();
  std::unordered_map<std::uint64_t, ChipTask> m_tasks;  // by ticket; the dropped ones, too
  std::unordered_map<FunctionNumber, Usage> m_usage;
  std::uint64_t m_next_ticket = 1;
};

}  // namespace cipherdeck::card::command
