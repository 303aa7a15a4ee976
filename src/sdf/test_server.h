// SPDX-License-Identifier: Apache-2.0
// A real card with a real device in a process of its own, for the tests of this folder: this test
// program started with --serve. It has one partition, bound to VFs 1 to kNumVfs, with key pairs 1
// to 3, KEKs 1 and 2, and KEK 3 with an access code.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace cipherdeck::sdf::testing {

constexpr std::uint32_t kNumVfs = 4;
constexpr std::uint32_t kNumKeyPairs = 3;
constexpr std::uint32_t kRsaBits = 1024;  // small, so that tests start soon
/// Identities of the SM9 user keys at indexes 1 and up, whose access codes are those of the key
/// pairs.
constexpr std::string_view kSm9Users[] = {"Alice", "bob@example.org"};
constexpr std::string_view kKekAccessCode = "code of KEK 3";
constexpr std::string_view access_code(std::uint32_t index) {
  constexpr std::string_view kCodes[kNumKeyPairs] = {"code of key 1", "code of key 2",
                                                     "code of key 3"};
  return kCodes[index - 1];
}

/// What --serve runs: makes the card in `directory`, writes one byte to standard output when it
/// listens, and serves until standard input ends.
int serve(const std::filesystem::path& directory);

class ServerProcess {
 public:
  /// Starts it and waits until it listens; throws if it does not.
  explicit ServerProcess(const std::filesystem::path& directory);
  ~ServerProcess() { stop(SIGTERM); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  void stop(int signal);

 private:
  pid_t m_pid = -1;
  int m_input = -1;
};

/// Starts this program with arguments; gives its process id.
pid_t start_self(const char* argument, const char* value, int input, int output);

}  // namespace cipherdeck::sdf::testing
