// SPDX-License-Identifier: Apache-2.0
// Loading, trying, using and fencing chips, without a card around them.
#include "card/chip/chip_set.h"
#include "card/chip/stand_in.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace cipherdeck::card::chip {
namespace {

using ::testing::HasSubstr;
using Buffer = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

constexpr std::uint32_t kEcb = CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_ECB;
constexpr std::uint32_t kCbc = CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CBC;
// Tests that do not let the watching thread fence a chip do so themselves.
constexpr Limits kPatient{.job = std::chrono::hours(1), .start = std::chrono::minutes(1)};

Buffer pattern(std::size_t len, unsigned start = 1) {
  Buffer bytes(len);
  for (std::size_t i = 0; i < len; ++i)
    bytes[i] = static_cast<std::uint8_t>(start + i * 7 + i / 251);
  return bytes;
}

std::string refusal(const fs::path& path) {
  const auto loaded = Plugin::load(path);
  const auto* const why = std::get_if<std::string>(&loaded);
  return why == nullptr ? "" : *why;
}

// Sends jobs and waits for their outcomes.
class Sender {
 public:
  Sender() {
    m_mailbox->set_wake([this] {
      const std::lock_guard lock(m_mutex);
      m_called = true;
      m_changed.notify_one();
    });
  }
  ~Sender() { m_mailbox->set_wake({}); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  std::shared_ptr<Job> job(std::uint32_t algorithm, std::size_t len) {
    auto made = std::make_shared<Job>(algorithm, CIPHERDECK_CHIP_ENCRYPT, m_key, pattern(len));
    made->has_iv = algorithm != kEcb;
    std::ranges::copy(m_iv, made->iv.begin());
    made->sender = m_mailbox;
    return made;
  }
  away::Outcome wait() {
    while (m_outcomes.empty()) {
      {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_called; });
        m_called = false;
      }
      m_outcomes = m_mailbox->take();
    }
    away::Outcome first = std::move(m_outcomes.front());
    m_outcomes.erase(m_outcomes.begin());
    return first;
  }
  // The status that a job comes back with.
  std::uint16_t call(Chip& chip, std::size_t len) {
    chip.submit(job(kCbc, len));
    return wait().result.status();
  }
  [[nodiscard]] bool has_more() const { return !m_outcomes.empty() || m_mailbox->has_outcomes(); }

  const Buffer m_key = pattern(16, 3);
  const Buffer m_iv = pattern(16, 4);

 private:
  std::shared_ptr<away::Mailbox> m_mailbox = std::make_shared<away::Mailbox>();
  std::vector<away::Outcome> m_outcomes;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_called = false;
};

// What was logged, by any thread.
struct Logged {
  Log log() {
    return [this](std::string_view line) {
      const std::lock_guard lock(mutex);
      text += std::string(line) + "\n";
    };
  }
  std::string all() {
    const std::lock_guard lock(mutex);
    return text;
  }
  std::mutex mutex;
  std::string text;
};

// ---- loading ------------------------------------------------------------------------------------

TEST(PluginTest, TellsWhatItOffers) {
  const StandIn library;
  const Plugin plugin = library.plugin();
  EXPECT_EQ(plugin.name(), "stand-in (AES-128), not SM1");
  EXPECT_TRUE(plugin.is_stand_in());
  EXPECT_EQ(plugin.key_len(), 16U);
  EXPECT_EQ(plugin.algorithms().size(), 5U);
  EXPECT_EQ(standard_abilities(plugin.algorithms()), 0U);
}

TEST(PluginTest, FilesThatOthersCanChangeAreRefused) {
  const StandIn library;
  EXPECT_EQ(path_fault(library.path()), "");
  EXPECT_THAT(refusal(library.path().filename()), HasSubstr("not absolute"));
  EXPECT_THAT(refusal(library.path().string() + "x"), HasSubstr("cannot be found"));
  EXPECT_THAT(refusal(library.path().parent_path()), HasSubstr("not a file"));
  for (const auto mode : {0775, 0757}) {
    fs::permissions(library.path(), fs::perms(mode));
    EXPECT_THAT(refusal(library.path()), HasSubstr("can be changed by others")) << std::oct << mode;
  }
  fs::permissions(library.path(), fs::perms(0755));
  fs::permissions(library.path().parent_path(), fs::perms(0777));
  EXPECT_THAT(refusal(library.path()), HasSubstr("can be changed by others"));
  fs::permissions(library.path().parent_path(), fs::perms(0755));
  if (geteuid() == 0) {  // who else could give a file away
    ASSERT_EQ(chown(library.path().c_str(), 12345, 0), 0);
    EXPECT_THAT(refusal(library.path()), HasSubstr("can be changed by others"));
  }
}

TEST(PluginTest, OtherLibrariesAreRefused) {
  EXPECT_THAT(refusal(StandIn("stand_in_chip_old").path()), HasSubstr("interface version 0"));
  EXPECT_THAT(refusal(StandIn("stand_in_chip_without_entry").path()),
              HasSubstr("lacks cipherdeck_chip_entry"));
  EXPECT_THAT(refusal(StandIn("stand_in_chip_claims_sm1").path()),
              HasSubstr("stand-in and offers a standard's"));
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "text.so") << "no library";
  fs::permissions(directory.path() / "text.so", fs::perms(0755));
  EXPECT_NE(refusal(directory.path() / "text.so"), "");
}

TEST(PluginTest, WhatIsWrongWithAnOfferIsSeen) {
  const StandIn library;
  const cipherdeck_chip good = library.plugin().table();
  EXPECT_EQ(offer_fault(&good), "");
  EXPECT_NE(offer_fault(nullptr), "");
  const auto is_refused = [&](auto change) {
    cipherdeck_chip changed = good;
    change(changed);
    return !offer_fault(&changed).empty();
  };
  EXPECT_TRUE(is_refused([](auto& chip) { chip.flags |= 2; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.reserved = 1; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.vendor = nullptr; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.name = ""; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.name = "a name of thirty-two characters."; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.key_len = 24; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.max_len = 0; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.max_len = 24; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.run = nullptr; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.num_algorithms = 0; }));
  EXPECT_TRUE(is_refused([](auto& chip) { chip.num_algorithms = 13; }));
  for (const std::uint32_t algorithm :
       {0x401U, 0x101U, 0x80008000U, 0x80008003U, 0x80008040U, 0x801U}) {
    EXPECT_TRUE(is_refused([&](auto& chip) {
      chip.algorithms = &algorithm;
      chip.num_algorithms = 1;
    })) << std::hex
        << algorithm;
  }
}

TEST(PluginTest, AbilitiesAreThoseOfTheStandard) {
  const std::uint32_t algorithms[] = {CIPHERDECK_ALG_SM1 | CIPHERDECK_ALG_ECB,
                                      CIPHERDECK_ALG_SM1 | CIPHERDECK_ALG_MAC, kCbc};
  EXPECT_EQ(standard_abilities(algorithms), 0x111U);
}

// ---- jobs ---------------------------------------------------------------------------------------

TEST(ChipTest, AgreesWithOpenSsl) {
  const StandIn library;
  const auto chip = Chip::start(library.plugin(), "", kPatient, {});
  ASSERT_TRUE(chip->is_working()) << chip->fault();
  Sender sender;
  struct Case {
    std::uint32_t algorithm;
    const EVP_CIPHER* openssl;
  };
  const Case cases[] = {{kEcb, EVP_aes_128_ecb()},
                        {kCbc, EVP_aes_128_cbc()},
                        {CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CFB, EVP_aes_128_cfb128()},
                        {CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_OFB, EVP_aes_128_ofb()}};
  for (const Case& each : cases) {
    for (const std::size_t len : {16U, 4096U, 200'000U}) {  // the last is cut into four
      chip->submit(sender.job(each.algorithm, len));
      const away::Outcome outcome = sender.wait();
      ASSERT_TRUE(outcome.result);
      const Bytes output = static_cast<Job&>(*outcome.job).data();
      const Buffer expected = openssl_aes(each.openssl, sender.m_key, sender.m_iv, pattern(len));
      EXPECT_TRUE(std::ranges::equal(output, expected)) << std::hex << each.algorithm;
    }
  }
  EXPECT_EQ(chip->numbers().jobs, 12U);
  chip->stop();
}

TEST(ChipTest, ComesFencedIfItDoesNotStart) {
  const StandIn library;
  const auto fault = [&](const char* argument, std::chrono::milliseconds start) {
    Logged logged;
    const auto chip = Chip::start(library.plugin(), argument,
                                  {.job = std::chrono::hours(1), .start = start}, logged.log());
    EXPECT_FALSE(chip->is_working());
    EXPECT_THAT(logged.all(), HasSubstr("is fenced: " + chip->fault()));
    Sender sender;
    EXPECT_EQ(sender.call(*chip, 16), CIPHERDECK_STATUS_CHIP_FAILED);
    chip->stop();
    return chip->fault();
  };
  EXPECT_THAT(fault("fail-open", kPatient.start), HasSubstr("could not be opened"));
  EXPECT_THAT(fault("fail-test", kPatient.start), HasSubstr("failed its self-test"));
  EXPECT_THAT(fault("wrong", kPatient.start), HasSubstr("contradicts itself"));
  EXPECT_THAT(fault("hold-test", std::chrono::milliseconds(20)), HasSubstr("within 20 ms"));
}

TEST(ChipTest, AHungOneIsFencedAndItsLateResultGoesNowhere) {
  const StandIn library;
  Logged logged;
  auto chip = Chip::start(library.plugin(), "hold=1024", kPatient, logged.log());
  Sender sender;
  EXPECT_EQ(sender.call(*chip, 512), 0);
  for (int i = 0; i < 3; ++i) chip->submit(sender.job(kCbc, 2048));
  library.wait_held(1);
  chip->supervise(Clock::now());
  EXPECT_TRUE(chip->is_working());
  EXPECT_FALSE(sender.has_more());
  chip->supervise(Clock::now() + 2 * kPatient.job);
  EXPECT_FALSE(chip->is_working());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(sender.wait().result.status(), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(sender.call(*chip, 16), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_THAT(chip->fault(), HasSubstr("did not finish a job of 2048 bytes"));
  EXPECT_THAT(logged.all(),
              HasSubstr("stand-in (AES-128), not SM1 of CipherDeck project is fenced"));
  EXPECT_EQ(chip->numbers().failed, 3U);
  EXPECT_EQ(chip->numbers().jobs, 1U);
  chip->stop();  // does not wait
  const std::weak_ptr<Chip> left_behind = chip;
  chip.reset();
  EXPECT_FALSE(left_behind.expired());
  library.release();
  while (!left_behind.expired()) std::this_thread::yield();
  EXPECT_FALSE(sender.has_more());
}

TEST(ChipTest, FailedJobsAreFollowedByATestAndThreeFenceIt) {
  const StandIn library;
  const auto chip = Chip::start(library.plugin(), "fail=1024", kPatient, {});
  Sender sender;
  EXPECT_EQ(sender.call(*chip, 1024), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(sender.call(*chip, 1024), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(sender.call(*chip, 16), 0);
  EXPECT_EQ(sender.call(*chip, 1024), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(sender.call(*chip, 1024), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(sender.call(*chip, 1024), CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(sender.call(*chip, 16), CIPHERDECK_STATUS_CHIP_FAILED);
  chip->stop();
  EXPECT_THAT(chip->fault(), HasSubstr("3 jobs in a row"));
}

TEST(ChipTest, ABadKeyIsTheJobsOwnFault) {
  const StandIn library;
  const auto chip = Chip::start(library.plugin(), "refuse=1024", kPatient, {});
  Sender sender;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sender.call(*chip, 1024), CIPHERDECK_STATUS_INVALID_KEY);
  EXPECT_EQ(sender.call(*chip, 16), 0);
  chip->stop();
}

TEST(ChipTest, JobsThatWaitComeBackWhenItIsStopped) {
  const StandIn library;
  const auto chip = Chip::start(library.plugin(), "hold=1024", kPatient, {});
  Sender sender;
  for (int i = 0; i < 2; ++i) chip->submit(sender.job(kCbc, 1024));
  library.wait_held(1);
  std::thread stopper([&] { chip->stop(); });
  sender.call(*chip, 16);  // comes back, whether before or after the stop
  library.release();
  stopper.join();
  sender.wait();
  sender.wait();
  EXPECT_FALSE(sender.has_more());
}

// ---- all chips of a card ------------------------------------------------------------------------

TEST(ChipSetTest, FindsTheChipOrSaysWhyNot) {
  const StandIn library;
  ChipSet chips(std::vector{library.spec()}, kPatient, {});
  EXPECT_TRUE(chips.find(kCbc));
  EXPECT_EQ(chips.find(CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CTR).status(),
            CIPHERDECK_STATUS_MODE);
  for (const std::uint32_t mode : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20}) {
    EXPECT_EQ(chips.find(CIPHERDECK_ALG_SM1 | mode).status(), CIPHERDECK_STATUS_ALGORITHM);
  }
  EXPECT_EQ(chips.abilities(), 0U);
  ChipSet none({}, kPatient, {});
  EXPECT_EQ(none.find(kCbc).status(), CIPHERDECK_STATUS_ALGORITHM);
}

TEST(ChipSetTest, ARefusedOneIsToldOfAndOffersNothing) {
  const StandIn library("stand_in_chip_claims_sm1");
  Logged logged;
  ChipSet chips(std::vector{library.spec()}, kPatient, logged.log());
  EXPECT_EQ(chips.find(CIPHERDECK_ALG_SM1 | CIPHERDECK_ALG_ECB).status(),
            CIPHERDECK_STATUS_ALGORITHM);
  EXPECT_EQ(chips.abilities(), 0U);
  ASSERT_EQ(chips.records().size(), 1U);
  EXPECT_EQ(chips.records()[0].state, CIPHERDECK_CHIP_STATE_REFUSED);
  EXPECT_THAT(logged.all(), HasSubstr("is refused: it is a stand-in"));
}

TEST(ChipSetTest, TheWatchFencesAndAnotherChipTakesOver) {
  const StandIn library;
  ChipSet chips(std::vector{library.spec("hold=1024"), library.spec()},
                {.job = std::chrono::milliseconds(500), .start = kPatient.start}, {});
  Sender sender;
  Chip* const first = *chips.find(kCbc);
  chips.submit(*first, sender.job(kCbc, 2048));
  library.wait_held(1);
  Chip* const second = *chips.find(kCbc);
  EXPECT_NE(first, second);  // it has less to do
  chips.submit(*second, sender.job(kCbc, 2048));
  EXPECT_EQ(sender.wait().job->len, 2048U);
  EXPECT_EQ(sender.wait().job->len, 2048U);
  EXPECT_FALSE(first->is_working());
  EXPECT_EQ(*chips.find(kCbc), second);
  const auto records = chips.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].state, CIPHERDECK_CHIP_STATE_FENCED);
  EXPECT_EQ(records[0].failed, 1U);
  EXPECT_EQ(records[1].state, CIPHERDECK_CHIP_STATE_WORKING);
  EXPECT_EQ(records[1].jobs, 1U);
  EXPECT_EQ(records[1].stand_in, 1U);
}

}  // namespace
}  // namespace cipherdeck::card::chip
