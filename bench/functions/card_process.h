// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

namespace cipherdeck::bench {

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

  [[nodiscard]] std::filesystem::path socket(std::uint32_t function) const;

  /// Processor time of all threads so far, in nanoseconds.
  [[nodiscard]] std::uint64_t cpu_time_ns() const;

  /// Proportional share of memory, in KiB.
  [[nodiscard]] std::uint64_t memory_kib() const;

 private:
  CardProcess(std::filesystem::path directory, pid_t pid)
      : m_directory(std::move(directory)), m_pid(pid) {}

  std::filesystem::path m_directory;
  pid_t m_pid = -1;
};

}  // namespace cipherdeck::bench
