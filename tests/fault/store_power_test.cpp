// SPDX-License-Identifier: Apache-2.0
// Cuts the power, on a disk that is replayed from a record, at every write, sync and removal of a
// worker that changes the key store: what a command had completed is there, the one that was at
// work is there or not, and nothing is there by half.
#include "fault/recording_vfs.h"
#include "fault/store_model.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

namespace cipherdeck::card {
namespace {

using testing::Card;
using testing::DiskEvent;
using testing::DiskFiles;
using testing::Model;
using testing::Report;
using testing::TestDirectory;
using testing::Worker;

constexpr int kNumCommands = 60;

// One more thing on the record: report number n was told now.
void note_report(std::int64_t number) {
  testing::disk_record().push_back({DiskEvent::Kind::note, {}, number, {}, false});
}

// Writes a disk's files into a store of the same key file.
void lay_out(const TestDirectory& directory, const DiskFiles& files,
             const TestDirectory& original) {
  std::filesystem::create_directory(directory.store());
  chmod(directory.store().c_str(), 0700);
  for (const auto& file : files) {
    testing::write_file(directory.store() / file.first, file.second);
  }
  std::error_code ignored;
  std::filesystem::copy_file(original.key_file(), directory.key_file(), ignored);
  chmod(directory.key_file().c_str(), 0600);
}

class StorePower : public ::testing::Test {
 protected:
  // Runs a worker from a new store on and keeps its reports and the disk's record.
  void work() {
    m_start = {{"keys.db", {}}};
    Card card;
    std::string why;
    testing::set_recording(true);
    ASSERT_TRUE(card.open(m_directory, why)) << why;
    Worker worker(
        card,
        [this](const Report& report) {
          note_report(static_cast<std::int64_t>(m_reports.size()));
          m_reports.push_back(report);
        },
        m_seed);
    for (int i = 0; i < kNumCommands; ++i) worker.step();
    testing::set_recording(false);
    m_events = std::move(testing::disk_record());
  }

  // Cuts the power in the midst of event `num_events` - 1 and compares with what was told till
  // then.
  void cut_at(std::size_t num_events, const Model& model, const std::optional<Report>& at_work) {
    const TestDirectory directory("/dev/shm");
    lay_out(directory, testing::after_power_loss(m_start, m_events, num_events, m_dice),
            m_directory);
    Card card;
    std::string why;
    ASSERT_TRUE(card.open(directory, why)) << why;
    EXPECT_TRUE(card.management->warnings().empty()) << card.management->warnings().front();
    if (card.management->state() == CIPHERDECK_CARD_UNINITIALISED) {
      EXPECT_EQ(model.applied(), 0) << "the card lost its initialisation";
      return;
    }
    Model expected = model;
    expected.compare(card, at_work, *m_random);
    compare_trail(card, model.applied(), at_work.has_value());
  }

  // Every command that completed is in the audit trail, once, and perhaps the one at work.
  static void compare_trail(Card& card, int applied, bool at_work) {
    const auto reply = card.management->execute({.opcode = CIPHERDECK_OP_AUDIT_VERIFY}, {});
    cipherdeck_audit_report report{};
    ASSERT_EQ(reply.output.size(), sizeof report);
    std::memcpy(&report, reply.output.data(), sizeof report);
    EXPECT_EQ(report.fault[0], 0) << reinterpret_cast<const char*>(report.fault);
    const auto last = static_cast<int>(report.last);
    EXPECT_TRUE(last == applied || (at_work && last == applied + 1))
        << last << " records of " << applied << " commands";
  }

  TestDirectory m_directory{"/dev/shm"};
  std::unique_ptr<random::Generator> m_random = testing::make_random();
  unsigned m_seed = std::random_device()();
  std::mt19937 m_dice{m_seed};
  DiskFiles m_start;
  std::vector<Report> m_reports;
  std::vector<DiskEvent> m_events;
};

TEST_F(StorePower, LosesNothingThatCompleted) {
  SCOPED_TRACE("seed " + std::to_string(m_seed));
  testing::install_recording_vfs();
  ASSERT_NO_FATAL_FAILURE(work());
  Model model;
  std::optional<Report> at_work;
  std::size_t cuts = 0;
  for (std::size_t i = 0; i < m_events.size() && !HasFailure(); ++i) {
    if (m_events[i].kind == DiskEvent::Kind::note) {
      const Report& report = m_reports[static_cast<std::size_t>(m_events[i].offset)];
      at_work = report.done != 0 ? std::nullopt : std::optional(report);
      if (report.done != 0) model.apply(report);
    }
    SCOPED_TRACE("event " + std::to_string(i));
    // More than once where the dice decide.
    for (int again = 0; again < 2; ++again, ++cuts) cut_at(i + 1, model, at_work);
  }
  std::printf("%zu power cuts in %d commands\n", cuts, model.applied());
  EXPECT_EQ(model.applied(), kNumCommands);
  EXPECT_GT(cuts, 1000u) << "the record lacks the disk's events";
}

// The upgrade of a store of version 1 happens or does not; its keys are there either way.
TEST_F(StorePower, UpgradesAtOnce) {
  SCOPED_TRACE("seed " + std::to_string(m_seed));
  testing::install_recording_vfs();
  const std::filesystem::path old(CIPHERDECK_STORE_V1_DIR);
  for (const char* name : {"keys.db", "lock"}) m_start[name] = testing::read_file(old / name);
  std::filesystem::copy_file(old / "management.key", m_directory.key_file());
  lay_out(m_directory, m_start, m_directory);
  std::string why;
  {
    Card card;
    testing::set_recording(true);
    ASSERT_TRUE(card.open(m_directory, why)) << why;
    testing::set_recording(false);
  }
  m_events = std::move(testing::disk_record());
  ASSERT_GT(m_events.size(), 10u) << "nothing was upgraded";
  for (std::size_t cut = 0; cut < m_events.size() && !HasFailure(); ++cut) {
    for (int again = 0; again < 20; ++again) {
      const TestDirectory directory("/dev/shm");
      lay_out(directory, testing::after_power_loss(m_start, m_events, cut, m_dice), m_directory);
      Card card;
      ASSERT_TRUE(card.open(directory, why)) << "event " << cut << ": " << why;
      EXPECT_TRUE(card.management->warnings().empty());
      const auto blue = card.table.bound_to(1);
      ASSERT_NE(blue, nullptr);
      EXPECT_NE(blue->key_pair(1), nullptr);
      EXPECT_NE(blue->kek(2), nullptr);
    }
  }
}

}  // namespace
}  // namespace cipherdeck::card
