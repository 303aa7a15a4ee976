// SPDX-License-Identifier: Apache-2.0
// What the device needs of a card. The card itself is card::Card (adapt() below); the tests and
// fuzz targets of the device put a small one in its place.
#pragma once

#include "card/card.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace cipherdeck::device {

/// The calls of card::Card that the device makes; the same contracts hold. All calls but manage()
/// come from the message thread; manage() comes from the device's admin thread.
class CardPort {
 public:
  virtual ~CardPort() = default;
  /// The device has called ring::DeviceEnd::start() on the doorbell page before.
  virtual Result<card::QueuePairHandle> attach(card::FunctionNumber function,
                                               const ring::QueueMemory& memory,
                                               std::shared_ptr<card::InterruptLine> interrupt,
                                               std::chrono::microseconds moderation) = 0;
  virtual void detach(card::QueuePairHandle handle) noexcept = 0;
  virtual void kick(card::QueuePairHandle handle) noexcept = 0;
  [[nodiscard]] virtual card::ManagementReply manage(const cipherdeck_command& command, Bytes input,
                                                     Bytes token) = 0;
  [[nodiscard]] virtual cipherdeck_identity identity(card::FunctionNumber function) const = 0;
  [[nodiscard]] virtual std::uint64_t features() const noexcept = 0;
  [[nodiscard]] virtual std::uint32_t state() const noexcept = 0;
  virtual void set_num_vfs(std::uint32_t num_vfs) noexcept = 0;
};

/// A port to a real card, which outlives it.
[[nodiscard]] std::unique_ptr<CardPort> adapt(card::Card& card);

}  // namespace cipherdeck::device
