// SPDX-License-Identifier: Apache-2.0
// Kills a process that changes the key store, at any moment, and looks at what is left: whatever a
// command had completed is there, the one command that was at work is there or not, and nothing is
// there by half. What lost power leaves is store_power_test's matter.
#include "fault/store_model.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace cipherdeck::card {
namespace {

using testing::Card;
using testing::Model;
using testing::Report;
using testing::Worker;

constexpr int kUsualRounds = 120;

int num_rounds() {
  const char* const wanted = std::getenv("CIPHERDECK_FAULT_ROUNDS");
  return wanted != nullptr ? std::atoi(wanted) : kUsualRounds;
}

// ---- rounds
// -----------------------------------------------------------------------------------------

// Runs a worker for `delay` and kills it; gives what it told.
std::vector<Report> run_and_kill(const testing::TestDirectory& directory, unsigned seed,
                                 std::chrono::microseconds delay) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    Card card;
    std::string why;
    if (!card.open(directory, why)) _exit(3);
    Worker worker(
        card,
        [&ends](const Report& report) {
          if (write(ends[1], &report, sizeof report) != ssize_t{sizeof report}) _exit(2);
        },
        seed);
    for (;;) worker.step();
  }
  close(ends[1]);
  usleep(static_cast<useconds_t>(delay.count()));
  kill(child, SIGKILL);
  std::vector<Report> reports;
  Report report{};
  while (read(ends[0], &report, sizeof report) == ssize_t{sizeof report}) reports.push_back(report);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "the worker ended by itself: " << WEXITSTATUS(status);
  return reports;
}

// Takes the completed commands into the model; gives the one that was at work.
std::optional<Report> take(Model& model, const std::vector<Report>& reports) {
  for (const Report& report : reports) {
    if (report.done == 0) continue;
    EXPECT_EQ(report.status, CIPHERDECK_STATUS_OK) << "opcode " << report.opcode;
    model.apply(report);
  }
  if (reports.empty() || reports.back().done != 0) return std::nullopt;
  return reports.back();
}

TEST(StoreKill, LosesNothingThatCompleted) {
  const auto random = testing::make_random();
  const unsigned seed = std::random_device()();
  std::mt19937 dice(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::unique_ptr<testing::TestDirectory> directory;
  std::unique_ptr<Model> model;
  int completed = 0;
  int cut_short = 0;
  for (int round = 0; round < num_rounds() && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // In memory, a worker is cut short in its own code most of the time; on a disk, in its syncs.
    const bool on_disk = round / 5 % 3 == 0;
    if (round % 5 == 0) {  // a new store, so that initialising it is killed too
      directory = std::make_unique<testing::TestDirectory>(
          on_disk ? std::filesystem::temp_directory_path() : std::filesystem::path("/dev/shm"));
      model = std::make_unique<Model>();
    }
    const int span = (on_disk ? 120'000 : 40'000) / (round % 5 == 0 ? 5 : 1);
    const std::chrono::microseconds delay(std::uniform_int_distribution(500, span)(dice));
    const int before = model->applied();
    const auto at_work =
        take(*model, run_and_kill(*directory, static_cast<unsigned>(dice()), delay));
    completed += model->applied() - before;
    cut_short += at_work.has_value();
    Card card;
    std::string why;
    ASSERT_TRUE(card.open(*directory, why)) << why;
    EXPECT_TRUE(card.management->warnings().empty()) << card.management->warnings().front();
    model->compare(card, at_work, *random);
  }
  std::printf("%d kills, %d commands completed, %d cut short\n", num_rounds(), completed,
              cut_short);
  EXPECT_GT(completed, num_rounds()) << "the workers did too little for the test to mean much";
  EXPECT_GT(cut_short, num_rounds() / 4) << "the kills came at idle moments";
}

}  // namespace
}  // namespace cipherdeck::card
