// SPDX-License-Identifier: Apache-2.0
#include "host/process/integrity.h"

#include "base/secret.h"
#include "engine/sm3/sm3.h"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <vector>

namespace cipherdeck::process {
namespace {

constexpr std::size_t kChunkLen = std::size_t{1} << 16;

Result<ProgramMac> parse_mac(const std::string& line) {
  ProgramMac mac{};
  if (line.size() != 2 * mac.size()) return Error::invalid_argument;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* const digits = line.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, mac[i], 16);
    if (error != std::errc{} || end != digits + 2) return Error::invalid_argument;
  }
  return mac;
}

}  // namespace

Result<ProgramMac> program_mac(int file) {
  engine::HmacSm3 mac(as_bytes(kIntegrityKey));
  std::vector<std::uint8_t> chunk(kChunkLen);
  off_t at = 0;
  while (true) {
    const ssize_t len = pread(file, chunk.data(), chunk.size(), at);
    if (len < 0 && errno == EINTR) continue;
    if (len < 0) return Error::io;
    if (len == 0) return mac.finish();
    mac.update(Bytes(chunk).first(static_cast<std::size_t>(len)));
    at += len;
  }
}

std::filesystem::path mac_path(const std::filesystem::path& program) {
  return program.string() + ".hmac";
}

Result<void> write_mac(const std::filesystem::path& program, const ProgramMac& mac) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string line;
  for (const std::uint8_t byte : mac) {
    line += kDigits[byte >> 4];
    line += kDigits[byte & 15];
  }
  std::ofstream out(mac_path(program));
  out << line << '\n';
  out.close();
  return out ? Result<void>() : Result<void>(Error::io);
}

ProgramIntegrity::ProgramIntegrity(const std::filesystem::path& file,
                                   const std::filesystem::path& program)
    : m_file(open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  std::ifstream in(mac_path(program));
  std::string line;
  if (!std::getline(in, line)) return;
  const auto mac = parse_mac(line);
  if (!mac) return;
  m_mac = *mac;
  m_has_mac = true;
}

ProgramIntegrity::ProgramIntegrity(const std::filesystem::path& program)
    : ProgramIntegrity(program, program) {}

// The file that runs is opened by what the kernel knows of it, which holds when its name is gone.
ProgramIntegrity ProgramIntegrity::of_this_process() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return {"/proc/self/exe", program};
}

bool ProgramIntegrity::holds() const {
  if (!m_file || !m_has_mac) return false;
  const auto mac = program_mac(m_file.get());
  return mac && equal_constant_time(*mac, m_mac);
}

}  // namespace cipherdeck::process
