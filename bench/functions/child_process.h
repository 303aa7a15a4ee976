// SPDX-License-Identifier: Apache-2.0
// Programs that a benchmark starts, and waiting for them so that Ctrl-C ends all in order.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace cipherdeck::bench {

/// While one lives, SIGINT, SIGTERM and SIGHUP do not end this process but make what waits fail, so
/// that everything started is ended and removed on the way out. One at a time.
class Interruptions {
 public:
  Interruptions();
  ~Interruptions();
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

  /// Whether one of the signals has come.
  [[nodiscard]] static bool came() noexcept;

  /// In a forked child: the signals end it again.
  static void forget() noexcept;
};

struct Pipe {
  FileDescriptor reading, writing;

  /// Both ends are closed in programs that are started. Fails with io.
  static Result<Pipe> make();
};

/// Waits until `fd` can be read or is closed at the other end. Fails with timed_out, or with
/// disconnected after an interruption.
[[nodiscard]] Result<void> wait_readable(int fd, std::chrono::steady_clock::time_point deadline);

/// A program of the benchmark's own, ended by SIGTERM with its object, by SIGKILL if that does not
/// help. It gets no signals from the terminal, and SIGTERM should this process die.
class ChildProcess {
 public:
  /// Its standard input; its standard output and errors. -1: those of this process.
  struct Streams {
    int input = -1;
    int output = -1;
  };

  /// Starts the program words[0], looked for in PATH if it has no '/', pinned to processor `cpu`
  /// unless that is -1. Fails with io. A program that cannot be executed ends with status 127.
  static Result<ChildProcess> start(std::vector<std::string> words, int cpu, Streams streams);

  ChildProcess(ChildProcess&& other) noexcept : m_pid(std::exchange(other.m_pid, -1)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const noexcept { return m_pid; }

  /// Whether it has not ended yet.
  [[nodiscard]] bool is_running();

  /// Keeps all its threads on one processor, as far as that can be.
  void pin(int cpu) const;

 private:
  explicit ChildProcess(pid_t pid) : m_pid(pid) {}
  pid_t m_pid;
};

/// Starts a program as above and waits until `socket` is there, at most 60 s. Fails with io,
/// timed_out or disconnected (interrupted), and `why` says more.
[[nodiscard]] Result<ChildProcess> start_server(std::vector<std::string> words, int cpu,
                                                const std::filesystem::path& socket,
                                                std::string& why);

}  // namespace cipherdeck::bench
