// SPDX-License-Identifier: Apache-2.0
#include "schemes/schemes.h"

#include "functions/card_process.h"
#include "host/manager/pf_driver.h"
#include "schemes/tenants.h"

#include <algorithm>
#include <map>
#include <optional>

namespace cipherdeck::bench {
namespace {

constexpr std::uint32_t kDigestLen = 32;
constexpr std::uint32_t kEmulatorVf = CIPHERDECK_TOTAL_VFS;  // the other VFs are for direct tenants
constexpr std::uint32_t kMostEmulated = 10;

double jain_index(const std::vector<Sample>& samples) {
  double sum = 0, squares = 0;
  for (const Sample& sample : samples) {
    sum += sample.ops_per_s();
    squares += sample.ops_per_s() * sample.ops_per_s();
  }
  return squares == 0 ? 1 : sum * sum / (static_cast<double>(samples.size()) * squares);
}

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

class Experiment {
 public:
  Experiment(const SchemesOptions& options,
             const std::function<void(const std::string&, double)>& progress, std::string& why)
      : m_options(options), m_progress(progress), m_why(why) {}

  Result<std::vector<SchemesRow>> run();

 private:
  Result<void> prepare();
  Result<void> measure(Operation operation);
  [[nodiscard]] std::vector<Case> cases_of(Operation operation) const;
  [[nodiscard]] std::vector<std::filesystem::path> sockets_of(const Case& what) const;
  Result<SchemesRow> once(const Case& what);
  Result<ServerProcess> start_emulator(std::uint32_t machines);
  [[nodiscard]] std::filesystem::path emulator_directory() const {
    return m_card->directory() / "emulator";
  }

  const SchemesOptions& m_options;
  const std::function<void(const std::string&, double)>& m_progress;
  std::string& m_why;
  std::optional<CardProcess> m_card;
  std::vector<SchemesRow> m_rows;
  std::size_t m_done = 0, m_total = 0;
};

// The PF's driver lets go of the PF at the end, so that a tenant can have it.
Result<void> Experiment::prepare() {
  CIPHERDECK_ASSIGN(CardProcess card,
                    CardProcess::start(m_options.card_program, m_options.card_cpu, m_why));
  m_card.emplace(std::move(card));
  manager::PfDriver pf(m_card->socket(0));
  CIPHERDECK_TRY(pf.admin({.opcode = CIPHERDECK_OP_CARD_INIT}, as_bytes("benchmark")));
  CIPHERDECK_ASSIGN(const auto partition,
                    pf.admin({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, as_bytes("benchmark")));
  CIPHERDECK_TRY(
      pf.admin({.opcode = CIPHERDECK_OP_KEY_PAIR_GENERATE, .key = 1, .arg = {partition.value, 0}},
               as_bytes(Tenant::kAccessCode)));
  CIPHERDECK_TRY(pf.set_num_vfs(CIPHERDECK_TOTAL_VFS));
  for (std::uint64_t function = 0; function <= CIPHERDECK_TOTAL_VFS; ++function) {
    CIPHERDECK_TRY(
        pf.admin({.opcode = CIPHERDECK_OP_FUNCTION_BIND, .arg = {function, partition.value}}));
  }
  return {};
}

std::vector<Case> Experiment::cases_of(Operation operation) const {
  std::vector<Case> cases = {{Scheme::card, operation, 1}};
  for (const Scheme scheme : m_options.schemes) {
    if (scheme == Scheme::card) continue;
    if (scheme == Scheme::passthrough) {
      cases.push_back({scheme, operation, 1});
      continue;
    }
    const std::uint32_t most = scheme == Scheme::emulated ? kMostEmulated : kEmulatorVf - 1;
    for (const std::uint32_t tenants : m_options.tenants) {
      if (tenants <= most) cases.push_back({scheme, operation, tenants});
    }
  }
  return cases;
}

std::vector<std::filesystem::path> Experiment::sockets_of(const Case& what) const {
  if (what.scheme == Scheme::card || what.scheme == Scheme::passthrough) return {m_card->socket(0)};
  std::vector<std::filesystem::path> sockets;
  for (std::uint32_t i = 1; i <= what.tenants; ++i) {
    sockets.push_back(what.scheme == Scheme::direct
                          ? m_card->socket(i)
                          : emulator_directory() / ("vf" + std::to_string(i) + ".sock"));
  }
  return sockets;
}

Result<ServerProcess> Experiment::start_emulator(std::uint32_t machines) {
  return ServerProcess::start(
      {m_options.emulator_program.string(), "--run-dir", emulator_directory().string(), "--device",
       "unix:" + m_card->socket(kEmulatorVf).string(), "--machines", std::to_string(machines),
       "--log-level", "warn"},
      m_options.tenant_cpu, emulator_directory() / ("vf" + std::to_string(machines) + ".sock"),
      m_why);
}

Result<SchemesRow> Experiment::once(const Case& what) {
  std::optional<ServerProcess> emulator;
  if (what.scheme == Scheme::emulated) {
    CIPHERDECK_ASSIGN(ServerProcess started, start_emulator(what.tenants));
    emulator.emplace(std::move(started));
  }
  const bool is_signing = what.operation == Operation::sm2_sign;
  const Load load{.operation = what.operation,
                  .bytes = is_signing ? kDigestLen : m_options.bytes,
                  .depth = m_options.depth,
                  .duration = std::chrono::milliseconds(m_options.duration_ms),
                  .waiting = what.scheme == Scheme::card ? Waiting::poll : Waiting::sleep};
  CIPHERDECK_ASSIGN(const auto samples,
                    run_tenants(sockets_of(what), load, m_options.tenant_cpu, m_why));
  SchemesRow row{.scheme = what.scheme,
                 .operation = what.operation,
                 .tenants = what.tenants,
                 .bytes = load.bytes,
                 .jain = jain_index(samples),
                 .p50_us = median(samples, &Sample::p50_us).p50_us,
                 .p99_us = median(samples, &Sample::p99_us).p99_us};
  for (const Sample& sample : samples) row.ops_per_s += sample.ops_per_s();
  return row;
}

// Every round has all cases once, so that what disturbs the machine for a while disturbs all.
Result<void> Experiment::measure(Operation operation) {
  const std::vector<Case> cases = cases_of(operation);
  std::vector<std::vector<SchemesRow>> rows(cases.size());
  for (unsigned round = 0; round < m_options.repeats; ++round) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      m_progress(std::string(name_of(operation)) + ", " + std::string(name_of(cases[i].scheme)) +
                     ", " + std::to_string(cases[i].tenants) + " tenants",
                 static_cast<double>(m_done++) / static_cast<double>(m_total));
      CIPHERDECK_ASSIGN(const SchemesRow row, once(cases[i]));
      rows[i].push_back(row);
    }
  }
  const double card = median(rows[0], &SchemesRow::ops_per_s).ops_per_s;
  for (const auto& repeats : rows) {
    SchemesRow row = median(repeats, &SchemesRow::ops_per_s);
    row.ratio_to_card = row.ops_per_s / card;
    m_rows.push_back(row);
  }
  return {};
}

Result<std::vector<SchemesRow>> Experiment::run() {
  CIPHERDECK_TRY(prepare());
  for (const Operation operation : m_options.operations) {
    m_total += cases_of(operation).size() * m_options.repeats;
  }
  for (const Operation operation : m_options.operations) CIPHERDECK_TRY(measure(operation));
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

Result<std::vector<SchemesRow>> run_schemes(
    const SchemesOptions& options, const std::function<void(const std::string&, double)>& progress,
    std::string& why) {
  why.clear();
  auto rows = Experiment(options, progress, why).run();
  if (!rows && why.empty()) why = to_string(rows.error());
  return rows;
}

}  // namespace cipherdeck::bench
