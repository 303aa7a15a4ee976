// SPDX-License-Identifier: Apache-2.0
// Threads, processes and lost cards.
#include "sdf/test_fixture.h"

#include <sys/wait.h>
#include <temporary_directory.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

namespace cipherdeck::sdf::testing {
namespace {

using namespace std::chrono_literals;

bool works(void* device) {
  void* session = nullptr;
  if (SDF_OpenSession(device, &session) != SDR_OK) return false;
  Buffer key = pattern(16, 5), data = pattern(4096), iv(16), out(4096);
  Buffer oracle_iv(16);
  void* handle = nullptr;
  unsigned int len = 0;
  const bool done = SDF_ImportKey(session, key.data(), 16, &handle) == SDR_OK &&
                    SDF_Encrypt(session, handle, SGD_SM4_CBC, iv.data(), data.data(), 4096,
                                out.data(), &len) == SDR_OK &&
                    out == engine::oracle::sm4(engine::CipherMode::cbc, engine::Direction::encrypt,
                                               key, oracle_iv, data);
  return SDF_CloseSession(session) == SDR_OK && done;
}

int exit_code(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

TEST_F(SdfTest, EightThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  get_right(1);
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([this, t, &failures] {
      for (unsigned i = 0; i < 20; ++i) {
        if (!works(m_device)) ++failures;
        // And all over the one session, too.
        Buffer e = pattern(32, t * 100 + i);
        ECCSignature signature;
        if (SDF_InternalSign_ECC(m_session, 1, e.data(), 32, &signature) != SDR_OK ||
            SDF_InternalVerify_ECC(m_session, 1, e.data(), 32, &signature) != SDR_OK) {
          ++failures;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(SdfTest, ChildOfForkHasNoHandlesAndMayOpenTheDevice) {
  // Threads at work while the process forks.
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this, &stop] {
      while (!stop) EXPECT_TRUE(works(m_device));
    });
  }
  for (int i = 0; i < 5; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);
      unsigned char byte;
      if (SDF_GenerateRandom(m_session, 1, &byte) != SDR_INARGERR) _exit(1);
      if (SDF_CloseDevice(m_device) != SDR_INARGERR) _exit(2);
      void* device = nullptr;
      if (SDF_OpenDevice(&device) != SDR_OK) _exit(3);
      if (device == m_device || !works(device)) _exit(4);
      if (SDF_GenerateRandom(m_session, 1, &byte) != SDR_INARGERR) _exit(5);
      _exit(SDF_CloseDevice(device) == SDR_OK ? 0 : 6);
    }
    EXPECT_EQ(exit_code(child), 0);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

TEST_F(SdfTest, ParentsDeviceIsFreeWhenItExitsThoughAChildLives) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    pause();
    _exit(0);
  }
  EXPECT_EQ(SDF_CloseDevice(m_device), SDR_OK);
  m_device = nullptr;
  m_session = nullptr;
  // Were the child to hold connections, these would run out.
  for (std::uint32_t i = 0; i < 3 * kNumVfs; ++i) {
    void* device = nullptr;
    ASSERT_EQ(SDF_OpenDevice(&device), SDR_OK);
    EXPECT_TRUE(works(device));
    EXPECT_EQ(SDF_CloseDevice(device), SDR_OK);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(SdfTest, TwoProcessesAtOnce) {
  const pid_t first = start_self("--client", "", -1, -1);
  const pid_t second = start_self("--client", "", -1, -1);
  EXPECT_TRUE(works(m_device));
  EXPECT_EQ(exit_code(first), 0);
  EXPECT_EQ(exit_code(second), 0);
}

TEST_F(SdfTest, AllFunctionsTakenIsAnErrorNotAHang) {
  std::vector<pid_t> children;
  int ready[2], quit[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(quit), 0);
  for (std::uint32_t i = 1; i < kNumVfs; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      close(quit[1]);
      void* device = nullptr;
      char byte = SDF_OpenDevice(&device) == SDR_OK ? 1 : 0;
      (void)!write(ready[1], &byte, 1);
      (void)!read(quit[0], &byte, 1);
      _exit(0);
    }
    children.push_back(child);
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 1);
  }
  const pid_t last = fork();
  if (last == 0) {
    void* device = nullptr;
    _exit(SDF_OpenDevice(&device) == SDR_OPENDEVICE && device == nullptr ? 0 : 1);
  }
  EXPECT_EQ(exit_code(last), 0);
  close(quit[1]);
  for (const pid_t child : children) EXPECT_EQ(exit_code(child), 0);
  for (const int fd : {ready[0], ready[1], quit[0]}) close(fd);
}

TEST(SdfConfigTest, FileNamesTheDeviceAndTheProfile) {
  server();
  test::TemporaryDirectory directory;
  const auto file = directory.path() / "sdf.toml";
  std::ofstream(file) << "device = \"unix:" << server_directory().string() << "/vf*.sock\"\n"
                      << "[profile]\nsm4_base = 0x2000\necc_cipher = \"short\"\n";
  void *device = nullptr, *session = nullptr, *key = nullptr;
  ASSERT_EQ(SDF_OpenDeviceWithConf(&device, file.c_str()), SDR_OK);
  ASSERT_EQ(SDF_OpenSession(device, &session), SDR_OK);
  Buffer key_bytes = pattern(16), data = pattern(32), out(32), iv(16), oracle_iv(16);
  ASSERT_EQ(SDF_ImportKey(session, key_bytes.data(), 16, &key), SDR_OK);
  unsigned int len = 0;
  EXPECT_EQ(SDF_Encrypt(session, key, 0x2002, iv.data(), data.data(), 32, out.data(), &len),
            SDR_OK);
  EXPECT_EQ(out, engine::oracle::sm4(engine::CipherMode::cbc, engine::Direction::encrypt, key_bytes,
                                     oracle_iv, data));
  len = 0;
  EXPECT_EQ(SDF_Encrypt(session, key, SGD_SM4_CBC, iv.data(), data.data(), 32, out.data(), &len),
            SDR_ALGNOTSUPPORT)
      << "AES in that profile";

  const Peer peer;
  ECCrefPublicKey public_key = peer.structure();
  Buffer cipher(236 + 16, 0xa5);
  ASSERT_EQ(SDF_ExternalEncrypt_ECC(session, SGD_SM2_3, &public_key, data.data(), 32,
                                    reinterpret_cast<ECCCipher*>(cipher.data())),
            SDR_OK);
  EXPECT_EQ(Buffer(cipher.end() - 16, cipher.end()), Buffer(16, 0xa5));
  EXPECT_EQ(cipher[0], 32);  // the length comes first
  Buffer wire(cipher.begin() + 4, cipher.begin() + 68);
  wire.insert(wire.end(), cipher.begin() + 204, cipher.begin() + 236);
  wire.insert(wire.end(), cipher.begin() + 68, cipher.begin() + 68 + 32);
  EXPECT_EQ(peer.sm2->decrypt(wire), data);
  EXPECT_EQ(SDF_CloseDevice(device), SDR_OK);
}

TEST(SdfConfigTest, WrongFilesAreRefused) {
  test::TemporaryDirectory directory;
  const auto file = directory.path() / "sdf.toml";
  void* device = nullptr;
  EXPECT_EQ(SDF_OpenDeviceWithConf(&device, nullptr), SDR_INARGERR);
  EXPECT_EQ(SDF_OpenDeviceWithConf(&device, file.c_str()), SDR_INARGERR) << "not there";
  for (const char* text : {"device = ", "[profile]\nsm4_base = 1\n",
                           "[profile]\necc_cipher = \"wide\"\n", "device = \"tcp:host\"\n"}) {
    std::ofstream(file) << text;
    EXPECT_EQ(SDF_OpenDeviceWithConf(&device, file.c_str()), SDR_INARGERR) << text;
  }
  std::ofstream(file) << "device = \"unix:" << directory.path().string() << "/none.sock\"\n";
  EXPECT_EQ(SDF_OpenDeviceWithConf(&device, file.c_str()), SDR_OPENDEVICE);
  EXPECT_EQ(device, nullptr);
}

// A card of its own, which is killed.
class LostCardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    m_file = m_directory.path() / "sdf.toml";
    std::ofstream(m_file) << "device = \"unix:" << m_directory.path().string() << "/vf*.sock\"\n";
    m_server = std::make_unique<ServerProcess>(m_directory.path());
    ASSERT_EQ(SDF_OpenDeviceWithConf(&m_device, m_file.c_str()), SDR_OK);
  }

  test::TemporaryDirectory m_directory;
  std::filesystem::path m_file;
  std::unique_ptr<ServerProcess> m_server;
  void* m_device = nullptr;
};

TEST_F(LostCardTest, CallsInProgressFailInBoundedTime) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0}, wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, &failed, &wrong] {
      void* session = nullptr;
      ASSERT_EQ(SDF_OpenSession(m_device, &session), SDR_OK);
      Buffer bytes(1 << 20);
      for (;;) {
        const int code = SDF_GenerateRandom(session, 1 << 20, bytes.data());
        if (code == SDR_OK) continue;
        ++(code == SDR_COMMFAIL ? failed : wrong);
        return;
      }
    });
  }
  std::this_thread::sleep_for(100ms);
  const auto start = std::chrono::steady_clock::now();
  m_server->stop(SIGKILL);
  for (auto& thread : threads) thread.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(failed, 4);
  EXPECT_EQ(wrong, 0);
  void* session = nullptr;
  EXPECT_EQ(SDF_OpenSession(m_device, &session), SDR_COMMFAIL);
  EXPECT_EQ(SDF_CloseDevice(m_device), SDR_OK);
}

TEST_F(LostCardTest, DeviceOpensAnewWhenTheCardIsBack) {
  ASSERT_TRUE(works(m_device));
  m_server->stop(SIGKILL);
  m_server = std::make_unique<ServerProcess>(m_directory.path());
  EXPECT_FALSE(works(m_device)) << "the old handle is of the old card";
  void* again = nullptr;
  ASSERT_EQ(SDF_OpenDeviceWithConf(&again, m_file.c_str()), SDR_OK);
  EXPECT_TRUE(works(again));
  EXPECT_EQ(SDF_CloseDevice(m_device), SDR_OK);
  EXPECT_TRUE(works(again)) << "closing the old one does not touch the new one";
  EXPECT_EQ(SDF_CloseDevice(again), SDR_OK);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing

// The program is its own card server and its own second client.
int main(int argc, char** argv) {
  using namespace cipherdeck::sdf::testing;  // NOLINT
  if (argc == 3 && std::string_view(argv[1]) == "--serve") return serve(argv[2]);
  if (argc == 3 && std::string_view(argv[1]) == "--client") {
    void* device = nullptr;
    if (SDF_OpenDevice(&device) != SDR_OK) return 1;
    for (int i = 0; i < 50; ++i) {
      if (!works(device)) return 2;
    }
    return SDF_CloseDevice(device) == SDR_OK ? 0 : 3;
  }
  ::testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  stop_server();
  return result;
}
