// SPDX-License-Identifier: Apache-2.0
// The card as a whole: its states, its management, and the walls between tenants.
#include "card/card.h"

#include "card/command/table.h"
#include "card/scheduler/tenant_fixture.h"

namespace cipherdeck::card {
namespace {

template <typename T>
T only_record(const ManagementReply& reply) {
  EXPECT_EQ(reply.status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(reply.output.size(), sizeof(T));
  return load<T>(reply.output);
}

TEST(CardTest, AnUninitialisedCardOpensNoSession) {
  const test::TemporaryDirectory directory;
  auto card = Card::open({.store = directory.path() / "s", .key_file = directory.path() / "k"});
  ASSERT_TRUE(card);
  EXPECT_EQ((*card)->state(), CIPHERDECK_CARD_UNINITIALISED);
  Tenant tenant(**card, 1);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).status,
            CIPHERDECK_STATUS_NOT_INITIALISED);
}

TEST(CardTest, ACardWhoseStoreIsDamagedRefusesService) {
  const test::TemporaryDirectory directory;
  // A file where the directory should be.
  const CardOptions options{.store = "/dev/null/store", .key_file = directory.path() / "k"};
  auto card = Card::open(options);
  ASSERT_TRUE(card);
  EXPECT_EQ((*card)->state(), CIPHERDECK_CARD_FAILED);
  ASSERT_EQ((*card)->messages().size(), 1U);
  EXPECT_NE((*card)->messages()[0].find("/dev/null/store"), std::string::npos);
  Tenant tenant(**card, 1);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_NOP}).status, CIPHERDECK_STATUS_OK);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).status,
            CIPHERDECK_STATUS_CARD_FAILED);
  EXPECT_EQ((*card)->manage({.opcode = CIPHERDECK_OP_CARD_INIT}, {}).status,
            CIPHERDECK_STATUS_CARD_FAILED);
  const auto status = only_record<cipherdeck_card_status>(
      (*card)->manage({.opcode = CIPHERDECK_OP_CARD_STATUS}, {}));
  EXPECT_EQ(status.state, CIPHERDECK_CARD_FAILED);
  EXPECT_NE(status.reason, CIPHERDECK_STATUS_OK);
}

TEST(CardTest, AnUnboundFunctionOpensNoSession) {
  TestCard card;
  Tenant tenant(*card, 3);
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_SESSION_OPEN}).status,
            CIPHERDECK_STATUS_NO_PARTITION);
  card->set_num_vfs(3);
  EXPECT_FALSE(card->attach(257, tenant.memory().view(), std::make_shared<CountingLine>(), {}));
}

TEST(CardTest, StatusAndFunctionListCount) {
  TestCard card;
  card->set_num_vfs(2);
  Tenant tenant(*card, 2);
  const std::uint32_t session = tenant.open_session();
  EXPECT_EQ(tenant
                .call({.opcode = CIPHERDECK_OP_HASH,
                       .session = session,
                       .algorithm = CIPHERDECK_ALG_SM3,
                       .input = tenant.put(pattern(1000)),
                       .output = tenant.room(32)})
                .status,
            0);
  const auto list = card->manage({.opcode = CIPHERDECK_OP_FUNCTION_LIST}, {});
  ASSERT_EQ(list.output.size(), 3 * sizeof(cipherdeck_function_record));
  const auto record = load<cipherdeck_function_record>(
      Bytes(list.output).subspan(2 * sizeof(cipherdeck_function_record)));
  EXPECT_EQ(record.function, 2U);
  EXPECT_EQ(record.partition, 2U);
  EXPECT_EQ(record.num_queue_pairs, 1U);
  EXPECT_EQ(record.num_sessions, 1U);
  EXPECT_EQ(record.commands, 2U);
  EXPECT_EQ(record.bytes, 1000U);
  const auto status =
      only_record<cipherdeck_card_status>(card->manage({.opcode = CIPHERDECK_OP_CARD_STATUS}, {}));
  EXPECT_EQ(status.state, CIPHERDECK_CARD_READY);
  EXPECT_EQ(status.num_partitions, 2U);
  EXPECT_EQ(status.num_vfs, 2U);
  EXPECT_EQ(status.num_queue_pairs, 1U);
  EXPECT_EQ(status.num_sessions, 1U);
  EXPECT_EQ(status.commands, 2U);
  tenant.detach();
  const auto after =
      only_record<cipherdeck_card_status>(card->manage({.opcode = CIPHERDECK_OP_CARD_STATUS}, {}));
  EXPECT_EQ(after.num_queue_pairs, 0U);
  EXPECT_EQ(after.num_sessions, 0U);
}

TEST(CardTest, ABoundFunctionInUseKeepsItsPartition) {
  TestCard card;
  Tenant tenant(*card, 1);
  const cipherdeck_command unbind{.opcode = CIPHERDECK_OP_FUNCTION_BIND, .arg = {1, 0}};
  EXPECT_EQ(card->manage(unbind, {}).status, CIPHERDECK_STATUS_BUSY);
  tenant.detach();
  EXPECT_EQ(card->manage(unbind, {}).status, CIPHERDECK_STATUS_OK);
}

TEST(CardTest, DeviceInfoIsTheIdentity) {
  TestCard card;
  Tenant tenant(*card, 2);
  const auto output = tenant.room(128);
  const auto done = tenant.call({.opcode = CIPHERDECK_OP_DEVICE_INFO, .output = output});
  ASSERT_EQ(done.status, 0);
  const auto identity = load<cipherdeck_identity>(tenant.get(output, 128));
  EXPECT_EQ(identity.function, 2U);
  EXPECT_EQ(identity.partition, 2U);
  EXPECT_EQ(identity.features, card->features());
  EXPECT_NE(identity.serial[0], 0);
  const auto again = card->identity(2);
  EXPECT_EQ(std::memcmp(&identity, &again, sizeof identity), 0);
}

TEST(CardTest, RandomBytesDiffer) {
  TestCard card;
  Tenant tenant(*card, 1);
  const std::uint32_t session = tenant.open_session();
  const auto random = [&](std::size_t len) {
    tenant.clear();
    const auto output = tenant.room(len);
    EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_RANDOM, .session = session, .output = output})
                  .output_len,
              len);
    return tenant.get(output, len);
  };
  EXPECT_NE(random(32), random(32));
  const Buffer large = random(1U << 20);  // many slices
  EXPECT_NE(Buffer(large.end() - 32, large.end()), Buffer(32));
  EXPECT_EQ(tenant.call({.opcode = CIPHERDECK_OP_RANDOM, .session = session}).status,
            CIPHERDECK_STATUS_INVALID_COMMAND);
}

TEST(CardTest, TenantsReachNothingOfEachOther) {
  TestCard card;
  Tenant a(*card, 1), b(*card, 2);
  const std::uint32_t session_a = a.open_session();
  (void)b.open_session();
  const std::uint32_t session_b = b.open_session();
  for (int i = 0; i < 5; ++i) (void)b.import_key(session_b, pattern(16));
  const std::uint32_t key_b = b.import_key(session_b, pattern(16));
  const auto extent = a.put(Buffer(16));
  cipherdeck_command encrypt{.opcode = CIPHERDECK_OP_ENCRYPT,
                             .session = session_b,
                             .key = key_b,
                             .algorithm = CIPHERDECK_ALG_SM4_ECB,
                             .input = extent,
                             .output = extent};
  EXPECT_EQ(a.call(encrypt).status, CIPHERDECK_STATUS_NO_SESSION);
  encrypt.session = session_a;
  EXPECT_EQ(a.call(encrypt).status, CIPHERDECK_STATUS_KEY_NOT_FOUND);
  // The same index names another key in another partition.
  const auto public_key = [](Tenant& tenant, std::uint32_t session) {
    const auto output = tenant.room(64);
    EXPECT_EQ(tenant
                  .call({.opcode = CIPHERDECK_OP_PUBLIC_KEY_EXPORT,
                         .session = session,
                         .key = 1,
                         .output = output,
                         .arg = {CIPHERDECK_USE_SIGN, 0}})
                  .status,
              0);
    return tenant.get(output, 64);
  };
  EXPECT_NE(public_key(a, session_a), public_key(b, session_b));
  // A second queue pair of the same function is a stranger too.
  Tenant c(*card, 2);
  EXPECT_EQ(c.call({.opcode = CIPHERDECK_OP_SESSION_CLOSE, .session = session_b}).status,
            CIPHERDECK_STATUS_NO_SESSION);
}

TEST(CardTest, LockOutOutlivesTheCard) {
  TestCard card;
  const auto attempt = [&](const std::string& code) {
    Tenant tenant(*card, 1);
    const std::uint32_t session = tenant.open_session();
    return tenant
        .call({.opcode = CIPHERDECK_OP_KEY_ACCESS_GET,
               .session = session,
               .key = 1,
               .input = tenant.put(as_bytes(code))})
        .status;
  };
  for (std::uint32_t i = 0; i < kMaxAccessFailures; ++i) {
    EXPECT_EQ(attempt("not the code"), CIPHERDECK_STATUS_ACCESS_DENIED);
  }
  EXPECT_EQ(attempt(kCode), CIPHERDECK_STATUS_LOCKED_OUT);
  card.pointer().reset();
  auto reopened = Card::open(card.options());
  ASSERT_TRUE(reopened);
  card.pointer() = std::move(reopened).value();
  EXPECT_EQ(card->state(), CIPHERDECK_CARD_READY);
  EXPECT_EQ(attempt(kCode), CIPHERDECK_STATUS_LOCKED_OUT);
  card.manage({.opcode = CIPHERDECK_OP_ACCESS_CODE_SET, .key = 1, .arg = {1, CIPHERDECK_KEY_PAIR}},
              as_bytes("another code"));
  EXPECT_EQ(attempt("another code"), CIPHERDECK_STATUS_OK);
}

TEST(CardTest, ARightEndsWhenTheCodeChanges) {
  TestCard card;
  Tenant tenant(*card, 1);
  const std::uint32_t session = tenant.open_session();
  const auto code = tenant.put(as_bytes(kCode));
  const auto e = tenant.put(pattern(32));
  const auto output = tenant.room(64);
  const auto sign = [&] {
    return tenant
        .call({.opcode = CIPHERDECK_OP_SM2_SIGN,
               .session = session,
               .key = 1,
               .input = e,
               .output = output})
        .status;
  };
  EXPECT_EQ(
      tenant
          .call(
              {.opcode = CIPHERDECK_OP_KEY_ACCESS_GET, .session = session, .key = 1, .input = code})
          .status,
      0);
  EXPECT_EQ(sign(), CIPHERDECK_STATUS_OK);
  card.manage({.opcode = CIPHERDECK_OP_ACCESS_CODE_SET, .key = 1, .arg = {1, CIPHERDECK_KEY_PAIR}},
              as_bytes("another code"));
  EXPECT_EQ(sign(), CIPHERDECK_STATUS_ACCESS_DENIED);
  card.manage({.opcode = CIPHERDECK_OP_KEY_REMOVE, .key = 1, .arg = {1, CIPHERDECK_KEY_PAIR}});
  EXPECT_EQ(sign(), CIPHERDECK_STATUS_KEY_NOT_FOUND);
}

// ---- malformed commands, from the table ---------------------------------------------------------

class MalformedTest : public ::testing::Test {
 protected:
  void SetUp() override { m_session = m_tenant.open_session(); }

  // A command with all that the opcode needs, of the least length.
  cipherdeck_command shaped(const command::OpcodeSpec& spec) const {
    const auto extent = [](const command::OperandSpec& operand) {
      const std::uint32_t len = std::max(operand.min, 16U);
      return operand.need == command::Need::required ? cipherdeck_extent{4096, len}
                                                     : cipherdeck_extent{};
    };
    return {.opcode = spec.opcode,
            .session = spec.session == command::Need::required ? m_session : 0,
            .input = extent(spec.input),
            .output = extent(spec.output),
            .params = extent(spec.params),
            .aux = extent(spec.aux)};
  }
  void expect(const cipherdeck_command& command, std::uint16_t status, const char* what) {
    EXPECT_EQ(m_tenant.call(command).status, status) << std::hex << command.opcode << " " << what;
  }

  TestCard m_card;
  Tenant m_tenant{*m_card, 1};
  std::uint32_t m_session = 0;
};

TEST_F(MalformedTest, UnknownOpcodesAreNotSupported) {
  for (std::uint32_t opcode = 0; opcode <= 0xffff; opcode += opcode < 0x800 ? 1 : 977) {
    const auto op = static_cast<std::uint16_t>(opcode);
    if (command::find_spec(op) != nullptr) continue;
    ASSERT_EQ(m_tenant.call({.opcode = op}).status, CIPHERDECK_STATUS_NOT_SUPPORTED) << op;
  }
  expect({.opcode = CIPHERDECK_OP_CARD_INIT}, CIPHERDECK_STATUS_NOT_SUPPORTED, "management");
}

TEST_F(MalformedTest, FieldsThatAnOpcodeHasNotMustBeZero) {
  constexpr auto kMalformed = CIPHERDECK_STATUS_INVALID_COMMAND;
  for (const command::OpcodeSpec& spec : command::all_specs()) {
    const auto with = [&](auto change) {
      cipherdeck_command command = shaped(spec);
      change(command);
      return command;
    };
    expect(with([](auto& c) { c.arg[1] = 1; }), kMalformed, "arg 1");
    if (!spec.has_arg) expect(with([](auto& c) { c.arg[0] = 1ULL << 40; }), kMalformed, "arg 0");
    if (!spec.has_key) expect(with([](auto& c) { c.key = 1; }), kMalformed, "key");
    if (!spec.has_algorithm) expect(with([](auto& c) { c.algorithm = 1; }), kMalformed, "alg");
    if (spec.session == command::Need::absent) {
      expect(with([](auto& c) { c.session = 1; }), kMalformed, "session");
    }
    if (spec.input.need == command::Need::absent) {
      expect(with([](auto& c) { c.input = {0, 1}; }), kMalformed, "input");
    }
    if (spec.output.need == command::Need::absent) {
      expect(with([](auto& c) { c.output = {1, 0}; }), kMalformed, "output");
    }
    if (spec.params.need == command::Need::absent) {
      expect(with([](auto& c) { c.params = {0, 1}; }), kMalformed, "params");
    }
    if (spec.aux.need == command::Need::absent) {
      expect(with([](auto& c) { c.aux = {0, 1}; }), kMalformed, "aux");
    }
  }
}

TEST_F(MalformedTest, OperandsMustBeThereAndInBounds) {
  const std::uint32_t arena_len = m_tenant.memory().view().arena_len;
  for (const command::OpcodeSpec& spec : command::all_specs()) {
    const auto check = [&](const command::OperandSpec& operand, auto member, const char* what) {
      if (operand.need == command::Need::absent) return;
      cipherdeck_command command = shaped(spec);
      const std::uint32_t len = std::max(operand.min, 16U);
      command.*member = {arena_len - len + 1, len};
      expect(command, CIPHERDECK_STATUS_INVALID_EXTENT, what);
      command.*member = {0xfffffff0, len};
      expect(command, CIPHERDECK_STATUS_INVALID_EXTENT, what);
      command.*member = {0, operand.max + 1};
      expect(command, CIPHERDECK_STATUS_INVALID_ARGUMENT, what);
      if (operand.need != command::Need::required) return;
      command.*member = {0, 0};
      expect(command, CIPHERDECK_STATUS_INVALID_COMMAND, what);
    };
    check(spec.input, &cipherdeck_command::input, "input");
    check(spec.output, &cipherdeck_command::output, "output");
    check(spec.params, &cipherdeck_command::params, "params");
    check(spec.aux, &cipherdeck_command::aux, "aux");
  }
}

TEST_F(MalformedTest, SessionsMustBeOpen) {
  for (const command::OpcodeSpec& spec : command::all_specs()) {
    if (spec.session == command::Need::absent) continue;
    cipherdeck_command command = shaped(spec);
    for (const std::uint32_t session : {m_session + 1, m_session + 256, 0xffffffffU}) {
      command.session = session;
      expect(command, CIPHERDECK_STATUS_NO_SESSION, "session");
    }
  }
}

std::uint16_t set_share(Card& card, std::uint64_t function,
                        const cipherdeck_function_share& share) {
  return card
      .manage(
          {.opcode = CIPHERDECK_OP_FUNCTION_SHARE, .input = {0, sizeof share}, .arg = {function}},
          object_bytes(share))
      .status;
}

TEST(CardTest, SharesAreCheckedAndListed) {
  TestCard card;
  card->set_num_vfs(2);
  EXPECT_EQ(set_share(*card, 1, {.weight = 7, .committed = 500'000, .peak = 600'000}), 0);
  const auto list = card->manage({.opcode = CIPHERDECK_OP_FUNCTION_LIST}, {});
  cipherdeck_function_record record;
  ASSERT_EQ(list.output.size(), 3 * sizeof record);
  std::memcpy(&record, list.output.data() + sizeof record, sizeof record);
  EXPECT_EQ(record.share.weight, 7U);
  EXPECT_EQ(record.share.committed, 500'000U);
  EXPECT_EQ(record.share.peak, 600'000U);
  std::memcpy(&record, list.output.data() + 2 * sizeof record, sizeof record);
  EXPECT_EQ(record.share.weight, CIPHERDECK_WEIGHT_DEFAULT);
  EXPECT_EQ(record.share.peak, CIPHERDECK_RATE_UNLIMITED);

  constexpr auto kInvalid = CIPHERDECK_STATUS_INVALID_ARGUMENT;
  const std::uint32_t all = CIPHERDECK_RATE_UNLIMITED;
  EXPECT_EQ(set_share(*card, 2, {.weight = 0, .peak = all}), kInvalid);
  EXPECT_EQ(set_share(*card, 2, {.weight = 1001, .peak = all}), kInvalid);
  EXPECT_EQ(set_share(*card, 2, {.weight = 1, .peak = 0}), kInvalid);
  EXPECT_EQ(set_share(*card, 2, {.weight = 1, .committed = 2, .peak = 1}), kInvalid);
  EXPECT_EQ(set_share(*card, 300, {.weight = 1, .peak = all}), kInvalid);
  // The rates committed to all together have a limit.
  EXPECT_EQ(set_share(*card, 2, {.weight = 1, .committed = 400'001, .peak = all}),
            CIPHERDECK_STATUS_LIMIT);
  EXPECT_EQ(set_share(*card, 2, {.weight = 1, .committed = 400'000, .peak = all}), 0);
}

}  // namespace
}  // namespace cipherdeck::card
