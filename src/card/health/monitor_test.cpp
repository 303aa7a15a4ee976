// SPDX-License-Identifier: Apache-2.0
#include "card/health/monitor.h"

#include "card/health/commands.h"
#include "card/random/random.h"
#include "card/scheduler/tenant_fixture.h"

#include <fstream>

namespace cipherdeck::card {
namespace {

using health::Level;
using health::Monitor;

// Good bytes but for some calls, whose bytes are spoilt.
class Source final : public RandomSource {
 public:
  explicit Source(std::function<bool(int)> is_spoilt) : m_is_spoilt(std::move(is_spoilt)) {}
  Result<void> fill(MutableBytes out) override {
    CIPHERDECK_TRY(m_good->fill(out));
    if (m_is_spoilt(m_calls++)) std::fill(out.begin(), out.end(), std::uint8_t{0xa5});
    return {};
  }

 private:
  std::unique_ptr<random::Generator> m_good = *random::Generator::create();
  std::function<bool(int)> m_is_spoilt;
  int m_calls = 0;
};

class MonitorTest : public testing::Test {
 protected:
  void make(std::vector<engine::SelfTest> tests, std::function<bool(int)> is_spoilt = {}) {
    m_monitor = std::make_unique<Monitor>(
        std::move(tests), [this](std::uint16_t reason) { m_reasons.push_back(reason); },
        [this](std::string_view line) { m_lines.emplace_back(line); });
    if (is_spoilt) m_monitor->set_random(std::make_unique<Source>(is_spoilt));
  }
  std::vector<std::uint16_t> m_reasons;
  std::vector<std::string> m_lines;
  std::unique_ptr<Monitor> m_monitor;
};

TEST_F(MonitorTest, AFailedSelfTestStopsTheServiceOnceAndTheOthersAreRun) {
  make({{"good", [] { return true; }},
        {"bad", [] { return false; }},
        {"throws", []() -> bool { throw std::bad_alloc(); }},
        {"also good", [] { return true; }}});
  const auto results = m_monitor->test_self();
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0].passed);
  EXPECT_FALSE(results[1].passed);
  EXPECT_FALSE(results[2].passed);
  EXPECT_TRUE(results[3].passed);
  EXPECT_EQ(m_reasons, std::vector<std::uint16_t>{CIPHERDECK_STATUS_CARD_FAILED});
  EXPECT_EQ(m_monitor->summary().fault.find("self-test bad failed"), 0U);
  EXPECT_EQ(m_monitor->summary().self_tests, 1U);
  EXPECT_EQ(m_lines.size(), 1U);
}

TEST_F(MonitorTest, OneFailedRandomTestIsAnAlarmOnly) {
  make({}, [](int call) { return call < 20; });  // all samples of the first run
  const auto report = m_monitor->test_random(Level::periodic, 1);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->passed());
  EXPECT_TRUE(m_reasons.empty());
  EXPECT_EQ(m_monitor->summary().alarms, 1U);
  EXPECT_NE(m_monitor->summary().alarm.find("the periodic random test failed (poker m=4"),
            std::string::npos);
  EXPECT_EQ(m_monitor->summary().fault, "");
}

TEST_F(MonitorTest, TwoFailedRandomTestsStopTheService) {
  make({}, [](int) { return true; });
  const auto report = m_monitor->test_random(Level::periodic, 1);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->passed());
  EXPECT_EQ(m_reasons, std::vector<std::uint16_t>{CIPHERDECK_STATUS_RANDOM_FAILED});
  EXPECT_NE(m_monitor->summary().fault.find("twice"), std::string::npos);
}

TEST_F(MonitorTest, TestsItselfPeriodically) {
  std::atomic<int> runs{0};
  std::atomic<bool> is_right{true};
  make({{"counts", [&] { return ++runs, is_right.load(); }}}, [](int) { return false; });
  m_monitor->start(std::chrono::seconds(1));
  const auto wait_for = [](auto condition) {
    for (int i = 0; i < 1200 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return condition();
  };
  EXPECT_TRUE(wait_for([&] { return m_monitor->summary().random_tests >= 1; }));
  EXPECT_EQ(m_monitor->summary().fault, "");
  is_right = false;
  EXPECT_TRUE(wait_for([&] { return !m_monitor->summary().fault.empty(); }));
  m_monitor->stop();
  EXPECT_GE(runs.load(), 2);
}

// ---- the card as a whole ------------------------------------------------------------------------

cipherdeck_card_health health_of(Card& card) {
  const auto reply = card.manage({.opcode = CIPHERDECK_OP_CARD_HEALTH}, {});
  EXPECT_EQ(reply.output.size(), sizeof(cipherdeck_card_health));
  return load<cipherdeck_card_health>(reply.output);
}

std::string fault_of(Card& card) {
  const auto health = health_of(card);
  return reinterpret_cast<const char*>(health.fault);
}

TEST(CardHealth, SelfTestListsEveryTestAndTheCardServesOn) {
  TestCard card;
  const auto reply = card->manage({.opcode = CIPHERDECK_OP_CARD_SELF_TEST}, {});
  EXPECT_EQ(reply.value, 0U);
  EXPECT_EQ(reply.output.size(), engine::self_tests().size() * sizeof(cipherdeck_self_test_record));
  EXPECT_EQ(health_of(*card).self_tests, 2U);
  EXPECT_EQ(card->state(), CIPHERDECK_CARD_READY);
}

TEST(CardHealth, RandomTestHasARecordForEachTest) {
  TestCard card;
  const auto reply = card->manage(
      {.opcode = CIPHERDECK_OP_CARD_RANDOM_TEST, .arg = {CIPHERDECK_RANDOM_TEST_PERIODIC}}, {});
  EXPECT_EQ(reply.status, 0);
  EXPECT_EQ(reply.value, 0U);
  ASSERT_EQ(reply.output.size() % sizeof(cipherdeck_random_test_record), 0U);
  const auto first = load<cipherdeck_random_test_record>(reply.output);
  EXPECT_STREQ(reinterpret_cast<const char*>(first.name), "monobit");
  EXPECT_EQ(first.samples, 20U);
  EXPECT_EQ(first.standard, 1U);
}

TEST(CardHealth, MalformedCommandsAreRefused) {
  TestCard card;
  for (const std::uint64_t level : {0U, 4U, 99U}) {
    EXPECT_EQ(card->manage({.opcode = CIPHERDECK_OP_CARD_RANDOM_TEST, .arg = {level}}, {}).status,
              CIPHERDECK_STATUS_INVALID_ARGUMENT);
  }
  EXPECT_EQ(card->manage({.opcode = CIPHERDECK_OP_CARD_SELF_TEST, .arg = {1}}, {}).status,
            CIPHERDECK_STATUS_INVALID_COMMAND);
  EXPECT_EQ(card->manage({.opcode = CIPHERDECK_OP_CARD_HEALTH, .key = 1}, {}).status,
            CIPHERDECK_STATUS_INVALID_COMMAND);
}

// A failure on demand, while a tenant works: it is refused from then on, and told why.
TEST(CardHealth, AFailedSelfTestStopsTenantsAtWork) {
  auto is_right = std::make_shared<std::atomic<bool>>(true);
  CardOptions options;
  options.self_tests.push_back({"ours", [is_right] { return is_right->load(); }});
  TestCard card(std::chrono::microseconds(200), options);
  Tenant tenant(*card, 1);
  const std::uint32_t session = tenant.open_session();
  const auto draw = [&] {
    return tenant
        .call({.opcode = CIPHERDECK_OP_RANDOM, .session = session, .output = tenant.room(32)})
        .status;
  };
  EXPECT_EQ(draw(), CIPHERDECK_STATUS_OK);
  *is_right = false;
  EXPECT_EQ(card->manage({.opcode = CIPHERDECK_OP_CARD_SELF_TEST}, {}).value, 1U);
  EXPECT_EQ(draw(), CIPHERDECK_STATUS_CARD_FAILED);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).status,
            CIPHERDECK_STATUS_CARD_FAILED);
  EXPECT_EQ(card->identity(1).failure, CIPHERDECK_STATUS_CARD_FAILED);
  EXPECT_EQ(fault_of(*card).find("self-test ours failed"), 0U);
  *is_right = true;
  (void)card->manage({.opcode = CIPHERDECK_OP_CARD_SELF_TEST}, {});
  EXPECT_EQ(draw(), CIPHERDECK_STATUS_CARD_FAILED) << "service comes back by a restart only";
}

TEST(CardHealth, AFailedSelfTestAtTheStartKeepsTheKeysClosed) {
  const test::TemporaryDirectory directory;
  CardOptions options{.store = directory.path() / "s", .key_file = directory.path() / "k"};
  options.self_tests.push_back({"ours", [] { return false; }});
  auto card = Card::open(options);
  ASSERT_TRUE(card);
  EXPECT_EQ((*card)->state(), CIPHERDECK_CARD_FAILED);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "s"));
  ASSERT_EQ((*card)->messages().size(), 1U);
  EXPECT_NE((*card)->messages()[0].find("self-test ours failed"), std::string::npos);
}

class NoiseCard : public testing::Test {
 protected:
  // Noise that is good for `good` bytes, and then constant.
  CardOptions with_noise(std::size_t good) {
    std::vector<std::uint8_t> noise(good);
    EXPECT_TRUE((*random::Generator::create())->fill(noise));
    noise.resize(good + (1u << 20), 0x77);
    const auto path = m_directory.path() / "hwrng";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(noise.data()),
               static_cast<std::streamsize>(noise.size()));
    CardOptions options;
    options.noise_files.push_back(path);
    return options;
  }
  test::TemporaryDirectory m_directory;
};

// Of a card with one worker: start-up and first seed of four generators.
constexpr std::size_t kNoiseOfTheStart = 4 * (4096 + 128);

TEST_F(NoiseCard, NamesItsSources) {
  TestCard card(std::chrono::microseconds(200), with_noise(1u << 16));
  const auto status =
      load<cipherdeck_card_status>(card->manage({.opcode = CIPHERDECK_OP_CARD_STATUS}, {}).output);
  const std::string names = reinterpret_cast<const char*>(status.random);
  EXPECT_EQ(names.substr(0, 13), "kernel jitter");
  EXPECT_NE(names.find("hwrng"), std::string::npos);
}

TEST_F(NoiseCard, ASourceThatIsBadAtTheStartKeepsTheCardFromServing) {
  auto options = with_noise(0);
  options.store = m_directory.path() / "s";
  options.key_file = m_directory.path() / "k";
  auto card = Card::open(options);
  ASSERT_TRUE(card);
  EXPECT_EQ((*card)->state(), CIPHERDECK_CARD_FAILED);
  EXPECT_EQ(health_of(**card).alarms, 2U);
}

TEST_F(NoiseCard, AMissingSourceKeepsTheCardFromServing) {
  CardOptions options{.store = m_directory.path() / "s", .key_file = m_directory.path() / "k"};
  options.noise_files.push_back(m_directory.path() / "none");
  auto card = Card::open(options);
  ASSERT_TRUE(card);
  EXPECT_EQ((*card)->state(), CIPHERDECK_CARD_FAILED);
  EXPECT_NE((*card)->messages()[0].find("/none"), std::string::npos);
}

// A worker's source fails while it serves: that command fails, and then everything.
TEST_F(NoiseCard, ASourceThatFailsInServiceStopsTheCard) {
  TestCard card(std::chrono::microseconds(200), with_noise(kNoiseOfTheStart));
  Tenant tenant(*card, 1);
  const std::uint32_t session = tenant.open_session();
  const auto output = tenant.room(16);
  std::uint16_t status = CIPHERDECK_STATUS_OK;
  for (int i = 0; i < 70'000 && status == CIPHERDECK_STATUS_OK; ++i) {
    status =
        tenant.call({.opcode = CIPHERDECK_OP_RANDOM, .session = session, .output = output}).status;
  }
  EXPECT_EQ(status, CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_EQ(card->state(), CIPHERDECK_CARD_FAILED);
  EXPECT_EQ(tenant
                .call({.opcode = CIPHERDECK_OP_HASH,
                       .session = session,
                       .algorithm = CIPHERDECK_ALG_SM3,
                       .input = tenant.put(pattern(10)),
                       .output = tenant.room(32)})
                .status,
            CIPHERDECK_STATUS_CARD_FAILED);
  EXPECT_EQ(card->identity(1).failure, CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_GE(health_of(*card).alarms, 2U);
  EXPECT_NE(fault_of(*card).find("random source failed"), std::string::npos);
}

}  // namespace
}  // namespace cipherdeck::card
