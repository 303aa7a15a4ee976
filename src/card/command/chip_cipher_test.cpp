// SPDX-License-Identifier: Apache-2.0
// Commands that a chip does, with a card around it and the stand-in chip in it.
#include "card/chip/stand_in.h"
#include "card/command/away_jobs.h"
#include "card/scheduler/tenant_fixture.h"

#include <gmock/gmock.h>

#include <set>

namespace cipherdeck::card {
namespace {

using chip::openssl_aes;
using chip::StandIn;
using ::testing::HasSubstr;

constexpr std::uint32_t kEcb = CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_ECB;
constexpr std::uint32_t kCbc = CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CBC;
constexpr std::uint32_t kMac = CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_MAC;
constexpr std::uint32_t kSm1Modes[] = {0x101, 0x102, 0x104, 0x108, 0x110, 0x120};

CardOptions with_chip(const chip::ChipSpec& spec,
                      std::chrono::milliseconds job = std::chrono::hours(1)) {
  CardOptions options;
  options.chips = {spec};
  options.chip_limits.job = job;
  return options;
}

// One session with a key, on a queue pair of its own.
struct User {
  User(Card& card, FunctionNumber function) : tenant(card, function) {
    session = tenant.open_session();
    key = tenant.import_key(session, key_bytes);
    tenant.clear();
  }

  cipherdeck_command command(std::uint16_t opcode, std::uint32_t algorithm, Bytes input) {
    output = tenant.room(input.size());
    params = tenant.put(iv);
    return {.opcode = opcode,
            .session = session,
            .key = key,
            .algorithm = algorithm,
            .input = tenant.put(input),
            .output = output,
            .params = params};
  }
  ring::Completion run(std::uint32_t algorithm, Bytes input,
                       std::uint16_t opcode = CIPHERDECK_OP_ENCRYPT) {
    tenant.clear();
    return tenant.call(command(opcode, algorithm, input));
  }
  Buffer result(std::size_t len) { return tenant.get(output, len); }

  Tenant tenant;
  const Buffer key_bytes = pattern(16, 7);
  const Buffer iv = pattern(16, 8);
  std::uint32_t session = 0;
  std::uint32_t key = 0;
  cipherdeck_extent output{};
  cipherdeck_extent params{};
};

cipherdeck_chip_record only_chip(TestCard& card) {
  const auto reply = card->manage({.opcode = CIPHERDECK_OP_CHIP_LIST}, {});
  EXPECT_EQ(reply.value, 1U);
  cipherdeck_chip_record record{};
  EXPECT_EQ(reply.output.size(), sizeof record);
  std::memcpy(&record, reply.output.data(), std::min(sizeof record, reply.output.size()));
  return record;
}

TEST(ChipCipherTest, ResultsAreTheChipsAndTheIvGoesOn) {
  const StandIn library;
  TestCard card(std::chrono::microseconds(200), with_chip(library.spec()));
  User user(*card, 1);
  for (const std::size_t len : {16U, 4096U, 1U << 20}) {
    const Buffer plain = pattern(len, 3);
    const auto done = user.run(kCbc, plain);
    ASSERT_EQ(done.status, 0);
    EXPECT_EQ(done.output_len, len);
    const Buffer expected = openssl_aes(EVP_aes_128_cbc(), user.key_bytes, user.iv, plain);
    EXPECT_TRUE(user.result(len) == expected) << len;
    EXPECT_EQ(user.tenant.get(user.params, 16), Buffer(expected.end() - 16, expected.end()));
    ASSERT_EQ(user.run(kCbc, expected, CIPHERDECK_OP_DECRYPT).status, 0);
    EXPECT_TRUE(user.result(len) == plain) << len;
  }
  const Buffer plain = pattern(64, 3);
  ASSERT_EQ(user.run(kMac, plain, CIPHERDECK_OP_MAC).status, 0);
  const Buffer last = openssl_aes(EVP_aes_128_cbc(), user.key_bytes, user.iv, plain);
  EXPECT_EQ(user.result(16), Buffer(last.end() - 16, last.end()));
  EXPECT_EQ(user.tenant.get(user.params, 16), user.result(16));
  ASSERT_EQ(user.run(kEcb, plain).status, 0);
  EXPECT_EQ(user.result(64), openssl_aes(EVP_aes_128_ecb(), user.key_bytes, user.iv, plain));
}

TEST(ChipCipherTest, BadCommandsAreRefused) {
  const StandIn library;
  TestCard card(std::chrono::microseconds(200), with_chip(library.spec()));
  User user(*card, 1);
  EXPECT_EQ(user.run(CIPHERDECK_ALG_STAND_IN | CIPHERDECK_ALG_CTR, pattern(16)).status,
            CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(user.run(kMac, pattern(16)).status, CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(user.run(kCbc, pattern(16), CIPHERDECK_OP_MAC).status, CIPHERDECK_STATUS_MODE);
  EXPECT_EQ(user.run(kCbc, pattern(17)).status, CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(user.run(kMac, pattern(17), CIPHERDECK_OP_MAC).status,
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  auto command = user.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(32));
  command.output.len = 16;
  EXPECT_EQ(user.tenant.call(command).status, CIPHERDECK_STATUS_BUFFER_TOO_SMALL);
  command = user.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(32));
  command.params = {};
  EXPECT_EQ(user.tenant.call(command).status, CIPHERDECK_STATUS_INVALID_COMMAND);
  command = user.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(32));
  command.key += 1;
  EXPECT_EQ(user.tenant.call(command).status, CIPHERDECK_STATUS_KEY_NOT_FOUND);
  user.key = user.tenant.import_key(user.session, pattern(32));
  EXPECT_EQ(user.run(kCbc, pattern(16)).status, CIPHERDECK_STATUS_KEY_TYPE);
}

TEST(ChipCipherTest, NothingIsSm1WithoutAChipOfIt) {
  const StandIn library;
  const StandIn liar("stand_in_chip_claims_sm1");
  for (const auto& options : {CardOptions{}, with_chip(library.spec()), with_chip(liar.spec())}) {
    TestCard card(std::chrono::microseconds(200), options);
    User user(*card, 1);
    for (const std::uint32_t algorithm : kSm1Modes) {
      for (const int opcode : {CIPHERDECK_OP_ENCRYPT, CIPHERDECK_OP_DECRYPT, CIPHERDECK_OP_MAC}) {
        EXPECT_EQ(user.run(algorithm, pattern(16), static_cast<std::uint16_t>(opcode)).status,
                  CIPHERDECK_STATUS_ALGORITHM);
      }
    }
    EXPECT_EQ(card->features() & CIPHERDECK_FEATURE_CHIP_SM1, 0U);
    EXPECT_EQ(card->identity(1).features, card->features());
    EXPECT_EQ(card->identity(1).sym_alg_ability & CIPHERDECK_ALG_SM1, 0U);
  }
}

TEST(ChipCipherTest, AHungChipIsFencedAndTheOthersGoOn) {
  const StandIn library;
  TestCard card(std::chrono::microseconds(200),
                with_chip(library.spec("hold=1024"), std::chrono::milliseconds(100)));
  User victim(*card, 1);
  User other(*card, 2);
  ASSERT_TRUE(victim.tenant.submit(victim.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(2048))));
  library.wait_held(1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(other.run(CIPHERDECK_ALG_SM4_CBC, pattern(4096)).status, 0);
  }
  EXPECT_EQ(victim.tenant.wait().status, CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(other.run(kCbc, pattern(16)).status, CIPHERDECK_STATUS_CHIP_FAILED);
  EXPECT_EQ(victim.run(CIPHERDECK_ALG_SM4_CBC, pattern(4096)).status, 0);
  const cipherdeck_chip_record record = only_chip(card);
  EXPECT_EQ(record.state, CIPHERDECK_CHIP_STATE_FENCED);
  EXPECT_THAT(reinterpret_cast<const char*>(record.fault), HasSubstr("restart cipherdeckd"));
}

TEST(ChipCipherTest, DetachDuringAJob) {
  const StandIn library;
  TestCard card(std::chrono::microseconds(200), with_chip(library.spec("hold=1024")));
  User other(*card, 2);
  {
    User leaving(*card, 1);
    for (int i = 0; i < 2; ++i) {  // one at the chip, one that waits for it
      ASSERT_TRUE(
          leaving.tenant.submit(leaving.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(2048))));
    }
    library.wait_held(1);
  }
  library.release();
  EXPECT_EQ(other.run(kCbc, pattern(2048)).status, 0);
  User again(*card, 1);
  EXPECT_EQ(again.run(kCbc, pattern(2048)).status, 0);
}

// Many sessions on two queue pairs of one function: what is beyond the function's part waits, and
// in the meantime another function's work gets through.
TEST(ChipCipherTest, MoreThanAFunctionMayHaveWaits) {
  const StandIn library;
  TestCard card(std::chrono::microseconds(200), with_chip(library.spec("hold=1024")));
  Tenant tenants[] = {Tenant(*card, 1), Tenant(*card, 1)};
  User other(*card, 2);
  constexpr std::uint16_t kNum = 2 * command::kMaxAwayJobs;  // on each
  const Buffer key = pattern(16, 7);
  const Buffer iv = pattern(16, 8);
  std::vector<cipherdeck_command> commands[2];
  for (int t = 0; t < 2; ++t) {
    for (std::uint16_t id = 0; id < kNum; ++id) {
      const std::uint32_t session = tenants[t].open_session();
      const std::uint32_t handle = tenants[t].import_key(session, key);
      commands[t].push_back({.opcode = CIPHERDECK_OP_ENCRYPT,
                             .command_id = id,
                             .session = session,
                             .key = handle,
                             .algorithm = kCbc,
                             .input = tenants[t].put(pattern(2048, id)),
                             .output = tenants[t].room(2048),
                             .params = tenants[t].put(iv)});
    }
  }
  for (int t = 0; t < 2; ++t) {
    for (const auto& command : commands[t]) ASSERT_TRUE(tenants[t].submit(command));
  }
  library.wait_held(1);
  EXPECT_EQ(other.run(CIPHERDECK_ALG_SM4_CBC, pattern(16)).status, 0);
  library.release();
  for (int t = 0; t < 2; ++t) {
    std::set<std::uint16_t> seen;
    for (std::uint16_t i = 0; i < kNum; ++i) {
      const auto done = tenants[t].wait();
      ASSERT_EQ(done.status, 0);
      ASSERT_LT(done.command_id, kNum);
      seen.insert(done.command_id);
      EXPECT_EQ(tenants[t].get(commands[t][done.command_id].output, 2048),
                openssl_aes(EVP_aes_128_cbc(), key, iv, pattern(2048, done.command_id)));
    }
    EXPECT_EQ(seen.size(), kNum);
  }
  EXPECT_EQ(only_chip(card).jobs, 2U * kNum);
}

TEST(ChipCipherTest, ASessionsCommandsStayInOrder) {
  const StandIn library;
  TestCard card(std::chrono::microseconds(200), with_chip(library.spec("hold=1024")));
  User user(*card, 1);
  auto first = user.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(2048));
  auto second = user.command(CIPHERDECK_OP_ENCRYPT, CIPHERDECK_ALG_SM4_CBC, pattern(64));
  auto third = user.command(CIPHERDECK_OP_ENCRYPT, kCbc, pattern(64));
  first.command_id = 101;
  second.command_id = 102;
  third.command_id = 103;
  for (const auto& command : {first, second, third}) ASSERT_TRUE(user.tenant.submit(command));
  library.wait_held(1);
  EXPECT_FALSE(user.tenant.driver().reap());
  library.release();
  for (std::uint16_t id = 101; id <= 103; ++id) {
    const auto done = user.tenant.wait();
    EXPECT_EQ(done.command_id, id);
    EXPECT_EQ(done.status, 0);
  }
}

}  // namespace
}  // namespace cipherdeck::card
