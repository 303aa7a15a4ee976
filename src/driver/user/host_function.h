// SPDX-License-Identifier: Apache-2.0
// The user-space driver of one function: a vfio-user client that takes the function up as the Linux
// module does in a guest. Used by libsdf on the host, by the manager for the PF, and by tests.
#pragma once

#include "base/result.h"
#include "driver/user/queue_pair.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::driver {

struct AdminReply {
  std::uint32_t value = 0;
  std::vector<std::uint8_t> output;
};

/// Thread-safe: one lock for messages and the admin queue pair, never held by a queue pair's data
/// path.
class HostFunction : public std::enable_shared_from_this<HostFunction> {
 public:
  /// Connects, negotiates, maps the admin queue pair's memory and enables the function. Fails with
  /// busy when another client has the function, not_found when nobody listens, access_denied,
  /// not_supported (another version of the function interface) or disconnected.
  static Result<std::shared_ptr<HostFunction>> open(const std::filesystem::path& socket);
  ~HostFunction();

  Result<std::uint32_t> read_register(std::uint32_t offset);
  Result<void> write_register(std::uint32_t offset, std::uint32_t value);
  Result<void> read_config(std::uint32_t offset, MutableBytes bytes);
  Result<void> write_config(std::uint32_t offset, Bytes bytes);

  /// Runs one admin command: opcode, key, arg and so on of `command`; its extents are filled in
  /// here, params with `token`, that of a management login, or empty. Waits up to 30 s. Fails with
  /// the command's own error.
  Result<AdminReply> admin(cipherdeck_command command, Bytes input = {},
                           std::size_t output_room = 0, Bytes token = {});

  /// Makes an I/O queue pair; it keeps this function alive and destroys itself at the card.
  Result<std::unique_ptr<QueuePair>> create_queue_pair(const QueuePairOptions& options);

  /// Whether the server still answers.
  [[nodiscard]] bool connected() const noexcept;

 private:
  class Impl;
  explicit HostFunction(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace cipherdeck::driver
