// SPDX-License-Identifier: Apache-2.0
// All chips of a card: which one does an algorithm, and the thread that watches over them.
#pragma once

#include "card/chip/chip.h"

#include <cipherdeck/function.h>

#include <span>

namespace cipherdeck::card::chip {

constexpr std::size_t kMaxChips = 8;

/// Thread-safe. A chip that cannot be had keeps nobody from working: it is told of in records() and
/// the log.
class ChipSet {
 public:
  /// Loads and tries the chips one after the other; those beyond kMaxChips are left out.
  ChipSet(std::span<const ChipSpec> specs, const Limits& limits, const Log& log);
  /// Ends the chips' threads. Waits for jobs at work, but not for chips that hang.
  ~ChipSet();
  ChipSet(const ChipSet&) = delete;
  ChipSet& operator=(const ChipSet&) = delete;

  /// The chip with the least to do of those that work. Fails with algorithm (no chip has the
  /// cipher), mode (not in this mode) or chip_failed (those that have it are fenced). Takes no
  /// lock.
  [[nodiscard]] Result<Chip*> find(std::uint32_t algorithm) const noexcept;
  void submit(Chip& chip, std::shared_ptr<Job> job);

  /// SM1 and SSF33 identifiers ORed, of chips that work now.
  [[nodiscard]] std::uint32_t abilities() const noexcept;
  /// One for each of the specs, in their order.
  [[nodiscard]] std::vector<cipherdeck_chip_record> records() const;

 private:
  struct Place {
    ChipSpec spec;
    std::shared_ptr<Chip> chip;  // null: refused
    std::string refusal;
  };

  [[nodiscard]] static Place fill(const ChipSpec& spec, const Limits& limits, const Log& log);
  [[nodiscard]] bool is_busy() const noexcept;
  void watch();

  const Limits m_limits;
  std::vector<Place> m_places;

  // Set by the watching thread when it is about to sleep for long; cleared by who gives it work.
  std::atomic<bool> m_idle{false};
  std::mutex m_mutex;
  std::condition_variable m_called;
  bool m_stopping = false;
  std::thread m_watch;
};

}  // namespace cipherdeck::card::chip
