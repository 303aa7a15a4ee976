// SPDX-License-Identifier: Apache-2.0
#include "driver/user/host_function.h"

#include "driver/user/admin_queue.h"
#include "driver/user/host_queue_pair.h"
#include "driver/user/vfio_user_client.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>

namespace cipherdeck::driver {
namespace {

// Each queue pair's memory has a range of DMA addresses of its own, with room for the largest.
constexpr std::uint64_t kQueuePairStride = 1ULL << 32;
constexpr std::uint64_t dma_address(std::uint32_t number) { return number * kQueuePairStride; }

}  // namespace

class HostFunction::Impl {
 public:
  explicit Impl(std::unique_ptr<VfioUserClient> client) : m_client(std::move(client)) {}
  ~Impl();

  Result<void> take_up();
  Result<std::unique_ptr<QueuePair>> create(const QueuePairOptions& options,
                                            std::shared_ptr<HostFunction> owner);
  Result<std::uint32_t> read_register(std::uint32_t offset);
  Result<void> write_register(std::uint32_t offset, std::uint32_t value);

  [[nodiscard]] VfioUserClient& client() noexcept { return *m_client; }
  [[nodiscard]] const VfioUserClient& client() const noexcept { return *m_client; }
  [[nodiscard]] AdminQueue& admin() noexcept { return *m_admin; }

 private:
  Result<void> check_version();
  Result<void> map_doorbells();
  Result<void> tell_doorbell(std::uint32_t number);
  Result<void> sync_doorbell(std::uint32_t number);
  Result<void> connect_interrupts();
  Result<void> start_admin_queue();
  Result<void> kick(std::uint32_t number);
  Result<std::uint32_t> reserve_number();
  void release_number(std::uint32_t number);
  Result<Mapping> share_memory(std::uint64_t address, std::size_t len);
  Result<void> create_at_card(std::uint32_t number, const QueuePairOptions& options);
  void destroy(std::uint32_t number, std::size_t memory_len);
  [[nodiscard]] cipherdeck_doorbell* doorbell(std::uint32_t number) noexcept;

  std::unique_ptr<VfioUserClient> m_client;
  Mapping m_doorbells;
  bool m_is_emulated = false;  // m_doorbells is a copy of pages that cannot be mapped
  std::mutex m_doorbell_mutex;
  std::array<InterruptVector, CIPHERDECK_MAX_VECTORS> m_vectors;
  std::uint32_t m_num_vectors = 1;
  std::unique_ptr<AdminQueue> m_admin;
  std::uint32_t m_num_queue_pairs = 0;  // the admin queue pair counted
  std::mutex m_numbers_mutex;
  std::bitset<CIPHERDECK_MAX_QUEUE_PAIRS> m_numbers;  // in use
};

HostFunction::Impl::~Impl() {
  if (m_client->connected()) (void)write_register(CIPHERDECK_REG_CONTROL, 0);
}

Result<void> HostFunction::Impl::take_up() {
  CIPHERDECK_TRY(check_version());
  // What an earlier user left behind is dropped.
  CIPHERDECK_TRY(write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET));
  const std::array<std::uint8_t, 2> command{PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0};
  CIPHERDECK_TRY(m_client->write(VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, command));
  CIPHERDECK_TRY(map_doorbells());
  CIPHERDECK_TRY(connect_interrupts());
  return start_admin_queue();
}

Result<void> HostFunction::Impl::check_version() {
  CIPHERDECK_ASSIGN(const std::uint32_t magic, read_register(CIPHERDECK_REG_MAGIC));
  CIPHERDECK_ASSIGN(const std::uint32_t version, read_register(CIPHERDECK_REG_VERSION));
  CIPHERDECK_ASSIGN(const std::uint32_t limits, read_register(CIPHERDECK_REG_LIMITS));
  if (magic != CIPHERDECK_MAGIC || (version >> 16) != CIPHERDECK_VERSION_MAJOR) {
    return Error::not_supported;
  }
  m_num_queue_pairs =
      std::min<std::uint32_t>(CIPHERDECK_LIMITS_QUEUE_PAIRS(limits), CIPHERDECK_MAX_QUEUE_PAIRS);
  m_numbers.set(0);
  return {};
}

Result<void> HostFunction::Impl::map_doorbells() {
  CIPHERDECK_ASSIGN(const auto region, m_client->region(CIPHERDECK_BAR_DOORBELLS));
  if (region.len < CIPHERDECK_BAR_DOORBELLS_LEN) return Error::not_supported;
  m_is_emulated = !region.mappable;
  if (!m_is_emulated) {
    CIPHERDECK_ASSIGN(m_doorbells,
                      Mapping::map(region.fd.get(), region.offset, CIPHERDECK_BAR_DOORBELLS_LEN));
    return {};
  }
  constexpr std::size_t kLen = CIPHERDECK_BAR_DOORBELLS_LEN;
  CIPHERDECK_ASSIGN(const FileDescriptor copy, make_sealed_memory_file("cipherdeck-bells", kLen));
  CIPHERDECK_ASSIGN(m_doorbells, Mapping::map(copy.get(), 0, kLen));
  return {};
}

// The driver's half of a copied page goes to the device: sq_tail, cq_head and irq_at.
Result<void> HostFunction::Impl::tell_doorbell(std::uint32_t number) {
  cipherdeck_doorbell& page = *doorbell(number);
  const auto load = [](cipherdeck_le32& word) { return std::atomic_ref(word).load(); };
  const std::lock_guard lock(m_doorbell_mutex);  // or an older tail might follow a newer one
  const std::array<std::uint32_t, 3> half = {load(page.sq_tail), load(page.cq_head),
                                             load(page.irq_at)};
  return m_client->post(CIPHERDECK_BAR_DOORBELLS, number * std::size_t{CIPHERDECK_DOORBELL_STRIDE},
                        object_bytes(half));
}

// Both halves.
Result<void> HostFunction::Impl::sync_doorbell(std::uint32_t number) {
  constexpr std::size_t kHalf = offsetof(cipherdeck_doorbell, needs_kick);
  CIPHERDECK_TRY(tell_doorbell(number));
  auto* const page = reinterpret_cast<std::uint8_t*>(doorbell(number));
  return m_client->read(CIPHERDECK_BAR_DOORBELLS,
                        number * std::size_t{CIPHERDECK_DOORBELL_STRIDE} + kHalf,
                        {page + kHalf, sizeof(cipherdeck_doorbell) - kHalf});
}

Result<void> HostFunction::Impl::connect_interrupts() {
  CIPHERDECK_ASSIGN(const std::uint32_t count, m_client->num_interrupts(VFIO_PCI_MSI_IRQ_INDEX));
  if (count == 0) return Error::not_supported;
  m_num_vectors = std::min<std::uint32_t>(count, CIPHERDECK_MAX_VECTORS);
  std::array<int, CIPHERDECK_MAX_VECTORS> fds{};
  for (std::uint32_t i = 0; i < m_num_vectors; ++i) {
    CIPHERDECK_TRY(m_vectors[i].create());
    fds[i] = m_vectors[i].fd();
  }
  return m_client->set_interrupts(VFIO_PCI_MSI_IRQ_INDEX, {fds.data(), m_num_vectors});
}

Result<void> HostFunction::Impl::start_admin_queue() {
  CIPHERDECK_ASSIGN(Mapping memory,
                    share_memory(AdminQueue::kDmaAddress, AdminQueue::memory_len()));
  const auto low = [](std::uint64_t address) { return static_cast<std::uint32_t>(address); };
  const std::array<std::pair<std::uint32_t, std::uint32_t>, 8> registers{{
      {CIPHERDECK_REG_ADMIN_SQ_LO, low(AdminQueue::submission_address())},
      {CIPHERDECK_REG_ADMIN_SQ_HI, 0},
      {CIPHERDECK_REG_ADMIN_CQ_LO, low(AdminQueue::completion_address())},
      {CIPHERDECK_REG_ADMIN_CQ_HI, 0},
      {CIPHERDECK_REG_ADMIN_ARENA_LO, low(AdminQueue::arena_address())},
      {CIPHERDECK_REG_ADMIN_ARENA_HI, 0},
      {CIPHERDECK_REG_ADMIN_ARENA_LEN, AdminQueue::arena_len()},
      {CIPHERDECK_REG_ADMIN_ENTRIES, AdminQueue::kEntries},
  }};
  for (const auto& entry : registers) CIPHERDECK_TRY(write_register(entry.first, entry.second));
  CIPHERDECK_TRY(write_register(CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_ENABLE));
  CIPHERDECK_ASSIGN(const std::uint32_t status, read_register(CIPHERDECK_REG_STATUS));
  if ((status & CIPHERDECK_STATE_NEEDS_RESET) != 0) {
    CIPHERDECK_ASSIGN(const std::uint32_t error, read_register(CIPHERDECK_REG_ERROR));
    return from_status(static_cast<std::uint16_t>(error));
  }
  if (m_is_emulated) {
    doorbell(0)->irq_at = 0xffffffff;
    CIPHERDECK_TRY(sync_doorbell(0));
  }
  m_admin = std::make_unique<AdminQueue>(
      std::move(memory), doorbell(0), [this] { return kick(0); },
      [this] { return m_client->connected(); });
  return {};
}

Result<Mapping> HostFunction::Impl::share_memory(std::uint64_t address, std::size_t len) {
  CIPHERDECK_ASSIGN(const FileDescriptor file, make_sealed_memory_file("cipherdeck-queue", len));
  CIPHERDECK_ASSIGN(Mapping mapping, Mapping::map(file.get(), 0, len));
  CIPHERDECK_TRY(m_client->map_dma(file.get(), address, len));
  return mapping;
}

Result<std::uint32_t> HostFunction::Impl::read_register(std::uint32_t offset) {
  std::uint32_t value = 0;
  CIPHERDECK_TRY(m_client->read(CIPHERDECK_BAR_REGISTERS, offset,
                                {reinterpret_cast<std::uint8_t*>(&value), sizeof value}));
  return value;
}

Result<void> HostFunction::Impl::write_register(std::uint32_t offset, std::uint32_t value) {
  return m_client->write(CIPHERDECK_BAR_REGISTERS, offset, object_bytes(value));
}

Result<void> HostFunction::Impl::kick(std::uint32_t number) {
  if (m_is_emulated) CIPHERDECK_TRY(tell_doorbell(number));
  return m_client->post(CIPHERDECK_BAR_REGISTERS, CIPHERDECK_REG_KICK, object_bytes(number));
}

cipherdeck_doorbell* HostFunction::Impl::doorbell(std::uint32_t number) noexcept {
  return reinterpret_cast<cipherdeck_doorbell*>(m_doorbells.data() +
                                                number * std::size_t{CIPHERDECK_DOORBELL_STRIDE});
}

Result<std::uint32_t> HostFunction::Impl::reserve_number() {
  const std::lock_guard lock(m_numbers_mutex);
  for (std::uint32_t number = 1; number < m_num_queue_pairs; ++number) {
    if (!m_numbers.test(number)) {
      m_numbers.set(number);
      return number;
    }
  }
  return Error::limit;
}

void HostFunction::Impl::release_number(std::uint32_t number) {
  const std::lock_guard lock(m_numbers_mutex);
  m_numbers.reset(number);
}

Result<void> HostFunction::Impl::create_at_card(std::uint32_t number,
                                                const QueuePairOptions& options) {
  const std::uint64_t base = dma_address(number);
  const std::uint64_t completion = base + ring::submission_len(options.entries);
  const cipherdeck_queue_pair_create create{
      .number = number,
      .entries = options.entries,
      .submission = base,
      .completion = completion,
      .arena = completion + ring::completion_len(options.entries),
      .arena_len = options.arena_len,
      .vector = number % m_num_vectors};
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_QUEUE_PAIR_CREATE;
  auto reply = m_admin->execute(command, object_bytes(create), 0);
  return reply ? Result<void>{} : reply.error();
}

Result<std::unique_ptr<QueuePair>> HostFunction::Impl::create(const QueuePairOptions& options,
                                                              std::shared_ptr<HostFunction> owner) {
  CIPHERDECK_TRY(ring::check_entries(options.entries));
  const bool arena_fits = options.arena_len >= 4096 && options.arena_len % 4096 == 0 &&
                          options.arena_len <= (1U << CIPHERDECK_MAX_ARENA_LOG2);
  if (!arena_fits) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const std::uint32_t number, reserve_number());
  const std::size_t memory_len = HostQueuePair::memory_len(options);
  auto mapping = share_memory(dma_address(number), memory_len);
  if (!mapping) {
    release_number(number);
    return mapping.error();
  }
  if (auto created = create_at_card(number, options); !created) {
    (void)m_client->unmap_dma(dma_address(number), memory_len);
    release_number(number);
    return created.error();
  }
  HostQueuePair::Parts parts;
  parts.number = number;
  parts.entries = options.entries;
  parts.arena_len = options.arena_len;
  parts.mapping = std::move(mapping).value();
  parts.doorbell = doorbell(number);
  parts.vector = &m_vectors[number % m_num_vectors];
  parts.socket = m_client->socket();
  parts.kick = [this](std::uint32_t which) { return kick(which); };
  if (m_is_emulated) {
    doorbell(number)->sq_tail = 0;  // as the device fills a new page
    doorbell(number)->cq_head = 0;
    doorbell(number)->irq_at = 0xffffffff;
    parts.sync = [this](std::uint32_t which) { return sync_doorbell(which); };
    CIPHERDECK_TRY(sync_doorbell(number));
  }
  parts.alive = [this] { return m_client->connected(); };
  parts.destroy = [this, owner = std::move(owner), memory_len](std::uint32_t which) {
    destroy(which, memory_len);
  };
  return std::unique_ptr<QueuePair>(std::make_unique<HostQueuePair>(std::move(parts)));
}

void HostFunction::Impl::destroy(std::uint32_t number, std::size_t memory_len) {
  cipherdeck_command command{};
  command.opcode = CIPHERDECK_OP_QUEUE_PAIR_DESTROY;
  command.arg[0] = number;
  const auto destroyed = m_admin->execute(command, {}, 0);
  // The card may still use the memory if it did not say otherwise: the number stays taken then.
  if (!destroyed) return;
  (void)m_client->unmap_dma(dma_address(number), memory_len);
  release_number(number);
}

HostFunction::HostFunction(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
HostFunction::~HostFunction() = default;

Result<std::shared_ptr<HostFunction>> HostFunction::open(const std::filesystem::path& socket) {
  CIPHERDECK_ASSIGN(auto client, VfioUserClient::connect(socket));
  auto impl = std::make_unique<Impl>(std::move(client));
  CIPHERDECK_TRY(impl->take_up());
  return std::shared_ptr<HostFunction>(new HostFunction(std::move(impl)));
}

Result<std::uint32_t> HostFunction::read_register(std::uint32_t offset) {
  return m_impl->read_register(offset);
}

Result<void> HostFunction::write_register(std::uint32_t offset, std::uint32_t value) {
  return m_impl->write_register(offset, value);
}

Result<void> HostFunction::read_config(std::uint32_t offset, MutableBytes bytes) {
  return m_impl->client().read(VFIO_PCI_CONFIG_REGION_INDEX, offset, bytes);
}

Result<void> HostFunction::write_config(std::uint32_t offset, Bytes bytes) {
  return m_impl->client().write(VFIO_PCI_CONFIG_REGION_INDEX, offset, bytes);
}

Result<AdminReply> HostFunction::admin(cipherdeck_command command, Bytes input,
                                       std::size_t output_room, Bytes token) {
  return m_impl->admin().execute(command, input, output_room, token);
}

Result<std::unique_ptr<QueuePair>> HostFunction::create_queue_pair(
    const QueuePairOptions& options) {
  return m_impl->create(options, shared_from_this());
}

bool HostFunction::connected() const noexcept { return m_impl->client().connected(); }

}  // namespace cipherdeck::driver
