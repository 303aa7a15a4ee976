// SPDX-License-Identifier: Apache-2.0
#include "host/process/service.h"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstdlib>

namespace cipherdeck::process {
namespace {

sigset_t end_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

bool start_log(const std::string& name, const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") return false;
  auto logger =
      std::make_shared<spdlog::logger>(name, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  logger->set_pattern(journal ? "%l: %v" : "%Y-%m-%d %H:%M:%S.%e %n %l: %v");
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return true;
}

void hold_signals() noexcept {
  const sigset_t set = end_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool wait_for_end(std::chrono::milliseconds timeout) noexcept {
  const sigset_t set = end_signals();
  const timespec time{static_cast<time_t>(timeout.count() / 1000),
                      static_cast<long>(timeout.count() % 1000 * 1000000)};
  return sigtimedwait(&set, nullptr, &time) > 0;
}

void wait_for_end() noexcept {
  const sigset_t set = end_signals();
  while (sigwaitinfo(&set, nullptr) < 0 && errno == EINTR) {
  }
}

void notify(const std::string& state) noexcept { sd_notify(0, state.c_str()); }

}  // namespace cipherdeck::process
