// SPDX-License-Identifier: Apache-2.0
// Two tenants of the emulator, over one function of a real card in this process.
#include "host/emulator/emulated_card.h"

#include "card/card.h"
#include "device/device.h"
#include "driver/user/host_function.h"
#include "engine/sm3/sm3.h"

#include <gtest/gtest.h>
#include <temporary_directory.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace cipherdeck::emulator {
namespace {

using Buffer = std::vector<std::uint8_t>;

// One tenant's function, queue pair and channel.
class Tenant {
 public:
  explicit Tenant(const std::filesystem::path& socket) {
    auto function = driver::HostFunction::open(socket);
    EXPECT_TRUE(function) << to_string(function.error());
    auto queue_pair = (*function)->create_queue_pair({.entries = 16, .arena_len = 8U << 20});
    EXPECT_TRUE(queue_pair);
    m_channel = std::make_unique<driver::Channel>(std::move(queue_pair).value());
  }

  Result<driver::Reply> run(const driver::Request& request) { return m_channel->execute(request); }
  std::uint32_t open_session() {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_SESSION_OPEN;
    const auto opened = run(request);
    EXPECT_TRUE(opened) << to_string(opened.error());
    return opened ? opened->value : 0;
  }
  Result<Buffer> hash(std::uint32_t session, const Buffer& input) {
    Buffer digest(engine::kSm3DigestLen);
    driver::Request request;
    request.opcode = CIPHERDECK_OP_HASH;
    request.session = session;
    request.algorithm = CIPHERDECK_ALG_SM3;
    request.input = input;
    request.output = digest;
    CIPHERDECK_TRY(run(request));
    return digest;
  }

 private:
  std::unique_ptr<driver::Channel> m_channel;
};

Buffer sm3(const Buffer& data) {
  const engine::Sm3Digest digest = engine::Sm3::digest(data);
  return {digest.begin(), digest.end()};
}

class EmulatedCardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(host_directory());
    std::filesystem::create_directory(emulator_directory());
    start_host();
    auto function = driver::HostFunction::open(host_directory() / "vf1.sock");
    ASSERT_TRUE(function);
    auto queue_pair = (*function)->create_queue_pair({.entries = 16, .arena_len = 16U << 20});
    ASSERT_TRUE(queue_pair);
    auto emulated =
        EmulatedCard::start(std::make_unique<driver::Channel>(std::move(queue_pair).value()));
    ASSERT_TRUE(emulated);
    m_emulated = std::move(emulated).value();
    device::DeviceOptions options;
    options.run_directory = emulator_directory();
    options.num_vfs = 2;
    options.trap_doorbells = true;
    auto device = device::Device::start(options, *m_emulated);
    ASSERT_TRUE(device);
    m_device = std::move(device).value();
  }

  [[nodiscard]] std::filesystem::path host_directory() const { return m_directory.path() / "host"; }
  [[nodiscard]] std::filesystem::path emulator_directory() const {
    return m_directory.path() / "emulator";
  }
  [[nodiscard]] std::filesystem::path socket(int machine) const {
    return emulator_directory() / ("vf" + std::to_string(machine) + ".sock");
  }
  [[nodiscard]] std::uint32_t num_host_sessions() {
    const auto reply = m_card->manage({.opcode = CIPHERDECK_OP_CARD_STATUS}, {});
    return load<cipherdeck_card_status>(reply.output).num_sessions;
  }

 private:
  void start_host() {
    auto card = card::Card::open(
        {.store = m_directory.path() / "store", .key_file = m_directory.path() / "key"});
    ASSERT_TRUE(card);
    m_card = std::move(card).value();
    ASSERT_EQ(m_card->manage({.opcode = CIPHERDECK_OP_CARD_INIT}, {}).status, 0);
    cipherdeck_command create{.opcode = CIPHERDECK_OP_PARTITION_CREATE};
    const auto partition = m_card->manage(create, as_bytes("shared"));
    ASSERT_EQ(partition.status, 0);
    ASSERT_EQ(
        m_card->manage({.opcode = CIPHERDECK_OP_FUNCTION_BIND, .arg = {1, partition.value}}, {})
            .status,
        0);
    device::DeviceOptions options;
    options.run_directory = host_directory();
    options.num_vfs = 1;
    auto device = device::Device::start(options, *m_card);
    ASSERT_TRUE(device);
    m_host_device = std::move(device).value();
  }

  test::TemporaryDirectory m_directory;
  std::unique_ptr<card::Card> m_card;
  std::unique_ptr<device::Device> m_host_device;
  std::unique_ptr<EmulatedCard> m_emulated;
  std::unique_ptr<device::Device> m_device;
};

TEST_F(EmulatedCardTest, DoesWhatTheHostsCardDoes) {
  Tenant tenant(socket(1));
  const std::uint32_t session = tenant.open_session();
  for (const std::size_t len : {0, 1, 4096, 1 << 20}) {
    const Buffer input(len, 0x5a);
    const auto digest = tenant.hash(session, input);
    ASSERT_TRUE(digest) << to_string(digest.error());
    EXPECT_EQ(*digest, sm3(input));
  }
  // What the card refuses, it refuses here with the same words.
  driver::Request sign;
  sign.opcode = CIPHERDECK_OP_SM2_SIGN;
  sign.session = session;
  sign.key = 9;
  sign.algorithm = CIPHERDECK_ALG_SM2_SIGN;
  const Buffer digest(32);
  Buffer signature(64);
  sign.input = digest;
  sign.output = signature;
  EXPECT_EQ(tenant.run(sign).error(), Error::key_not_found);
  driver::Request small;
  small.opcode = CIPHERDECK_OP_DEVICE_INFO;
  small.output = MutableBytes(signature).first(8);
  EXPECT_EQ(tenant.run(small).error(), Error::buffer_too_small);
}

TEST_F(EmulatedCardTest, TheIvComesBack) {
  Tenant tenant(socket(1));
  const std::uint32_t session = tenant.open_session();
  driver::Request import;
  import.opcode = CIPHERDECK_OP_KEY_IMPORT;
  import.session = session;
  const Buffer key(16, 1), input(32, 2);
  import.input = key;
  const auto handle = tenant.run(import);
  ASSERT_TRUE(handle);
  Buffer iv(16, 3), output(32);
  driver::Request encrypt;
  encrypt.opcode = CIPHERDECK_OP_ENCRYPT;
  encrypt.session = session;
  encrypt.key = handle->value;
  encrypt.algorithm = CIPHERDECK_ALG_SM4_CBC;
  encrypt.input = input;
  encrypt.params = iv;
  encrypt.params_result = iv;
  encrypt.output = output;
  ASSERT_TRUE(tenant.run(encrypt));
  EXPECT_TRUE(std::equal(iv.begin(), iv.end(), output.begin() + 16));
}

TEST_F(EmulatedCardTest, AMachineReachesNoOthersSessions) {
  Tenant one(socket(1)), other(socket(2));
  const std::uint32_t session = one.open_session();
  ASSERT_TRUE(one.hash(session, {1}));
  EXPECT_EQ(other.hash(session, {1}).error(), Error::no_session);
  driver::Request close;
  close.opcode = CIPHERDECK_OP_SESSION_CLOSE;
  close.session = session;
  EXPECT_EQ(other.run(close).error(), Error::no_session);
  EXPECT_TRUE(one.hash(session, {1}));
}

TEST_F(EmulatedCardTest, SessionsEndWithTheirMachine) {
  {
    Tenant tenant(socket(1));
    for (int i = 0; i < 5; ++i) (void)tenant.open_session();
    EXPECT_EQ(num_host_sessions(), 5U);
  }
  Tenant next(socket(1));  // there is room for it once the other is gone
  for (int i = 0; i < 1000 && num_host_sessions() != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(num_host_sessions(), 0U);
}

TEST_F(EmulatedCardTest, MachinesTakeTurns) {
  constexpr int kNumCommands = 200;
  std::vector<std::thread> threads;
  for (int machine = 1; machine <= 2; ++machine) {
    threads.emplace_back([this, machine] {
      Tenant tenant(socket(machine));
      const std::uint32_t session = tenant.open_session();
      for (int i = 0; i < kNumCommands; ++i) {
        const Buffer input(static_cast<std::size_t>(i) * 17, static_cast<std::uint8_t>(machine));
        const auto digest = tenant.hash(session, input);
        ASSERT_TRUE(digest) << to_string(digest.error());
        ASSERT_EQ(*digest, sm3(input));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace cipherdeck::emulator
