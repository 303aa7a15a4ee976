// SPDX-License-Identifier: Apache-2.0
#include "card/scheduler/scheduler.h"

#include <algorithm>

namespace cipherdeck::card::scheduler {
namespace {

// What a function of the usual weight is granted at a time. Much of it is done in one visit, so
// that a driver with many commands in flight is interrupted once for several.
constexpr std::int64_t kQuantumNs = 50'000;
// How much new work a round takes on; and in all, with slices of jobs from earlier rounds.
constexpr std::uint64_t kRoundNs = 100'000;
constexpr std::uint64_t kLongestRoundNs = 4 * kRoundNs;
// Input of a command that is done while a round is under way, in bytes.
constexpr std::uint32_t kSmallLen = 4096;
constexpr std::int64_t kSavedNs = kLongestRoundNs;
// A function with jobs from earlier rounds leaves half the batch to the others.
constexpr std::size_t kCarriedJobs = command::kMaxJobs / 2;

}  // namespace

Scheduler::Scheduler(const command::Services& services, const SchedulerOptions& options)
    : m_services(services),
      m_options(options),
      m_batch(services.random, m_away_jobs, {.clock = options.clock, .together = options.batching}),
      m_small(services.random, m_away_jobs, {.clock = options.clock, .together = options.batching}),
      m_now(options.clock()) {
  m_served.reserve(command::kMaxJobs);
}

Scheduler::~Scheduler() {
  while (!m_queue_pairs.empty()) remove(*m_queue_pairs.back());
}

void Scheduler::add(std::unique_ptr<QueuePair> queue_pair) {
  QueuePair& added = *queue_pair;
  m_queue_pairs.push_back(std::move(queue_pair));
  wake(added);
}

void Scheduler::wake(QueuePair& queue_pair) {
  if (queue_pair.polled || queue_pair.client.broken) return;
  m_now = m_options.clock();
  Function& function = m_functions[queue_pair.client.function];
  if (function.polled.empty()) {
    // A debt is paid off with time.
    const auto away = std::chrono::nanoseconds(m_now - function.last_active).count();
    function.credit_ns = std::min<std::int64_t>(function.credit_ns + away, function.quantum_ns());
    m_active.push_back(&function);
  }
  function.polled.push_back(&queue_pair);
  queue_pair.polled = true;
  queue_pair.last_work = m_now;
  queue_pair.client.end.announce_awake();
}

void Scheduler::stop_polling(QueuePair& queue_pair) noexcept {
  if (!queue_pair.polled) return;
  queue_pair.polled = false;
  Function& function = m_functions[queue_pair.client.function];
  std::erase(function.polled, &queue_pair);
  if (function.polled.empty()) {
    function.last_active = m_now;
    set_exhausted(function, false);
    function.backlogged = false;
    std::erase(m_active, &function);
  }
}

void Scheduler::drop_work(QueuePair& queue_pair) noexcept {
  command::Client& client = queue_pair.client;
  if (client.jobs != 0) m_batch.drop(client);
  if (client.away_jobs != 0) m_away_jobs.drop(client);
  queue_pair.held.reset();
  client.counters->sessions.fetch_sub(client.sessions.size(), std::memory_order_relaxed);
  client.sessions = {};
  m_functions[client.function].carried_jobs = 0;  // counted anew after the next round
  std::erase(m_served, &queue_pair);
  queue_pair.served = false;
  std::erase(m_away, &queue_pair);
  std::erase(m_parked, &queue_pair);
}

void Scheduler::remove(QueuePair& queue_pair) noexcept {
  stop_polling(queue_pair);
  drop_work(queue_pair);
  std::erase(m_deferred, &queue_pair);
  queue_pair.client.end.stop();
  std::erase_if(m_queue_pairs, [&](const auto& each) { return each.get() == &queue_pair; });
}

// ---- handing a function over --------------------------------------------------------------------

void Scheduler::set_leaving(FunctionNumber function, bool is_leaving) noexcept {
  m_functions[function].leaving = is_leaving;
}

bool Scheduler::has_away_jobs(FunctionNumber function) const noexcept {
  return std::ranges::any_of(m_queue_pairs, [&](const auto& each) {
    return each->client.function == function && each->client.away_jobs != 0;
  });
}

std::optional<Departure> Scheduler::depart(FunctionNumber number) {
  const auto is_of = [&](const auto& each) { return each->client.function == number; };
  const bool at_work = std::ranges::any_of(m_queue_pairs, [&](const auto& each) {
    return is_of(each) && (each->client.jobs != 0 || each->client.away_jobs != 0);
  });
  if (at_work) return std::nullopt;
  Function& function = m_functions[number];
  Departure departure{number, {}, function.committed, function.peak};
  const auto first = std::stable_partition(m_queue_pairs.begin(), m_queue_pairs.end(),
                                           [&](const auto& each) { return !is_of(each); });
  for (auto each = first; each != m_queue_pairs.end(); ++each) {
    QueuePair& queue_pair = **each;
    stop_polling(queue_pair);
    if (std::erase(m_deferred, &queue_pair) != 0) raise(queue_pair, m_options.clock());
    std::erase(m_parked, &queue_pair);
    queue_pair.parked = false;
    queue_pair.blocked_round = 0;
    departure.queue_pairs.push_back(std::move(*each));
  }
  m_queue_pairs.erase(first, m_queue_pairs.end());
  function.leaving = false;
  return departure;
}

void Scheduler::arrive(Departure departure) {
  Function& function = m_functions[departure.function];
  function.committed = departure.committed;
  function.peak = departure.peak;
  function.leaving = false;
  for (auto& queue_pair : departure.queue_pairs) add(std::move(queue_pair));
}

// ---- shares -------------------------------------------------------------------------------------

std::int64_t Scheduler::Function::quantum_ns() const noexcept {
  return kQuantumNs * share.weight / CIPHERDECK_WEIGHT_DEFAULT;
}

void Scheduler::set_share(FunctionNumber number, const Share& share) noexcept {
  Function& function = m_functions[number];
  m_num_committed -= function.share.committed != 0;
  m_num_committed += share.committed != 0;
  function.share = share;
  m_now = m_options.clock();
  function.committed.set_rate(share.committed, m_now);
  function.peak.set_rate(share.peak, m_now);
  set_exhausted(function, false);
}

bool Scheduler::can_pay(const Function& function, Purse purse) noexcept {
  return purse == Purse::committed ? function.committed.is_left() : function.credit_ns > 0;
}

void Scheduler::charge(Function& function, Purse purse, std::uint32_t cost_ns) noexcept {
  if (purse == Purse::committed) {
    function.committed.charge(cost_ns);
  } else {
    function.credit_ns -= cost_ns;
  }
  if (!function.peak.is_limited()) return;
  function.peak.charge(cost_ns);
  if (!function.peak.is_left()) set_exhausted(function, true);
}

void Scheduler::set_exhausted(Function& function, bool exhausted) noexcept {
  if (function.exhausted == exhausted) return;
  function.exhausted = exhausted;
  m_num_exhausted += exhausted ? 1 : -1;
}

// Lets a function go on that had used up its peak rate, when its time has come.
void Scheduler::check_peak(Function& function) noexcept {
  if (!function.peak.is_limited()) return;
  if (function.exhausted && m_now < function.peak.next()) return;
  function.peak.refill(m_now);
  set_exhausted(function, !function.peak.is_left());
}

// ---- which command is next ----------------------------------------------------------------------

std::uint64_t Scheduler::new_cost() const noexcept {
  return m_batch.cost_ns() - m_carried_cost + m_done_cost;
}

bool Scheduler::round_full() const noexcept {
  // Whatever slices are left from earlier rounds, one new command goes.
  const std::uint64_t cost = new_cost();
  return m_batch.full() || cost >= kRoundNs ||
         (cost != 0 && m_carried_cost + cost >= kLongestRoundNs);
}

bool Scheduler::has_room(const Function& function) const noexcept {
  if (round_full() || function.leaving) return false;
  if (function.carried_jobs == 0) return true;
  return m_batch.num_jobs() < kCarriedJobs && m_carried_cost + new_cost() < kRoundNs;
}

bool Scheduler::can_serve(const QueuePair& queue_pair) const noexcept {
  return queue_pair.blocked_round != m_round && !queue_pair.parked && !queue_pair.client.broken;
}

bool Scheduler::has_command(const Function& function) const noexcept {
  return std::any_of(function.polled.begin(), function.polled.end(), [this](const QueuePair* each) {
    if (!can_serve(*each)) return false;
    if (each->held) return true;
    const auto waiting = each->client.end.pending();
    return !waiting || *waiting != 0;  // a broken ring wants to be seen
  });
}

void Scheduler::mark_served(QueuePair& queue_pair) {
  queue_pair.last_work = m_now;
  if (queue_pair.served) return;
  queue_pair.served = true;
  m_served.push_back(&queue_pair);
}

// The queue pair's next command, if there is one that can go now.
std::optional<cipherdeck_command> Scheduler::next_command(QueuePair& queue_pair) {
  if (!can_serve(queue_pair)) return std::nullopt;
  if (queue_pair.held) return queue_pair.held;
  command::Client& client = queue_pair.client;
  const auto waiting = client.end.pending();
  if (!waiting) {
    client.broken = true;
    m_broken.push_back(&queue_pair);
    return std::nullopt;
  }
  if (*waiting == 0) return std::nullopt;
  return client.end.take();
}

// Takes one command of the queue pair; false if there is none that can go now.
bool Scheduler::serve_one(Function& function, QueuePair& queue_pair, Purse purse,
                          command::Batch& batch) {
  const auto next = next_command(queue_pair);
  if (!next) return false;
  const cipherdeck_command& command = *next;
  command::Client& client = queue_pair.client;
  if (&batch == &m_small && command.input.len > kSmallLen) {
    queue_pair.held = command;
    return false;
  }
  const command::Reply reply = command::process(command, client, batch, m_services);
  if (reply.is_put_off()) {
    queue_pair.held = command;
    queue_pair.blocked_round = m_round;
    if (reply.kind == command::Reply::Kind::after_away) park(queue_pair);
    return false;
  }
  queue_pair.held.reset();
  mark_served(queue_pair);
  charge(function, purse, reply.cost_ns);
  auto& engine_ns = client.counters->engine_ns;
  engine_ns.store(engine_ns.load(std::memory_order_relaxed) + reply.cost_ns,
                  std::memory_order_relaxed);
  if (reply.kind != command::Reply::Kind::queued) m_done_cost += reply.cost_ns;
  if (reply.kind == command::Reply::Kind::away && !queue_pair.is_away) {
    queue_pair.is_away = true;
    m_away.push_back(&queue_pair);
  }
  if (reply.kind == command::Reply::Kind::done) {
    command::complete(client, {.command_id = command.command_id,
                               .status = reply.status,
                               .value = reply.value,
                               .output_len = reply.output_len});
  }
  return true;
}

// Takes commands of the function, one of each queue pair in turn, while it can pay.
void Scheduler::serve(Function& function, Purse purse) {
  const std::size_t num = function.polled.size();
  std::size_t empty = 0;
  while (empty < num && !function.exhausted && has_room(function)) {
    if (!can_pay(function, purse)) {
      const bool has_more = has_command(function);
      function.waiting = purse == Purse::credit && has_more;
      function.backlogged = has_more;
      return;
    }
    if (function.turn >= num) function.turn = 0;
    empty = serve_one(function, *function.polled[function.turn++], purse, m_batch) ? 0 : empty + 1;
  }
  function.backlogged = empty < num;
}

// Grants all functions quanta of theirs, at least so many that one that waits can go on. False:
// none waits.
bool Scheduler::top_up() noexcept {
  std::int64_t num_quanta = INT64_MAX;
  for (Function* function : m_active) {
    if (!function->waiting) continue;
    function->waiting = false;
    const std::int64_t quantum = function->quantum_ns();
    num_quanta = std::min(num_quanta, (quantum - function->credit_ns) / quantum);
  }
  if (num_quanta == INT64_MAX) return false;
  for (Function* function : m_active) {
    const std::int64_t quantum = function->quantum_ns();
    // What one has no use for is not saved up; what one has jobs for, but no room, is.
    const std::int64_t most = function->carried_jobs == 0 ? quantum : kSavedNs;
    function->credit_ns = std::min(function->credit_ns + num_quanta * quantum, most);
  }
  return true;
}

void Scheduler::serve_committed() {
  for (std::size_t i = 0; i < m_active.size() && !round_full(); ++i) {
    Function& function = *m_active[i];
    if (function.share.committed == 0) continue;
    function.committed.refill(m_now);
    serve(function, Purse::committed);
  }
}

// Those that had nothing waiting, from where the last round was full.
void Scheduler::serve_newcomers() {
  const std::size_t num = m_active.size();
  for (std::size_t i = 0; i < num && !round_full(); ++i) {
    if (m_newcomers_turn >= num) m_newcomers_turn = 0;
    Function& function = *m_active[m_newcomers_turn++];
    if (function.is_newcomer()) serve(function, Purse::credit);
  }
}

// One command of each of the function's queue pairs. Whether there was one.
bool Scheduler::serve_small(Function& function) {
  bool any = false;
  for (QueuePair* queue_pair : function.polled) {
    if (function.exhausted || function.leaving || m_small.full()) break;
    if (!can_pay(function, Purse::credit)) break;
    any |= serve_one(function, *queue_pair, Purse::credit, m_small);
  }
  return any;
}

// While m_batch runs: small commands of functions that had nothing waiting.
void Scheduler::serve_between() {
  bool any = false;
  for (Function* function : m_active) {
    if (function->is_newcomer()) any |= serve_small(*function);
  }
  if (!any) return;
  while (!m_small.empty()) m_small.run();
  for (QueuePair* queue_pair : m_served) {
    if (queue_pair->client.touched && queue_pair->client.jobs == 0) deliver_interrupt(*queue_pair);
  }
}

void Scheduler::serve_backlogged() {
  const std::size_t num = m_active.size();
  if (m_turn >= num) m_turn = 0;
  for (std::size_t i = 0; i < num && !round_full(); ++i) {
    if (!m_active[m_turn]->is_newcomer()) serve(*m_active[m_turn], Purse::credit);
    // A function that filled the round is the first of the next one, with the credit it has left.
    if (!round_full() && ++m_turn == num) m_turn = 0;
  }
}

void Scheduler::gather() {
  if (m_active.empty()) return;
  for (Function* function : m_active) check_peak(*function);
  if (m_num_committed != 0) serve_committed();
  serve_newcomers();
  do {
    serve_backlogged();
    // Whoever filled the round has credit left, and must not lose what a grant now would cut off.
  } while (!round_full() && top_up());
}

bool Scheduler::step() {
  ++m_round;
  m_carried_cost = m_batch.cost_ns();
  m_done_cost = 0;
  if (has_outcomes()) collect_away();
  gather();
  if (!m_batch.empty()) {
    m_batch.run(m_between);
    m_now = m_options.clock();
  }
  if (!m_broken.empty()) drop_broken();
  if (m_served.empty()) return false;
  finish_round();
  return true;
}

void Scheduler::drop_broken() noexcept {
  for (QueuePair* queue_pair : m_broken) {
    stop_polling(*queue_pair);
    drop_work(*queue_pair);
    queue_pair->client.end.fail(Error::ring_broken);
    // Whoever waits for an interrupt shall come and see.
    queue_pair->interrupt->raise();
  }
  m_broken.clear();
}

// ---- chips and the coprocessor
// -------------------------------------------------------------------

void Scheduler::set_wake(std::function<void()> wake) { m_away_jobs.set_wake(std::move(wake)); }

bool Scheduler::has_outcomes() const noexcept { return m_away_jobs.has_outcomes(); }

// The queue pair takes nothing until something comes back. Whoever parks has a job away, or shares
// a function with one that has, and every job comes back.
void Scheduler::park(QueuePair& queue_pair) {
  queue_pair.parked = true;
  m_parked.push_back(&queue_pair);
}

void Scheduler::collect_away() {
  m_now = m_options.clock();
  m_away_jobs.collect();
  std::vector<QueuePair*> parked;
  parked.swap(m_parked);
  for (QueuePair* queue_pair : parked) {
    queue_pair->parked = false;
    wake(*queue_pair);
  }
  std::erase_if(m_away, [this](QueuePair* queue_pair) {
    if (queue_pair->client.touched) {
      wake(*queue_pair);
      mark_served(*queue_pair);
    }
    queue_pair->is_away = queue_pair->client.away_jobs != 0;
    return !queue_pair->is_away;
  });
}

// ---- after a round ------------------------------------------------------------------------------

void Scheduler::finish_round() {
  for (QueuePair* queue_pair : m_served) {
    m_functions[queue_pair->client.function].carried_jobs = 0;
    if (queue_pair->client.touched) deliver_interrupt(*queue_pair);
  }
  std::erase_if(m_served, [this](QueuePair* queue_pair) {
    m_functions[queue_pair->client.function].carried_jobs += queue_pair->client.jobs;
    queue_pair->last_work = m_now;
    queue_pair->served = queue_pair->client.jobs != 0;
    return !queue_pair->served;
  });
}

void Scheduler::deliver_interrupt(QueuePair& queue_pair) {
  queue_pair.client.touched = false;
  if (!queue_pair.client.end.interrupt_due() || queue_pair.interrupt_deferred) return;
  const auto now = m_options.clock();
  if (now - queue_pair.last_interrupt >= queue_pair.moderation) {
    raise(queue_pair, now);
    return;
  }
  queue_pair.interrupt_deferred = true;
  m_deferred.push_back(&queue_pair);
}

void Scheduler::raise(QueuePair& queue_pair, Clock::time_point now) {
  queue_pair.last_interrupt = now;
  queue_pair.interrupt_deferred = false;
  queue_pair.interrupt->raise();
}

std::optional<Clock::time_point> Scheduler::next_event() const noexcept {
  std::optional<Clock::time_point> next;
  const auto consider = [&](Clock::time_point due) {
    if (!next || due < *next) next = due;
  };
  for (const QueuePair* each : m_deferred) consider(each->last_interrupt + each->moderation);
  if (m_num_exhausted == 0) return next;
  for (const Function* function : m_active) {
    if (function->exhausted) consider(function->peak.next());
  }
  return next;
}

void Scheduler::tend(Clock::time_point now) {
  m_now = now;
  std::erase_if(m_deferred, [&](QueuePair* each) {
    if (now - each->last_interrupt < each->moderation) return false;
    raise(*each, now);
    return true;
  });
  for (std::size_t i = m_active.size(); i-- > 0;) rest(*m_active[i]);
}

// Lets the idle queue pairs of a function fall off the list.
void Scheduler::rest(Function& function) {
  for (std::size_t i = function.polled.size(); i-- > 0;) {
    QueuePair& queue_pair = *function.polled[i];
    const bool at_work = queue_pair.client.jobs != 0 || (queue_pair.held && !queue_pair.parked);
    if (at_work || m_now - queue_pair.last_work < m_options.poll) continue;
    if (queue_pair.parked) {
      stop_polling(queue_pair);  // no kick is needed: an outcome will wake it
      continue;
    }
    if (queue_pair.client.end.announce_sleep()) {
      stop_polling(queue_pair);
    } else {
      queue_pair.client.end.announce_awake();
      queue_pair.last_work = m_now;
    }
  }
}

}  // namespace cipherdeck::card::scheduler
