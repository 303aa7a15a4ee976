// SPDX-License-Identifier: Apache-2.0
// Several workers: every function has one, whoever moves it, and nothing is lost on the way.
#include "card/scheduler/workers.h"

#include "card/scheduler/tenant_fixture.h"

#include <algorithm>

namespace cipherdeck::card::scheduler {
namespace {

constexpr unsigned kNumWorkers = 3;
constexpr FunctionNumber kNumFunctions = 4;

// Workers without the rest of a card. They balance as seldom as a test wants.
class Bench {
 public:
  explicit Bench(std::chrono::microseconds poll = std::chrono::microseconds(200),
                 std::chrono::milliseconds balance = std::chrono::hours(1)) {
    for (FunctionNumber function = 1; function < kNumFunctions; ++function) {
      m_partitions.put(std::make_shared<Partition>(function, "p"));
      m_partitions.bind(function, function);
    }
    m_services.reserve(kNumWorkers);
    for (CountingRandom& random : m_randoms) {
      m_services.push_back({m_partitions, m_state, random,
                            [](FunctionNumber) { return cipherdeck_identity{}; }, nullptr});
    }
    auto workers =
        Workers::start(m_services, m_counters, {.scheduler = {.poll = poll}, .balance = balance});
    EXPECT_TRUE(workers);
    m_workers = std::move(workers).value();
  }

  QueuePairHandle attach(FunctionNumber function, RingMemory& memory) {
    auto queue_pair = std::make_unique<QueuePair>();
    queue_pair->client.function = function;
    queue_pair->client.end = ring::DeviceEnd(memory.view());
    queue_pair->client.end.start();
    queue_pair->client.counters = &m_counters[function];
    queue_pair->interrupt = std::make_shared<CountingLine>();
    const auto attached = m_workers->attach(std::move(queue_pair));
    EXPECT_TRUE(attached);
    return attached ? *attached : 0;
  }
  Workers* operator->() { return m_workers.get(); }

 private:
  PartitionTable m_partitions;
  std::atomic<std::uint32_t> m_state{CIPHERDECK_CARD_READY};
  std::array<CountingRandom, kNumWorkers> m_randoms;
  std::vector<command::FunctionCounters> m_counters =
      std::vector<command::FunctionCounters>(kMaxFunctions);
  std::vector<command::Services> m_services;
  std::unique_ptr<Workers> m_workers;
};

class WorkersTenant {
 public:
  WorkersTenant(Bench& bench, FunctionNumber function)
      : m_bench(bench), m_handle(bench.attach(function, m_memory)) {}
  ~WorkersTenant() { m_bench->detach(m_handle); }
  WorkersTenant(const WorkersTenant&) = delete;
  WorkersTenant& operator=(const WorkersTenant&) = delete;

  [[nodiscard]] bool submit(const cipherdeck_command& command) {
    if (!m_driver.push(command)) return false;
    if (m_driver.ring_doorbell()) m_bench->kick(m_handle);
    return true;
  }
  ring::Completion wait() {
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    while (Clock::now() < deadline) {
      if (const auto completion = m_driver.reap()) return *completion;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "no completion";
    return {.status = CIPHERDECK_STATUS_TIMED_OUT};
  }
  ring::Completion call(const cipherdeck_command& command) {
    EXPECT_TRUE(submit(command));
    return wait();
  }
  std::uint32_t open_session() { return call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).value; }
  [[nodiscard]] QueuePairHandle handle() const { return m_handle; }
  [[nodiscard]] ring::QueueMemory memory() { return m_memory.view(); }

 private:
  Bench& m_bench;
  RingMemory m_memory{64, 1U << 20};
  ring::DriverEnd m_driver{m_memory.view()};
  QueuePairHandle m_handle;
};

TEST(WorkersTest, FunctionsAreSpreadAndStayTogether) {
  Bench bench;
  std::vector<std::unique_ptr<WorkersTenant>> tenants;
  for (FunctionNumber function : {1, 2, 3, 1, 2, 3}) {
    tenants.push_back(std::make_unique<WorkersTenant>(bench, function));
  }
  std::vector<unsigned> workers = {bench->worker_of(1), bench->worker_of(2), bench->worker_of(3)};
  std::ranges::sort(workers);
  EXPECT_EQ(workers, (std::vector<unsigned>{0, 1, 2}));
  for (auto& tenant : tenants) EXPECT_EQ(tenant->call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  const unsigned left = bench->worker_of(2);
  tenants[4].reset();
  tenants[1].reset();  // the last of function 2
  const WorkersTenant next(bench, 0);
  EXPECT_EQ(bench->worker_of(0), left);
}

// A hash over many commands, whose state goes with the session, and commands under way.
TEST(WorkersTest, AFunctionMovesWithAllItHas) {
  Bench bench;
  WorkersTenant tenant(bench, 1), other(bench, 1);
  const std::uint32_t session = tenant.open_session(), beside = other.open_session();
  const Buffer data = pattern(1U << 18);
  std::ranges::copy(data, tenant.memory().arena);
  ASSERT_EQ(tenant
                .call({.opcode = CIPHERDECK_OP_HASH_INIT,
                       .session = session,
                       .algorithm = CIPHERDECK_ALG_SM3})
                .status,
            0);
  engine::Sm3 expected;
  std::atomic<bool> stopping{false};
  std::thread mover([&] {
    for (unsigned i = 0; !stopping.load(); ++i) bench->move(1, i % kNumWorkers);
  });
  std::uint16_t submitted = 0, reaped = 0;
  for (int round = 0; round < 500; ++round) {
    for (; submitted < reaped + 16; ++submitted) {
      const std::uint32_t len = submitted % 5 == 0 ? 100000 : 1000;
      ASSERT_TRUE(tenant.submit({.opcode = CIPHERDECK_OP_HASH_UPDATE,
                                 .command_id = submitted,
                                 .session = session,
                                 .input = {submitted, len}}));
      expected.update(Bytes(data).subspan(submitted, len));
    }
    const auto completion = tenant.wait();
    ASSERT_EQ(completion.status, 0);
    ASSERT_EQ(completion.command_id, reaped++);
    ASSERT_EQ(other
                  .call({.opcode = CIPHERDECK_OP_HASH,
                         .session = beside,
                         .algorithm = CIPHERDECK_ALG_SM3,
                         .input = {0, 64},
                         .output = {64, 32}})
                  .status,
              0);
  }
  stopping.store(true);
  mover.join();
  for (; reaped < submitted; ++reaped) ASSERT_EQ(tenant.wait().command_id, reaped);
  ASSERT_EQ(tenant
                .call({.opcode = CIPHERDECK_OP_HASH_FINAL,
                       .session = session,
                       .output = {(1U << 20) - 32, 32}})
                .status,
            0);
  const auto digest = expected.finish();
  EXPECT_TRUE(std::equal(digest.begin(), digest.end(), tenant.memory().arena + (1U << 20) - 32));
}

TEST(WorkersTest, KicksReachAFunctionThatMoves) {
  Bench bench(std::chrono::microseconds(0));  // asleep after every command
  WorkersTenant tenant(bench, 1);
  std::atomic<bool> stopping{false};
  std::atomic<int> moved{0};
  std::thread mover([&] {
    for (unsigned i = 0; !stopping.load(); ++i) moved += bench->move(1, i % kNumWorkers) ? 1 : 0;
  });
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  stopping.store(true);
  mover.join();
  EXPECT_GT(moved.load(), 0);
}

TEST(WorkersTest, DetachFindsAFunctionThatMoves) {
  Bench bench;
  std::atomic<bool> stopping{false};
  std::thread mover([&] {
    for (unsigned i = 0; !stopping.load(); ++i) bench->move(1, i % kNumWorkers);
  });
  for (int i = 0; i < 50; ++i) {
    WorkersTenant a(bench, 1), b(bench, 1);
    const std::uint32_t session = a.open_session();
    (void)a.submit({.opcode = CIPHERDECK_OP_HASH,
                    .session = session,
                    .algorithm = CIPHERDECK_ALG_SM3,
                    .input = {0, 500000},
                    .output = {0, 32}});
    EXPECT_EQ(b.call({.opcode = CIPHERDECK_OP_NOP}).status, 0);
  }
  stopping.store(true);
  mover.join();
}

TEST(WorkersTest, TwoBusyFunctionsDoNotStayWithOneWorker) {
  Bench bench(std::chrono::microseconds(200), std::chrono::milliseconds(20));
  WorkersTenant first(bench, 1), second(bench, 2);
  (void)bench->move(2, bench->worker_of(1));
  ASSERT_EQ(bench->worker_of(1), bench->worker_of(2));
  std::array<std::pair<WorkersTenant*, std::vector<std::uint32_t>>, 2> loads = {
      {{&first, {}}, {&second, {}}}};
  for (auto& [tenant, sessions] : loads) {
    for (int i = 0; i < 8; ++i) sessions.push_back(tenant->open_session());
  }
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  while (bench->worker_of(1) == bench->worker_of(2) && Clock::now() < deadline) {
    for (auto& [tenant, sessions] : loads) {
      for (const std::uint32_t session : sessions) {
        ASSERT_TRUE(tenant->submit({.opcode = CIPHERDECK_OP_HASH,
                                    .session = session,
                                    .algorithm = CIPHERDECK_ALG_SM3,
                                    .input = {0, 200000},
                                    .output = {(1U << 20) - 32, 32}}));
      }
    }
    for (auto& [tenant, sessions] : loads) {
      for (std::size_t i = 0; i < sessions.size(); ++i) ASSERT_EQ(tenant->wait().status, 0);
    }
  }
  EXPECT_NE(bench->worker_of(1), bench->worker_of(2));
}

TEST(WorkersTest, ACardWithSeveralWorkers) {
  TestCard card(std::chrono::microseconds(200), {.workers = kNumWorkers, .cpus = {-1, 0}});
  Tenant a(*card, 1), b(*card, 2);
  for (Tenant* tenant : {&a, &b}) EXPECT_NE(tenant->open_session(), 0U);
  CardOptions none = card.options(), many = none;
  none.workers = 0;
  many.workers = kMaxWorkers + 1;
  EXPECT_FALSE(Card::open(none));
  EXPECT_FALSE(Card::open(many));
}

}  // namespace
}  // namespace cipherdeck::card::scheduler
