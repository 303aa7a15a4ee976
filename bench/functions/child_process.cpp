// SPDX-License-Identifier: Apache-2.0
#include "functions/child_process.h"

#include "measure/measure.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace cipherdeck::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartTimeout{60};
constexpr std::chrono::seconds kEndTimeout{10};
constexpr std::chrono::milliseconds kLookInterval{100};
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t interrupted = 0;

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int number : kSignals) sigaction(number, &action, nullptr);
}

// Replaces this forked child by the program.
[[noreturn]] void execute(std::vector<std::string>& words, int cpu, ChildProcess::Streams streams,
                          pid_t parent) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Interruptions::forget();
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  if (streams.input >= 0) dup2(streams.input, STDIN_FILENO);
  if (streams.output >= 0) {
    dup2(streams.output, STDOUT_FILENO);
    dup2(streams.output, STDERR_FILENO);
  }
  (void)pin_to(cpu);
  execvp(argv[0], argv.data());
  (void)dprintf(STDERR_FILENO, "%s cannot be executed: %s\n", argv[0], strerror(errno));
  _exit(127);
}

}  // namespace

Interruptions::Interruptions() {
  interrupted = 0;
  set_handlers([](int) { interrupted = 1; });
  signal(SIGPIPE, SIG_IGN);  // a program that ended shows by its output
}

Interruptions::~Interruptions() { forget(); }

bool Interruptions::came() noexcept { return interrupted != 0; }

void Interruptions::forget() noexcept {
  set_handlers(SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
}

Result<Pipe> Pipe::make() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return Error::io;
  return Pipe{FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

// A signal that comes just before poll() does not end it: hence the short looks.
Result<void> wait_readable(int fd, Clock::time_point deadline) {
  while (!Interruptions::came()) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, static_cast<int>(kLookInterval.count())) > 0) return {};
    if (Clock::now() > deadline) return Error::timed_out;
  }
  return Error::disconnected;
}

Result<ChildProcess> ChildProcess::start(std::vector<std::string> words, int cpu, Streams streams) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) execute(words, cpu, streams, parent);
  if (pid < 0) return Error::io;
  return ChildProcess(pid);
}

ChildProcess::~ChildProcess() {
  if (m_pid <= 0) return;
  kill(m_pid, SIGTERM);
  const auto deadline = Clock::now() + kEndTimeout;
  while (is_running()) {
    if (Clock::now() > deadline) kill(m_pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool ChildProcess::is_running() {
  if (m_pid <= 0) return false;
  if (waitpid(m_pid, nullptr, WNOHANG) != m_pid) return true;
  m_pid = -1;
  return false;
}

void ChildProcess::pin(int cpu) const {
  if (m_pid <= 0 || cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  std::error_code gone;
  const std::filesystem::path tasks = "/proc/" + std::to_string(m_pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    sched_setaffinity(std::atoi(task.path().filename().c_str()), sizeof set, &set);
  }
}

Result<ChildProcess> start_server(std::vector<std::string> words, int cpu,
                                  const std::filesystem::path& socket, std::string& why) {
  auto process = ChildProcess::start(words, cpu, {});
  if (!process) {
    why = "no process can be started";
    return process;
  }
  const auto deadline = Clock::now() + kStartTimeout;
  while (!std::filesystem::exists(socket)) {
    if (!process->is_running()) {
      why = words[0] + " ended at once: see its message above";
      return Error::io;
    }
    if (Interruptions::came()) return Error::disconnected;
    if (Clock::now() > deadline) {
      why = words[0] + " did not listen within " + std::to_string(kStartTimeout.count()) + " s";
      return Error::timed_out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return process;
}

}  // namespace cipherdeck::bench
