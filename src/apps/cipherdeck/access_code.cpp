// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/access_code.h"

#include "base/file_descriptor.h"
#include "base/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <iostream>

namespace cipherdeck::cli {
namespace {

constexpr std::size_t kMinLen = 8;
constexpr std::size_t kMaxLen = 256;

std::string remedy_of(const SecretPrompt& prompt) {
  return std::string("Give it with ") + prompt.option + " FILE, or '-' for standard input.";
}

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

std::optional<std::string> ask_person(Context& context, const SecretPrompt& prompt) {
  const FileDescriptor terminal{open("/dev/tty", O_RDWR | O_CLOEXEC)};
  const std::string what = prompt.what;
  if (!terminal || isatty(STDIN_FILENO) == 0) {
    context.exit_code = fail(context, kUsage, "there is no " + what, remedy_of(prompt));
    return std::nullopt;
  }
  const Quiet quiet(terminal.get());
  std::string text(1, static_cast<char>(std::toupper(static_cast<unsigned char>(what.front()))));
  std::string secret = prompt_line(terminal.get(), text + what.substr(1) + ": ");
  if (!prompt.twice) return secret;
  std::string again = prompt_line(terminal.get(), "Once more: ");
  const bool same = secret == again;
  wipe_text(again);
  if (same) return secret;
  wipe_text(secret);
  context.exit_code = fail(context, kFailed, "the two " + what + "s differ", "Try again.");
  return std::nullopt;
}

std::optional<std::string> read_file(Context& context, const SecretPrompt& prompt,
                                     const std::string& file) {
  const bool standard_input = file == "-";
  FileDescriptor opened{standard_input ? -1 : open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!standard_input && !opened) {
    context.exit_code = fail(context, kFailed, "cannot read " + file + ": " + std::strerror(errno),
                             remedy_of(prompt));
    return std::nullopt;
  }
  const int fd = standard_input ? STDIN_FILENO : opened.get();
  struct stat status {};
  if (!standard_input && fstat(fd, &status) == 0 && (status.st_mode & 077) != 0) {
    std::cerr << "cipherdeck: warning: " << file << " can be read by others than its owner\n";
  }
  std::string secret;
  if (const int error = read_some(fd, secret, kMaxLen + 3); error < 0) {
    context.exit_code =
        fail(context, kFailed,
             "cannot read the " + std::string(prompt.what) + ": " + std::strerror(-error),
             remedy_of(prompt));
    return std::nullopt;
  }
  drop_line_end(secret);
  return secret;
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

std::optional<std::string> read_secret(Context& context, const SecretPrompt& prompt,
                                       const std::string& file) {
  auto secret = file.empty() ? ask_person(context, prompt) : read_file(context, prompt, file);
  if (!secret) return std::nullopt;
  const bool fits = secret->size() >= kMinLen && secret->size() <= kMaxLen;
  if (fits && is_text(*secret)) return secret;
  wipe_text(*secret);
  const std::string what = std::string("the ") + prompt.what;
  context.exit_code = fail(
      context, kFailed, what + (fits ? " is not UTF-8 text" : " has not between 8 and 256 bytes"),
      prompt.twice ? "Choose another one." : "Try again.");
  return std::nullopt;
}

std::optional<std::string> read_access_code(Context& context, const std::string& file) {
  return read_secret(context, {"access code", "--access-code-file"}, file);
}

std::optional<Json> ask_with_secret(Context& context, const std::string& method,
                                    const std::string& path, Json body, const char* name,
                                    std::string& secret) {
  body[name] = secret;
  wipe_text(secret);
  auto answer = ask(context, method, path, body);
  wipe_text(body[name].get_ref<std::string&>());
  return answer;
}

void wipe_text(std::string& text) noexcept {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

}  // namespace cipherdeck::cli
