// SPDX-License-Identifier: Apache-2.0
// Serves the API on a UNIX socket.
#pragma once

#include "base/result.h"
#include "host/manager/api.h"

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>

namespace cipherdeck::manager {

struct ServerOptions {
  std::filesystem::path socket;  // at most 107 bytes; a file of that name is replaced
  mode_t mode = 0660;
  std::optional<gid_t> group;  // none: left as made
};

/// Listening from start() to destruction, on threads of its own. Whoever may open the socket may
/// do everything.
class Server {
 public:
  /// Fails with invalid_argument (path too long), access_denied (group) or io. `api` must outlive
  /// the server.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Api& api);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace cipherdeck::manager
