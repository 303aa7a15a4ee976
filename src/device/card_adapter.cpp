// SPDX-License-Identifier: Apache-2.0
// The one file of the device that needs the card itself.
#include "device/card_port.h"
#include "device/device.h"

namespace cipherdeck::device {
namespace {

class CardAdapter final : public CardPort {
 public:
  explicit CardAdapter(card::Card& card) : m_card(card) {}

  Result<card::QueuePairHandle> attach(card::FunctionNumber function,
                                       const ring::QueueMemory& memory,
                                       std::shared_ptr<card::InterruptLine> interrupt,
                                       std::chrono::microseconds moderation) override {
    return m_card.attach(function, memory, std::move(interrupt), moderation);
  }
  void detach(card::QueuePairHandle handle) noexcept override { m_card.detach(handle); }
  void kick(card::QueuePairHandle handle) noexcept override { m_card.kick(handle); }
  card::ManagementReply manage(const cipherdeck_command& command, Bytes input,
                               Bytes token) override {
    return m_card.manage(command, input, token);
  }
  cipherdeck_identity identity(card::FunctionNumber function) const override {
    return m_card.identity(function);
  }
  std::uint64_t features() const noexcept override { return m_card.features(); }
  std::uint32_t state() const noexcept override { return m_card.state(); }
  void set_num_vfs(std::uint32_t num_vfs) noexcept override { m_card.set_num_vfs(num_vfs); }

 private:
  card::Card& m_card;
};

}  // namespace

std::unique_ptr<CardPort> adapt(card::Card& card) { return std::make_unique<CardAdapter>(card); }

Result<std::unique_ptr<Device>> Device::start(DeviceOptions options, card::Card& card) {
  auto port = adapt(card);
  CardPort& adapted = *port;
  return start(std::move(options), adapted, std::move(port));
}

}  // namespace cipherdeck::device
