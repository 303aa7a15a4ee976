// SPDX-License-Identifier: Apache-2.0
// The listening socket of one function: a file in the run directory, and who may connect to it.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace cipherdeck::device::vfio_user {

struct SocketRights {
  mode_t mode = 0600;
  std::optional<gid_t> gid;
  std::vector<uid_t> allowed_uids;
  std::vector<gid_t> allowed_gids;
};

/// Owns the socket and its file, which is unlinked with it. Move-only.
class Listener {
 public:
  /// Fails with invalid_argument (path too long), busy (a live process listens there) or io. A
  /// socket file that a dead process left is replaced; any other file is left alone (io). The file
  /// has its name only when it can be connected to; until then it is hidden (".NAME").
  static Result<Listener> open(std::filesystem::path path, const SocketRights& rights);

  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const noexcept { return m_socket.get(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }

 private:
  Listener(FileDescriptor socket, std::filesystem::path path) noexcept
      : m_socket(std::move(socket)), m_path(std::move(path)) {}

  FileDescriptor m_socket;
  std::filesystem::path m_path;  // empty once moved from
};

/// Whether the peer of a connected socket is root or one that `rights` allow.
[[nodiscard]] bool peer_is_allowed(int socket, const SocketRights& rights) noexcept;

}  // namespace cipherdeck::device::vfio_user
