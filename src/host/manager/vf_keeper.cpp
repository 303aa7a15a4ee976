// SPDX-License-Identifier: Apache-2.0
#include "host/manager/vf_keeper.h"

#include <spdlog/spdlog.h>

#include <string>

namespace cipherdeck::manager {

Outcome<std::uint32_t> VfKeeper::set(std::uint32_t count, bool force) {
  const std::lock_guard lock(m_mutex);
  auto outcome = apply(count, force);
  if (!outcome) return outcome;
  State state = m_state;
  state.num_vfs = count;
  const auto kept = remember(std::move(state), "there are " + std::to_string(count) + " VFs now");
  if (!kept) return kept.problem();
  return outcome;
}

Outcome<cipherdeck_function_share> VfKeeper::set_share(std::uint32_t vf,
                                                       const cipherdeck_function_share& share) {
  const std::lock_guard lock(m_mutex);
  const std::string name = "VF " + std::to_string(vf);
  if (const auto set = m_card.set_share(vf, share); !set) {
    Problem problem = problem_of(set.error(), "cannot set the share of " + name);
    if (set.error() == Error::limit) {
      problem.remedy = "All VFs together may have 90 % committed: lower that of another.";
    }
    return problem;
  }
  State state = m_state;
  state.shares[vf] = share;
  const auto kept = remember(std::move(state), "the share of " + name + " is set");
  if (!kept) return kept.problem();
  return share;
}

// `what` has been done.
Outcome<std::uint32_t> VfKeeper::remember(State state, const std::string& what) {
  if (const auto saved = save_state(m_path, state); !saved) {
    spdlog::error("cannot write {}: {}", m_path.string(), to_string(saved.error()));
    return Problem{500, what + ", but the state file " + m_path.string() + " cannot be written",
                   "Check its space and permissions and do it again, or a restart forgets it."};
  }
  m_state = std::move(state);
  return m_state.num_vfs;
}

Outcome<std::uint32_t> VfKeeper::apply(std::uint32_t count, bool force) {
  const auto what = "cannot set the number of VFs to " + std::to_string(count);
  const auto total = m_driver.total_vfs();
  if (!total) return problem_of(total.error(), what);
  if (count > *total) {
    return bad_request(what + ": the card has " + std::to_string(*total) + " at most");
  }
  const auto now = m_driver.num_vfs();
  if (!now) return problem_of(now.error(), what);
  if (*now != count && *now != 0 && !force) {
    const auto used = find_vf_in_use();
    if (!used) return problem_of(used.error(), what);
    if (*used != 0) {
      return Problem{409,
                     what + ": VF " + std::to_string(*used) +
                         " is in use, and all VFs go away while their number changes",
                     "Stop what uses it, or repeat with --force to take it away."};
    }
  }
  if (const auto set = m_driver.set_num_vfs(count); !set) return problem_of(set.error(), what);
  if (*now != count) spdlog::info("number of VFs changed from {} to {}", *now, count);
  return count;
}

bool VfKeeper::has_client(const cipherdeck_function_record& record) const {
  if (record.num_queue_pairs != 0) return true;
  // A machine whose programs are idle has no queue pair, but loses its device all the same. A
  // function serves one client at a time, so whether we could be it is the question. What cannot
  // be asked (a socket that was given to another user) counts as in use.
  const auto socket = m_run_dir / ("vf" + std::to_string(record.function) + ".sock");
  const auto opened = driver::HostFunction::open(socket);
  return !opened && opened.error() != Error::not_found;
}

Result<std::uint32_t> VfKeeper::find_vf_in_use() {
  CIPHERDECK_ASSIGN(const auto functions, m_card.functions());
  for (const auto& record : functions) {
    if (has_client(record)) return record.function;
  }
  return std::uint32_t{0};
}

void VfKeeper::tend() {
  const std::lock_guard lock(m_mutex);
  const auto connection = m_driver.connect();
  if (connection.status() != m_last_error) {
    m_last_error = connection.status();
    if (!connection) spdlog::warn("the card does not answer: {}", to_string(connection.error()));
  }
  if (!connection || *connection == m_tended) return;
  spdlog::info("connected to the card");
  m_tended = *connection;
  restore();
}

void VfKeeper::restore() {
  if (!restore_vfs()) m_tended = 0;  // once more at the next call
  restore_shares();
}

bool VfKeeper::restore_vfs() {
  const auto now = m_driver.num_vfs();
  if (!now) {
    spdlog::error("cannot read the number of VFs: {}", to_string(now.error()));
    return false;
  }
  if (*now == m_state.num_vfs) return true;
  if (const auto set = m_driver.set_num_vfs(m_state.num_vfs); !set) {
    spdlog::error("cannot make {} VFs again: {}", m_state.num_vfs, to_string(set.error()));
    return false;
  }
  spdlog::info("made {} VFs again", m_state.num_vfs);
  return true;
}

void VfKeeper::restore_shares() {
  for (const auto& [vf, share] : m_state.shares) {
    if (const auto set = m_card.set_share(vf, share); !set) {
      spdlog::error("cannot set the share of VF {}: {}", vf, to_string(set.error()));
    }
  }
}

}  // namespace cipherdeck::manager
