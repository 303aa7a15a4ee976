// SPDX-License-Identifier: Apache-2.0
// The memory of one queue pair: guest addresses checked and mapped.
#pragma once

#include "device/dma/dma_table.h"
#include "ring/ring.h"

#include <cstdint>

namespace cipherdeck::device::dma {

/// What a driver says of a queue pair, before anything of it is believed.
struct QueueAddresses {
  GuestAddress submission{};
  GuestAddress completion{};
  GuestAddress arena{};
  std::uint32_t entries = 0;
  std::uint32_t arena_len = 0;
};

/// Owns the three mappings. Move-only.
class QueueMapping {
 public:
  /// Fails with invalid_argument (number of entries, arena length, alignment, wrap-around, or the
  /// three overlap), or as Table::resolve().
  static Result<QueueMapping> make(const Table& table, const QueueAddresses& addresses,
                                   cipherdeck_doorbell* doorbell);

  [[nodiscard]] const ring::QueueMemory& memory() const noexcept { return m_memory; }
  [[nodiscard]] bool overlaps(const GuestRange& range) const noexcept;

 private:
  QueueMapping(GuestRange submission, GuestRange completion, GuestRange arena) noexcept
      : m_ranges{submission, completion, arena} {}

  GuestRange m_ranges[3];
  HostMapping m_submission;
  HostMapping m_completion;
  HostMapping m_arena;
  ring::QueueMemory m_memory;
};

}  // namespace cipherdeck::device::dma
