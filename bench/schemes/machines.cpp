// SPDX-License-Identifier: Apache-2.0
#include "schemes/machines.h"

#include "functions/child_process.h"
#include "functions/load_protocol.h"

#include <unistd.h>

#include <algorithm>
#include <deque>

namespace cipherdeck::bench {
namespace {

using Clock = std::chrono::steady_clock;

// An emulated processor boots in seconds, ten of them on one in minutes.
constexpr std::chrono::minutes kBootTimeout{10};
constexpr std::chrono::minutes kLoadTimeout{5};
constexpr std::size_t kMostLineLen = 1024;
constexpr std::size_t kLinesKept = 12;

}  // namespace

/// One machine and its console.
class Machine {
 public:
  static Result<std::unique_ptr<Machine>> start(std::string name,
                                                const std::vector<std::string>& words) {
    CIPHERDECK_ASSIGN(Pipe input, Pipe::make());
    CIPHERDECK_ASSIGN(Pipe output, Pipe::make());
    CIPHERDECK_ASSIGN(ChildProcess process,
                      ChildProcess::start(words, -1, {input.reading.get(), output.writing.get()}));
    return std::unique_ptr<Machine>(new Machine(
        std::move(name), std::move(process), std::move(input.writing), std::move(output.reading)));
  }

  void pin(int cpu) const { m_process.pin(cpu); }

  // Types a line at the console.
  Result<void> tell(const std::string& line) {
    const std::string typed = line + "\n";
    const auto len = static_cast<ssize_t>(typed.size());
    return write(m_input.get(), typed.data(), typed.size()) == len ? Result<void>()
                                                                   : Error::disconnected;
  }

  // The next answer of the load program.
  Result<LoadAnswer> answer(Clock::time_point deadline) {
    for (;;) {
      CIPHERDECK_ASSIGN(const std::string line, next_line(deadline));
      if (auto answer = parse_load_answer(line)) return std::move(*answer);
    }
  }

  [[nodiscard]] std::string trouble(const std::string& what) const {
    std::string text = "the machine of " + m_name + ": " + what;
    if (!m_lines.empty()) text += "; its console ends with";
    for (const std::string& line : m_lines) text += "\n    " + line;
    return text;
  }

 private:
  Machine(std::string name, ChildProcess process, FileDescriptor input, FileDescriptor output)
      : m_name(std::move(name)),
        m_process(std::move(process)),
        m_input(std::move(input)),
        m_output(std::move(output)) {}

  Result<std::string> next_line(Clock::time_point deadline) {
    std::string line;
    for (;;) {
      const auto end = m_read.find('\n');
      if (end != std::string::npos || m_read.size() > kMostLineLen) {
        line = m_read.substr(0, end);
        m_read.erase(0, end == std::string::npos ? end : end + 1);
        break;
      }
      CIPHERDECK_TRY(wait_readable(m_output.get(), deadline));
      char buffer[512];
      const ssize_t len = read(m_output.get(), buffer, sizeof buffer);
      if (len <= 0) return Error::disconnected;
      m_read.append(buffer, static_cast<std::size_t>(len));
    }
    std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
    if (!line.empty()) m_lines.push_back(line);
    if (m_lines.size() > kLinesKept) m_lines.pop_front();
    return line;
  }

  std::string m_name;
  ChildProcess m_process;
  FileDescriptor m_input, m_output;
  std::string m_read;               // of the console, not yet a line
  std::deque<std::string> m_lines;  // the last ones
};

namespace {

// Gets an answer of that kind from a machine.
Result<LoadAnswer> expect(Machine& machine, LoadAnswer::Kind kind, Clock::time_point deadline,
                          std::string& why) {
  auto answer = machine.answer(deadline);
  if (!answer) {
    const bool has_ended = answer.error() == Error::disconnected && !Interruptions::came();
    why = machine.trouble(has_ended               ? "it ended"
                          : Interruptions::came() ? "interrupted"
                                                  : "it says nothing for too long");
    return answer.error();
  }
  if (answer->kind == kind) return answer;
  why = machine.trouble(answer->kind == LoadAnswer::Kind::failed ? answer->why
                                                                 : "an answer out of turn");
  return Error::io;
}

}  // namespace

Machines::Machines() = default;
Machines::Machines(Machines&&) noexcept = default;
Machines::~Machines() = default;

Result<Machines> Machines::boot(const std::vector<std::filesystem::path>& sockets,
                                const MachineCommand& command, int cpu,
                                const std::function<void(std::size_t)>& progress,
                                std::string& why) {
  Machines all;
  for (const auto& socket : sockets) {
    CIPHERDECK_ASSIGN(auto machine, Machine::start(socket.filename().string(), command(socket)));
    all.m_machines.push_back(std::move(machine));
  }
  const auto deadline = Clock::now() + kBootTimeout;
  for (std::size_t i = 0; i < all.size(); ++i) {
    progress(i);
    CIPHERDECK_TRY(expect(*all.m_machines[i], LoadAnswer::Kind::up, deadline, why));
  }
  for (const auto& machine : all.m_machines) machine->pin(cpu);
  return all;
}

Result<std::vector<Sample>> Machines::run(std::size_t num, const Load& load, std::string& why) {
  const auto deadline = Clock::now() + kLoadTimeout + load.duration;
  const std::span machines(m_machines.data(), std::min(num, m_machines.size()));
  const auto tell_all = [&](const std::string& line) -> Result<void> {
    for (const auto& machine : machines) {
      if (machine->tell(line)) continue;
      why = machine->trouble("it takes no input");
      return Error::disconnected;
    }
    return {};
  };
  CIPHERDECK_TRY(tell_all(load_request(load)));
  for (const auto& machine : machines) {
    CIPHERDECK_TRY(expect(*machine, LoadAnswer::Kind::ready, deadline, why));
  }
  CIPHERDECK_TRY(tell_all("go"));
  std::vector<Sample> samples;
  for (const auto& machine : machines) {
    CIPHERDECK_ASSIGN(const LoadAnswer done,
                      expect(*machine, LoadAnswer::Kind::done, deadline, why));
    samples.push_back(done.sample);
  }
  return samples;
}

}  // namespace cipherdeck::bench
