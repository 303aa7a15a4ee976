// SPDX-License-Identifier: Apache-2.0
#include "functions/card_process.h"

#include "functions/load.h"

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

namespace cipherdeck::bench {
namespace {

std::vector<std::string> arguments(const std::filesystem::path& program,
                                   const std::filesystem::path& directory, int cpu) {
  return {program.string(),
          "--run-dir",
          (directory / "run").string(),
          "--store",
          (directory / "store").string(),
          "--cpu",
          std::to_string(cpu),
          "--log-level",
          "warn"};
}

std::filesystem::path socket_in(const std::filesystem::path& directory, std::uint32_t function) {
  const std::string name = function == 0 ? "pf.sock" : "vf" + std::to_string(function) + ".sock";
  return directory / "run" / name;
}

}  // namespace

Result<CardProcess> CardProcess::start(const std::filesystem::path& program, int cpu,
                                       std::string& why, const std::vector<std::string>& more) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "cipherdeck-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    why = "no directory can be made under " + std::filesystem::temp_directory_path().string();
    return Error::io;
  }
  auto words = arguments(program, pattern, cpu);
  words.insert(words.end(), more.begin(), more.end());
  auto process = start_server(words, -1, socket_in(pattern, 0), why);
  if (!process) {
    std::error_code ignored;
    std::filesystem::remove_all(pattern, ignored);
    return process.error();
  }
  return CardProcess(pattern, std::move(process).value());
}

CardProcess::CardProcess(CardProcess&& other) noexcept
    : m_directory(std::exchange(other.m_directory, {})), m_process(std::move(other.m_process)) {}

CardProcess::~CardProcess() {
  std::error_code ignored;
  if (!m_directory.empty()) std::filesystem::remove_all(m_directory, ignored);
}

std::filesystem::path CardProcess::socket(std::uint32_t function) const {
  return socket_in(m_directory, function);
}

std::uint64_t CardProcess::cpu_time_ns() const {
  std::uint64_t total = 0;
  const std::filesystem::path tasks = "/proc/" + std::to_string(m_process.pid()) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::uint64_t on_cpu = 0;
    std::ifstream(task.path() / "schedstat") >> on_cpu;
    total += on_cpu;
  }
  return total;
}

std::uint64_t CardProcess::memory_kib() const {
  std::ifstream rollup("/proc/" + std::to_string(m_process.pid()) + "/smaps_rollup");
  std::string word;
  std::uint64_t kib = 0;
  while (rollup >> word) {
    if (word == "Pss:") {
      rollup >> kib;
      break;
    }
  }
  return kib;
}

Result<std::uint32_t> make_partition(manager::PfDriver& pf) {
  CIPHERDECK_TRY(pf.admin({.opcode = CIPHERDECK_OP_CARD_INIT}, as_bytes("benchmark")));
  CIPHERDECK_ASSIGN(const auto partition,
                    pf.admin({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, as_bytes("benchmark")));
  CIPHERDECK_TRY(
      pf.admin({.opcode = CIPHERDECK_OP_KEY_PAIR_GENERATE, .key = 1, .arg = {partition.value, 0}},
               as_bytes(Tenant::kAccessCode)));
  return partition.value;
}

Result<void> bind_functions(manager::PfDriver& pf, std::uint32_t partition, std::uint32_t last) {
  for (std::uint64_t function = 0; function <= last; ++function) {
    CIPHERDECK_TRY(pf.admin({.opcode = CIPHERDECK_OP_FUNCTION_BIND, .arg = {function, partition}}));
  }
  return {};
}

}  // namespace cipherdeck::bench
