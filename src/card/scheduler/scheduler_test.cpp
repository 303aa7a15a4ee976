// SPDX-License-Identifier: Apache-2.0
// Order, shares, back pressure, broken rings, interrupts and sleep. Where it can be, the scheduler
// is stepped by hand, so that a test counts and does not time.
#include "card/scheduler/scheduler.h"

#include "card/chip/stand_in.h"
#include "card/scheduler/tenant_fixture.h"
#include "card/scheduler/worker.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <semaphore>

namespace cipherdeck::card::scheduler {
namespace {

// A scheduler without a thread, and the rest of a card that it needs.
class Bench {
 public:
  Bench() {
    for (PartitionId id = 1; id <= 4; ++id) {
      m_partitions.put(std::make_shared<Partition>(id, "p"));
      m_partitions.bind(id, id);
    }
  }
  [[nodiscard]] const command::Services& services() const { return m_services; }

  QueuePair& add(Scheduler& scheduler, FunctionNumber function, RingMemory& memory,
                 std::shared_ptr<InterruptLine> line, std::chrono::microseconds moderation = {}) {
    auto queue_pair = std::make_unique<QueuePair>();
    queue_pair->client.function = function;
    queue_pair->client.end = ring::DeviceEnd(memory.view());
    queue_pair->client.end.start();
    queue_pair->client.counters = &m_counters[function];
    queue_pair->interrupt = std::move(line);
    queue_pair->moderation = moderation;
    QueuePair& added = *queue_pair;
    scheduler.add(std::move(queue_pair));
    return added;
  }
  [[nodiscard]] const command::FunctionCounters& counters(FunctionNumber function) const {
    return m_counters[function];
  }

 private:
  PartitionTable m_partitions;
  std::atomic<std::uint32_t> m_state{CIPHERDECK_CARD_READY};
  CountingRandom m_random;
  std::array<command::FunctionCounters, 8> m_counters;
  command::Services m_services{m_partitions, m_state, m_random,
                               [](FunctionNumber) { return cipherdeck_identity{}; }};
};

// A driver whose device is stepped by hand.
class SteppedTenant {
 public:
  SteppedTenant(Bench& bench, Scheduler& scheduler, FunctionNumber function,
                std::uint32_t entries = 64, std::chrono::microseconds moderation = {})
      : m_scheduler(scheduler), m_memory(entries, 1U << 20), m_driver(m_memory.view()) {
    m_queue_pair = &bench.add(scheduler, function, m_memory, m_line, moderation);
  }
  ~SteppedTenant() { remove(); }
  SteppedTenant(const SteppedTenant&) = delete;
  SteppedTenant& operator=(const SteppedTenant&) = delete;

  void remove() {
    if (m_queue_pair != nullptr) m_scheduler.remove(*m_queue_pair);
    m_queue_pair = nullptr;
  }

  bool submit(const cipherdeck_command& command) {
    if (!m_driver.push(command)) return false;
    if (m_driver.ring_doorbell()) m_scheduler.wake(*m_queue_pair);
    return true;
  }
  ring::Completion call(const cipherdeck_command& command) {
    EXPECT_TRUE(submit(command));
    for (int i = 0; i < 1000; ++i) {
      if (auto completion = m_driver.reap()) return *completion;
      m_scheduler.step();
    }
    ADD_FAILURE() << "no completion";
    return {};
  }
  std::uint32_t open_session() { return call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).value; }
  // How many completions there are now.
  std::size_t reap_all() {
    std::size_t count = 0;
    while (m_driver.reap()) ++count;
    return count;
  }

  cipherdeck_command hash(std::uint32_t session, std::uint32_t len) {
    return {.opcode = CIPHERDECK_OP_HASH,
            .session = session,
            .algorithm = CIPHERDECK_ALG_SM3,
            .input = {0, len},
            .output = {(1U << 20) - 32, 32}};
  }

  RingMemory& memory() { return m_memory; }
  ring::DriverEnd& driver() { return m_driver; }
  CountingLine& line() { return *m_line; }
  QueuePair& queue_pair() { return *m_queue_pair; }

 private:
  Scheduler& m_scheduler;
  RingMemory m_memory;
  ring::DriverEnd m_driver;
  std::shared_ptr<CountingLine> m_line = std::make_shared<CountingLine>();
  QueuePair* m_queue_pair = nullptr;
};

constexpr std::chrono::microseconds kPoll(200);

// Costs are then the engine's model and nothing else, however slow the machine.
Clock::time_point standing_clock() {
  static const Clock::time_point now = Clock::now();
  return now;
}

class SchedulerTest : public ::testing::Test {
 protected:
  Bench m_bench;
  Scheduler m_scheduler{m_bench.services(), {.poll = kPoll, .clock = standing_clock}};
};

TEST_F(SchedulerTest, ASessionsCommandsCompleteInOrder) {
  SteppedTenant tenant(m_bench, m_scheduler, 1);
  const std::uint32_t session = tenant.open_session();
  for (std::uint16_t id = 0; id < 40; ++id) {
    // Large ones, which take several rounds, between small ones and ones done at once.
    cipherdeck_command command = tenant.hash(session, id % 3 == 0 ? 300000 : 10);
    if (id % 3 == 1) {
      command = {.opcode = CIPHERDECK_OP_HASH_INIT, .session = session, .algorithm = 1};
    }
    command.command_id = id;
    ASSERT_TRUE(tenant.submit(command));
  }
  std::uint16_t expected = 0;
  for (int i = 0; i < 100000 && expected < 40; ++i) {
    m_scheduler.step();
    while (const auto completion = tenant.driver().reap()) {
      EXPECT_EQ(completion->status, 0);
      EXPECT_EQ(completion->command_id, expected++);
    }
  }
  EXPECT_EQ(expected, 40);
}

TEST_F(SchedulerTest, SessionsOfOneQueuePairShareABatch) {
  SteppedTenant tenant(m_bench, m_scheduler, 1);
  std::vector<std::uint32_t> sessions;
  for (int i = 0; i < 16; ++i) sessions.push_back(tenant.open_session());
  for (const std::uint32_t session : sessions) ASSERT_TRUE(tenant.submit(tenant.hash(session, 64)));
  EXPECT_TRUE(m_scheduler.step());
  EXPECT_EQ(tenant.reap_all(), 16U);
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(tenant.submit(tenant.hash(sessions[0], 64)));
  EXPECT_TRUE(m_scheduler.step());
  EXPECT_EQ(tenant.reap_all(), 1U);
}

// One function floods with many queue pairs and many sessions; the other has one queue pair. Each
// gets half of the worker's time while both have work.
TEST_F(SchedulerTest, FunctionsShareEquallyWhateverTheyBring) {
  std::vector<std::unique_ptr<SteppedTenant>> flood;
  std::vector<std::vector<std::uint32_t>> sessions;
  for (int i = 0; i < 8; ++i) {
    flood.push_back(std::make_unique<SteppedTenant>(m_bench, m_scheduler, 1));
    sessions.emplace_back();
    for (int j = 0; j < 32; ++j) sessions.back().push_back(flood.back()->open_session());
  }
  SteppedTenant small(m_bench, m_scheduler, 2);
  std::vector<std::uint32_t> small_sessions;
  for (int j = 0; j < 32; ++j) small_sessions.push_back(small.open_session());

  std::size_t flood_done = 0, small_done = 0, next = 0;
  std::array<std::size_t, 8> flood_next{};
  const auto fill = [&] {
    for (std::size_t i = 0; i < flood.size(); ++i) {
      while (flood[i]->submit(flood[i]->hash(sessions[i][flood_next[i]++ % 32], 8192))) {
      }
    }
    while (small.submit(small.hash(small_sessions[next++ % 32], 8192))) {
    }
  };
  for (int round = 0; round < 300; ++round) {
    fill();
    m_scheduler.step();
    for (auto& tenant : flood) flood_done += tenant->reap_all();
    small_done += small.reap_all();
  }
  EXPECT_GT(small_done, 100U);
  EXPECT_NEAR(static_cast<double>(flood_done) / static_cast<double>(small_done), 1.0, 0.1);
}

// Equal time, not equal numbers: one function's commands are eight times as long.
TEST_F(SchedulerTest, SharesAreOfTimeNotOfCommands) {
  SteppedTenant large(m_bench, m_scheduler, 1), small(m_bench, m_scheduler, 2);
  std::vector<std::uint32_t> large_sessions, small_sessions;
  for (int j = 0; j < 32; ++j) large_sessions.push_back(large.open_session());
  for (int j = 0; j < 32; ++j) small_sessions.push_back(small.open_session());
  std::size_t large_bytes = 0, small_bytes = 0, next = 0, large_next = 0;
  for (int round = 0; round < 4000; ++round) {
    while (large.submit(large.hash(large_sessions[large_next++ % 32], 65536))) {
    }
    while (small.submit(small.hash(small_sessions[next++ % 32], 8192))) {
    }
    m_scheduler.step();
    large_bytes += large.reap_all() * 65536;
    small_bytes += small.reap_all() * 8192;
  }
  EXPECT_NEAR(static_cast<double>(large_bytes) / static_cast<double>(small_bytes), 1.0, 0.1);
}

// ---- weights and rates, on a clock that shows the engine time that was charged
// --------------------

Clock::time_point engine_clock_now;
Clock::time_point engine_clock() { return engine_clock_now; }

class ShareTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kNumTenants = 3;
  static constexpr std::chrono::nanoseconds kTime = std::chrono::milliseconds(250);

  void SetUp() override {
    for (FunctionNumber i = 0; i < kNumTenants; ++i) {
      m_tenants.push_back(std::make_unique<SteppedTenant>(m_bench, m_scheduler, i + 1));
      m_sessions.emplace_back();
      for (int j = 0; j < 32; ++j) m_sessions.back().push_back(m_tenants.back()->open_session());
    }
  }

  void set_share(FunctionNumber function, const Share& share) {
    m_scheduler.set_share(function, share);
  }

  // For a quarter of a second of the clock the tenants named have all the work that they can bring.
  // Gives which part of that time each was charged.
  std::array<double, kNumTenants> run(std::initializer_list<std::size_t> busy) {
    const Clock::time_point end = engine_clock_now + kTime;
    std::array<std::uint64_t, kNumTenants> start{};
    for (std::size_t i = 0; i < kNumTenants; ++i) start[i] = charged(i);
    while (engine_clock_now < end) {
      for (const std::size_t i : busy) fill(i);
      const std::uint64_t before = all_charged();
      m_scheduler.step();
      for (const std::size_t i : busy) m_tenants[i]->reap_all();
      pass_time(all_charged() - before);
    }
    std::array<double, kNumTenants> parts{};
    for (std::size_t i = 0; i < kNumTenants; ++i) {
      parts[i] = static_cast<double>(charged(i) - start[i]) / kTime.count();
    }
    return parts;
  }

 private:
  void fill(std::size_t i) {
    SteppedTenant& tenant = *m_tenants[i];
    while (tenant.submit(tenant.hash(m_sessions[i][m_next[i] % 32], 4096))) ++m_next[i];
  }
  void pass_time(std::uint64_t ns) {
    if (!m_scheduler.polling()) {  // there is nothing to do but to wait
      ASSERT_TRUE(m_scheduler.next_event());
      engine_clock_now = std::max(*m_scheduler.next_event(), engine_clock_now);
    }
    engine_clock_now += std::chrono::nanoseconds(std::max<std::uint64_t>(ns, 1000));
    m_scheduler.tend(engine_clock_now);
  }
  [[nodiscard]] std::uint64_t charged(std::size_t i) const {
    return m_bench.counters(static_cast<FunctionNumber>(i + 1)).engine_ns.load();
  }
  [[nodiscard]] std::uint64_t all_charged() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kNumTenants; ++i) sum += charged(i);
    return sum;
  }

  Bench m_bench;
  Scheduler m_scheduler{m_bench.services(), {.poll = kPoll, .clock = engine_clock}};
  std::vector<std::unique_ptr<SteppedTenant>> m_tenants;
  std::vector<std::vector<std::uint32_t>> m_sessions;
  std::array<std::size_t, kNumTenants> m_next{};
};

TEST_F(ShareTest, WeightsAreProportions) {
  set_share(1, {.weight = 400});
  set_share(2, {.weight = 200});
  const auto parts = run({0, 1, 2});
  EXPECT_NEAR(parts[0], 4.0 / 7, 0.03 * 4 / 7);
  EXPECT_NEAR(parts[1], 2.0 / 7, 0.03 * 2 / 7);
  EXPECT_NEAR(parts[2], 1.0 / 7, 0.03 * 1 / 7);
}

TEST_F(ShareTest, WhatOneDoesNotUseGoesToTheOthers) {
  set_share(1, {.weight = 1000});
  const auto parts = run({1, 2});
  EXPECT_NEAR(parts[1], 0.5, 0.01);
  EXPECT_NEAR(parts[2], 0.5, 0.01);
}

TEST_F(ShareTest, APeakRateHoldsAmongOthersAndAlone) {
  set_share(1, {.peak = 200'000});
  const auto among_others = run({0, 1, 2});
  EXPECT_NEAR(among_others[0], 0.2, 0.004);
  EXPECT_NEAR(among_others[1], 0.4, 0.01);
  const auto alone = run({0});
  EXPECT_NEAR(alone[0], 0.2, 0.004);
}

TEST_F(ShareTest, ACommittedRateComesBeforeTheWeights) {
  set_share(1, {.weight = 1, .committed = 600'000});
  const auto parts = run({0, 1, 2});
  EXPECT_NEAR(parts[0], 0.6, 0.015);
  EXPECT_NEAR(parts[1], 0.2, 0.01);
  EXPECT_NEAR(parts[2], 0.2, 0.01);
}

TEST_F(ShareTest, ASmallWeightIsNotStarved) {
  set_share(1, {.weight = 1});
  set_share(2, {.weight = 1000});
  const auto parts = run({0, 1});
  EXPECT_NEAR(parts[0], 1.0 / 1001, 0.2 / 1001);
}

TEST_F(SchedulerTest, ASmallCommandDoesNotWaitForLargeOnes) {
  SteppedTenant large(m_bench, m_scheduler, 1), small(m_bench, m_scheduler, 2);
  std::vector<std::uint32_t> sessions;
  for (int j = 0; j < 32; ++j) sessions.push_back(large.open_session());
  const std::uint32_t session = small.open_session();
  for (int j = 0; j < 64; ++j) ASSERT_TRUE(large.submit(large.hash(sessions[j % 32], 1000000)));
  for (int i = 0; i < 5; ++i) m_scheduler.step();
  EXPECT_EQ(large.reap_all(), 0U);
  ASSERT_TRUE(small.submit(small.hash(session, 64)));
  m_scheduler.step();
  m_scheduler.step();
  EXPECT_EQ(small.reap_all(), 1U);
}

// Nine functions always have more than their share; what the tenth sends now and then is done in
// the round that sees it.
TEST_F(SchedulerTest, WhoHadNothingWaitingGoesFirst) {
  std::vector<std::unique_ptr<SteppedTenant>> bulk;
  std::vector<std::vector<std::uint32_t>> sessions;
  for (FunctionNumber i = 0; i < 9; ++i) {
    bulk.push_back(std::make_unique<SteppedTenant>(m_bench, m_scheduler, i % 3 + 1));
    sessions.emplace_back();
    for (int j = 0; j < 32; ++j) sessions.back().push_back(bulk.back()->open_session());
  }
  SteppedTenant small(m_bench, m_scheduler, 4);
  const std::uint32_t session = small.open_session();
  std::size_t next = 0;
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = 0; i < bulk.size(); ++i) {
      while (bulk[i]->submit(bulk[i]->hash(sessions[i][next++ % 32], 65536))) {
      }
    }
    m_scheduler.step();
    for (auto& tenant : bulk) tenant->reap_all();
    if (round % 5 != 4) continue;
    ASSERT_TRUE(small.submit(small.hash(session, 64)));
    m_scheduler.step();
    EXPECT_EQ(small.reap_all(), 1U) << round;
  }
}

// The clock is read between the parts of a round: there the small command comes.
std::function<void()> on_clock;
Clock::time_point clock_that_calls() {
  if (on_clock) on_clock();
  return Clock::now();
}

TEST(SchedulerBetweenTest, ASmallCommandIsDoneWhileARoundIsUnderWay) {
  Bench bench;
  Scheduler scheduler{bench.services(), {.poll = kPoll, .clock = clock_that_calls}};
  SteppedTenant large(bench, scheduler, 1), small(bench, scheduler, 2);
  std::vector<std::uint32_t> sessions;
  for (int j = 0; j < 4; ++j) sessions.push_back(large.open_session());
  const std::uint32_t session = small.open_session();
  for (std::uint32_t j = 0; j < 4; ++j) {
    ASSERT_TRUE(large.submit(
        {.opcode = CIPHERDECK_OP_RANDOM, .session = sessions[j], .output = {65536 * j, 65536}}));
  }
  std::size_t done_early = 0, calls = 0, large_early = 0;
  on_clock = [&] {
    ++calls;
    if (calls == 2) {
      ASSERT_TRUE(small.submit(small.hash(session, 64)));
      ASSERT_TRUE(small.submit(small.hash(session, 8192)));  // not small
    }
    if (calls < 5) return;
    done_early += small.reap_all();
    large_early += large.reap_all();
  };
  EXPECT_TRUE(scheduler.step());
  on_clock = {};
  EXPECT_GE(calls, 5U);
  EXPECT_EQ(done_early, 1U);
  EXPECT_EQ(large_early, 0U);
  for (int i = 0; i < 100; ++i) scheduler.step();
  EXPECT_EQ(small.reap_all(), 1U);
  EXPECT_EQ(large.reap_all(), 4U);
}

TEST_F(SchedulerTest, WithoutBatchingResultsAreTheSame) {
  Scheduler alone{m_bench.services(), {.poll = kPoll, .batching = false, .clock = standing_clock}};
  SteppedTenant one(m_bench, m_scheduler, 1), other(m_bench, alone, 2);
  std::vector<Buffer> digests;
  for (SteppedTenant* tenant : {&one, &other}) {
    const auto arena = tenant->memory().view().arena;
    for (std::uint32_t i = 0; i < 16; ++i) {
      cipherdeck_command hash = tenant->hash(tenant->open_session(), 5000 + i);
      hash.output.offset -= 32 * i;
      ASSERT_TRUE(tenant->submit(hash));
    }
    for (int i = 0; i < 100; ++i) {
      m_scheduler.step();
      alone.step();
    }
    EXPECT_EQ(tenant->reap_all(), 16U);
    digests.emplace_back(arena + (1U << 20) - 16 * 32, arena + (1U << 20));
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_NE(digests[0], Buffer(digests[0].size()));
}

TEST(CalibrationTest, LearnsWhatJobsTakeAndForgetsWhatHappenedOnce) {
  command::Calibration calibration;
  EXPECT_EQ(calibration(1000), 1000U);
  calibration.learn(1000, std::chrono::nanoseconds(0));
  EXPECT_EQ(calibration(1000), 1000U);
  for (int i = 0; i < 100; ++i) calibration.learn(8000, std::chrono::microseconds(1));
  EXPECT_NEAR(calibration(8000), 1000, 10);
  calibration.learn(8000, std::chrono::seconds(1));  // the thread was held up
  EXPECT_LT(calibration(8000), 1500U);
  for (int i = 0; i < 1000; ++i) calibration.learn(1, std::chrono::hours(1));
  EXPECT_LE(calibration(UINT32_MAX), 4'000'000'000U);
}

TEST_F(SchedulerTest, CompletionsThatAreNotReapedHoldCommandsBack) {
  SteppedTenant tenant(m_bench, m_scheduler, 1, 8);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(tenant.submit({.opcode = CIPHERDECK_OP_NOP}));
  m_scheduler.step();
  auto& doorbell = tenant.memory().doorbell();
  doorbell.sq_tail += 8;  // against the rules: nothing was reaped
  for (int i = 0; i < 10; ++i) m_scheduler.step();
  EXPECT_EQ(m_bench.counters(1).commands.load(), 8U);
  EXPECT_EQ(tenant.driver().state(), CIPHERDECK_QUEUE_LIVE);
  doorbell.cq_head = 3;
  for (int i = 0; i < 10; ++i) m_scheduler.step();
  EXPECT_EQ(m_bench.counters(1).commands.load(), 11U);
}

TEST_F(SchedulerTest, ABrokenRingFailsAloneAndLosesItsSessions) {
  SteppedTenant good(m_bench, m_scheduler, 1), bad(m_bench, m_scheduler, 1);
  const std::uint32_t session = bad.open_session();
  EXPECT_EQ(m_bench.counters(1).sessions.load(), 1U);
  ASSERT_TRUE(
      bad.submit({.opcode = CIPHERDECK_OP_RANDOM, .session = session, .output = {0, 1000000}}));
  m_scheduler.step();
  EXPECT_EQ(bad.queue_pair().client.jobs, 1U);
  bad.memory().doorbell().sq_tail += 1000;
  EXPECT_EQ(good.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  for (int i = 0; i < 20; ++i) m_scheduler.step();
  EXPECT_EQ(bad.driver().state(), CIPHERDECK_QUEUE_FAILED);
  EXPECT_EQ(bad.memory().doorbell().error, CIPHERDECK_STATUS_RING_BROKEN);
  EXPECT_EQ(bad.reap_all(), 0U);
  EXPECT_EQ(m_bench.counters(1).sessions.load(), 0U);
  EXPECT_EQ(bad.line().raised(), 1);
  m_scheduler.wake(bad.queue_pair());
  EXPECT_EQ(good.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  bad.remove();
  EXPECT_EQ(good.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
}

TEST_F(SchedulerTest, RemovalDropsJobsThatAreUnderWay) {
  SteppedTenant good(m_bench, m_scheduler, 1), gone(m_bench, m_scheduler, 2);
  const std::uint32_t session = good.open_session();
  const std::uint32_t other = gone.open_session();
  ASSERT_TRUE(gone.submit(gone.hash(other, 1000000)));
  ASSERT_TRUE(good.submit(good.hash(session, 300000)));
  m_scheduler.step();
  gone.remove();
  EXPECT_EQ(gone.driver().state(), CIPHERDECK_QUEUE_NONE);
  for (int i = 0; i < 100; ++i) m_scheduler.step();
  EXPECT_EQ(gone.reap_all(), 0U);
  EXPECT_EQ(good.reap_all(), 1U);
}

// What a tenant that went left undone takes nothing of the next rounds.
TEST_F(SchedulerTest, RemovalUnderAFloodLeavesRoom) {
  SteppedTenant good(m_bench, m_scheduler, 1);
  for (FunctionNumber function : {2, 3, 4, 2, 3, 4}) {
    SteppedTenant flood(m_bench, m_scheduler, function);
    std::vector<std::uint32_t> sessions;
    for (int j = 0; j < 32; ++j) sessions.push_back(flood.open_session());
    for (const std::uint32_t session : sessions) {
      ASSERT_TRUE(flood.submit(flood.hash(session, 1000000)));
    }
    m_scheduler.step();
    EXPECT_GT(flood.queue_pair().client.jobs, 0U);
    flood.remove();
    EXPECT_EQ(good.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  }
}

TEST_F(SchedulerTest, IdleQueuePairsFallAsleepOneByOne) {
  SteppedTenant busy(m_bench, m_scheduler, 1), idle(m_bench, m_scheduler, 2);
  EXPECT_EQ(busy.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  EXPECT_EQ(idle.memory().doorbell().needs_kick, 0U);
  const auto later = Clock::now() + 2 * kPoll;
  ASSERT_TRUE(busy.submit({.opcode = CIPHERDECK_OP_NOP}));
  m_scheduler.tend(later);  // busy has a command that was not yet looked at
  EXPECT_EQ(idle.memory().doorbell().needs_kick, 1U);
  EXPECT_EQ(busy.memory().doorbell().needs_kick, 0U);
  EXPECT_TRUE(m_scheduler.polling());
  m_scheduler.step();
  EXPECT_EQ(busy.reap_all(), 1U);
  m_scheduler.tend(later + 2 * kPoll);
  EXPECT_FALSE(m_scheduler.polling());
  EXPECT_EQ(idle.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);  // woken by its kick
  EXPECT_EQ(busy.memory().doorbell().needs_kick, 1U);
}

TEST_F(SchedulerTest, InterruptsAreModerated) {
  constexpr std::chrono::seconds kLeast(100);
  SteppedTenant tenant(m_bench, m_scheduler, 1, 64, kLeast);
  const auto round_trip = [&] {
    ASSERT_FALSE(tenant.driver().arm_interrupt());
    EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  };
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  EXPECT_EQ(tenant.line().raised(), 0);  // not asked for
  round_trip();
  EXPECT_EQ(tenant.line().raised(), 1);
  EXPECT_FALSE(m_scheduler.next_event());
  for (int i = 0; i < 5; ++i) round_trip();
  EXPECT_EQ(tenant.line().raised(), 1);
  ASSERT_TRUE(m_scheduler.next_event());
  const auto due = *m_scheduler.next_event();
  m_scheduler.tend(due - std::chrono::milliseconds(1));
  EXPECT_EQ(tenant.line().raised(), 1);
  m_scheduler.tend(due);
  EXPECT_EQ(tenant.line().raised(), 2);
  EXPECT_FALSE(m_scheduler.next_event());
}

// ---- with the thread ----------------------------------------------------------------------------

std::chrono::nanoseconds process_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// How often the threads of this process went to sleep.
long num_sleeps() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

TEST(WorkerTest, AnIdleCardTakesNoProcessorTime) {
  TestCard card;
  Tenant a(*card, 1), b(*card, 2);
  (void)a.open_session();
  (void)b.open_session();
  const auto sleeps = [&] { return std::atomic_ref(a.memory().doorbell().needs_kick).load() == 1; };
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  while (!sleeps() && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(sleeps());
  // One that polls would take all of the time, one that looks now and then would wake often.
  const auto before = process_time();
  const auto sleeps_before = num_sleeps();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_LT(process_time() - before, std::chrono::milliseconds(100));
  EXPECT_LT(num_sleeps() - sleeps_before, 20);
  EXPECT_EQ(a.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
}

TEST(WorkerTest, KicksAreNeverLost) {
  TestCard card(std::chrono::microseconds(0));  // asleep after every command
  Tenant a(*card, 1), b(*card, 2);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(a.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
    ASSERT_EQ(b.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  }
}

TEST(WorkerTest, ADeferredInterruptWakesASleepingCard) {
  TestCard card(std::chrono::microseconds(0));
  Tenant tenant(*card, 1, 64, 1U << 20, std::chrono::milliseconds(100));
  for (int i = 1; i <= 2; ++i) {
    ASSERT_FALSE(tenant.driver().arm_interrupt());
    ASSERT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
    // Asking for the next one sooner would take back that this one is wanted.
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (tenant.line().raised() < i && Clock::now() < deadline) std::this_thread::yield();
    ASSERT_EQ(tenant.line().raised(), i);
  }
}

TEST(WorkerTest, DetachUnderLoadTouchesTheMemoryNoMore) {
  TestCard card;
  Tenant steady(*card, 2);
  for (int i = 0; i < 50; ++i) {
    Tenant tenant(*card, 1);
    std::vector<std::uint32_t> sessions;
    for (int j = 0; j < 8; ++j) sessions.push_back(tenant.open_session());
    for (int j = 0; j < 60; ++j) {
      (void)tenant.submit({.opcode = CIPHERDECK_OP_HASH,
                           .session = sessions[static_cast<std::size_t>(j) % 8],
                           .algorithm = CIPHERDECK_ALG_SM3,
                           .input = {0, 100000},
                           .output = {200000, 32}});
    }
    tenant.detach();
    EXPECT_EQ(tenant.driver().state(), CIPHERDECK_QUEUE_NONE);
    const auto view = tenant.memory().view();
    std::memset(view.completion, 0xee, 64 * sizeof(cipherdeck_completion));
    std::memset(view.arena + 200000, 0xee, 32);
    EXPECT_EQ(steady.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(view.completion);
    EXPECT_TRUE(std::all_of(bytes, bytes + 64 * sizeof(cipherdeck_completion),
                            [](std::uint8_t byte) { return byte == 0xee; }));
    EXPECT_EQ(view.arena[200000], 0xee);
  }
}

// While a chip works there is nothing to poll, whatever waits behind the chip's job.
TEST_F(SchedulerTest, ItSleepsWhileAChipWorks) {
  const chip::StandIn library;
  chip::ChipSet chips(std::vector{library.spec("hold=1024")}, {.job = std::chrono::hours(1)}, {});
  command::Services services = m_bench.services();
  services.chips = &chips;
  Scheduler scheduler(services, {.poll = kPoll});
  std::counting_semaphore<> woken(0);
  scheduler.set_wake([&] { woken.release(); });
  SteppedTenant tenant(m_bench, scheduler, 1);
  const std::uint32_t session = tenant.open_session();
  const std::uint32_t key =
      tenant.call({.opcode = CIPHERDECK_OP_KEY_IMPORT, .session = session, .input = {0, 16}}).value;
  for (std::uint16_t id = 0; id < 3; ++id) {
    ASSERT_TRUE(tenant.submit({.opcode = CIPHERDECK_OP_ENCRYPT,
                               .command_id = id,
                               .session = session,
                               .key = key,
                               .algorithm = CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CBC,
                               .input = {4096, 2048},
                               .output = {8192, 2048},
                               .params = {0, 16}}));
  }
  EXPECT_TRUE(scheduler.step());
  library.wait_held(1);
  EXPECT_TRUE(scheduler.polling());
  scheduler.tend(Clock::now() + 2 * kPoll);
  EXPECT_FALSE(scheduler.polling());
  EXPECT_FALSE(scheduler.next_event());
  library.release();
  for (std::size_t done = 0; done < 3; done += tenant.reap_all()) {
    woken.acquire();
    while (scheduler.step()) {
    }
  }
  EXPECT_TRUE(scheduler.polling());  // its driver may well have more
}

TEST(WorkerTest, HandlesAreNotReusedAndStrangeOnesAreIgnored) {
  TestCard card;
  std::vector<QueuePairHandle> handles;
  for (int i = 0; i < 20; ++i) handles.push_back(Tenant(*card, 1).handle());
  std::sort(handles.begin(), handles.end());
  EXPECT_EQ(std::adjacent_find(handles.begin(), handles.end()), handles.end());
  Tenant tenant(*card, 1);
  for (const QueuePairHandle handle : handles) card->detach(handle);
  card->kick(handles[0]);
  card->kick(UINT64_MAX);
  card->detach(UINT64_MAX);
  card->detach(0);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
}

TEST(WorkerTest, ManyFunctionsAtOnce) {
  TestCard card;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      Tenant tenant(*card, i % 2 == 0 ? 1 : 2);
      const std::uint32_t session = tenant.open_session();
      const std::uint32_t key = tenant.import_key(session, pattern(16, static_cast<unsigned>(i)));
      const Buffer plain = pattern(5000, static_cast<unsigned>(i));
      const Buffer text(plain.begin(), plain.begin() + 4992);
      for (int j = 0; j < 100; ++j) {
        tenant.clear();
        const auto at = tenant.put(text);
        const auto crypt = [&](std::uint16_t opcode) {
          return tenant
              .call({.opcode = opcode,
                     .session = session,
                     .key = key,
                     .algorithm = CIPHERDECK_ALG_SM4_CBC,
                     .input = at,
                     .output = at,
                     .params = tenant.put(Buffer(16))})
              .status;
        };
        const bool done = crypt(CIPHERDECK_OP_ENCRYPT) == 0 &&
                          tenant.get(at, text.size()) != text &&
                          crypt(CIPHERDECK_OP_DECRYPT) == 0 && tenant.get(at, text.size()) == text;
        if (done) right.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right.load(), 600);
}

}  // namespace
}  // namespace cipherdeck::card::scheduler
