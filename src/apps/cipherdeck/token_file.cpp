// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/token_file.h"

#include "base/file_descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace cipherdeck::cli {
namespace {

constexpr std::size_t kTokenLen = 64;  // digits

// Cards are told apart by their run directory.
std::filesystem::path token_path(const Context& context) {
  if (const char* const named = std::getenv("CIPHERDECK_TOKEN_FILE")) return named;
  std::string card = std::filesystem::absolute(context.run_dir).lexically_normal().string();
  std::replace(card.begin(), card.end(), '/', '-');
  if (const char* const run = std::getenv("XDG_RUNTIME_DIR")) {
    return std::filesystem::path(run) / ("cipherdeck-token" + card);
  }
  const char* const home = std::getenv("HOME");
  if (home == nullptr) return {};
  return std::filesystem::path(home) / (".cipherdeck-token" + card);
}

bool is_token(const std::string& text) {
  return text.size() == kTokenLen &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string read_token(const Context& context) {
  const std::string path = token_path(context).string();
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  if (info.st_uid != geteuid() || (info.st_mode & 077) != 0)
    return {};  // not ours, or known to others
  std::string token(kTokenLen, '\0');
  const ssize_t len = read(file.get(), token.data(), token.size());
  return len == static_cast<ssize_t>(kTokenLen) && is_token(token) ? token : std::string{};
}

bool write_token(Context& context, const std::string& token) {
  const std::filesystem::path path = token_path(context);
  unlink(path.c_str());
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file && write(file.get(), token.data(), token.size()) == static_cast<ssize_t>(token.size())) {
    return true;
  }
  context.exit_code = fail(
      context, kFailed, "cannot keep the login in " + path.string() + ": " + std::strerror(errno),
      "Name another file with CIPHERDECK_TOKEN_FILE.");
  return false;
}

void remove_token(const Context& context) { unlink(token_path(context).c_str()); }

}  // namespace cipherdeck::cli
