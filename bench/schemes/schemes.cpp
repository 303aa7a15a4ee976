// SPDX-License-Identifier: Apache-2.0
#include "schemes/schemes.h"

#include "functions/card_process.h"
#include "functions/child_process.h"
#include "schemes/tenants.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace cipherdeck::bench {
namespace {

constexpr std::uint32_t kDigestLen = 32;
constexpr std::uint32_t kEmulatorVf = CIPHERDECK_TOTAL_VFS;  // while no direct tenant has it
constexpr std::uint32_t kMostEmulated = 10;

template <typename T, typename Key>
T median(std::vector<T> values, Key key) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle, {}, key);
  return *middle;
}

struct Case {
  Scheme scheme;
  Operation operation;
  std::uint32_t tenants;
};

std::string text_of(const Case& what) {
  return std::string(name_of(what.operation)) + ", " + std::string(name_of(what.scheme)) + ", " +
         std::to_string(what.tenants) + (what.tenants == 1 ? " tenant" : " tenants");
}

class Experiment {
 public:
  Experiment(const SchemesOptions& options,
             const std::function<void(const std::string&, double)>& progress, std::string& why)
      : m_options(options), m_progress(progress), m_why(why), m_operations(options.operations) {}

  Result<std::vector<SchemesRow>> run();

 private:
  Result<void> prepare();
  Result<void> add_chip(manager::PfDriver& pf);
  [[nodiscard]] std::vector<Case> cases_of(Scheme scheme, Operation operation) const;
  [[nodiscard]] std::vector<std::vector<Case>> groups() const;
  Result<void> measure(const std::vector<Case>& group);
  Result<SchemesRow> once(const Case& what);
  Result<std::vector<Sample>> run_processes(const Case& what, const Load& load);
  Result<std::vector<Sample>> run_machines(const Case& what, const Load& load);
  Result<void> boot(Scheme scheme);
  Result<void> provide_emulator(Scheme scheme);
  [[nodiscard]] std::vector<std::filesystem::path> sockets_of(Scheme scheme,
                                                              std::uint32_t tenants) const;
  [[nodiscard]] std::filesystem::path emulated_socket(std::uint32_t machine) const {
    return m_card->directory() / "emulator" / ("vf" + std::to_string(machine) + ".sock");
  }
  void show(const std::string& what) const {
    m_progress(what, static_cast<double>(m_done) / static_cast<double>(m_total));
  }
  void finish_rows();

  const SchemesOptions& m_options;
  const std::function<void(const std::string&, double)>& m_progress;
  std::string& m_why;
  std::vector<Operation> m_operations;
  std::optional<CardProcess> m_card;
  std::optional<ChildProcess> m_emulator;
  std::optional<Machines> m_machines;
  Scheme m_machines_scheme = Scheme::card;
  std::vector<SchemesRow> m_rows;
  std::size_t m_done = 0, m_total = 0;
};

// The PF's driver lets go of the PF at the end, so that a tenant can have it.
Result<void> Experiment::prepare() {
  std::vector<std::string> more;
  if (!m_options.chip.empty()) more = {"--chip", m_options.chip};
  CIPHERDECK_ASSIGN(CardProcess card,
                    CardProcess::start(m_options.card_program, m_options.card_cpu, m_why, more));
  m_card.emplace(std::move(card));
  manager::PfDriver pf(m_card->socket(0));
  if (!m_options.chip.empty()) CIPHERDECK_TRY(add_chip(pf));
  CIPHERDECK_ASSIGN(const std::uint32_t partition, make_partition(pf));
  CIPHERDECK_TRY(pf.set_num_vfs(CIPHERDECK_TOTAL_VFS));
  return bind_functions(pf, partition, CIPHERDECK_TOTAL_VFS);
}

// The operation of the chip, which has its name from what the chip says it is.
Result<void> Experiment::add_chip(manager::PfDriver& pf) {
  cipherdeck_chip_record chip{};
  CIPHERDECK_ASSIGN(const auto reply,
                    pf.admin({.opcode = CIPHERDECK_OP_CHIP_LIST}, {}, sizeof chip));
  if (reply.output.size() == sizeof chip) std::memcpy(&chip, reply.output.data(), sizeof chip);
  if (chip.state != CIPHERDECK_CHIP_STATE_WORKING) {
    chip.fault[sizeof chip.fault - 1] = 0;
    m_why = "the chip does not work: " + std::string(reinterpret_cast<const char*>(chip.fault));
    if (m_why.ends_with('.')) m_why.pop_back();
    return Error::chip_failed;
  }
  m_operations.push_back(chip.stand_in != 0 ? Operation::stand_in_cbc : Operation::sm1_cbc);
  return {};
}

std::vector<Case> Experiment::cases_of(Scheme scheme, Operation operation) const {
  if (scheme == Scheme::card || scheme == Scheme::passthrough) return {{scheme, operation, 1}};
  const std::uint32_t most = scheme == Scheme::emulated ? kMostEmulated : CIPHERDECK_TOTAL_VFS;
  std::vector<Case> cases;
  for (const std::uint32_t tenants : m_options.tenants) {
    if (tenants <= most) cases.push_back({scheme, operation, tenants});
  }
  return cases;
}

// What is measured in turn. All of an operation, or, since machines take long to boot, all that one
// set of machines does of it. A machine resets its function as it boots, and a reset of the PF
// takes the VFs away: passthrough comes last there.
std::vector<std::vector<Case>> Experiment::groups() const {
  std::vector<Scheme> schemes = m_options.schemes;
  std::erase(schemes, Scheme::card);
  schemes.insert(schemes.begin(), Scheme::card);
  std::vector<std::vector<Case>> groups;
  if (m_options.tenants_as == TenantsAs::process) {
    for (const Operation operation : m_operations) {
      auto& group = groups.emplace_back();
      for (const Scheme scheme : schemes) {
        std::ranges::copy(cases_of(scheme, operation), std::back_inserter(group));
      }
    }
    return groups;
  }
  std::stable_partition(schemes.begin(), schemes.end(),
                        [](Scheme s) { return s != Scheme::passthrough; });
  for (const Scheme scheme : schemes) {
    for (const Operation operation : m_operations) {
      groups.push_back(cases_of(scheme, operation));
    }
  }
  return groups;
}

std::vector<std::filesystem::path> Experiment::sockets_of(Scheme scheme,
                                                          std::uint32_t tenants) const {
  if (scheme == Scheme::card || scheme == Scheme::passthrough) return {m_card->socket(0)};
  std::vector<std::filesystem::path> sockets;
  for (std::uint32_t i = 1; i <= tenants; ++i) {
    sockets.push_back(scheme == Scheme::direct ? m_card->socket(i) : emulated_socket(i));
  }
  return sockets;
}

// Starts the emulator where it is needed; it is gone where its VF may be another's.
Result<void> Experiment::provide_emulator(Scheme scheme) {
  if (scheme != Scheme::emulated) m_emulator.reset();
  if (scheme != Scheme::emulated || m_emulator) return {};
  CIPHERDECK_ASSIGN(ChildProcess emulator,
                    start_server({m_options.emulator_program.string(), "--run-dir",
                                  emulated_socket(1).parent_path().string(), "--device",
                                  "unix:" + m_card->socket(kEmulatorVf).string(), "--machines",
                                  std::to_string(kMostEmulated), "--log-level", "warn"},
                                 m_options.tenant_cpu, emulated_socket(kMostEmulated), m_why));
  m_emulator.emplace(std::move(emulator));
  return {};
}

Result<std::vector<Sample>> Experiment::run_processes(const Case& what, const Load& load) {
  CIPHERDECK_TRY(provide_emulator(what.scheme));
  std::vector<TenantSpec> specs;
  for (auto& socket : sockets_of(what.scheme, what.tenants)) {
    specs.push_back({std::move(socket), load});
  }
  return run_tenants(specs, what.scheme == Scheme::card ? Waiting::poll : Waiting::sleep,
                     m_options.tenant_cpu, m_why);
}

// As many machines as the scheme's largest case has tenants.
Result<void> Experiment::boot(Scheme scheme) {
  if (m_machines && m_machines_scheme == scheme) return {};
  m_machines.reset();
  CIPHERDECK_TRY(provide_emulator(scheme));
  const auto cases = cases_of(scheme, Operation::nop);
  const auto sockets = sockets_of(scheme, std::ranges::max(cases, {}, &Case::tenants).tenants);
  const auto progress = [&](std::size_t num_up) {
    show("booting machines, " + std::string(name_of(scheme)) + ": " + std::to_string(num_up) +
         " of " + std::to_string(sockets.size()) + " are up");
  };
  CIPHERDECK_ASSIGN(Machines machines, Machines::boot(sockets, m_options.machine,
                                                      m_options.tenant_cpu, progress, m_why));
  m_machines.emplace(std::move(machines));
  m_machines_scheme = scheme;
  return {};
}

Result<std::vector<Sample>> Experiment::run_machines(const Case& what, const Load& load) {
  CIPHERDECK_TRY(boot(what.scheme));
  show(text_of(what));
  return m_machines->run(what.tenants, load, m_why);
}

Result<SchemesRow> Experiment::once(const Case& what) {
  const bool is_signing = what.operation == Operation::sm2_sign;
  const bool in_machines = m_options.tenants_as == TenantsAs::vm && what.scheme != Scheme::card;
  const Load load{.operation = what.operation,
                  .bytes = is_signing ? kDigestLen : m_options.bytes,
                  .depth = m_options.depth,
                  .duration = std::chrono::milliseconds(m_options.duration_ms),
                  .checking = in_machines ? Checking::every : Checking::last};
  CIPHERDECK_ASSIGN(const auto samples,
                    in_machines ? run_machines(what, load) : run_processes(what, load));
  SchemesRow row{.scheme = what.scheme,
                 .operation = what.operation,
                 .tenants = what.tenants,
                 .bytes = load.bytes,
                 .jain = jain_index(samples),
                 .p50_us = median(samples, &Sample::p50_us).p50_us,
                 .p99_us = median(samples, &Sample::p99_us).p99_us};
  for (const Sample& sample : samples) {
    row.ops_per_s += sample.ops_per_s();
    row.results_checked += sample.num_checked;
  }
  return row;
}

// Every round has all cases once, so that what disturbs the machine for a while disturbs all.
Result<void> Experiment::measure(const std::vector<Case>& group) {
  std::vector<std::vector<SchemesRow>> rows(group.size());
  for (unsigned round = 0; round < m_options.repeats; ++round) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      show(text_of(group[i]));
      CIPHERDECK_ASSIGN(const SchemesRow row, once(group[i]));
      rows[i].push_back(row);
      ++m_done;
    }
  }
  for (const auto& repeats : rows) {
    SchemesRow& row = m_rows.emplace_back(median(repeats, &SchemesRow::ops_per_s));
    row.results_checked = 0;
    for (const SchemesRow& repeat : repeats) row.results_checked += repeat.results_checked;
  }
  return {};
}

// In the order of the operations and of Scheme, whose first is the bare card.
void Experiment::finish_rows() {
  const auto position = [&](const SchemesRow& row) {
    const auto operation = std::ranges::find(m_operations, row.operation);
    return std::pair(operation - m_operations.begin(), row.scheme);
  };
  std::ranges::stable_sort(m_rows, {}, position);
  double card = 1;
  for (SchemesRow& row : m_rows) {
    if (row.scheme == Scheme::card) card = row.ops_per_s;
    row.ratio_to_card = row.ops_per_s / card;
  }
}

Result<std::vector<SchemesRow>> Experiment::run() {
  CIPHERDECK_TRY(prepare());
  const auto all = groups();
  for (const auto& group : all) m_total += group.size() * m_options.repeats;
  for (const auto& group : all) CIPHERDECK_TRY(measure(group));
  finish_rows();
  return m_rows;
}

}  // namespace

std::string_view name_of(Scheme scheme) noexcept {
  switch (scheme) {
    case Scheme::card:
      return "card";
    case Scheme::passthrough:
      return "passthrough";
    case Scheme::emulated:
      return "emulated";
    case Scheme::direct:
      return "direct";
  }
  return "?";
}

std::string_view name_of(TenantsAs tenants) noexcept {
  return tenants == TenantsAs::vm ? "vm" : "process";
}

Result<std::vector<SchemesRow>> run_schemes(
    const SchemesOptions& options, const std::function<void(const std::string&, double)>& progress,
    std::string& why) {
  why.clear();
  const Interruptions interruptions;
  auto rows = Experiment(options, progress, why).run();
  if (!rows && Interruptions::came()) why = "interrupted";
  if (!rows && why.empty()) why = to_string(rows.error());
  return rows;
}

}  // namespace cipherdeck::bench
