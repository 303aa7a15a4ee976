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

constexpr int kNumCommands = 20;

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
  EXPECT_GT(cuts, 300u) << "the record lacks the disk's events";
}

}  // namespace
}  // namespace cipherdeck::card
