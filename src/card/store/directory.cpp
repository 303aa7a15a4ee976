// SPDX-License-Identifier: Apache-2.0
#include "card/store/directory.h"

#include "card/store/key_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cipherdeck::card::store {
namespace {

Error failed(std::string& why, const std::string& text, int error = 0) {
  why = error == 0 ? text : text + ": " + std::strerror(error);
  return Error::store_failed;
}

Result<void> check_private(const std::string& name, std::string& why) {
  struct stat info {};
  if (stat(name.c_str(), &info) != 0) return failed(why, "store " + name, errno);
  if (!S_ISDIR(info.st_mode)) return failed(why, "store " + name + " is not a directory");
  if (info.st_uid != geteuid()) {
    return failed(why, "store " + name + " belongs to user " + std::to_string(info.st_uid) +
                           "; chown it to user " + std::to_string(geteuid()));
  }
  if ((info.st_mode & 077) != 0) {
    return failed(why, "store " + name + " is open to others; chmod it to 0700");
  }
  return {};
}

}  // namespace

Result<FileDescriptor> claim_directory(const std::filesystem::path& directory, std::string& why) {
  const std::string name = directory.string();
  if (mkdir(name.c_str(), 0700) == 0) {
    CIPHERDECK_TRY(sync_parent(directory, why));
  } else if (errno != EEXIST) {
    return failed(why, "store " + name + " cannot be made", errno);
  }
  CIPHERDECK_TRY(check_private(name, why));
  FileDescriptor lock(
      open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) {
    return failed(why, "store " + name + " cannot be written (is it mounted read-only?)", errno);
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return failed(why, "store " + name + " cannot be locked", errno);
  why = "another process has the store " + name +
        " open; end it, or give this card a store of its own";
  return Error::busy;
}

bool is_marked_initialised(const FileDescriptor& lock) {
  struct stat info {};
  return fstat(lock.get(), &info) == 0 && info.st_size > 0;
}

Result<void> mark_initialised(const FileDescriptor& lock, std::string& why) {
  constexpr char kMark[] = "initialised\n";
  constexpr auto kLen = static_cast<ssize_t>(sizeof kMark - 1);
  if (pwrite(lock.get(), kMark, kLen, 0) != kLen || fsync(lock.get()) != 0) {
    return failed(why, "the store's lock file cannot be written", errno);
  }
  return {};
}

Result<void> mark_uninitialised(const FileDescriptor& lock, std::string& why) {
  if (ftruncate(lock.get(), 0) != 0 || fsync(lock.get()) != 0) {
    return failed(why, "the store's lock file cannot be written", errno);
  }
  return {};
}

}  // namespace cipherdeck::card::store
