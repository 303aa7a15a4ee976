// SPDX-License-Identifier: Apache-2.0
// The driver of the physical function: the manager's only way to the card.
#pragma once

#include "base/result.h"
#include "driver/user/host_function.h"

#include <cipherdeck/function.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>

namespace cipherdeck::manager {

/// Thread-safe. Connects when it must; a call that finds the card gone fails with disconnected and
/// the next one connects anew.
class PfDriver {
 public:
  explicit PfDriver(std::filesystem::path socket) : m_socket(std::move(socket)) {}

  /// Makes sure that there is a connection and that the card answers on it. Gives the number of
  /// connections made so far: when it has changed, the card may have been restarted and have lost
  /// its VFs. Fails with disconnected when no card listens, else as HostFunction::open.
  Result<std::uint64_t> connect();

  /// Runs one admin command; see HostFunction::admin.
  Result<driver::AdminReply> admin(const cipherdeck_command& command, Bytes input = {},
                                   std::size_t output_room = 0, Bytes token = {});

  Result<std::uint32_t> total_vfs();
  Result<std::uint32_t> num_vfs();
  /// See Sriov::set_num_vfs.
  Result<void> set_num_vfs(std::uint32_t count);

 private:
  /// The connection, made if needed. The lock is held.
  Result<std::shared_ptr<driver::HostFunction>> function();

  std::filesystem::path m_socket;
  std::mutex m_mutex;
  std::shared_ptr<driver::HostFunction> m_function;
  std::uint64_t m_num_connections = 0;
};

}  // namespace cipherdeck::manager
