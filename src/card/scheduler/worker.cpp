// SPDX-License-Identifier: Apache-2.0
#include "card/scheduler/worker.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <bit>
#include <system_error>

namespace cipherdeck::card::scheduler {
namespace {

// Rounds between two looks at the clock.
constexpr std::uint32_t kTendEvery = 64;
// Idle rounds before the worker yields: some 10 us.
constexpr std::uint32_t kSpinRounds = 256;

void pause_processor() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

void pin_thread(std::thread& thread, int cpu) noexcept {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(thread.native_handle(), sizeof set, &set);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::start(const command::Services& services,
                                              const Options& options) {
  FileDescriptor wake_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_up) return Error::io;
  std::unique_ptr<Worker> worker(new Worker(services, options, std::move(wake_up)));
  try {
    worker->m_thread = std::thread([raw = worker.get()] { raw->loop(); });
  } catch (const std::system_error&) {
    return Error::io;
  }
  pthread_setname_np(worker->m_thread.native_handle(), "card-worker");
  pin_thread(worker->m_thread, options.cpu);
  return worker;
}

Worker::Worker(const command::Services& services, const Options& options, FileDescriptor wake_up)
    : m_options(options),
      m_alone(std::thread::hardware_concurrency() <= 1),
      m_scheduler(services, options.scheduler),
      m_wake_up(std::move(wake_up)) {
  m_scheduler.set_wake([this] { wake(); });
}

Worker::~Worker() {
  if (m_thread.joinable()) {
    m_stopping.store(true);
    wake();
    m_thread.join();
  }
  m_scheduler.set_wake({});
}

// ---- the callers' side --------------------------------------------------------------------------

void Worker::attach(std::unique_ptr<QueuePair> queue_pair) { send(Attach{std::move(queue_pair)}); }

void Worker::detach(Place place) noexcept {
  std::binary_semaphore detached(0);
  send(Detach{place, &detached});
  detached.acquire();
}

void Worker::kick(Place place) noexcept {
  m_kicks[place / 64].fetch_or(std::uint64_t{1} << (place % 64));
  m_has_kicks.store(true);
  wake();
}

std::optional<Departure> Worker::release(FunctionNumber function) {
  std::optional<Departure> departure;
  std::binary_semaphore done(0);
  send(Release{function, Clock::now() + kLongestRelease, &departure, &done});
  done.acquire();
  return departure;
}

void Worker::adopt(Departure departure) { send(std::move(departure)); }

void Worker::set_share(FunctionNumber function, const Share& share) {
  send(SetShare{function, share});
}

void Worker::send(Message message) {
  {
    const std::lock_guard lock(m_mutex);
    m_messages.push_back(std::move(message));
  }
  m_has_messages.store(true);
  wake();
}

void Worker::wake() noexcept {
  if (!m_asleep.exchange(false)) return;
  const std::uint64_t one = 1;
  // Can fail only if the count is at its maximum: then the worker is awake in any case.
  [[maybe_unused]] const auto written = write(m_wake_up.get(), &one, sizeof one);
}

// ---- the worker's side --------------------------------------------------------------------------

bool Worker::called() const noexcept {
  return m_has_messages.load() || m_has_kicks.load() || m_stopping.load() ||
         m_scheduler.has_outcomes();
}

void Worker::handle_messages() {
  m_has_messages.store(false);
  std::vector<Message> messages;
  {
    const std::lock_guard lock(m_mutex);
    messages.swap(m_messages);
  }
  for (Message& message : messages) {
    std::visit([this](auto& each) { handle(each); }, message);
  }
}

void Worker::handle(Attach& message) {
  m_attached[message.queue_pair->place] = message.queue_pair.get();
  m_scheduler.add(std::move(message.queue_pair));
}

void Worker::handle(Detach& message) {
  QueuePair*& at = m_attached[message.place];
  if (at != nullptr) m_scheduler.remove(*at);
  at = nullptr;
  message.done->release();
}

void Worker::handle(SetShare& message) { m_scheduler.set_share(message.function, message.share); }

void Worker::handle(Release& message) {
  m_scheduler.set_leaving(message.function, true);
  m_release = message;
}

void Worker::handle(Departure& message) {
  for (const auto& each : message.queue_pairs) m_attached[each->place] = each.get();
  m_scheduler.arrive(std::move(message));
}

void Worker::go_on_releasing() {
  const Release& release = *m_release;
  auto departure = m_scheduler.depart(release.function);
  if (departure) {
    for (const auto& each : departure->queue_pairs) m_attached[each->place] = nullptr;
    *release.departure = std::move(departure);
  } else if (m_scheduler.has_away_jobs(release.function) || Clock::now() >= release.deadline) {
    m_scheduler.set_leaving(release.function, false);
  } else {
    return;
  }
  release.done->release();
  m_release.reset();
}

void Worker::handle_kicks() {
  m_has_kicks.store(false);
  for (std::size_t word = 0; word < kKickWords; ++word) {
    if (m_kicks[word].load(std::memory_order_relaxed) == 0) continue;
    for (std::uint64_t bits = m_kicks[word].exchange(0); bits != 0; bits &= bits - 1) {
      QueuePair* const kicked = m_attached[word * 64 + std::countr_zero(bits)];
      if (kicked != nullptr) m_scheduler.wake(*kicked);
    }
  }
}

// One idle round. Whoever submits next may be waiting for this very processor: after a short spin,
// let the others run between two looks. True: that may have taken long.
bool Worker::relax(std::uint32_t idle_rounds) const noexcept {
  if (!m_alone && idle_rounds < kSpinRounds) {
    pause_processor();
    return false;
  }
  std::this_thread::yield();
  return true;
}

void Worker::loop() {
  std::uint32_t rounds = 0;
  std::uint32_t idle_rounds = 0;
  while (!m_stopping.load(std::memory_order_relaxed)) {
    if (m_has_messages.load(std::memory_order_relaxed)) handle_messages();
    if (m_has_kicks.load(std::memory_order_relaxed)) handle_kicks();
    if (m_release) go_on_releasing();
    idle_rounds = m_scheduler.step() ? 0 : idle_rounds + 1;
    const bool yielded = idle_rounds != 0 && relax(idle_rounds);
    if (yielded || ++rounds % kTendEvery == 0) m_scheduler.tend(Clock::now());
    if (!m_scheduler.polling() && !m_release) {
      sleep();
      idle_rounds = 0;
    }
  }
}

void Worker::sleep() {
  m_asleep.store(true);
  if (called()) {
    m_asleep.store(false);
    return;
  }
  timespec timeout{};
  timespec* until = nullptr;
  if (const auto next = m_scheduler.next_event()) {
    const auto left = std::max(*next - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    timeout = {.tv_sec = seconds.count(),
               .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
    until = &timeout;
  }
  pollfd wait{.fd = m_wake_up.get(), .events = POLLIN, .revents = 0};
  ppoll(&wait, 1, until, nullptr);
  m_asleep.store(false);
  std::uint64_t count = 0;
  [[maybe_unused]] const auto drained = read(m_wake_up.get(), &count, sizeof count);
  m_scheduler.tend(Clock::now());
}

}  // namespace cipherdeck::card::scheduler
