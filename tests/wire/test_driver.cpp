// SPDX-License-Identifier: Apache-2.0
#include "wire/test_driver.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <chrono>
#include <cstring>
#include <thread>

namespace cipherdeck::wire {
namespace {

constexpr std::uint32_t kAdminOutput = 0x4000;

// Polls for the next completion, ten seconds at most.
std::optional<ring::Completion> wait_for(ring::DriverEnd& ring) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto done = ring.reap()) return done;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return std::nullopt;
}

}  // namespace

GuestMemory::GuestMemory(std::size_t len, Seal seal)
    : m_fd(memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING)), m_len(len) {
  if (ftruncate(m_fd.get(), static_cast<off_t>(len)) != 0) return;
  if (seal == Seal::shrink) fcntl(m_fd.get(), F_ADD_SEALS, F_SEAL_SHRINK);
  void* const data = mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_SHARED, m_fd.get(), 0);
  if (data != MAP_FAILED) m_data = static_cast<std::uint8_t*>(data);
}

GuestMemory::~GuestMemory() {
  if (m_data != nullptr) munmap(m_data, m_len);
}

TestDriver::TestDriver(const std::filesystem::path& socket)
    : m_client(socket), m_io(CIPHERDECK_MAX_QUEUE_PAIRS) {}

QueueLayout TestDriver::layout(std::uint32_t number) noexcept {
  return {.base = number * kQueueLen};
}

cipherdeck_doorbell* TestDriver::doorbell(std::uint32_t number) const noexcept {
  return reinterpret_cast<cipherdeck_doorbell*>(m_doorbells.get() +
                                                std::size_t{number} * CIPHERDECK_DOORBELL_STRIDE);
}

ring::QueueMemory TestDriver::queue_memory(std::uint32_t number,
                                           const QueueLayout& layout) const noexcept {
  return {.submission = reinterpret_cast<cipherdeck_command*>(m_memory.at(layout.submission())),
          .completion = reinterpret_cast<cipherdeck_completion*>(m_memory.at(layout.completion())),
          .arena = m_memory.at(layout.arena()),
          .doorbell = doorbell(number),
          .entries = layout.entries,
          .arena_len = layout.arena_len};
}

bool TestDriver::start(std::uint32_t entries) {
  if (!m_client.connected() || !m_client.negotiate()) return false;
  if (m_client.map(kBase, kGuestLen, m_memory.fd()) != 0) return false;
  m_doorbell_fd = m_client.doorbells();
  void* const base = mmap(nullptr, CIPHERDECK_BAR_DOORBELLS_LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
                          m_doorbell_fd.get(), 0);
  if (base == MAP_FAILED) return false;
  m_doorbells.reset(static_cast<std::uint8_t*>(base),
                    [](std::uint8_t* mapped) { munmap(mapped, CIPHERDECK_BAR_DOORBELLS_LEN); });
  return enable(entries);
}

bool TestDriver::enable(std::uint32_t entries) {
  QueueLayout layout = TestDriver::layout(0);
  layout.entries = entries;
  std::memset(m_memory.at(layout.completion()), 0, 0x10000);
  const auto set64 = [this](std::uint32_t reg, std::uint64_t value) {
    return m_client.write(VFIO_PCI_BAR0_REGION_INDEX, reg, object_bytes(value)) == 0;
  };
  const bool written =
      set64(CIPHERDECK_REG_ADMIN_SQ_LO, kBase + layout.submission()) &&
      set64(CIPHERDECK_REG_ADMIN_CQ_LO, kBase + layout.completion()) &&
      set64(CIPHERDECK_REG_ADMIN_ARENA_LO, kBase + layout.arena()) &&
      m_client.write_register(CIPHERDECK_REG_ADMIN_ARENA_LEN, layout.arena_len) == 0 &&
      m_client.write_register(CIPHERDECK_REG_ADMIN_ENTRIES, entries) == 0 &&
      m_client.write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_ENABLE) == 0;
  m_admin.emplace(queue_memory(0, layout));
  return written && m_client.read_register(CIPHERDECK_REG_STATUS) == CIPHERDECK_STATE_READY;
}

std::optional<ring::Completion> TestDriver::admin(cipherdeck_command command, Bytes input,
                                                  std::uint32_t room) {
  std::uint8_t* const arena = m_admin->memory().arena;
  if (!input.empty()) std::memcpy(arena, input.data(), input.size());
  command.command_id = m_next_command++;
  command.input = {0, static_cast<std::uint32_t>(input.size())};
  command.output = {kAdminOutput, room};
  if (!m_admin->push(command)) return std::nullopt;
  if (m_admin->ring_doorbell()) m_client.write_register(CIPHERDECK_REG_KICK, 0);
  auto done = wait_for(*m_admin);
  if (done && done->command_id != command.command_id) return std::nullopt;
  return done;
}

Bytes TestDriver::admin_output(std::size_t len) const {
  return {m_admin->memory().arena + kAdminOutput, len};
}

cipherdeck_queue_pair_create TestDriver::create_request(std::uint32_t number,
                                                        std::uint32_t vector) {
  const QueueLayout layout = TestDriver::layout(number);
  return {.number = number,
          .entries = layout.entries,
          .submission = kBase + layout.submission(),
          .completion = kBase + layout.completion(),
          .arena = kBase + layout.arena(),
          .arena_len = layout.arena_len,
          .vector = vector};
}

std::uint16_t TestDriver::create(const cipherdeck_queue_pair_create& request) {
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_QUEUE_PAIR_CREATE;
  const auto done = admin(command, object_bytes(request));
  return done ? done->status : CIPHERDECK_STATUS_TIMED_OUT;
}

std::uint16_t TestDriver::create(std::uint32_t number, std::uint32_t vector) {
  const QueueLayout layout = TestDriver::layout(number);
  std::memset(m_memory.at(layout.completion()), 0, 0x10000);
  const std::uint16_t status = create(create_request(number, vector));
  if (status == CIPHERDECK_STATUS_OK) m_io[number].emplace(queue_memory(number, layout));
  return status;
}

std::uint16_t TestDriver::destroy(std::uint32_t number) {
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_QUEUE_PAIR_DESTROY;
  command.arg[0] = number;
  const auto done = admin(command);
  return done ? done->status : CIPHERDECK_STATUS_TIMED_OUT;
}

ring::DriverEnd& TestDriver::io_ring(std::uint32_t number) { return *m_io[number]; }

std::vector<std::uint8_t> TestDriver::echo(std::uint32_t number, Bytes text) {
  ring::DriverEnd& ring = io_ring(number);
  std::memcpy(ring.memory().arena, text.data(), text.size());
  cipherdeck_command command{};
  command.command_id = m_next_command++;
  const auto len = static_cast<std::uint32_t>(text.size());
  command.input = {0, len};
  command.output = {0x8000, len};
  if (!ring.push(command)) return {};
  if (ring.ring_doorbell()) m_client.write_register(CIPHERDECK_REG_KICK, number);
  const auto done = wait_for(ring);
  if (!done || done->status != CIPHERDECK_STATUS_OK || done->command_id != command.command_id) {
    return {};
  }
  const std::uint8_t* const out = ring.memory().arena + 0x8000;
  return {out, out + done->output_len};
}

}  // namespace cipherdeck::wire
