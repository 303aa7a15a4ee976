// SPDX-License-Identifier: Apache-2.0
// One function of the device, the PF or a VF: its config space, registers, DMA maps, interrupts,
// doorbell pages and queue pairs. Knows nothing of sockets and messages.
#pragma once

#include "device/card_port.h"
#include "device/dma/queue_mapping.h"
#include "device/doorbell_pages.h"
#include "device/interrupt.h"
#include "device/pci/config_space.h"
#include "device/registers/register_file.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace cipherdeck::device {

/// A management command on its way to the card. `epoch` tells whether the admin queue pair that it
/// came from is still there when the reply comes.
struct ManagementJob {
  std::uint64_t epoch = 0;
  cipherdeck_command command{};
  std::vector<std::uint8_t> input;
  std::vector<std::uint8_t> token;  // of a login, or empty
};

/// What a function asks of the device around it.
class FunctionHost {
 public:
  virtual ~FunctionHost() = default;
  /// Makes VFs 1 to `num_vfs`, all or none. These two are called for the PF only.
  virtual Result<void> make_vfs(std::uint32_t num_vfs) = 0;
  virtual void remove_vfs() = 0;
  /// Has the card run `job` and calls complete_management() of the PF later, on this thread.
  virtual void manage(ManagementJob job) = 0;
  /// Has serve_admin() of `function` called soon: there is more to do than one message may take.
  virtual void serve_admin_later(card::FunctionNumber function) = 0;
  virtual void log(std::string_view line) = 0;
  /// Whether clients get no mapping of their doorbell pages.
  [[nodiscard]] virtual bool traps_doorbells() const noexcept { return false; }
};

enum class Region : std::uint32_t { registers = 0, doorbells = 2, config = 7 };

/// For one thread, the message thread. Between connect() and disconnect() it serves one client; no
/// queue pair outlives that.
class Function {
 public:
  Function(card::FunctionNumber number, CardPort& card, FunctionHost& host,
           std::shared_ptr<EventSignaller> signaller);
  ~Function();
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  [[nodiscard]] card::FunctionNumber number() const noexcept { return m_number; }
  [[nodiscard]] bool is_pf() const noexcept { return m_number == 0; }

  /// Makes doorbell pages for a new client.
  Result<void> connect();
  /// Resets the function and forgets the client: maps, interrupts, config space. What SR-IOV has
  /// made stays.
  void disconnect();

  /// Accesses that lie within the region. Those of a width or alignment that BAR 0 does not have
  /// read zero and write nothing.
  void read_region(Region region, std::uint64_t offset, MutableBytes out);
  void write_region(Region region, std::uint64_t offset, Bytes data);
  [[nodiscard]] static std::size_t region_len(Region region) noexcept;
  [[nodiscard]] int doorbell_fd() const noexcept { return m_doorbells ? m_doorbells->fd() : -1; }
  [[nodiscard]] bool traps_doorbells() const noexcept { return m_host.traps_doorbells(); }

  Result<void> map_dma(dma::GuestRange range, std::uint64_t file_offset, dma::Access access,
                       FileDescriptor file);
  /// Queue pairs in `range` end before this returns, and the function then needs a reset.
  void unmap_dma(dma::GuestRange range);

  [[nodiscard]] InterruptTable& interrupts() noexcept { return *m_interrupts; }
  /// The eventfd by which a client is asked to let go of the function.
  void wire_request(FileDescriptor eventfd) { m_request = std::move(eventfd); }
  void wire_error(FileDescriptor eventfd) { m_error = std::move(eventfd); }
  /// Tells the client that the function is about to vanish.
  void announce_removal() noexcept;
  void announce_error() noexcept;

  /// Queue pairs, registers and config space as after power-on. On the PF the VFs vanish.
  void function_level_reset();

  /// Runs a bounded number of admin commands; true if there may be more.
  bool serve_admin();
  void complete_management(std::uint64_t epoch, const cipherdeck_command& command,
                           const card::ManagementReply& reply);

  /// VFs that the device enables by itself.
  void note_enabled_vfs(std::uint16_t num_vfs) noexcept { m_config.set_enabled_vfs(num_vfs); }

  [[nodiscard]] std::size_t num_io_queue_pairs() const noexcept { return m_io.size(); }
  [[nodiscard]] std::size_t num_dma_maps() const noexcept { return m_dma.size(); }

 private:
  struct AdminQueue {
    dma::QueueMapping mapping;
    ring::DeviceEnd end;
    bool waiting_for_card = false;
  };
  struct IoQueuePair {
    dma::QueueMapping mapping;
    card::QueuePairHandle handle = 0;
    std::uint32_t vector = 0;
  };

  // function.cpp
  void read_config(std::uint64_t offset, MutableBytes out);
  void write_config(std::uint64_t offset, Bytes data);
  void change_vfs();
  [[nodiscard]] std::uint32_t read_register(std::uint64_t offset);
  void write_register(std::uint64_t offset, std::uint32_t value);
  void write_control(std::uint32_t value);
  void kick(std::uint32_t queue_pair);
  void enable();
  void reset_registers();
  void reset_queues();
  void drop_queues(std::optional<Error> reason);
  void need_reset(Error reason);
  void set_status(std::uint32_t status, std::uint32_t error) noexcept;
  [[nodiscard]] bool needs_reset() const noexcept;

  // function_admin.cpp
  void execute(const cipherdeck_command& command);
  void finish(const cipherdeck_command& command, std::uint16_t status, std::uint32_t value = 0,
              std::uint32_t output_len = 0);
  void finish_with_output(const cipherdeck_command& command, std::uint32_t value, Bytes output);
  void start_management(const cipherdeck_command& command);
  Result<std::uint32_t> create_queue_pair(const cipherdeck_command& command);
  Result<void> destroy_queue_pair(const cipherdeck_command& command);
  void detach(IoQueuePair& queue_pair, std::optional<Error> reason) noexcept;

  const card::FunctionNumber m_number;
  CardPort& m_card;
  FunctionHost& m_host;
  pci::ConfigSpace m_config;
  registers::RegisterFile m_registers;
  std::shared_ptr<EventSignaller> m_signaller;
  std::shared_ptr<InterruptTable> m_interrupts;
  FileDescriptor m_request;
  FileDescriptor m_error;
  dma::Table m_dma;
  std::optional<DoorbellPages> m_doorbells;
  std::optional<AdminQueue> m_admin;
  std::map<std::uint32_t, IoQueuePair> m_io;
  std::uint32_t m_generation = 0;
  std::uint64_t m_epoch = 0;  // counts admin queue pairs that ended
};

}  // namespace cipherdeck::device
