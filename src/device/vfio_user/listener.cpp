// SPDX-License-Identifier: Apache-2.0
#include "device/vfio_user/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace cipherdeck::device::vfio_user {
namespace {

// One client is served at a time; a few more wait to be turned away.
constexpr int kBacklog = 4;
constexpr std::size_t kMaxPeerGroups = 256;

FileDescriptor unix_socket() noexcept {
  return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

Result<sockaddr_un> address_of(const std::filesystem::path& path) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) return Error::invalid_argument;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

bool bind_to(int socket, const sockaddr_un& address) noexcept {
  return bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Gives the file its name unless a file has it.
bool name_file(const sockaddr_un& from, const sockaddr_un& to) noexcept {
  return renameat2(AT_FDCWD, from.sun_path, AT_FDCWD, to.sun_path, RENAME_NOREPLACE) == 0;
}

// Removes the socket file at `address` if nobody listens on it.
Result<void> remove_stale(const sockaddr_un& address) noexcept {
  struct stat info {};
  if (lstat(address.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return Error::io;
  const FileDescriptor probe = unix_socket();
  if (!probe) return Error::io;
  const int connected =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (connected == 0 || errno != ECONNREFUSED) return Error::busy;
  if (unlink(address.sun_path) != 0) return Error::io;
  return {};
}

// What `attempt` does with the name, once more without the socket file that a dead process left.
template <typename Attempt>
Result<void> take_name(const sockaddr_un& name, Attempt attempt) {
  if (attempt()) return {};
  if (errno != EADDRINUSE && errno != EEXIST) return Error::io;
  CIPHERDECK_TRY(remove_stale(name));
  if (!attempt()) return Error::io;
  return {};
}

}  // namespace

// It is made under a hidden name and gets its own when it listens: whoever sees it can connect.
Result<Listener> Listener::open(std::filesystem::path path, const SocketRights& rights) {
  CIPHERDECK_ASSIGN(const sockaddr_un address, address_of(path));
  CIPHERDECK_ASSIGN(const sockaddr_un hidden,
                    address_of(path.parent_path() / ("." + path.filename().native())));
  FileDescriptor socket = unix_socket();
  if (!socket) return Error::io;
  // The file gets the mode that the socket has before it is bound: it is never open to more.
  if (fchmod(socket.get(), rights.mode & 0600) != 0) return Error::io;
  CIPHERDECK_TRY(take_name(hidden, [&] { return bind_to(socket.get(), hidden); }));
  Listener listener(std::move(socket), hidden.sun_path);
  const auto gid = rights.gid.value_or(static_cast<gid_t>(-1));
  if (lchown(hidden.sun_path, static_cast<uid_t>(-1), gid) != 0) return Error::io;
  if (chmod(hidden.sun_path, rights.mode) != 0) return Error::io;
  if (listen(listener.fd(), kBacklog) != 0) return Error::io;
  CIPHERDECK_TRY(take_name(address, [&] { return name_file(hidden, address); }));
  listener.m_path = std::move(path);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : m_socket(std::move(other.m_socket)), m_path(std::exchange(other.m_path, {})) {}

Listener::~Listener() {
  if (!m_path.empty()) unlink(m_path.c_str());
}

bool peer_is_allowed(int socket, const SocketRights& rights) noexcept {
  ucred peer{};
  socklen_t len = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return false;
  const auto& uids = rights.allowed_uids;
  if (peer.uid == 0 || std::find(uids.begin(), uids.end(), peer.uid) != uids.end()) return true;

  std::array<gid_t, kMaxPeerGroups + 1> groups{peer.gid};
  socklen_t groups_len = kMaxPeerGroups * sizeof(gid_t);
  std::size_t num_groups = 1;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data() + 1, &groups_len) == 0) {
    num_groups += groups_len / sizeof(gid_t);
  }
  const auto& gids = rights.allowed_gids;
  return std::find_first_of(groups.begin(),
                            groups.begin() + static_cast<std::ptrdiff_t>(num_groups), gids.begin(),
                            gids.end()) != groups.begin() + static_cast<std::ptrdiff_t>(num_groups);
}

}  // namespace cipherdeck::device::vfio_user
