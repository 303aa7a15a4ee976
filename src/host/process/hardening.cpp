// SPDX-License-Identifier: Apache-2.0
#include "host/process/hardening.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <vector>

namespace cipherdeck::process {
namespace {

struct User {
  uid_t uid;
  gid_t gid;
};

Result<User> find_user(const std::string& name) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return Error::not_found;
  }
  return User{entry.pw_uid, entry.pw_gid};
}

}  // namespace

Result<void> forbid_dumps() noexcept {
  const rlimit none{0, 0};
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
    return Error::io;
  }
  return {};
}

std::uint64_t raise_limits(std::uint64_t num_files) noexcept {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  if (files.rlim_max < num_files) {
    const rlimit wanted{num_files, num_files};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) files = wanted;
  }
  if (files.rlim_cur < num_files) {
    files.rlim_cur = files.rlim_max < num_files ? files.rlim_max : num_files;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  rlimit locked{};
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
    locked.rlim_cur = locked.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &locked);
  }
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 0;
}

Result<void> prepare_directory(const std::filesystem::path& path, unsigned mode,
                               const std::string& user) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {};
  std::filesystem::create_directories(path, error);
  if (error || chmod(path.c_str(), mode) != 0) return Error::io;
  if (!user.empty() && geteuid() == 0) {
    CIPHERDECK_ASSIGN(const User owner, find_user(user));
    if (chown(path.c_str(), owner.uid, owner.gid) != 0) return Error::io;
  }
  return {};
}

Result<void> become_user(const std::string& user) {
  CIPHERDECK_ASSIGN(const User wanted, find_user(user));
  if (geteuid() == wanted.uid && geteuid() != 0) return {};
  if (geteuid() != 0) return Error::access_denied;
  if (initgroups(user.c_str(), wanted.gid) != 0 ||
      setresgid(wanted.gid, wanted.gid, wanted.gid) != 0 ||
      setresuid(wanted.uid, wanted.uid, wanted.uid) != 0) {
    return Error::access_denied;
  }
  return {};
}

Result<std::uint32_t> group_id(const std::string& group) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), number);
  if (error == std::errc{} && end == group.data() + group.size()) return number;
  std::vector<char> buffer(65536);
  ::group entry{};
  ::group* found = nullptr;
  if (getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return Error::not_found;
  }
  return static_cast<std::uint32_t>(entry.gr_gid);
}

}  // namespace cipherdeck::process
