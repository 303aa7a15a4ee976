// SPDX-License-Identifier: Apache-2.0
#include "schemes/tenants.h"

#include "functions/child_process.h"
#include "measure/measure.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace cipherdeck::bench {
namespace {

constexpr std::chrono::seconds kOpenTimeout{60};

// What a tenant's process tells: first that it is ready (a report without sample), then the rest.
struct Report {
  std::uint16_t status;
  Sample sample;
};

void tell(int fd, const Report& report) {
  if (write(fd, &report, sizeof report) != sizeof report) _exit(1);
}

// The life of a tenant's process. It begins its work when `start` is closed at the other end.
[[noreturn]] void live(const std::filesystem::path& socket, const Load& load, Waiting waiting,
                       int cpu, int start, int reports) {
  Interruptions::forget();
  (void)pin_to(cpu);
  std::string why;
  auto tenant = open_tenant("unix:" + socket.string(), load, waiting, why);
  const auto prepared = tenant ? tenant->prepare(load) : Result<void>(tenant.error());
  tell(reports, {prepared.status(), {}});
  if (!prepared) _exit(1);
  char nothing;
  (void)!read(start, &nothing, 1);
  const auto sample = tenant->work();
  tell(reports, {sample.status(), sample ? *sample : Sample{}});
  _exit(0);
}

class TenantProcess {
 public:
  static Result<TenantProcess> start(const std::filesystem::path& socket, const Load& load,
                                     Waiting waiting, int cpu, Pipe& starting) {
    CIPHERDECK_ASSIGN(Pipe reports, Pipe::make());
    const pid_t pid = fork();
    if (pid < 0) return Error::io;
    if (pid == 0) {
      starting.writing.reset();
      live(socket, load, waiting, cpu, starting.reading.get(), reports.writing.get());
    }
    return TenantProcess(pid, std::move(reports.reading));
  }

  TenantProcess(TenantProcess&& other) noexcept
      : m_pid(std::exchange(other.m_pid, -1)), m_reports(std::move(other.m_reports)) {}
  TenantProcess& operator=(TenantProcess&&) = delete;
  TenantProcess(const TenantProcess&) = delete;
  TenantProcess& operator=(const TenantProcess&) = delete;
  ~TenantProcess() {
    if (m_pid <= 0) return;
    kill(m_pid, SIGKILL);  // it is a copy of this process: nothing of it is worth an orderly end
    waitpid(m_pid, nullptr, 0);
  }

  Result<Sample> next_report(std::chrono::milliseconds timeout) {
    CIPHERDECK_TRY(wait_readable(m_reports.get(), std::chrono::steady_clock::now() + timeout));
    Report report{};
    if (read(m_reports.get(), &report, sizeof report) != sizeof report) return Error::disconnected;
    if (report.status != CIPHERDECK_STATUS_OK) return from_status(report.status);
    return report.sample;
  }

 private:
  TenantProcess(pid_t pid, FileDescriptor reports) : m_pid(pid), m_reports(std::move(reports)) {}
  pid_t m_pid;
  FileDescriptor m_reports;
};

}  // namespace

double jain_index(const std::vector<Sample>& samples) {
  double sum = 0, squares = 0;
  for (const Sample& sample : samples) {
    sum += sample.ops_per_s();
    squares += sample.ops_per_s() * sample.ops_per_s();
  }
  return squares == 0 ? 1 : sum * sum / (static_cast<double>(samples.size()) * squares);
}

Result<std::vector<Sample>> run_tenants(const std::vector<TenantSpec>& specs, Waiting waiting,
                                        int cpu, std::string& why) {
  CIPHERDECK_ASSIGN(Pipe starting, Pipe::make());
  std::vector<TenantProcess> tenants;
  tenants.reserve(specs.size());
  std::chrono::milliseconds longest{0};
  for (const auto& [socket, load] : specs) {
    CIPHERDECK_ASSIGN(TenantProcess tenant,
                      TenantProcess::start(socket, load, waiting, cpu, starting));
    tenants.push_back(std::move(tenant));
    longest = std::max(longest, load.duration);
  }
  std::vector<Sample> samples;
  const auto collect = [&](std::chrono::milliseconds timeout) -> Result<void> {
    samples.clear();
    for (std::size_t i = 0; i < tenants.size(); ++i) {
      auto sample = tenants[i].next_report(timeout);
      if (!sample) {
        why = "the tenant of " + specs[i].socket.string() + ": " +
              std::string(reason_of(sample.error()));
        return sample.error();
      }
      samples.push_back(*sample);
    }
    return {};
  };
  CIPHERDECK_TRY(collect(kOpenTimeout));
  starting.writing.reset();
  CIPHERDECK_TRY(collect(longest + kOpenTimeout));
  return samples;
}

}  // namespace cipherdeck::bench
