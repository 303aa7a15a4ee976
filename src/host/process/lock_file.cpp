// SPDX-License-Identifier: Apache-2.0
#include "host/process/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>

namespace cipherdeck::process {

Result<LockFile> LockFile::acquire(const std::filesystem::path& path) {
  FileDescriptor fd{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return errno == EACCES || errno == EPERM ? Error::access_denied : Error::io;
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? Error::busy : Error::io;
  }
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd.get(), 0) != 0) return Error::io;
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error::io;
  }
  return LockFile{std::move(fd)};
}

std::string LockFile::holder(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  const bool number =
      !text.empty() && text.size() < 12 &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return number ? text : std::string{};
}

}  // namespace cipherdeck::process
