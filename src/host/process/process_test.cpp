// SPDX-License-Identifier: Apache-2.0
#include "host/process/hardening.h"
#include "host/process/integrity.h"
#include "host/process/lock_file.h"
#include "host/process/service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <temporary_directory.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

namespace cipherdeck::process {
namespace {

/// Runs `body` in a child; gives its wait status.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

#ifndef CIPHERDECK_SANITIZED

TEST(Confine, RefusesSocketsOfTheNetwork) {
  EXPECT_TRUE(exited_with(in_child([] {
                            if (!confine()) return 1;
                            if (socket(AF_INET, SOCK_STREAM, 0) != -1 || errno != EPERM) return 2;
                            if (socket(AF_INET6, SOCK_DGRAM, 0) != -1 || errno != EPERM) return 3;
                            if (socket(AF_NETLINK, SOCK_RAW, 0) != -1 || errno != EPERM) return 4;
                            return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 5;
                          }),
                          0));
}

TEST(Confine, EndsAProcessThatRunsAProgram) {
  const int status = in_child([] {
    if (!confine()) return 1;
    execl("/bin/true", "true", nullptr);
    return 2;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

TEST(Confine, AllowsThreadsButNoProcesses) {
  EXPECT_TRUE(exited_with(in_child([] {
                            if (!confine()) return 1;
                            int seen = 0;
                            std::thread([&] { seen = 7; }).join();
                            if (seen != 7) return 2;
                            return fork() == -1 && errno == EPERM ? 0 : 3;
                          }),
                          0));
}

TEST(Confine, HoldsForThreadsThatAreThere) {
  EXPECT_TRUE(exited_with(in_child([] {
                            std::atomic<int> go{0};
                            int error = 0;
                            std::thread other([&] {
                              while (go == 0) std::this_thread::yield();
                              error = socket(AF_INET, SOCK_STREAM, 0) == -1 ? errno : 0;
                            });
                            const bool confined = confine().ok();
                            go = 1;
                            other.join();
                            return confined && error == EPERM ? 0 : 1;
                          }),
                          0));
}

#endif

TEST(Hardening, ForbidsCores) {
  EXPECT_TRUE(exited_with(in_child([] {
                            if (!forbid_dumps()) return 1;
                            rlimit limit{};
                            getrlimit(RLIMIT_CORE, &limit);
                            return limit.rlim_max == 0 ? 0 : 2;
                          }),
                          0));
}

TEST(Hardening, KnowsGroupsByNameAndNumber) {
  EXPECT_EQ(group_id("root").value(), 0U);
  EXPECT_EQ(group_id("4711").value(), 4711U);
  EXPECT_EQ(group_id("no-such-group-here").error(), Error::not_found);
}

TEST(Hardening, RefusesAnUnknownUser) {
  EXPECT_EQ(become_user("no-such-user-here").error(), Error::not_found);
}

class LockFileTest : public testing::Test {
 protected:
  test::TemporaryDirectory m_directory;
};

TEST_F(LockFileTest, KeepsOthersAway) {
  const auto path = m_directory.path() / "lock";
  auto first = LockFile::acquire(path);
  ASSERT_TRUE(first);
  EXPECT_EQ(LockFile::holder(path), std::to_string(getpid()));
  EXPECT_EQ(LockFile::acquire(path).error(), Error::busy);
  { const LockFile gone = std::move(*first); }
  EXPECT_TRUE(LockFile::acquire(path));
}

TEST_F(LockFileTest, IsFreeAfterItsHolderWasKilled) {
  const auto path = m_directory.path() / "lock";
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto held = LockFile::acquire(path);
    if (write(ready[1], held ? "y" : "n", 1) == 1) pause();
    _exit(1);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_EQ(LockFile::acquire(path).error(), Error::busy);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(LockFile::acquire(path));
}

TEST_F(LockFileTest, SaysWhyItCannotBeMade) {
  EXPECT_EQ(LockFile::acquire(m_directory.path() / "none" / "lock").error(), Error::io);
}

class IntegrityTest : public testing::Test {
 protected:
  void SetUp() override { write("a program"); }
  void write(const std::string& text) const { std::ofstream(m_program) << text; }
  void sign() const {
    const FileDescriptor file(open(m_program.c_str(), O_RDONLY | O_CLOEXEC));
    const auto mac = program_mac(file.get());
    ASSERT_TRUE(mac);
    ASSERT_TRUE(write_mac(m_program, *mac));
  }
  test::TemporaryDirectory m_directory;
  const std::filesystem::path m_program = m_directory.path() / "program";
};

// printf 'a program' | openssl dgst -sm3 -mac HMAC -macopt 'key:CipherDeck program integrity 1'
TEST_F(IntegrityTest, MacIsWhatOpenSslComputes) {
  sign();
  std::string line;
  std::getline(std::ifstream(mac_path(m_program)) >> std::ws, line);
  EXPECT_EQ(line, "5f12b0ca2f030df101d5cf1b2992ca6fdf2b3f23a48e834b2584ca63dc1695a5");
}

TEST_F(IntegrityTest, HoldsForWhatWasSignedOnly) {
  EXPECT_FALSE(ProgramIntegrity(m_program).holds()) << "there is no value yet";
  sign();
  const ProgramIntegrity integrity(m_program);
  EXPECT_TRUE(integrity.holds());
  write("a prograM");
  EXPECT_FALSE(integrity.holds()) << "changed while it runs";
  EXPECT_FALSE(ProgramIntegrity(m_program).holds());
  write("a program and more");
  EXPECT_FALSE(integrity.holds());
}

TEST_F(IntegrityTest, ANewerVersionInTheSamePlaceIsNoFault) {
  sign();
  const ProgramIntegrity integrity(m_program);
  std::filesystem::remove(m_program);
  write("a newer program");
  sign();
  EXPECT_TRUE(integrity.holds());
  EXPECT_TRUE(ProgramIntegrity(m_program).holds());
}

TEST_F(IntegrityTest, MalformedValuesAreRefused) {
  for (const char* const wrong : {"", "00", "zz", "0x"}) {
    std::ofstream(mac_path(m_program)) << wrong << '\n';
    EXPECT_FALSE(ProgramIntegrity(m_program).holds()) << wrong;
  }
  std::ofstream(mac_path(m_program)) << std::string(64, 'g') << '\n';
  EXPECT_FALSE(ProgramIntegrity(m_program).holds());
}

TEST(Service, RefusesAnUnknownLogLevel) {
  EXPECT_TRUE(start_log("test", "warn"));
  EXPECT_TRUE(start_log("test", "off"));
  EXPECT_FALSE(start_log("test", "loud"));
}

TEST(Service, WaitsForTheSignalThatEndsIt) {
  EXPECT_TRUE(exited_with(in_child([] {
                            hold_signals();
                            if (wait_for_end(std::chrono::milliseconds(1))) return 1;
                            kill(getpid(), SIGTERM);
                            return wait_for_end(std::chrono::milliseconds(1000)) ? 0 : 2;
                          }),
                          0));
}

}  // namespace
}  // namespace cipherdeck::process
