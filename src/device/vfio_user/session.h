// SPDX-License-Identifier: Apache-2.0
// The vfio-user commands of one client, turned into calls of its function.
#pragma once

#include "device/function.h"
#include "device/vfio_user/stream.h"

#include <cstdint>
#include <vector>

namespace cipherdeck::device::vfio_user {

/// What a client gets back. `fd` belongs to the function and is sent as a copy.
struct Reply {
  int error = 0;  // errno; not zero: no payload
  std::vector<std::uint8_t> payload;
  int fd = -1;
};

/// struct vfio_irq_set without the data that follows it.
struct IrqSet {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t start;
  std::uint32_t count;
};
static_assert(sizeof(IrqSet) == offsetof(vfio_irq_set, data));

/// Whether a message is well-formed is asked by is_valid_...() before handle_...() acts on it.
class Session {
 public:
  explicit Session(Function& function) noexcept : m_function(function) {}

  /// Runs one command. Descriptors that come with the message are taken or closed.
  Reply handle(Message message);

  /// Set once the client has shown that it does not speak the protocol: reply, then close.
  [[nodiscard]] bool finished() const noexcept { return m_finished; }

 private:
  Reply dispatch(Message& message);
  Reply handle_version(const Message& message);
  Reply handle_dma_map(Message& message);
  Reply handle_dma_unmap(const Message& message);
  Reply handle_get_info(const Message& message);
  Reply handle_get_region_info(const Message& message);
  Reply handle_get_irq_info(const Message& message);
  Reply handle_set_irqs(Message& message);
  Reply handle_region_read(const Message& message);
  Reply handle_region_write(const Message& message);
  Reply handle_region_write_multi(const Message& message);
  Reply handle_reset(const Message& message);

  Reply wire_eventfds(const IrqSet& request, std::vector<FileDescriptor> fds);
  void wire(std::uint32_t index, std::uint32_t vector, FileDescriptor eventfd);
  Reply trigger(const IrqSet& request, Bytes data);

  Function& m_function;
  bool m_negotiated = false;
  bool m_finished = false;
};

}  // namespace cipherdeck::device::vfio_user
