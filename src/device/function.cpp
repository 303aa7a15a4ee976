// SPDX-License-Identifier: Apache-2.0
#include "device/function.h"

#include "device/registers/function_registers.h"

#include <algorithm>
#include <string>

namespace cipherdeck::device {
namespace {

std::uint64_t serial_of(const cipherdeck_identity& identity) noexcept {
  std::uint64_t serial;
  static_assert(sizeof serial <= sizeof identity.serial);
  std::memcpy(&serial, identity.serial, sizeof serial);
  return serial;
}

bool whole_registers(std::uint64_t offset, std::size_t len) noexcept {
  return offset % sizeof(std::uint32_t) == 0 && len % sizeof(std::uint32_t) == 0;
}

}  // namespace

Function::Function(card::FunctionNumber number, CardPort& card, FunctionHost& host,
                   std::shared_ptr<EventSignaller> signaller)
    : m_number(number),
      m_card(card),
      m_host(host),
      m_config(number == 0 ? pci::ConfigSpace::Kind::pf : pci::ConfigSpace::Kind::vf,
               serial_of(card.identity(number))),
      m_registers(registers::function_layout()),
      m_signaller(std::move(signaller)),
      m_interrupts(std::make_shared<InterruptTable>(m_signaller)) {
  reset_registers();
}

Function::~Function() { drop_queues(std::nullopt); }

Result<void> Function::connect() {
  CIPHERDECK_ASSIGN(m_doorbells, DoorbellPages::make());
  return {};
}

void Function::disconnect() {
  reset_queues();
  m_dma.clear();
  m_interrupts->unwire_all();
  m_request.reset();
  m_error.reset();
  const std::uint16_t vfs = m_config.enabled_vfs();
  m_config.reset();
  m_interrupts->set_masked(0);
  if (vfs != 0) m_config.set_enabled_vfs(vfs);
  m_doorbells.reset();
}

std::size_t Function::region_len(Region region) noexcept {
  switch (region) {
    case Region::registers:
      return CIPHERDECK_BAR_REGISTERS_LEN;
    case Region::doorbells:
      return CIPHERDECK_BAR_DOORBELLS_LEN;
    case Region::config:
      return pci::kConfigLen;
  }
  return 0;
}

void Function::read_region(Region region, std::uint64_t offset, MutableBytes out) {
  if (region == Region::config) return read_config(offset, out);
  std::fill(out.begin(), out.end(), std::uint8_t{0});
  if (region == Region::doorbells) {
    if (m_doorbells) m_doorbells->read(offset, out);
    return;
  }
  if (!whole_registers(offset, out.size())) return;
  for (std::size_t i = 0; i < out.size(); i += sizeof(std::uint32_t)) {
    const std::uint32_t value = read_register(offset + i);
    std::memcpy(out.data() + i, &value, sizeof value);
  }
}

void Function::write_region(Region region, std::uint64_t offset, Bytes data) {
  if (region == Region::config) return write_config(offset, data);
  if (region == Region::doorbells) {
    if (m_doorbells) m_doorbells->write(offset, data);
    return;
  }
  if (!whole_registers(offset, data.size())) return;
  for (std::size_t i = 0; i < data.size(); i += sizeof(std::uint32_t)) {
    write_register(offset + i, load<std::uint32_t>(data.subspan(i)));
  }
}

void Function::read_config(std::uint64_t offset, MutableBytes out) {
  m_config.set_msi_pending(m_interrupts->pending());
  m_config.read(offset, out);
}

void Function::write_config(std::uint64_t offset, Bytes data) {
  const pci::ConfigEffects effects = m_config.write(offset, data);
  if (effects.function_level_reset) return function_level_reset();
  if (effects.msi_mask_changed) m_interrupts->set_masked(m_config.msi_mask());
  if (effects.vf_enable_changed) change_vfs();
}

void Function::change_vfs() {
  const std::uint16_t wanted = m_config.enabled_vfs();
  if (wanted == 0) return m_host.remove_vfs();
  if (!m_host.make_vfs(wanted)) {
    m_host.log("VFs could not be made: VF Enable stays clear");
    m_config.set_enabled_vfs(0);
  }
}

std::uint32_t Function::read_register(std::uint64_t offset) {
  std::uint32_t value = 0;
  m_registers.read(offset, {reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  if (offset == CIPHERDECK_REG_STATUS && m_card.state() == CIPHERDECK_CARD_FAILED) {
    value |= CIPHERDECK_STATE_CARD_FAILED;
  }
  return value;
}

void Function::write_register(std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case CIPHERDECK_REG_CONTROL:
      return write_control(value);
    case CIPHERDECK_REG_KICK:
      return kick(value);
    default:
      m_registers.write(offset, object_bytes(value));
  }
}

void Function::write_control(std::uint32_t value) {
  if ((value & CIPHERDECK_CONTROL_RESET) != 0) return reset_queues();
  const auto was = m_registers.get<std::uint32_t>(CIPHERDECK_REG_CONTROL);
  m_registers.write(CIPHERDECK_REG_CONTROL, object_bytes(value));
  const auto changed = was ^ m_registers.get<std::uint32_t>(CIPHERDECK_REG_CONTROL);
  if ((changed & CIPHERDECK_CONTROL_ENABLE) == 0 || needs_reset()) return;
  if ((value & CIPHERDECK_CONTROL_ENABLE) != 0) {
    enable();
  } else {
    drop_queues(std::nullopt);
    set_status(0, 0);
  }
}

void Function::kick(std::uint32_t queue_pair) {
  if (queue_pair == 0) {
    if (serve_admin()) m_host.serve_admin_later(m_number);
    return;
  }
  const auto found = m_io.find(queue_pair);
  if (found != m_io.end()) m_card.kick(found->second.handle);
}

void Function::enable() {
  if (!m_doorbells) return;
  using registers::address_at;
  const dma::QueueAddresses addresses{
      .submission = dma::GuestAddress{address_at(m_registers, CIPHERDECK_REG_ADMIN_SQ_LO)},
      .completion = dma::GuestAddress{address_at(m_registers, CIPHERDECK_REG_ADMIN_CQ_LO)},
      .arena = dma::GuestAddress{address_at(m_registers, CIPHERDECK_REG_ADMIN_ARENA_LO)},
      .entries = m_registers.get<std::uint32_t>(CIPHERDECK_REG_ADMIN_ENTRIES),
      .arena_len = m_registers.get<std::uint32_t>(CIPHERDECK_REG_ADMIN_ARENA_LEN)};
  auto mapping = dma::QueueMapping::make(m_dma, addresses, m_doorbells->page(0));
  if (!mapping) return need_reset(mapping.error());
  const ring::QueueMemory memory = mapping->memory();
  m_admin.emplace(AdminQueue{std::move(mapping).value(), ring::DeviceEnd(memory)});
  m_admin->end.start();
  set_status(CIPHERDECK_STATE_READY, 0);
}

Result<void> Function::map_dma(dma::GuestRange range, std::uint64_t file_offset, dma::Access access,
                               FileDescriptor file) {
  return m_dma.map(range, file_offset, access, std::move(file));
}

void Function::unmap_dma(dma::GuestRange range) {
  const bool hits_io = std::any_of(m_io.begin(), m_io.end(), [&range](const auto& entry) {
    return entry.second.mapping.overlaps(range);
  });
  if (hits_io || (m_admin && m_admin->mapping.overlaps(range))) need_reset(Error::dma_fault);
  m_dma.unmap(range);
}

void Function::announce_removal() noexcept {
  if (m_request) m_signaller->signal(m_request.get());
}

void Function::announce_error() noexcept {
  if (m_error) m_signaller->signal(m_error.get());
}

void Function::function_level_reset() {
  const bool had_vfs = m_config.enabled_vfs() != 0;
  reset_queues();
  m_config.reset();
  m_interrupts->clear_pending();
  m_interrupts->set_masked(0);
  if (had_vfs) m_host.remove_vfs();
}

void Function::reset_registers() {
  m_registers.reset();
  m_registers.set(CIPHERDECK_REG_FEATURES_LO, m_card.features());
  m_registers.set(CIPHERDECK_REG_FUNCTION, m_number);
  m_registers.set(CIPHERDECK_REG_GENERATION, m_generation);
}

void Function::reset_queues() {
  drop_queues(std::nullopt);
  ++m_generation;
  reset_registers();
}

// Ends all queue pairs: in the driver's sight they are gone, or failed for `reason`.
void Function::drop_queues(std::optional<Error> reason) {
  for (auto& entry : m_io) detach(entry.second, reason);
  m_io.clear();
  if (!m_admin) return;
  if (reason) {
    m_admin->end.fail(*reason);
    m_interrupts->raise(0);
  } else {
    m_admin->end.stop();
  }
  m_admin.reset();
  ++m_epoch;
}

void Function::need_reset(Error reason) {
  drop_queues(reason);
  if (needs_reset()) return;
  set_status(CIPHERDECK_STATE_NEEDS_RESET, to_status(reason));
  m_host.log("function " + std::to_string(m_number) +
             " needs a reset: " + std::string(to_string(reason)));
}

void Function::set_status(std::uint32_t status, std::uint32_t error) noexcept {
  m_registers.set(CIPHERDECK_REG_STATUS, status);
  m_registers.set(CIPHERDECK_REG_ERROR, error);
}

bool Function::needs_reset() const noexcept {
  return (m_registers.get<std::uint32_t>(CIPHERDECK_REG_STATUS) & CIPHERDECK_STATE_NEEDS_RESET) !=
         0;
}

}  // namespace cipherdeck::device
