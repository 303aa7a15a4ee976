// SPDX-License-Identifier: Apache-2.0
#include "functions/functions.h"

#include "functions/card_process.h"
#include "functions/engine_load.h"
#include "functions/load.h"
#include "host/manager/pf_driver.h"
#include "measure/measure.h"

#include <algorithm>
#include <array>
#include <thread>

namespace cipherdeck::bench {
namespace {

constexpr std::uint32_t kDepth = 16;
constexpr std::uint32_t kSignDepth = 8;
constexpr std::uint32_t kManyVfs = 256;
constexpr std::array<std::uint32_t, 4> kSizes = {64, 1024, 16384, 65536};
constexpr std::uint32_t kDigestLen = 32;
constexpr std::chrono::seconds kIdleTime{3};
constexpr driver::QueuePairOptions kQueuePair{.entries = 64, .arena_len = 4U << 20};

Sample median(std::vector<Sample> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end(),
                   [](const Sample& a, const Sample& b) { return a.ops_per_s() < b.ops_per_s(); });
  return *middle;
}

struct Case {
  Operation operation;
  std::uint32_t bytes;
  std::uint32_t depth;
};

FunctionsRow row_of(const Case& what, const char* path, const Sample& sample) {
  FunctionsRow row{.operation = std::string(name_of(what.operation)),
                   .path = path,
                   .bytes = what.bytes,
                   .tenants = std::string_view(path) == "engine" ? 0U : 1U,
                   .depth = what.depth,
                   .ops_per_s = sample.ops_per_s()};
  const bool counts_bytes =
      what.operation == Operation::sm4_ctr || what.operation == Operation::sm3;
  if (counts_bytes) row.aggregate_mb_per_s = sample.ops_per_s() * what.bytes / 1e6;
  if (row.tenants > 0) {
    row.p50_us = sample.p50_us;
    row.p99_us = sample.p99_us;
  }
  return row;
}

// A card with a partition, its PF and `kManyVfs` VFs.
class Bench {
 public:
  Bench(const FunctionsOptions& options, const std::function<void(const std::string&)>& progress,
        std::string& why)
      : m_options(options), m_progress(progress), m_why(why) {}

  Result<std::vector<FunctionsRow>> run();

 private:
  Result<void> prepare();
  Result<void> make_vfs(manager::PfDriver& pf);
  Result<Tenant> open_tenant(std::uint32_t function);
  [[nodiscard]] Load load_of(const Case& what) const {
    return {.operation = what.operation,
            .bytes = what.bytes,
            .depth = what.depth,
            .duration = std::chrono::milliseconds(m_options.duration_ms)};
  }
  Result<void> throughput(const Case& what);
  Result<void> latency(const Case& what);
  Result<void> round_trips();
  void idle();

  const FunctionsOptions& m_options;
  const std::function<void(const std::string&)>& m_progress;
  std::string& m_why;
  std::optional<CardProcess> m_card;
  std::optional<Tenant> m_pf_tenant;
  std::optional<Tenant> m_vf_tenant;
  std::vector<FunctionsRow> m_rows;
};

// The PF's driver lets go of the PF at the end, so that a tenant can have it.
Result<void> Bench::prepare() {
  CIPHERDECK_ASSIGN(CardProcess card,
                    CardProcess::start(m_options.card_program, m_options.card_cpu, m_why));
  m_card.emplace(std::move(card));
  manager::PfDriver pf(m_card->socket(0));
  CIPHERDECK_ASSIGN(const std::uint32_t partition, make_partition(pf));
  CIPHERDECK_TRY(make_vfs(pf));
  return bind_functions(pf, partition, 1);
}

// Memory is measured before anything has worked, so that the difference is the VFs' alone.
Result<void> Bench::make_vfs(manager::PfDriver& pf) {
  m_progress("256 idle VFs");
  const std::uint64_t before = m_card->memory_kib();
  const auto start = std::chrono::steady_clock::now();
  CIPHERDECK_TRY(pf.set_num_vfs(kManyVfs));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double grown = static_cast<double>(m_card->memory_kib()) - static_cast<double>(before);
  m_rows.push_back({.operation = "idle-vf",
                    .path = "vf",
                    .tenants = kManyVfs,
                    .ops_per_s = kManyVfs / took.count(),
                    .memory_kib = grown / kManyVfs});
  return {};
}

Result<Tenant> Bench::open_tenant(std::uint32_t function) {
  CIPHERDECK_ASSIGN(
      auto queue_pair,
      driver::open_queue_pair("unix:" + m_card->socket(function).string(), kQueuePair, m_why));
  return Tenant::open(std::move(queue_pair));
}

Result<void> Bench::throughput(const Case& what) {
  m_progress(std::string(name_of(what.operation)) + ", " + std::to_string(what.bytes) + " bytes");
  const Load load = load_of(what);
  std::vector<Sample> engine;
  std::vector<Sample> pf;
  std::vector<Sample> vf;
  for (unsigned repeat = 0; repeat < m_options.repeats; ++repeat) {
    (void)pin_to(m_options.card_cpu);
    CIPHERDECK_ASSIGN(engine.emplace_back(),
                      run_engine(what.operation, what.bytes, what.depth, load.duration));
    (void)pin_to(m_options.tenant_cpu);
    CIPHERDECK_ASSIGN(pf.emplace_back(), m_pf_tenant->run(load));
    CIPHERDECK_ASSIGN(vf.emplace_back(), m_vf_tenant->run(load));
  }
  const Sample baseline = median(engine);
  for (const auto& [path, samples] : {std::pair{"engine", &engine}, {"pf", &pf}, {"vf", &vf}}) {
    const Sample sample = median(*samples);
    m_rows.push_back(row_of(what, path, sample));
    m_rows.back().ratio_to_engine = sample.ops_per_s() / baseline.ops_per_s();
  }
  return {};
}

Result<void> Bench::latency(const Case& what) {
  std::vector<Sample> samples;
  for (unsigned repeat = 0; repeat < m_options.repeats; ++repeat) {
    CIPHERDECK_ASSIGN(samples.emplace_back(), m_vf_tenant->run(load_of(what)));
  }
  m_rows.push_back(row_of(what, "vf", median(samples)));
  return {};
}

Result<void> Bench::round_trips() {
  m_progress("round trips");
  (void)pin_to(m_options.tenant_cpu);
  CIPHERDECK_TRY(latency({Operation::nop, 0, 1}));
  for (const std::uint32_t bytes : kSizes) {
    CIPHERDECK_TRY(latency({Operation::sm4_ctr, bytes, 1}));
    CIPHERDECK_TRY(latency({Operation::sm3, bytes, 1}));
  }
  CIPHERDECK_TRY(latency({Operation::sm2_sign, kDigestLen, 1}));
  constexpr std::uint32_t kKicks = 300;
  CIPHERDECK_ASSIGN(const Sample kicked,
                    m_vf_tenant->run_from_sleep(kKicks, std::chrono::milliseconds(2)));
  FunctionsRow row = row_of({Operation::nop, 0, 1}, "vf", kicked);
  row.operation = "nop-kick";
  row.ops_per_s.reset();
  m_rows.push_back(row);
  return {};
}

void Bench::idle() {
  m_progress("idle card");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::uint64_t before = m_card->cpu_time_ns();
  std::this_thread::sleep_for(kIdleTime);
  const auto used = static_cast<double>(m_card->cpu_time_ns() - before);
  const double whole = std::chrono::duration<double, std::nano>(kIdleTime).count();
  m_rows.push_back(
      {.operation = "idle-card", .path = "vf", .tenants = 2, .cpu_percent = 100 * used / whole});
}

Result<std::vector<FunctionsRow>> Bench::run() {
  CIPHERDECK_TRY(prepare());
  CIPHERDECK_ASSIGN(m_pf_tenant, open_tenant(0));
  CIPHERDECK_ASSIGN(m_vf_tenant, open_tenant(1));
  for (const std::uint32_t bytes : kSizes) {
    CIPHERDECK_TRY(throughput({Operation::sm4_ctr, bytes, kDepth}));
    CIPHERDECK_TRY(throughput({Operation::sm3, bytes, kDepth}));
  }
  CIPHERDECK_TRY(throughput({Operation::sm2_sign, kDigestLen, kSignDepth}));
  CIPHERDECK_TRY(round_trips());
  idle();
  return m_rows;
}

}  // namespace

Result<std::vector<FunctionsRow>> run_functions(
    const FunctionsOptions& options, const std::function<void(const std::string&)>& progress,
    std::string& why) {
  why.clear();
  auto rows = Bench(options, progress, why).run();
  if (!rows && why.empty()) why = to_string(rows.error());
  return rows;
}

}  // namespace cipherdeck::bench
