// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "functions/child_process.h"
#include "host/manager/pf_driver.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cipherdeck::bench {

/// A cipherdeckd of the benchmark's own: a fresh store and run directory under the temporary
/// folder, both removed with it.
class CardProcess {
 public:
  /// Starts PROGRAM with its worker on processor `cpu`, and waits until its PF listens. `more` are
  /// further options of its. Fails with io or timed_out, and `why` says more.
  static Result<CardProcess> start(const std::filesystem::path& program, int cpu, std::string& why,
                                   const std::vector<std::string>& more = {});

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
  CardProcess(std::filesystem::path directory, ChildProcess process)
      : m_directory(std::move(directory)), m_process(std::move(process)) {}

  std::filesystem::path m_directory;
  ChildProcess m_process;
};

/// Makes a fresh card ready for tenants: a partition with the key pair that Tenant signs with.
/// Gives its number.
[[nodiscard]] Result<std::uint32_t> make_partition(manager::PfDriver& pf);

/// Binds the functions 0 to `last` to that partition.
[[nodiscard]] Result<void> bind_functions(manager::PfDriver& pf, std::uint32_t partition,
                                          std::uint32_t last);

}  // namespace cipherdeck::bench
