// SPDX-License-Identifier: Apache-2.0
// Every command has a slot: its command id, its arena space, and what its thread waits on. One
// mutex guards the ring and the slots; it is held for tens of nanoseconds. Whoever waits reaps for
// all: a few threads spin for a bounded time, one sleeps on the interrupt, the others on their
// slots.
#include "driver/user/channel.h"

#include "base/secret.h"
#include "driver/user/arena.h"
#include "driver/user/fork_guard.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

namespace cipherdeck::driver {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kSpin{50};     // about one SM2 signature
constexpr std::chrono::microseconds kPureSpin{5};  // then with yields, for who shares the processor
constexpr int kSpinsPerClock = 16;                 // reading the clock costs as much as a few spins
constexpr int kYields = 4;                         // instead of spinning, on one processor
constexpr std::chrono::milliseconds kWaitStep{100};  // longest sleep between two looks at the state
constexpr std::chrono::seconds kCommandTimeout{60};
constexpr std::uint32_t kAlignment = 64;

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int num_processors() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

constexpr std::uint32_t round_up(std::size_t len) noexcept {
  return static_cast<std::uint32_t>((len + kAlignment - 1) & ~std::size_t{kAlignment - 1});
}

}  // namespace

class Channel::Impl {
 public:
  explicit Impl(std::unique_ptr<QueuePair> queue_pair);

  Result<Reply> execute(const Request& request, std::uint32_t* needed);
  [[nodiscard]] std::size_t max_data_len() const noexcept { return m_max_data_len; }
  [[nodiscard]] bool alive() const noexcept;
  [[nodiscard]] bool forked() const noexcept { return m_generation != fork_generation(); }

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Slot {
    std::atomic<bool> done{false};
    bool sleeping = false;
    bool abandoned = false;  // its thread gave up; freed when its completion comes
    ring::Completion completion;
    std::uint32_t offset = 0;  // of its space in the arena
    std::uint32_t len = 0;
    std::condition_variable signal;
  };

  // Where the operands of a command lie, relative to its space.
  struct Layout {
    std::uint32_t params, aux, output, total;
  };

  [[nodiscard]] static Result<Layout> lay_out(const Request& request, std::size_t limit) noexcept;
  Result<std::uint32_t> acquire(std::uint32_t len);
  Result<void> acquire_large(Lock& lock, Slot& slot, std::uint32_t len);
  void release(Lock& lock, std::uint32_t index);
  cipherdeck_command place(std::uint32_t index, const Request& request, const Layout& layout);
  Result<void> submit(const cipherdeck_command& command);
  Result<void> wait(std::uint32_t index);
  [[nodiscard]] bool spin(Slot& slot);
  void sleep(Lock& lock, Slot& slot);
  void sleep_on_interrupt(Lock& lock);
  void reap();
  void hand_over();
  void check_state();
  void fail();
  Result<Reply> collect(std::uint32_t index, const Request& request, const Layout& layout,
                        std::uint32_t* needed);

  std::unique_ptr<QueuePair> m_queue_pair;
  const std::uint64_t m_generation = fork_generation();
  const int m_max_spinning;
  std::atomic<int> m_num_spinning{0};
  std::atomic<bool> m_dead{false};

  std::mutex m_mutex;  // guards all below
  ring::DriverEnd m_end;
  Arena m_arena;
  std::deque<Slot> m_slots;
  std::vector<std::uint32_t> m_free_slots;
  std::condition_variable m_slot_freed;
  std::condition_variable m_space_freed;
  std::uint64_t m_next_ticket = 0;  // large spaces are given in the order of asking
  std::uint64_t m_serving = 0;
  int m_num_sleeping = 0;
  bool m_on_interrupt = false;  // a thread sleeps on the interrupt
  std::size_t m_max_data_len;
};

Channel::Impl::Impl(std::unique_ptr<QueuePair> queue_pair)
    : m_queue_pair(std::move(queue_pair)),
      m_max_spinning(num_processors() / 2),
      m_end(m_queue_pair->memory()),
      m_arena(m_end.memory().arena_len, m_end.memory().entries),
      m_slots(m_end.memory().entries) {
  for (std::uint32_t slot = m_end.memory().entries; slot > 0; --slot) {
    m_free_slots.push_back(slot - 1);
  }
  // Input, output, and as much again for what else a command has.
  const std::size_t third = (m_arena.large_len() / 3) & ~(Arena::kPageLen - 1);
  m_max_data_len = std::min<std::size_t>(CIPHERDECK_MAX_DATA_LEN,
                                         std::max<std::size_t>(third, m_arena.small_len() / 4));
}

bool Channel::Impl::alive() const noexcept {
  return !forked() && !m_dead.load(std::memory_order_relaxed) &&
         m_end.state() == CIPHERDECK_QUEUE_LIVE;
}

Result<Reply> Channel::Impl::execute(const Request& request, std::uint32_t* needed) {
  // In a child of fork() the memory is not mapped, and the mutex may be held by nobody.
  if (forked()) return Error::disconnected;
  const std::size_t limit = std::max(m_arena.large_len(), m_arena.small_len());
  CIPHERDECK_ASSIGN(const Layout layout, lay_out(request, limit));
  CIPHERDECK_ASSIGN(const std::uint32_t index, acquire(layout.total));
  CIPHERDECK_TRY(submit(place(index, request, layout)));
  CIPHERDECK_TRY(wait(index));
  return collect(index, request, layout, needed);
}

Result<Channel::Impl::Layout> Channel::Impl::lay_out(const Request& request,
                                                     std::size_t limit) noexcept {
  for (const std::size_t len :
       {request.input.size(), request.params.size(), request.aux.size(), request.output.size()}) {
    if (len > limit) return Error::invalid_argument;
  }
  Layout layout;
  layout.params = round_up(request.input.size());
  layout.aux = layout.params + round_up(request.params.size());
  layout.output = layout.aux + round_up(request.aux.size());
  layout.total = layout.output + round_up(request.output.size());
  if (layout.total > limit) return Error::invalid_argument;
  return layout;
}

Result<std::uint32_t> Channel::Impl::acquire(std::uint32_t len) {
  Lock lock(m_mutex);
  const auto deadline = m_free_slots.empty() ? Clock::now() + kCommandTimeout : Clock::time_point{};
  while (m_free_slots.empty()) {
    if (m_dead) return Error::disconnected;
    if (Clock::now() > deadline) return Error::timed_out;
    m_slot_freed.wait_for(lock, kWaitStep);
  }
  if (m_dead) return Error::disconnected;
  const std::uint32_t index = m_free_slots.back();
  m_free_slots.pop_back();
  Slot& slot = m_slots[index];
  slot.done.store(false, std::memory_order_relaxed);
  slot.len = len;
  slot.offset = m_arena.small_offset(index);
  if (len > m_arena.small_len()) {
    if (auto got = acquire_large(lock, slot, len); !got) return got.error();
  }
  return index;
}

Result<void> Channel::Impl::acquire_large(Lock& lock, Slot& slot, std::uint32_t len) {
  const std::uint64_t ticket = m_next_ticket++;
  for (;;) {
    if (m_dead) return Error::disconnected;
    if (ticket == m_serving) {
      if (const auto offset = m_arena.allocate(len)) {
        slot.offset = *offset;
        ++m_serving;
        m_space_freed.notify_all();
        return {};
      }
    }
    m_space_freed.wait_for(lock, kWaitStep);
  }
}

void Channel::Impl::release(Lock&, std::uint32_t index) {
  Slot& slot = m_slots[index];
  if (slot.len > m_arena.small_len()) {
    m_arena.free(slot.offset, slot.len);
    m_space_freed.notify_all();
  }
  m_free_slots.push_back(index);
  if (m_free_slots.size() == 1) m_slot_freed.notify_all();
}

cipherdeck_command Channel::Impl::place(std::uint32_t index, const Request& request,
                                        const Layout& layout) {
  const std::uint32_t base = m_slots[index].offset;
  std::uint8_t* const arena = m_end.memory().arena + base;
  const auto put = [base, arena](std::uint32_t at, Bytes bytes) {
    if (bytes.empty()) return cipherdeck_extent{};
    std::memcpy(arena + at, bytes.data(), bytes.size());
    return cipherdeck_extent{.offset = base + at, .len = static_cast<std::uint32_t>(bytes.size())};
  };
  cipherdeck_command command{};
  command.opcode = request.opcode;
  command.command_id = static_cast<std::uint16_t>(index);
  command.session = request.session;
  command.key = request.key;
  command.algorithm = request.algorithm;
  command.input = put(0, request.input);
  command.params = put(layout.params, request.params);
  command.aux = put(layout.aux, request.aux);
  if (!request.output.empty()) {
    command.output = {.offset = base + layout.output,
                      .len = static_cast<std::uint32_t>(request.output.size())};
  }
  command.arg[0] = request.arg0;
  command.arg[1] = request.arg1;
  return command;
}

Result<void> Channel::Impl::submit(const cipherdeck_command& command) {
  bool kick;
  {
    const std::lock_guard lock(m_mutex);
    if (m_dead || !m_end.push(command)) return Error::disconnected;
    kick = m_end.ring_doorbell();
  }
  if (kick && !m_queue_pair->kick()) {
    const std::lock_guard lock(m_mutex);
    fail();
  }
  return {};
}

Result<void> Channel::Impl::wait(std::uint32_t index) {
  Slot& slot = m_slots[index];
  if (spin(slot)) return {};
  const auto deadline = Clock::now() + kCommandTimeout;
  for (;;) {
    {
      Lock lock(m_mutex);
      if (slot.done.load(std::memory_order_relaxed)) return {};
      if (m_dead) return Error::disconnected;
      if (Clock::now() > deadline) {
        slot.abandoned = true;
        return Error::timed_out;
      }
      sleep(lock, slot);
    }
    if (slot.done.load(std::memory_order_acquire)) return {};
    if (spin(slot)) return {};
  }
}

// True: the command is done. Whoever leaves sees to it that somebody goes on reaping.
bool Channel::Impl::spin(Slot& slot) {
  const bool may_spin =
      m_num_spinning.fetch_add(1, std::memory_order_relaxed) < std::max(m_max_spinning, 1);
  const auto start = Clock::now();
  for (int round = 0; may_spin; ++round) {
    if (slot.done.load(std::memory_order_acquire)) break;
    if (m_mutex.try_lock()) {
      reap();
      m_mutex.unlock();
      if (slot.done.load(std::memory_order_relaxed)) break;
    }
    if (m_max_spinning == 0) {
      if (round >= kYields) break;
      sched_yield();
    } else if (round % kSpinsPerClock == kSpinsPerClock - 1) {
      const auto spun = Clock::now() - start;
      if (spun > kSpin) break;
      if (spun > kPureSpin) sched_yield();
    }
    relax();
  }
  m_num_spinning.fetch_sub(1, std::memory_order_relaxed);
  return slot.done.load(std::memory_order_acquire);
}

void Channel::Impl::sleep(Lock& lock, Slot& slot) {
  const bool somebody_reaps = m_on_interrupt || m_num_spinning.load(std::memory_order_relaxed) > 0;
  if (!somebody_reaps) {
    sleep_on_interrupt(lock);
    return;
  }
  slot.sleeping = true;
  ++m_num_sleeping;
  slot.signal.wait_for(lock, kWaitStep);
  --m_num_sleeping;
  slot.sleeping = false;
}

void Channel::Impl::sleep_on_interrupt(Lock& lock) {
  if (!m_end.arm_interrupt()) {
    m_on_interrupt = true;
    lock.unlock();
    const auto waited = m_queue_pair->wait(kWaitStep);
    lock.lock();
    m_on_interrupt = false;
    if (!waited && waited.error() != Error::timed_out) {
      reap();
      fail();
    }
  }
  reap();
  check_state();
}

// With the mutex held.
void Channel::Impl::reap() {
  while (const auto completion = m_end.reap()) {
    if (completion->command_id >= m_slots.size()) {
      fail();
      return;
    }
    Slot& slot = m_slots[completion->command_id];
    slot.completion = *completion;
    if (slot.abandoned) {
      slot.abandoned = false;
      Lock lock(m_mutex, std::adopt_lock);
      wipe({m_end.memory().arena + slot.offset, slot.len});
      release(lock, completion->command_id);
      (void)lock.release();
      continue;
    }
    slot.done.store(true, std::memory_order_release);
    if (slot.sleeping) slot.signal.notify_one();
  }
}

// Wakes one sleeper, to reap for those that go on sleeping, if nobody else does.
void Channel::Impl::hand_over() {
  if (m_num_sleeping == 0 || m_on_interrupt || m_num_spinning.load(std::memory_order_relaxed) > 0) {
    return;
  }
  for (Slot& slot : m_slots) {
    if (slot.sleeping && !slot.done.load(std::memory_order_relaxed)) {
      slot.signal.notify_one();
      return;
    }
  }
}

void Channel::Impl::check_state() {
  if (m_end.state() != CIPHERDECK_QUEUE_LIVE) fail();
}

// The queue pair is lost: everyone who waits is told.
void Channel::Impl::fail() {
  m_dead.store(true, std::memory_order_relaxed);
  for (Slot& slot : m_slots) slot.signal.notify_all();
  m_slot_freed.notify_all();
  m_space_freed.notify_all();
}

Result<Reply> Channel::Impl::collect(std::uint32_t index, const Request& request,
                                     const Layout& layout, std::uint32_t* needed) {
  Slot& slot = m_slots[index];
  std::uint8_t* const space = m_end.memory().arena + slot.offset;
  const ring::Completion completion = slot.completion;
  const auto written = static_cast<std::uint32_t>(
      std::min<std::size_t>(completion.output_len, request.output.size()));
  const bool ok = completion.status == CIPHERDECK_STATUS_OK;
  if (ok && written != 0) std::memcpy(request.output.data(), space + layout.output, written);
  if (ok && !request.params_result.empty()) {
    const std::size_t len = std::min(request.params_result.size(), request.params.size());
    std::memcpy(request.params_result.data(), space + layout.params, len);
  }
  // Operands may be secret: plaintexts, access codes, keys.
  if (layout.total != 0) wipe({space, layout.total});
  {
    Lock lock(m_mutex);
    release(lock, index);
    // Whoever fell asleep while this thread reaped for them needs another to do it.
    hand_over();
  }
  if (ok) return Reply{.value = completion.value, .output_len = written};
  const Error error = from_status(completion.status);
  if (error == Error::buffer_too_small && needed != nullptr) *needed = completion.output_len;
  return error;
}

Channel::Channel(std::unique_ptr<QueuePair> queue_pair)
    : m_impl(std::make_unique<Impl>(std::move(queue_pair))) {}

Channel::~Channel() {
  // In a child of fork() its threads' locks and waits are as they were at that moment: leave it.
  if (m_impl->forked()) (void)m_impl.release();
}

Result<Reply> Channel::execute(const Request& request, std::uint32_t* needed) {
  return m_impl->execute(request, needed);
}

std::size_t Channel::max_data_len() const noexcept { return m_impl->max_data_len(); }

bool Channel::alive() const noexcept { return m_impl->alive(); }

}  // namespace cipherdeck::driver
