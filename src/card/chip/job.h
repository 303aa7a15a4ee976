// SPDX-License-Identifier: Apache-2.0
// What a worker hands to a chip's thread, and how it comes back.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"
#include "card/away/job.h"

#include <cipherdeck/chip.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace cipherdeck::card::chip {

constexpr std::size_t kBlockLen = CIPHERDECK_CHIP_BLOCK_LEN;
constexpr std::size_t kMaxKeyLen = 32;

/// One job for a chip with private copies of everything, wiped when the last who has it lets go: a
/// chip that hangs keeps it. Belongs to its sender until it is submitted and again when its outcome
/// has come, unless that is chip_failed: then a hung chip may still write to it.
struct Job final : away::Job {
  /// Copies `key` (16 or 32 bytes) and, once, `input`. Throws std::bad_alloc.
  Job(std::uint32_t algorithm_id, std::uint32_t operation_id, Bytes key_bytes, Bytes input);
  ~Job() override { wipe(data()); }

  [[nodiscard]] MutableBytes data() noexcept { return {pages.get(), len}; }

  const std::uint32_t algorithm;
  const std::uint32_t operation;  // CIPHERDECK_CHIP_
  Secret<kMaxKeyLen> key;
  bool has_iv = false;
  std::array<std::uint8_t, kBlockLen> iv{};

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::uint8_t, Free> pages;
};

}  // namespace cipherdeck::card::chip
