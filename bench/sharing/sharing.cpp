// SPDX-License-Identifier: Apache-2.0
#include "sharing/sharing.h"

#include "functions/card_process.h"
#include "measure/measure.h"
#include "schemes/tenants.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <thread>

namespace cipherdeck::bench {
namespace {

constexpr std::uint32_t kNumTenants = 10;
constexpr std::uint32_t kBulkBytes = 16384;
constexpr std::uint32_t kBulkDepth = 16;
constexpr std::uint32_t kLargeBytes = 256U << 10;
constexpr std::uint32_t kPeak = 200'000;  // microseconds of the engine's time a second
constexpr std::uint32_t kDigestLen = 32;
constexpr std::uint32_t kBacklog = 64;  // commands of who always has more than his share
constexpr std::uint32_t kAllVfs = CIPHERDECK_TOTAL_VFS;
constexpr std::chrono::seconds kIdleTime{1};

using Samples = std::vector<Sample>;

double sum_of_rates(const Samples& samples, std::size_t num) {
  return std::accumulate(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(num), 0.0,
                         [](double sum, const Sample& each) { return sum + each.ops_per_s(); });
}

/// A card with VFs that are bound to a partition.
class SharedCard {
 public:
  static Result<SharedCard> start(const SharingOptions& options, std::string& why,
                                  const std::vector<std::string>& more = {},
                                  std::uint32_t num_vfs = kNumTenants) {
    CIPHERDECK_ASSIGN(CardProcess card,
                      CardProcess::start(options.card_program, options.card_cpu, why, more));
    auto pf = std::make_unique<manager::PfDriver>(card.socket(0));
    CIPHERDECK_ASSIGN(const std::uint32_t partition, make_partition(*pf));
    CIPHERDECK_TRY(pf->set_num_vfs(num_vfs));
    CIPHERDECK_TRY(bind_functions(*pf, partition, num_vfs));
    return SharedCard(std::move(card), std::move(pf), partition);
  }

  /// Tenant i has VF i + 1.
  [[nodiscard]] std::vector<TenantSpec> tenants(const std::vector<Load>& loads) const {
    std::vector<TenantSpec> specs;
    for (const Load& load : loads) {
      specs.push_back({m_card.socket(static_cast<std::uint32_t>(specs.size() + 1)), load});
    }
    return specs;
  }

  // Engine time that the tenant was charged so far, in seconds.
  Result<double> engine_time(std::uint32_t tenant) {
    cipherdeck_function_record record;
    CIPHERDECK_ASSIGN(const auto reply, m_pf->admin({.opcode = CIPHERDECK_OP_FUNCTION_LIST}, {},
                                                    (kNumTenants + 1) * sizeof record));
    const std::size_t at = (tenant + 1) * sizeof record;
    if (reply.output.size() < at + sizeof record) return Error::internal;
    std::memcpy(&record, reply.output.data() + at, sizeof record);
    return static_cast<double>(record.engine_ns) / 1e9;
  }

  [[nodiscard]] CardProcess& process() noexcept { return m_card; }
  [[nodiscard]] std::uint32_t partition() const noexcept { return m_partition; }
  [[nodiscard]] manager::PfDriver& pf() noexcept { return *m_pf; }

  Result<void> set_share(std::uint32_t tenant, std::uint32_t weight, std::uint32_t peak) {
    const cipherdeck_function_share share{.weight = weight, .peak = peak};
    CIPHERDECK_TRY(m_pf->admin({.opcode = CIPHERDECK_OP_FUNCTION_SHARE, .arg = {tenant + 1, 0}},
                               object_bytes(share)));
    return {};
  }

 private:
  SharedCard(CardProcess card, std::unique_ptr<manager::PfDriver> pf, std::uint32_t partition)
      : m_card(std::move(card)), m_pf(std::move(pf)), m_partition(partition) {}
  CardProcess m_card;
  std::unique_ptr<manager::PfDriver> m_pf;
  std::uint32_t m_partition;
};

class Sharing {
 public:
  Sharing(const SharingOptions& options,
          const std::function<void(const std::string&, double)>& progress, std::string& why)
      : m_options(options), m_progress(progress), m_why(why) {}

  Result<std::vector<SharingRow>> run() {
    CIPHERDECK_ASSIGN(SharedCard card, SharedCard::start(m_options, m_why));
    m_card.emplace(std::move(card));
    CIPHERDECK_TRY(measure_latency());
    CIPHERDECK_TRY(measure_neighbours());
    CIPHERDECK_TRY(measure_weights());
    CIPHERDECK_TRY(measure_peak());
    CIPHERDECK_TRY(measure_batching());
    CIPHERDECK_TRY(measure_scale());
    return m_rows;
  }

 private:
  static constexpr double kNumMeasurements = 10;

  [[nodiscard]] Load load(Operation operation, std::uint32_t bytes, std::uint32_t depth) const {
    return {.operation = operation,
            .bytes = bytes,
            .depth = depth,
            .duration = std::chrono::milliseconds(m_options.duration_ms)};
  }
  [[nodiscard]] Load bulk() const { return load(Operation::sm4_ctr, kBulkBytes, kBulkDepth); }

  Result<Samples> work(const SharedCard& card, const std::vector<Load>& loads) {
    return run_tenants(card.tenants(loads), Waiting::sleep, m_options.tenant_cpu, m_why);
  }

  // The median of what `once` gives, which is a Result<double>.
  template <typename Once>
  Result<double> repeat(const std::string& what, Once once) {
    std::vector<double> values;
    for (unsigned i = 0; i < m_options.repeats; ++i) {
      m_progress(what, (m_done + i / static_cast<double>(m_options.repeats)) / kNumMeasurements);
      CIPHERDECK_ASSIGN(const double value, once());
      values.push_back(value);
    }
    ++m_done;
    return spread_of(values).median;
  }

  void add(SharingRow row) { m_rows.push_back(std::move(row)); }

  Result<void> measure_latency();
  Result<void> measure_neighbours();
  Result<void> measure_weights();
  Result<void> measure_peak();
  Result<void> measure_batching();
  Result<void> measure_scale();

  const SharingOptions& m_options;
  const std::function<void(const std::string&, double)>& m_progress;
  std::string& m_why;
  std::optional<SharedCard> m_card;
  std::vector<SharingRow> m_rows;
  double m_done = 0;
};

Result<void> Sharing::measure_latency() {
  const Load small = load(Operation::sm4_ctr, 64, 1);
  // Large commands, so that the other tenant seldom takes the processor that the two share.
  const Load large = load(Operation::sm4_ctr, kLargeBytes, kBulkDepth);
  const auto ratio = repeat("64 bytes beside bulk", [&]() -> Result<double> {
    CIPHERDECK_ASSIGN(const Samples alone, work(*m_card, {small}));
    CIPHERDECK_ASSIGN(const Samples beside, work(*m_card, {small, large}));
    return beside[0].p99_us / alone[0].p99_us;
  });
  if (!ratio) return ratio.error();
  add({"latency", "p99 of 64 bytes beside commands of 256 KiB, over that alone", *ratio, 10,
       false});
  return {};
}

Result<void> Sharing::measure_neighbours() {
  const std::vector<std::pair<std::string, Load>> floods = {
      {"SM4-CTR of 256 KiB", load(Operation::sm4_ctr, kLargeBytes, kBulkDepth)},
      {"SM2 signatures", load(Operation::sm2_sign, kDigestLen, 64)},
      {"commands that are refused", load(Operation::invalid, 64, 64)}};
  for (const auto& each : floods) {
    const auto& name = each.first;
    const Load& flood = each.second;
    const auto ratio = repeat("a neighbour: " + name, [&]() -> Result<double> {
      std::vector<Load> loads(kNumTenants, bulk());
      CIPHERDECK_ASSIGN(const Samples equal, work(*m_card, loads));
      loads.back() = flood;
      CIPHERDECK_ASSIGN(const Samples flooded, work(*m_card, loads));
      return sum_of_rates(flooded, kNumTenants - 1) / sum_of_rates(equal, kNumTenants - 1);
    });
    if (!ratio) return ratio.error();
    add({"neighbour", name, *ratio, 0.95, true});
  }
  return {};
}

Result<void> Sharing::measure_weights() {
  const std::vector<std::uint32_t> weights = {4, 2, 1};
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    CIPHERDECK_TRY(
        m_card->set_share(i, weights[i] * CIPHERDECK_WEIGHT_DEFAULT, CIPHERDECK_RATE_UNLIMITED));
  }
  const auto off = repeat("weights 4:2:1", [&]() -> Result<double> {
    const Load backlog = load(Operation::sm4_ctr, kBulkBytes, kBacklog);
    CIPHERDECK_ASSIGN(const Samples samples, work(*m_card, {backlog, backlog, backlog}));
    const double all = sum_of_rates(samples, samples.size());
    double most = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double share = weights[i] / 7.0;
      most = std::max(most, std::abs(samples[i].ops_per_s() / all - share) / share);
    }
    return most;
  });
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    CIPHERDECK_TRY(m_card->set_share(i, CIPHERDECK_WEIGHT_DEFAULT, CIPHERDECK_RATE_UNLIMITED));
  }
  if (!off) return off.error();
  add({"weights", "4:2:1, the tenant that is furthest off its share", *off, 0.03, false});
  return {};
}

Result<void> Sharing::measure_peak() {
  CIPHERDECK_TRY(m_card->set_share(0, CIPHERDECK_WEIGHT_DEFAULT, kPeak));
  const auto off = repeat("a peak rate", [&]() -> Result<double> {
    CIPHERDECK_ASSIGN(const double before, m_card->engine_time(0));
    CIPHERDECK_ASSIGN(const Samples held, work(*m_card, {bulk()}));
    CIPHERDECK_ASSIGN(const double after, m_card->engine_time(0));
    return std::abs((after - before) / held[0].seconds / (kPeak / 1e6) - 1);
  });
  CIPHERDECK_TRY(m_card->set_share(0, CIPHERDECK_WEIGHT_DEFAULT, CIPHERDECK_RATE_UNLIMITED));
  if (!off) return off.error();
  add({"peak", "a tenant held to a fifth of the engine's time", *off, 0.02, false});
  return {};
}

// All VFs attached at once by this process, each with sessions that have done something.
Result<void> Sharing::measure_scale() {
  m_progress("256 VFs", m_done / kNumMeasurements);
  CIPHERDECK_ASSIGN(SharedCard card, SharedCard::start(m_options, m_why, {}, 0));
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  CIPHERDECK_TRY(card.pf().set_num_vfs(kAllVfs));
  const std::chrono::duration<double> making = Clock::now() - start;
  CIPHERDECK_TRY(bind_functions(card.pf(), card.partition(), kAllVfs));
  const std::uint64_t memory = card.process().memory_kib();
  const Load once{.operation = Operation::sm4_ctr,
                  .bytes = kBulkBytes,
                  .depth = 1,
                  .duration = std::chrono::milliseconds(0)};
  std::vector<Tenant> tenants;
  for (std::uint32_t vf = 1; vf <= kAllVfs; ++vf) {
    const std::string address = "unix:" + card.process().socket(vf).string();
    CIPHERDECK_ASSIGN(Tenant tenant, open_tenant(address, once, Waiting::sleep, m_why));
    CIPHERDECK_TRY(tenant.prepare(once));
    tenants.push_back(std::move(tenant));
  }
  double num_working = 0;
  for (Tenant& tenant : tenants) {
    CIPHERDECK_ASSIGN(const Sample sample, tenant.work());
    num_working += sample.num_checked != 0 ? 1 : 0;
  }
  std::this_thread::sleep_for(kIdleTime / 4);
  const std::uint64_t busy = card.process().cpu_time_ns();
  std::this_thread::sleep_for(kIdleTime);
  const auto idle_ns = static_cast<double>(card.process().cpu_time_ns() - busy);
  const double idle_percent = 100 * idle_ns / std::chrono::nanoseconds(kIdleTime).count();
  const double kib = static_cast<double>(card.process().memory_kib() - memory) / kAllVfs;
  add({"scale", "seconds to make 256 VFs", making.count(), 2, false});
  add({"scale", "VFs attached at once and working", num_working, kAllVfs, true});
  add({"scale", "KiB of the card for an attached VF with 16 sessions", kib});
  add({"scale", "processor time of the idle card, percent", idle_percent});
  return {};
}

Result<void> Sharing::measure_batching() {
  CIPHERDECK_ASSIGN(SharedCard single, SharedCard::start(m_options, m_why, {"--no-batching"}));
  for (const Operation operation : {Operation::sm2_sign, Operation::sm3, Operation::sm4_cbc}) {
    const std::uint32_t bytes = operation == Operation::sm2_sign ? kDigestLen : kBulkBytes;
    const std::vector<Load> loads(kNumTenants, load(operation, bytes, 1));
    const std::string name(name_of(operation));
    const auto ratio = repeat("batching of " + name, [&]() -> Result<double> {
      CIPHERDECK_ASSIGN(const Samples alone, work(single, loads));
      CIPHERDECK_ASSIGN(const Samples together, work(*m_card, loads));
      return sum_of_rates(together, kNumTenants) / sum_of_rates(alone, kNumTenants);
    });
    if (!ratio) return ratio.error();
    add({"batching", name + ", ten tenants with one command each", *ratio, 3, true});
  }
  return {};
}

}  // namespace

Result<std::vector<SharingRow>> run_sharing(
    const SharingOptions& options, const std::function<void(const std::string&, double)>& progress,
    std::string& why) {
  why.clear();
  auto rows = Sharing(options, progress, why).run();
  if (!rows && why.empty()) why = to_string(rows.error());
  return rows;
}

}  // namespace cipherdeck::bench
