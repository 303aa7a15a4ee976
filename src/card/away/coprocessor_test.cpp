// SPDX-License-Identifier: Apache-2.0
#include "card/away/coprocessor.h"

#include <gtest/gtest.h>

#include <semaphore>

namespace cipherdeck::card::away {
namespace {

class NoRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes) override { return Error::random_failed; }
};

class CoprocessorTest : public testing::Test {
 protected:
  CoprocessorTest() {
    m_mailbox->set_wake([this] { m_came.release(); });
  }
  ~CoprocessorTest() override { m_mailbox->set_wake({}); }

  std::shared_ptr<Operation> operation(Operation::Perform perform) {
    auto made = std::make_shared<Operation>(1, std::move(perform));
    made->sender = m_mailbox;
    return made;
  }
  Outcome wait() {
    m_came.acquire();
    while (m_outcomes.empty()) m_outcomes = m_mailbox->take();
    Outcome first = std::move(m_outcomes.front());
    m_outcomes.erase(m_outcomes.begin());
    return first;
  }

  NoRandom m_random;
  std::shared_ptr<Mailbox> m_mailbox = std::make_shared<Mailbox>();
  std::counting_semaphore<> m_came{0};
  std::vector<Outcome> m_outcomes;
};

TEST(Mailbox, OutcomesThatNobodyTakesGoWithIt) {
  auto mailbox = std::make_shared<Mailbox>();
  const std::weak_ptr<Mailbox> left = mailbox;
  auto job = std::make_shared<Operation>(1, Operation::Perform());
  job->sender = mailbox;
  job->sender->post({job, {}});
  job.reset();
  mailbox.reset();
  EXPECT_TRUE(left.expired());
}

TEST_F(CoprocessorTest, OperationsAreDoneInOrderAndComeBackWithTheirResults) {
  std::vector<int> order;
  Coprocessor coprocessor("test", m_random);
  const auto first = operation([&](RandomSource&) -> Result<void> {
    order.push_back(1);
    return {};
  });
  const auto second = operation([&](RandomSource& random) -> Result<void> {
    order.push_back(2);
    std::uint8_t byte = 0;
    return random.fill({&byte, 1});
  });
  coprocessor.submit(first);
  coprocessor.submit(second);
  const Outcome one = wait();
  const Outcome two = wait();
  EXPECT_EQ(one.job, first);
  EXPECT_TRUE(one.result.ok());
  EXPECT_EQ(two.job, second);
  EXPECT_EQ(two.result.error(), Error::random_failed);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(CoprocessorTest, CancelledOperationsComeBackUndone) {
  Coprocessor coprocessor("test", m_random);
  bool done = false;
  const auto cancelled = operation([&](RandomSource&) -> Result<void> {
    done = true;
    return {};
  });
  cancelled->cancelled.store(true);
  coprocessor.submit(cancelled);
  EXPECT_TRUE(wait().result.ok());
  EXPECT_FALSE(done);
}

TEST_F(CoprocessorTest, ExceptionsAreErrors) {
  Coprocessor coprocessor("test", m_random);
  coprocessor.submit(operation([](RandomSource&) -> Result<void> { throw std::bad_alloc(); }));
  EXPECT_EQ(wait().result.error(), Error::no_memory);
}

TEST_F(CoprocessorTest, WhatWaitsWhenItEndsComesBackFailed) {
  std::binary_semaphore started(0);
  std::binary_semaphore go_on(0);
  auto coprocessor = std::make_unique<Coprocessor>("test", m_random);
  coprocessor->submit(operation([&](RandomSource&) -> Result<void> {
    started.release();
    go_on.acquire();
    return {};
  }));
  coprocessor->submit(operation([](RandomSource&) -> Result<void> { return {}; }));
  started.acquire();
  std::thread end([&] { coprocessor.reset(); });
  EXPECT_EQ(wait().result.error(), Error::internal);
  go_on.release();
  EXPECT_TRUE(wait().result.ok());
  end.join();
}

}  // namespace
}  // namespace cipherdeck::card::away
