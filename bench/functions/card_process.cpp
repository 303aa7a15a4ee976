// SPDX-License-Identifier: Apache-2.0
#include "functions/card_process.h"

#include "measure/measure.h"

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

std::filesystem::path socket_in(const std::filesystem::path& directory, std::uint32_t function) {
  const std::string name = function == 0 ? "pf.sock" : "vf" + std::to_string(function) + ".sock";
  return directory / "run" / name;
}

// Replaces this forked child by the server.
[[noreturn]] void execute(std::vector<std::string>& words, int cpu) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  (void)pin_to(cpu);
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace

Result<ServerProcess> ServerProcess::start(std::vector<std::string> words, int cpu,
                                           const std::filesystem::path& socket, std::string& why) {
  const pid_t pid = fork();
  if (pid == 0) execute(words, cpu);
  if (pid < 0) {
    why = "no process can be started";
    return Error::io;
  }
  ServerProcess process(pid);
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (!std::filesystem::exists(socket)) {
    if (waitpid(pid, nullptr, WNOHANG) == pid) {
      process.m_pid = -1;
      why = words[0] + " ended at once: see its message above";
      return Error::io;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      why = words[0] + " did not listen within 10 s";
      return Error::timed_out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return process;
}

ServerProcess::~ServerProcess() {
  if (m_pid <= 0) return;
  kill(m_pid, SIGTERM);
  waitpid(m_pid, nullptr, 0);
}

Result<CardProcess> CardProcess::start(const std::filesystem::path& program, int cpu,
                                       std::string& why) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "cipherdeck-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    why = "no directory can be made under " + std::filesystem::temp_directory_path().string();
    return Error::io;
  }
  auto process =
      ServerProcess::start(arguments(program, pattern, cpu), -1, socket_in(pattern, 0), why);
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

}  // namespace cipherdeck::bench
