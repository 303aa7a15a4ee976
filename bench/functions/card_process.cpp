// SPDX-License-Identifier: Apache-2.0
#include "functions/card_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

namespace cipherdeck::bench {
namespace {

constexpr std::chrono::seconds kStartTimeout{10};

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

// Replaces this forked child by the card.
[[noreturn]] void execute(std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace

Result<CardProcess> CardProcess::start(const std::filesystem::path& program, int cpu,
                                       std::string& why) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "cipherdeck-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    why = "no directory can be made under " + std::filesystem::temp_directory_path().string();
    return Error::io;
  }
  std::vector<std::string> words = arguments(program, pattern, cpu);
  const pid_t pid = fork();
  if (pid == 0) execute(words);
  if (pid < 0) {
    why = "no process can be started";
    return Error::io;
  }
  CardProcess card(pattern, pid);
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (!std::filesystem::exists(card.socket(0))) {
    if (waitpid(pid, nullptr, WNOHANG) == pid) {
      card.m_pid = -1;
      why = program.string() + " ended at once: see its message above";
      return Error::io;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      why = program.string() + " did not listen within 10 s";
      return Error::timed_out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return card;
}

CardProcess::CardProcess(CardProcess&& other) noexcept
    : m_directory(std::exchange(other.m_directory, {})), m_pid(std::exchange(other.m_pid, -1)) {}

CardProcess::~CardProcess() {
  if (m_pid > 0) {
    kill(m_pid, SIGTERM);
    waitpid(m_pid, nullptr, 0);
  }
  std::error_code ignored;
  if (!m_directory.empty()) std::filesystem::remove_all(m_directory, ignored);
}

std::filesystem::path CardProcess::socket(std::uint32_t function) const {
  const std::string name = function == 0 ? "pf.sock" : "vf" + std::to_string(function) + ".sock";
  return m_directory / "run" / name;
}

std::uint64_t CardProcess::cpu_time_ns() const {
  std::uint64_t total = 0;
  const std::filesystem::path tasks = "/proc/" + std::to_string(m_pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::uint64_t on_cpu = 0;
    std::ifstream(task.path() / "schedstat") >> on_cpu;
    total += on_cpu;
  }
  return total;
}

std::uint64_t CardProcess::memory_kib() const {
  std::ifstream rollup("/proc/" + std::to_string(m_pid) + "/smaps_rollup");
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

}  // namespace cipherdeck::bench
