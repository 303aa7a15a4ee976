// SPDX-License-Identifier: Apache-2.0
#include "card/store/key_file.h"

#include "base/file_descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cipherdeck::card::store {
namespace {

Error failed(std::string& why, std::string text) {
  why = std::move(text);
  return Error::store_failed;
}

std::string with_errno(const std::string& text) { return text + ": " + std::strerror(errno); }

std::string draft_of(const std::string& name) { return name + ".new"; }

Result<void> check_file(int fd, const std::string& name, std::string& why) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return failed(why, with_errno("key file " + name));
  if (!S_ISREG(info.st_mode)) return failed(why, "key file " + name + " is not a regular file");
  if (info.st_uid != geteuid()) {
    return failed(why, "key file " + name + " belongs to user " + std::to_string(info.st_uid) +
                           "; chown it to user " + std::to_string(geteuid()));
  }
  if ((info.st_mode & 077) != 0) {
    return failed(why, "key file " + name +
                           " can be used by others; chmod it to 0600, and change " +
                           "the card's keys if someone may have read it");
  }
  if (info.st_size != static_cast<off_t>(kRootKeyLen)) {
    return failed(why, "key file " + name + " has " + std::to_string(info.st_size) +
                           " bytes, not " + std::to_string(kRootKeyLen) +
                           "; restore it from a backup");
  }
  return {};
}

// Systemd gives its file to the service by an access list, whose mask shows as the group's mode.
Result<void> check_credential(int fd, const std::string& name, std::string& why) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return failed(why, with_errno("credential " + name));
  const bool private_file = S_ISREG(info.st_mode) && (info.st_mode & 07) == 0 &&
                            (info.st_uid == 0 || info.st_uid == geteuid());
  if (!private_file) {
    return failed(
        why, "credential " + name + " is not a file of root or this user that others may not read");
  }
  if (info.st_size == static_cast<off_t>(kRootKeyLen)) return {};
  return failed(why, "credential " + name + " has " + std::to_string(info.st_size) +
                         " bytes, not " + std::to_string(kRootKeyLen) +
                         "; make it of 32 random bytes");
}

bool read_all(int fd, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t len = read(fd, out.data(), out.size());
    if (len < 0 && errno == EINTR) continue;
    if (len <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(len));
  }
  return true;
}

bool write_all(int fd, Bytes data) {
  while (!data.empty()) {
    const ssize_t len = write(fd, data.data(), data.size());
    if (len < 0 && errno == EINTR) continue;
    if (len <= 0) return false;
    data = data.subspan(static_cast<std::size_t>(len));
  }
  return true;
}

// Writes the whole file under a name of its own, which a killed process may leave behind and the
// next one removes.
Result<void> write_draft(const std::string& draft, Bytes key, std::string& why) {
  if (unlink(draft.c_str()) != 0 && errno != ENOENT) return failed(why, with_errno(draft));
  const FileDescriptor file(
      open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return failed(why, with_errno("key file " + draft + " cannot be made"));
  if (fchmod(file.get(), 0600) != 0 || !write_all(file.get(), key) || fsync(file.get()) != 0) {
    const Error error = failed(why, with_errno("key file " + draft + " cannot be written"));
    unlink(draft.c_str());
    return error;
  }
  return {};
}

}  // namespace

Result<RootKey> read_key_file(const std::filesystem::path& path, std::string& why) {
  const std::string name = path.string();
  // Non-blocking, lest a FIFO in its place hangs the card; it is refused below.
  const FileDescriptor file(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) {
    why = "key file " + name +
          " is not there; restore it from a backup: no key can be read without it";
    return Error::not_found;
  }
  if (!file) return failed(why, with_errno("key file " + name + " cannot be opened"));
  CIPHERDECK_TRY(check_file(file.get(), name, why));
  RootKey key;
  if (!read_all(file.get(), key.span())) {
    return failed(why, with_errno("key file " + name + " cannot be read"));
  }
  return key;
}

Result<RootKey> read_credential(const std::filesystem::path& path, std::string& why) {
  if (path.empty()) {
    return failed(why,
                  "the service was given no credential cipherdeck.key; add LoadCredential= or "
                  "LoadCredentialEncrypted= to its unit");
  }
  const std::string name = path.string();
  const FileDescriptor file(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return failed(why, with_errno("credential " + name + " cannot be opened"));
  CIPHERDECK_TRY(check_credential(file.get(), name, why));
  RootKey key;
  if (!read_all(file.get(), key.span())) {
    return failed(why, with_errno("credential " + name + " cannot be read"));
  }
  return key;
}

Result<void> settle_key_file(const std::filesystem::path& path, std::string& why) {
  const std::string name = path.string();
  unlink(draft_of(name).c_str());
  const FileDescriptor file(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file || fsync(file.get()) != 0) return failed(why, with_errno("key file " + name));
  return sync_parent(path, why);
}

Result<void> destroy_key_file(const std::filesystem::path& path, std::string& why) {
  const std::string name = path.string();
  const FileDescriptor file(open(name.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return {};
  const RootKey zeros;
  const bool gone = file && write_all(file.get(), zeros.span()) && fsync(file.get()) == 0 &&
                    unlink(name.c_str()) == 0;
  if (!gone) return failed(why, with_errno("key file " + name + " cannot be destroyed"));
  return sync_parent(path, why);
}

Result<void> sync_parent(const std::filesystem::path& path, std::string& why) {
  std::string parent = path.parent_path().string();
  if (parent.empty()) parent = ".";
  const FileDescriptor directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || fsync(directory.get()) != 0) {
    return failed(why, with_errno("directory " + parent + " cannot be synced"));
  }
  return {};
}

Result<RootKey> make_key_file(const std::filesystem::path& path, RandomSource& random,
                              std::string& why) {
  RootKey key;
  CIPHERDECK_TRY(random.fill(key.span()));
  const std::string name = path.string();
  const std::string draft = draft_of(name);
  CIPHERDECK_TRY(write_draft(draft, key.span(), why));
  // link() fails where the name is taken, which rename() would not.
  const bool linked = link(draft.c_str(), name.c_str()) == 0;
  const int error = errno;
  unlink(draft.c_str());
  if (!linked && error == EEXIST) {
    why = "key file " + name + " is there already";
    return Error::exists;
  }
  if (!linked) return failed(why, "key file " + name + " cannot be made: " + std::strerror(error));
  CIPHERDECK_TRY(sync_parent(path, why));
  return key;
}

}  // namespace cipherdeck::card::store
