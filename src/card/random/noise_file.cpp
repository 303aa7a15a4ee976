// SPDX-License-Identifier: Apache-2.0
#include "card/random/noise_file.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>

namespace cipherdeck::card::random {
namespace {

constexpr int kPatienceMs = 1000;

class FileSource final : public NoiseSource {
 public:
  explicit FileSource(std::shared_ptr<NoiseFile> file) : m_file(std::move(file)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return m_file->name(); }
  Result<void> read(MutableBytes out) override { return m_file->read(out); }

 private:
  std::shared_ptr<NoiseFile> m_file;
};

}  // namespace

Result<std::shared_ptr<NoiseFile>> NoiseFile::open(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return errno == ENOENT ? Error::not_found : Error::io;
  return std::shared_ptr<NoiseFile>(new NoiseFile(std::move(file), path.filename().string()));
}

Result<void> NoiseFile::read(MutableBytes out) const {
  while (!out.empty()) {
    const ssize_t len = ::read(m_file.get(), out.data(), out.size());
    if (len > 0) {
      out = out.subspan(static_cast<std::size_t>(len));
      continue;
    }
    if (len < 0 && errno == EINTR) continue;
    if (len == 0 || errno != EAGAIN) return Error::random_failed;
    pollfd wait{.fd = m_file.get(), .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, kPatienceMs) == 0) return Error::random_failed;
  }
  return {};
}

std::unique_ptr<NoiseSource> make_file_source(std::shared_ptr<NoiseFile> file) {
  return std::make_unique<FileSource>(std::move(file));
}

}  // namespace cipherdeck::card::random
