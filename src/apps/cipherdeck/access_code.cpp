// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/access_code.h"

#include "base/file_descriptor.h"
#include "base/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

namespace cipherdeck::cli {
namespace {

constexpr std::size_t kMinLen = 8;
constexpr std::size_t kMaxLen = 256;
constexpr const char* kRemedy = "Give it with --access-code-file FILE, or '-' for standard input.";

/// Reads up to `max_len` bytes; negative errno on failure.
int read_some(int fd, std::string& text, std::size_t max_len) {
  text.assign(max_len, '\0');
  std::size_t len = 0;
  while (len < max_len) {
    const ssize_t got = read(fd, text.data() + len, max_len - len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    len += static_cast<std::size_t>(got);
  }
  text.resize(len);
  return 0;
}

void drop_line_end(std::string& text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
}

/// The terminal without echo, for as long as this lives.
class Quiet {
 public:
  explicit Quiet(int fd) : m_fd(fd) {
    if (tcgetattr(fd, &m_before) != 0) return;
    termios quiet = m_before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    m_set = tcsetattr(fd, TCSAFLUSH, &quiet) == 0;
  }
  ~Quiet() {
    if (m_set) tcsetattr(m_fd, TCSAFLUSH, &m_before);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  int m_fd;
  bool m_set = false;
  termios m_before{};
};

std::string prompt_line(int fd, const std::string& text) {
  static_cast<void>(!write(fd, text.data(), text.size()));
  std::string line(kMaxLen + 2, '\0');
  const ssize_t len = read(fd, line.data(), line.size());
  line.resize(len < 0 ? 0 : static_cast<std::size_t>(len));
  drop_line_end(line);
  static_cast<void>(!write(fd, "\n", 1));
  return line;
}

std::optional<std::string> prompt(Context& context) {
  const FileDescriptor terminal{open("/dev/tty", O_RDWR | O_CLOEXEC)};
  if (!terminal || isatty(STDIN_FILENO) == 0) {
    context.exit_code = fail(context, kUsage, "there is no access code", kRemedy);
    return std::nullopt;
  }
  const Quiet quiet(terminal.get());
  std::string code = prompt_line(terminal.get(), "Access code: ");
  std::string again = prompt_line(terminal.get(), "Once more: ");
  const bool same = code == again;
  wipe_text(again);
  if (same) return code;
  wipe_text(code);
  context.exit_code = fail(context, kFailed, "the two access codes differ", "Try again.");
  return std::nullopt;
}

std::optional<std::string> read_file(Context& context, const std::string& file) {
  const bool standard_input = file == "-";
  FileDescriptor opened{standard_input ? -1 : open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!standard_input && !opened) {
    context.exit_code =
        fail(context, kFailed, "cannot read " + file + ": " + std::strerror(errno), kRemedy);
    return std::nullopt;
  }
  const int fd = standard_input ? STDIN_FILENO : opened.get();
  struct stat status {};
  if (!standard_input && fstat(fd, &status) == 0 && (status.st_mode & 077) != 0) {
    std::cerr << "cipherdeck: warning: " << file << " can be read by others than its owner\n";
  }
  std::string code;
  if (const int error = read_some(fd, code, kMaxLen + 3); error < 0) {
    context.exit_code = fail(
        context, kFailed, "cannot read the access code: " + std::string(strerror(-error)), kRemedy);
    return std::nullopt;
  }
  drop_line_end(code);
  return code;
}

bool is_text(const std::string& code) {
  // What JSON cannot carry unchanged is refused here, where it can be explained.
  const Json probe = Json(code);
  try {
    static_cast<void>(probe.dump());
  } catch (const Json::type_error&) {
    return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> read_access_code(Context& context, const std::string& file) {
  auto code = file.empty() ? prompt(context) : read_file(context, file);
  if (!code) return std::nullopt;
  const bool fits = code->size() >= kMinLen && code->size() <= kMaxLen;
  if (fits && is_text(*code)) return code;
  wipe_text(*code);
  context.exit_code =
      fits ? fail(context, kFailed, "the access code is not UTF-8 text", "Choose another one.")
           : fail(context, kFailed, "the access code has not between 8 and 256 bytes",
                  "Choose another one.");
  return std::nullopt;
}

void wipe_text(std::string& text) noexcept {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

}  // namespace cipherdeck::cli
