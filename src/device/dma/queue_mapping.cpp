// SPDX-License-Identifier: Apache-2.0
#include "device/dma/queue_mapping.h"

#include <algorithm>

namespace cipherdeck::device::dma {
namespace {

Result<GuestRange> page_range(GuestAddress address, std::size_t len) noexcept {
  if (value_of(address) % kPageLen != 0) return Error::invalid_argument;
  return GuestRange::make(value_of(address), len);
}

}  // namespace

Result<QueueMapping> QueueMapping::make(const Table& table, const QueueAddresses& addresses,
                                        cipherdeck_doorbell* doorbell) {
  CIPHERDECK_TRY(ring::check_entries(addresses.entries));
  const bool arena_fits = addresses.arena_len % kPageLen == 0 &&
                          addresses.arena_len <= (1U << CIPHERDECK_MAX_ARENA_LOG2);
  if (!arena_fits) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const GuestRange submission,
                    page_range(addresses.submission, ring::submission_len(addresses.entries)));
  CIPHERDECK_ASSIGN(const GuestRange completion,
                    page_range(addresses.completion, ring::completion_len(addresses.entries)));
  CIPHERDECK_ASSIGN(const GuestRange arena, page_range(addresses.arena, addresses.arena_len));
  if (submission.overlaps(completion) || submission.overlaps(arena) || completion.overlaps(arena)) {
    return Error::invalid_argument;
  }
  QueueMapping mapping(submission, completion, arena);
  CIPHERDECK_ASSIGN(mapping.m_submission, table.resolve(submission, {.read = true}));
  CIPHERDECK_ASSIGN(mapping.m_completion, table.resolve(completion, {.write = true}));
  CIPHERDECK_ASSIGN(mapping.m_arena, table.resolve(arena, {.read = true, .write = true}));
  mapping.m_memory = {.submission = mapping.m_submission.as<cipherdeck_command>(),
                      .completion = mapping.m_completion.as<cipherdeck_completion>(),
                      .arena = mapping.m_arena.as<std::uint8_t>(),
                      .doorbell = doorbell,
                      .entries = addresses.entries,
                      .arena_len = addresses.arena_len};
  return mapping;
}

bool QueueMapping::overlaps(const GuestRange& range) const noexcept {
  return std::any_of(std::begin(m_ranges), std::end(m_ranges),
                     [&range](const GuestRange& mine) { return mine.overlaps(range); });
}

}  // namespace cipherdeck::device::dma
