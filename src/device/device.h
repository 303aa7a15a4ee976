// SPDX-License-Identifier: Apache-2.0
// The device: the PCI functions of one card, each served to one client at a time on a vfio-user
// socket of its own. The PF is there from start to end; its SR-IOV capability makes and removes
// VFs. One thread serves all messages, and a second one runs management commands.
//
// For a seccomp filter: besides sockets, epoll, eventfd, memfd_create, fcntl, fstatfs and mmap it
// calls io_submit and io_getevents while it runs (see EventSignaller), and io_setup and io_destroy
// at start and end; if those fail with an error rather than death, it does without.
#pragma once

#include "base/result.h"
#include "device/card_port.h"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace cipherdeck::device {

struct DeviceOptions {
  /// Where the sockets are: pf.sock, vf1.sock to vf256.sock. Must exist, with rights set by whoever
  /// runs the card. The longest socket path must fit in 107 bytes.
  std::filesystem::path run_directory;
  // These four are about the VFs: the PF, which manages the card, is for root and the user of
  // start() alone.
  mode_t socket_mode = 0600;        // of the socket files
  std::optional<gid_t> socket_gid;  // group of the socket files; none: left as made
  std::vector<uid_t> allowed_uids;  // may connect besides root and the user of start()
  std::vector<gid_t> allowed_gids;  // whose members may connect
  std::uint32_t num_vfs = 0;        // VFs enabled from the start, as if the PF's driver had
  bool trap_doorbells = false;      // every access to a doorbell page is a message: emulation
  std::function<void(std::string_view)> log;  // one line per event, on the message thread; or none
};

/// Made by start(), which has all sockets listening when it returns. Thread-safe.
class Device {
 public:
  /// Fails with invalid_argument (path too long, more than CIPHERDECK_TOTAL_VFS), busy (a live
  /// process listens on one of the sockets), or io. A socket file that a dead process left is
  /// replaced; a file that is no socket is not touched (io). Raises this process's soft limit of
  /// descriptors to the hard one. The card must outlive the device.
  static Result<std::unique_ptr<Device>> start(DeviceOptions options, CardPort& card);
  static Result<std::unique_ptr<Device>> start(DeviceOptions options, card::Card& card);

  /// Disconnects all clients, detaches all queue pairs from the card and unlinks the sockets.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// VFs that there are now.
  [[nodiscard]] std::uint32_t num_vfs() const noexcept;
  /// Clients connected now, the PF's counted.
  [[nodiscard]] std::uint32_t num_clients() const noexcept;

 private:
  class Impl;
  explicit Device(std::unique_ptr<Impl> impl);
  static Result<std::unique_ptr<Device>> start(DeviceOptions options, CardPort& card,
                                               std::unique_ptr<CardPort> owned);

  std::unique_ptr<Impl> m_impl;
};

}  // namespace cipherdeck::device
