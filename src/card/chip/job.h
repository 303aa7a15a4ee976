// SPDX-License-Identifier: Apache-2.0
// What a worker hands to a chip's thread, and how it comes back.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

#include <cipherdeck/chip.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace cipherdeck::card::chip {

constexpr std::size_t kBlockLen = CIPHERDECK_CHIP_BLOCK_LEN;
constexpr std::size_t kMaxKeyLen = 32;

class Mailbox;

/// One job for a chip with private copies of everything, wiped when the last who has it lets go: a
/// chip that hangs keeps it. Belongs to its sender until it is submitted and again when its outcome
/// has come, unless that is chip_failed: then a hung chip may still write to it.
struct Job {
  /// Copies `key` (16 or 32 bytes) and, once, `input`. Throws std::bad_alloc.
  Job(std::uint32_t algorithm_id, std::uint32_t operation_id, Bytes key_bytes, Bytes input);
  ~Job() { wipe(data()); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  [[nodiscard]] MutableBytes data() noexcept { return {pages.get(), len}; }

  const std::uint32_t algorithm;
  const std::uint32_t operation;  // CIPHERDECK_CHIP_
  Secret<kMaxKeyLen> key;
  bool has_iv = false;
  std::array<std::uint8_t, kBlockLen> iv{};
  const std::size_t len;
  std::uint64_t ticket = 0;  // the sender's
  std::shared_ptr<Mailbox> sender;
  std::atomic<bool> cancelled{false};  // set by the sender: not worth doing any more

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::uint8_t, Free> pages;
};

/// Every job submitted comes back as one of these, once.
struct Outcome {
  std::shared_ptr<Job> job;
  Result<void> result;
};

/// Outcomes for one worker. Thread-safe.
class Mailbox {
 public:
  /// `wake` is called after each outcome, by the chip's thread, and must not block.
  void set_wake(std::function<void()> wake);
  void post(Outcome outcome);
  /// Takes no lock.
  [[nodiscard]] bool has_outcomes() const noexcept { return m_has_outcomes.load(); }
  [[nodiscard]] std::vector<Outcome> take();

 private:
  std::atomic<bool> m_has_outcomes{false};
  std::mutex m_mutex;  // for what follows
  std::vector<Outcome> m_outcomes;
  std::function<void()> m_wake;
};

}  // namespace cipherdeck::card::chip
