// SPDX-License-Identifier: Apache-2.0
#include "driver/user/arena.h"

#include <algorithm>

namespace cipherdeck::driver {
namespace {

constexpr std::uint32_t kLargestSmall = 4096;
constexpr std::uint32_t kCacheLine = 64;

constexpr std::uint32_t round_up(std::uint32_t len) noexcept {
  return (len + Arena::kPageLen - 1) & ~(Arena::kPageLen - 1);
}

}  // namespace

// At most half of the arena goes to the small areas.
Arena::Arena(std::uint32_t arena_len, std::uint32_t num_slots)
    : m_small_len(std::min(kLargestSmall, (arena_len / 2 / num_slots) & ~(kCacheLine - 1))) {
  const std::uint32_t start = round_up(m_small_len * num_slots);
  m_large_len = start < arena_len ? (arena_len - start) & ~(kPageLen - 1) : 0;
  if (m_large_len != 0) m_free.push_back({start, m_large_len});
}

std::optional<std::uint32_t> Arena::allocate(std::uint32_t len) {
  len = round_up(len);
  for (auto range = m_free.begin(); range != m_free.end(); ++range) {
    if (range->len < len) continue;
    const std::uint32_t offset = range->offset;
    range->offset += len;
    range->len -= len;
    if (range->len == 0) m_free.erase(range);
    return offset;
  }
  return std::nullopt;
}

void Arena::free(std::uint32_t offset, std::uint32_t len) {
  len = round_up(len);
  auto next = std::find_if(m_free.begin(), m_free.end(),
                           [offset](const Range& range) { return range.offset > offset; });
  if (next != m_free.begin() && (next - 1)->offset + (next - 1)->len == offset) {
    --next;
    next->len += len;
  } else {
    next = m_free.insert(next, {offset, len});
  }
  const auto after = next + 1;
  if (after != m_free.end() && next->offset + next->len == after->offset) {
    next->len += after->len;
    m_free.erase(after);
  }
}

}  // namespace cipherdeck::driver
