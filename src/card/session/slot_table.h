// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cipherdeck::card::session {

/// SlotTable owns up to 2^kSlotBits objects, named by 32-bit handles other than zero. The low bits
/// of a handle are its slot, the rest count how often the slot was used; a slot whose count runs
/// out is retired, so that no handle ever names two objects. Not thread-safe.
template <typename T, unsigned kSlotBits>
class SlotTable {
 public:
  static constexpr std::uint32_t kCapacity = 1U << kSlotBits;

  [[nodiscard]] bool full() const noexcept { return m_free.empty() && m_slots.size() >= kCapacity; }
  [[nodiscard]] std::uint32_t size() const noexcept { return m_size; }

  /// The handle of the object, which the table now owns. The table must not be full.
  std::uint32_t insert(std::unique_ptr<T> object) {
    const std::uint32_t slot = take_slot();
    Slot& at = m_slots[slot];
    at.handle = (++at.uses << kSlotBits) | slot;
    at.object = std::move(object);
    ++m_size;
    return at.handle;
  }

  /// Null if the handle names nothing.
  [[nodiscard]] T* find(std::uint32_t handle) const noexcept {
    const std::uint32_t slot = handle & (kCapacity - 1);
    if (slot >= m_slots.size() || m_slots[slot].handle != handle) return nullptr;
    return m_slots[slot].object.get();
  }

  /// Destroys the object. False if the handle names nothing.
  bool erase(std::uint32_t handle) noexcept {
    if (find(handle) == nullptr) return false;
    erase_slot(handle & (kCapacity - 1));
    return true;
  }

  /// Destroys all objects for which `condition(object)` holds.
  template <typename Condition>
  void erase_if(Condition condition) noexcept {
    for (std::uint32_t slot = 0; slot < m_slots.size(); ++slot) {
      if (m_slots[slot].object && condition(*m_slots[slot].object)) erase_slot(slot);
    }
  }

 private:
  struct Slot {
    std::uint32_t handle = 0;
    std::uint32_t uses = 0;
    std::unique_ptr<T> object;
  };
  static constexpr std::uint32_t kMaxUses = (1U << (32 - kSlotBits)) - 1;

  std::uint32_t take_slot() {
    if (m_free.empty()) {
      m_slots.emplace_back();
      m_free.reserve(m_slots.size());  // so that erasing cannot fail
      return static_cast<std::uint32_t>(m_slots.size() - 1);
    }
    const std::uint32_t slot = m_free.back();
    m_free.pop_back();
    return slot;
  }

  void erase_slot(std::uint32_t slot) noexcept {
    m_slots[slot].object.reset();
    m_slots[slot].handle = 0;
    if (m_slots[slot].uses < kMaxUses) m_free.push_back(slot);
    --m_size;
  }

  std::vector<Slot> m_slots;
  std::vector<std::uint32_t> m_free;
  std::uint32_t m_size = 0;
};

}  // namespace cipherdeck::card::session
