// SPDX-License-Identifier: Apache-2.0
#include "card/scheduler/workers.h"

#include <algorithm>
#include <system_error>

namespace cipherdeck::card::scheduler {
namespace {

// What a worker must have to do, and how much more than another, before one of its functions goes
// there: parts of its time.
constexpr double kBusy = 0.5;
constexpr double kUneven = 0.25;

FunctionNumber function_at(std::size_t place) {
  return static_cast<FunctionNumber>(place / CIPHERDECK_MAX_QUEUE_PAIRS);
}

}  // namespace

Result<std::unique_ptr<Workers>> Workers::start(std::span<const command::Services> services,
                                                std::span<const command::FunctionCounters> counters,
                                                const Options& options) {
  std::unique_ptr<Workers> workers(new Workers(counters, options));
  for (const command::Services& each : services) {
    const std::size_t index = workers->m_workers.size();
    const int cpu = options.cpus.empty() ? -1 : options.cpus[index % options.cpus.size()];
    CIPHERDECK_ASSIGN(auto worker,
                      Worker::start(each, {.cpu = cpu, .scheduler = options.scheduler}));
    workers->m_workers.push_back(std::move(worker));
  }
  if (workers->m_workers.size() < 2) return workers;
  try {
    workers->m_balancer = std::thread([raw = workers.get()] { raw->balance_loop(); });
  } catch (const std::system_error&) {
    return Error::io;
  }
  return workers;
}

Workers::~Workers() {
  if (!m_balancer.joinable()) return;
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
  }
  m_stopped.notify_all();
  m_balancer.join();
}

unsigned Workers::emptiest() const noexcept {
  std::array<std::size_t, kMaxWorkers> functions{};
  for (const Function& function : m_functions) {
    if (function.num_queue_pairs != 0) ++functions[function.worker.load()];
  }
  const auto end = functions.cbegin() + m_workers.size();
  return static_cast<unsigned>(std::min_element(functions.cbegin(), end) - functions.cbegin());
}

Result<QueuePairHandle> Workers::attach(std::unique_ptr<QueuePair> queue_pair) {
  const FunctionNumber number = queue_pair->client.function;
  const std::lock_guard lock(m_mutex);
  const auto first = m_handles.begin() + std::ptrdiff_t{number} * CIPHERDECK_MAX_QUEUE_PAIRS;
  const auto last = first + CIPHERDECK_MAX_QUEUE_PAIRS;
  const auto free = std::find(first, last, QueuePairHandle{0});
  if (free == last) return Error::limit;
  const auto place = static_cast<Place>(free - m_handles.begin());
  *free = (m_next_number++ << kPlaceBits) | place;
  queue_pair->place = place;
  Function& function = m_functions[number];
  if (function.num_queue_pairs == 0) function.worker.store(emptiest());
  ++function.num_queue_pairs;
  m_workers[function.worker.load()]->attach(std::move(queue_pair));
  return *free;
}

std::optional<FunctionNumber> Workers::detach(QueuePairHandle handle) noexcept {
  const std::size_t place = handle & ((std::size_t{1} << kPlaceBits) - 1);
  const std::lock_guard lock(m_mutex);
  if (handle == 0 || place >= kNumPlaces || m_handles[place] != handle) return {};
  const FunctionNumber number = function_at(place);
  Function& function = m_functions[number];
  m_workers[function.worker.load()]->detach(static_cast<Place>(place));
  m_handles[place] = 0;
  --function.num_queue_pairs;
  return number;
}

void Workers::kick(QueuePairHandle handle) noexcept {
  const std::size_t place = handle & ((std::size_t{1} << kPlaceBits) - 1);
  if (place >= kNumPlaces) return;
  const std::atomic<unsigned>& worker = m_functions[function_at(place)].worker;
  // Whoever got the function meanwhile has looked at it on its arrival, or gets the kick, too.
  for (unsigned to = worker.load(), then = to;; to = then) {
    m_workers[to]->kick(static_cast<Place>(place));
    then = worker.load();
    if (then == to) return;
  }
}

void Workers::set_share(FunctionNumber function, const Share& share) {
  for (const auto& worker : m_workers) worker->set_share(function, share);
}

// ---- handing over -------------------------------------------------------------------------------

unsigned Workers::worker_of(FunctionNumber function) const noexcept {
  return m_functions[function].worker.load();
}

bool Workers::move(FunctionNumber function, unsigned to) {
  const std::lock_guard lock(m_mutex);
  return move_locked(function, to);
}

bool Workers::move_locked(FunctionNumber number, unsigned to) {
  Function& function = m_functions[number];
  const unsigned from = function.worker.load();
  if (from == to || function.num_queue_pairs == 0) return false;
  auto departure = m_workers[from]->release(number);
  if (!departure) return false;
  // First, so that a kick from now on reaches the new one; what was kicked before it sees itself.
  function.worker.store(to);
  m_workers[to]->adopt(std::move(*departure));
  return true;
}

void Workers::balance_loop() {
  std::unique_lock lock(m_mutex);
  while (!m_stopped.wait_for(lock, m_options.balance, [this] { return m_stopping; })) balance();
}

// At most one function a time, and only if that makes the two workers' loads more equal.
void Workers::balance() {
  std::array<double, kMaxWorkers> loads{};
  std::array<double, kMaxFunctions> parts{};
  const double interval = std::chrono::duration<double, std::nano>(m_options.balance).count();
  for (std::size_t i = 0; i < kMaxFunctions; ++i) {
    Function& function = m_functions[i];
    const std::uint64_t charged = m_counters[i].engine_ns.load(std::memory_order_relaxed);
    parts[i] = static_cast<double>(charged - function.charged_ns) / interval;
    function.charged_ns = charged;
    if (function.num_queue_pairs != 0) loads[function.worker.load()] += parts[i];
  }
  const auto end = loads.cbegin() + m_workers.size();
  const auto busiest =
      static_cast<unsigned>(std::max_element(loads.cbegin(), end) - loads.cbegin());
  const auto idlest = static_cast<unsigned>(std::min_element(loads.cbegin(), end) - loads.cbegin());
  const double difference = loads[busiest] - loads[idlest];
  if (loads[busiest] < kBusy || difference < kUneven) return;
  std::optional<FunctionNumber> best;
  double best_left = difference * 0.8;
  for (std::size_t i = 0; i < kMaxFunctions; ++i) {
    const Function& function = m_functions[i];
    if (function.num_queue_pairs == 0 || function.worker.load() != busiest) continue;
    const double left = std::abs(difference - 2 * parts[i]);
    if (left >= best_left) continue;
    best_left = left;
    best = static_cast<FunctionNumber>(i);
  }
  if (best) move_locked(*best, idlest);
}

}  // namespace cipherdeck::card::scheduler
