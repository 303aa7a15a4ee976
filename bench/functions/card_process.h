// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace cipherdeck::bench {

/// A server of the benchmark's own, ended by SIGTERM with its object.
class ServerProcess {
 public:
  /// Starts the program words[0], pinned to processor `cpu` unless that is -1, and waits until
  /// `socket` is there. Fails with io or timed_out, and `why` says more.
  static Result<ServerProcess> start(std::vector<std::string> words, int cpu,
                                     const std::filesystem::path& socket, std::string& why);

  ServerProcess(ServerProcess&& other) noexcept : m_pid(std::exchange(other.m_pid, -1)) {}
  ServerProcess& operator=(ServerProcess&&) = delete;
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  [[nodiscard]] pid_t pid() const noexcept { return m_pid; }

 private:
  explicit ServerProcess(pid_t pid) : m_pid(pid) {}
  pid_t m_pid;
};

/// A cipherdeckd of the benchmark's own: a fresh store and run directory under the temporary
/// folder, both removed with it.
class CardProcess {
 public:
  /// Starts PROGRAM pinned to processor `cpu` and waits until its PF listens. Fails with io or
  /// timed_out, and `why` says more.
  static Result<CardProcess> start(const std::filesystem::path& program, int cpu, std::string& why);

  CardProcess(CardProcess&& other) noexcept;
  CardProcess& operator=(CardProcess&&) = delete;
  CardProcess(const CardProcess&) = delete;
  CardProcess& operator=(const CardProcess&) = delete;
  ~CardProcess();

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return m_directory; }
  [[nodiscard]] std::filesystem::path socket(std::uint32_t function) const;

  /// Processor time of all threads so far, in nanoseconds.
  [[nodiscard]] std::uint64_t cpu_time_ns() const;

  /// Proportional share of memory, in KiB.
  [[nodiscard]] std::uint64_t memory_kib() const;

 private:
  CardProcess(std::filesystem::path directory, ServerProcess process)
      : m_directory(std::move(directory)), m_process(std::move(process)) {}

  std::filesystem::path m_directory;
  ServerProcess m_process;
};

}  // namespace cipherdeck::bench
