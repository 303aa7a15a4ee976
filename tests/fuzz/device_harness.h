// SPDX-License-Identifier: Apache-2.0
// A real function without a device around it, for fuzz targets: no threads, no listening sockets.
#pragma once

#include "device/function.h"
#include "wire/echo_card.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <set>

namespace cipherdeck::fuzz {

inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

/// One for all runs: the kernel is slow to give its context up.
inline std::shared_ptr<device::EventSignaller> signaller() {
  static const auto made = std::make_shared<device::EventSignaller>();
  return made;
}

/// Does what a device does for its functions, when the fuzz target says so.
class Host final : public device::FunctionHost {
 public:
  Result<void> make_vfs(std::uint32_t num_vfs) override {
    require(num_vfs <= CIPHERDECK_TOTAL_VFS, "more VFs than there can be");
    require(m_num_vfs == 0, "VFs made twice");
    m_num_vfs = num_vfs;
    return {};
  }
  void remove_vfs() override { m_num_vfs = 0; }
  void manage(device::ManagementJob job) override { m_jobs.push_back(std::move(job)); }
  void serve_admin_later(card::FunctionNumber) override { m_more = true; }
  void log(std::string_view) override {}

  /// Gives the oldest management command its answer.
  void run_job(device::Function& function, wire::EchoCard& card) {
    if (m_jobs.empty()) return;
    const device::ManagementJob job = std::move(m_jobs.front());
    m_jobs.pop_front();
    function.complete_management(job.epoch, job.command,
                                 card.manage(job.command, job.input, job.token));
  }

  void run_backlog(device::Function& function) {
    for (int i = 0; i < 64 && m_more; ++i) m_more = function.serve_admin();
  }

 private:
  std::uint32_t m_num_vfs = 0;
  std::deque<device::ManagementJob> m_jobs;
  bool m_more = false;
};

}  // namespace cipherdeck::fuzz
