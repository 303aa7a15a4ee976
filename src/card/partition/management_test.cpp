// SPDX-License-Identifier: Apache-2.0
#include "card/partition/management.h"

#include "card/store/testing.h"

#include <gmock/gmock.h>

#include <array>
#include <set>
#include <string_view>

namespace cipherdeck::card {
namespace {

using ::testing::HasSubstr;

cipherdeck_command make_command(std::uint16_t opcode, std::uint64_t arg0 = 0, std::uint32_t key = 0,
                                std::uint64_t arg1 = 0) {
  cipherdeck_command command{};
  command.opcode = opcode;
  command.key = key;
  command.arg[0] = arg0;
  command.arg[1] = arg1;
  return command;
}

template <typename Record>
std::vector<Record> records_of(const ManagementReply& reply) {
  EXPECT_EQ(reply.output.size() % sizeof(Record), 0u);
  std::vector<Record> records(reply.output.size() / sizeof(Record));
  std::memcpy(records.data(), reply.output.data(), reply.output.size());
  return records;
}

class ManagementTest : public ::testing::Test {
 protected:
  void SetUp() override { restart(); }

  // As if the process were started again.
  void restart() {
    m_management.reset();
    m_table = std::make_unique<PartitionTable>([this] { ++m_told; });
    std::string why;
    auto store = store::Store::open(m_directory.store(), m_directory.key_file(), &why);
    ASSERT_TRUE(store) << why;
    m_management =
        std::make_unique<Management>(*std::move(store), testing::make_random(), *m_table,
                                     [this](FunctionNumber f) { return m_busy.contains(f); });
    ASSERT_TRUE(m_management->load());
  }

  ManagementReply run(const cipherdeck_command& command, std::string_view input = {}) {
    return m_management->execute(command, as_bytes(input));
  }
  std::uint16_t status(const cipherdeck_command& command, std::string_view input = {}) {
    return run(command, input).status;
  }
  void initialise() { ASSERT_EQ(status(make_command(CIPHERDECK_OP_CARD_INIT), "my card"), 0); }
  PartitionId create(std::string_view name) {
    const ManagementReply reply = run(make_command(CIPHERDECK_OP_PARTITION_CREATE), name);
    EXPECT_EQ(reply.status, CIPHERDECK_STATUS_OK);
    return reply.value;
  }
  std::uint16_t generate(PartitionId id, std::uint32_t index, std::string_view code = "12345678") {
    return status(make_command(CIPHERDECK_OP_KEY_PAIR_GENERATE, id, index), code);
  }
  std::uint16_t generate_kek(PartitionId id, std::uint32_t index) {
    return status(make_command(CIPHERDECK_OP_KEK_GENERATE, id, index, 128));
  }
  std::uint16_t generate_master(PartitionId id, std::uint32_t index, std::uint64_t kind) {
    return status(make_command(CIPHERDECK_OP_SM9_MASTER_GENERATE, id, index, kind));
  }
  std::uint16_t generate_user(PartitionId id, std::uint32_t index, std::uint64_t kind,
                              std::string_view user_id, std::string_view code = "12345678",
                              std::uint32_t master = 1) {
    const cipherdeck_sm9_user user{master, static_cast<std::uint32_t>(code.size())};
    std::string input(reinterpret_cast<const char*>(&user), sizeof user);
    input.append(code).append(user_id);
    return status(make_command(CIPHERDECK_OP_SM9_USER_KEY_GENERATE, id, index, kind), input);
  }
  std::uint16_t check(PartitionId id, std::uint32_t index, std::string_view code) {
    return m_table->find(id)->check_access(CIPHERDECK_KEY_PAIR, index, as_bytes(code)).status();
  }

  testing::TestDirectory m_directory;
  std::set<FunctionNumber> m_busy;
  int m_told = 0;
  std::unique_ptr<PartitionTable> m_table;
  std::unique_ptr<Management> m_management;
};

TEST_F(ManagementTest, InitialisesOnce) {
  EXPECT_EQ(m_management->state(), CIPHERDECK_CARD_UNINITIALISED);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_PARTITION_CREATE), "a"),
            CIPHERDECK_STATUS_NOT_INITIALISED);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_PARTITION_LIST)), CIPHERDECK_STATUS_NOT_INITIALISED);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_CARD_INIT), std::string(32, 'x')),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_CARD_INIT), "new\nline"),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  initialise();
  EXPECT_EQ(m_management->state(), CIPHERDECK_CARD_READY);
  EXPECT_EQ(m_management->label(), "my card");
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_CARD_INIT), "again"), CIPHERDECK_STATUS_EXISTS);
  restart();
  EXPECT_EQ(m_management->state(), CIPHERDECK_CARD_READY);
  EXPECT_EQ(m_management->label(), "my card");
}

TEST_F(ManagementTest, HasALabelWithoutOne) {
  ASSERT_EQ(status(make_command(CIPHERDECK_OP_CARD_INIT)), 0);
  EXPECT_EQ(m_management->label(), "CipherDeck");
}

TEST_F(ManagementTest, RefusesOperandsThatACommandDoesNotName) {
  initialise();
  const PartitionId id = create("a");
  auto command = make_command(CIPHERDECK_OP_PARTITION_LIST);
  EXPECT_EQ(status(command), 0);
  EXPECT_EQ(status(command, "input"), CIPHERDECK_STATUS_INVALID_COMMAND);
  command.session = 1;
  EXPECT_EQ(status(command), CIPHERDECK_STATUS_INVALID_COMMAND);
  command = make_command(CIPHERDECK_OP_PARTITION_LIST, 1);
  EXPECT_EQ(status(command), CIPHERDECK_STATUS_INVALID_COMMAND);
  command = make_command(CIPHERDECK_OP_PARTITION_REMOVE, id, 1);
  EXPECT_EQ(status(command), CIPHERDECK_STATUS_INVALID_COMMAND);
  command = make_command(CIPHERDECK_OP_KEY_LIST, id);
  command.algorithm = 1;
  EXPECT_EQ(status(command), CIPHERDECK_STATUS_INVALID_COMMAND);
  command = make_command(CIPHERDECK_OP_KEY_LIST, id);
  command.params.len = 1;
  EXPECT_EQ(status(command), CIPHERDECK_STATUS_INVALID_COMMAND);
  for (const unsigned opcode : {0x8100u, 0x8102u, 0x8121u, 0x81ffu, 0x0001u, 0xffffu}) {
    EXPECT_EQ(status(make_command(static_cast<std::uint16_t>(opcode))),
              CIPHERDECK_STATUS_NOT_SUPPORTED)
        << opcode;
  }
}

TEST_F(ManagementTest, NamesPartitions) {
  initialise();
  const auto command = make_command(CIPHERDECK_OP_PARTITION_CREATE);
  for (const std::string& name :
       {std::string(), std::string(48, 'a'), std::string("a b"), std::string("a/b"),
        std::string("a\0b", 3), std::string("\xc3\xa9")}) {
    EXPECT_EQ(status(command, name), CIPHERDECK_STATUS_INVALID_ARGUMENT) << name;
  }
  EXPECT_EQ(create(std::string(47, 'z')), 1u);
  EXPECT_EQ(create("Tenant-1_x.y"), 2u);
  EXPECT_EQ(status(command, "Tenant-1_x.y"), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(generate(2, 5), 0);
  EXPECT_EQ(generate_kek(2, 5), 0);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_FUNCTION_BIND, 1, 0, 2)), 0);
  for (int round = 0; round < 2; ++round) {
    const auto reply = run(make_command(CIPHERDECK_OP_PARTITION_LIST));
    const auto records = records_of<cipherdeck_partition_record>(reply);
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(reply.value, 2u);
    EXPECT_STREQ(reinterpret_cast<const char*>(records[0].name), std::string(47, 'z').c_str());
    EXPECT_EQ(records[1].id, 2u);
    EXPECT_EQ(records[1].num_key_pairs, 2u) << "the device key pair counts";
    EXPECT_EQ(records[1].num_keks, 1u);
    EXPECT_EQ(records[1].num_functions, 1u);
    restart();
  }
}

TEST_F(ManagementTest, RemovesPartitions) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate(id, 1), 0);
  ASSERT_EQ(status(make_command(CIPHERDECK_OP_FUNCTION_BIND, 0, 0, id)), 0);
  const auto remove = make_command(CIPHERDECK_OP_PARTITION_REMOVE, id);
  EXPECT_EQ(status(remove), CIPHERDECK_STATUS_BUSY);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_FUNCTION_BIND, 0, 0, 0)), 0);
  const auto held = m_table->find(id);
  EXPECT_EQ(status(remove), 0);
  EXPECT_EQ(m_table->find(id), nullptr);
  EXPECT_EQ(held->key_pair(1), nullptr);
  EXPECT_EQ(status(remove), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_PARTITION_REMOVE, (1ull << 32) + 1)),
            CIPHERDECK_STATUS_NOT_FOUND);
  restart();
  EXPECT_EQ(m_table->all().size(), 0u);
}

TEST_F(ManagementTest, BindsFunctions) {
  initialise();
  const PartitionId a = create("a");
  const PartitionId b = create("b");
  const auto bind = [](std::uint64_t function, std::uint64_t id) {
    return make_command(CIPHERDECK_OP_FUNCTION_BIND, function, 0, id);
  };
  EXPECT_EQ(status(bind(CIPHERDECK_TOTAL_VFS + 1, a)), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(bind(1ull << 32, a)), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(bind(1, 9)), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(status(bind(1, (1ull << 32) + a)), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(status(bind(1, a)), 0);
  EXPECT_EQ(status(bind(CIPHERDECK_TOTAL_VFS, a)), 0);
  m_busy.insert(1);
  EXPECT_EQ(status(bind(1, b)), CIPHERDECK_STATUS_BUSY);
  EXPECT_EQ(status(bind(1, 0)), CIPHERDECK_STATUS_BUSY);
  EXPECT_EQ(status(bind(1, a)), 0) << "unchanged";
  EXPECT_EQ(m_table->bound_to(1)->id(), a);
  m_busy.clear();
  EXPECT_EQ(status(bind(1, b)), 0);
  EXPECT_EQ(status(bind(2, 0)), 0) << "not bound";
  restart();
  EXPECT_EQ(m_table->bound_to(1)->id(), b);
  EXPECT_EQ(m_table->bound_to(CIPHERDECK_TOTAL_VFS)->id(), a);
  EXPECT_EQ(status(bind(1, 0)), 0);
  restart();
  EXPECT_EQ(m_table->bound_to(1), nullptr);
}

TEST_F(ManagementTest, MakesKeys) {
  initialise();
  const PartitionId id = create("a");
  EXPECT_EQ(generate(9, 1), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(generate(id, 0), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate(id, kMaxKeyIndex + 1), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate(id, 1, "short"), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate(id, 1, std::string(257, 'x')), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(m_table->find(id)->key_pair(1), nullptr);
  EXPECT_EQ(generate(id, 1), 0);
  EXPECT_EQ(generate(id, kMaxKeyIndex), 0);
  EXPECT_EQ(generate(id, 2, ""), 0);
  EXPECT_EQ(generate(id, 1), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(generate_kek(id, 1), 0);
  EXPECT_EQ(generate_kek(id, 1), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(generate_kek(id, 0), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  for (const std::uint64_t bits : {0ull, 127ull, 192ull, 256ull, (1ull << 32) + 128}) {
    EXPECT_EQ(status(make_command(CIPHERDECK_OP_KEK_GENERATE, id, 2, bits)),
              CIPHERDECK_STATUS_INVALID_ARGUMENT);
  }
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(check(id, 1, "12345678"), 0);
    EXPECT_EQ(check(id, 2, "12345678"), CIPHERDECK_STATUS_ACCESS_DENIED);
    EXPECT_EQ(check(id, 0, "12345678"), CIPHERDECK_STATUS_ACCESS_DENIED);
    restart();
  }
}

TEST_F(ManagementTest, MakesSm9KeysThatLast) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate_master(id, 1, CIPHERDECK_KEY_SM9_SIGN_MASTER), 0);
  ASSERT_EQ(generate_master(id, 1, CIPHERDECK_KEY_SM9_ENCRYPT_MASTER), 0);
  ASSERT_EQ(generate_user(id, 5, CIPHERDECK_KEY_SM9_SIGN_USER, "Alice"), 0);
  ASSERT_EQ(generate_user(id, 5, CIPHERDECK_KEY_SM9_ENCRYPT_USER, std::string(128, 'b')), 0);
  const auto random = testing::make_random();
  for (int round = 0; round < 2; ++round) {
    const auto partition = m_table->find(id);
    const auto master = partition->sm9_key(CIPHERDECK_KEY_SM9_SIGN_MASTER, 1);
    const auto user = partition->sm9_key(CIPHERDECK_KEY_SM9_SIGN_USER, 5);
    ASSERT_TRUE(master != nullptr && user != nullptr);
    EXPECT_EQ(user->id, "Alice");
    const auto& public_key = std::get<engine::Sm9SignMasterKey>(master->value).public_key();
    const auto signature = engine::sm9_sign(std::get<engine::Sm9SignUserKey>(user->value),
                                            public_key, as_bytes("text"), *random);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(engine::sm9_verify(public_key, as_bytes("Alice"), as_bytes("text"), *signature));
    const auto reader = partition->sm9_key(CIPHERDECK_KEY_SM9_ENCRYPT_USER, 5);
    ASSERT_NE(reader, nullptr);
    const auto from = partition->sm9_key(CIPHERDECK_KEY_SM9_ENCRYPT_MASTER, 1);
    const auto& encrypt_master = std::get<engine::Sm9EncryptMasterKey>(from->value);
    const auto expected = encrypt_master.extract(as_bytes(reader->id), engine::Sm9Use::exchange);
    const auto& keys = std::get<Sm9EncryptUserKeys>(reader->value);
    EXPECT_TRUE(std::equal(expected->bytes().begin(), expected->bytes().end(),
                           keys.exchange.bytes().begin()));
    EXPECT_FALSE(std::equal(expected->bytes().begin(), expected->bytes().end(),
                            keys.encrypt.bytes().begin()));
    EXPECT_TRUE(partition->check_access(CIPHERDECK_KEY_SM9_SIGN_USER, 5, as_bytes("12345678")));
    restart();
  }
  ASSERT_EQ(status(make_command(CIPHERDECK_OP_KEY_REMOVE, id, 5, CIPHERDECK_KEY_SM9_SIGN_USER)), 0);
  restart();
  EXPECT_EQ(m_table->find(id)->sm9_key(CIPHERDECK_KEY_SM9_SIGN_USER, 5), nullptr);
  EXPECT_NE(m_table->find(id)->sm9_key(CIPHERDECK_KEY_SM9_ENCRYPT_USER, 5), nullptr);
}

TEST_F(ManagementTest, RefusesSm9KeysThatCannotBe) {
  initialise();
  const PartitionId id = create("a");
  EXPECT_EQ(generate_master(id, 1, CIPHERDECK_KEY_SM9_SIGN_USER),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate_master(id, 1, CIPHERDECK_KEY_PAIR), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate_master(id, 0, CIPHERDECK_KEY_SM9_SIGN_MASTER),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(generate_master(id, 1, CIPHERDECK_KEY_SM9_SIGN_MASTER), 0);
  EXPECT_EQ(generate_master(id, 1, CIPHERDECK_KEY_SM9_SIGN_MASTER), CIPHERDECK_STATUS_EXISTS);
  const auto kind = CIPHERDECK_KEY_SM9_SIGN_USER;
  EXPECT_EQ(generate_user(id, 1, kind, ""), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate_user(id, 1, kind, std::string(129, 'x')), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate_user(id, 1, kind, "Alice", "short"), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(generate_user(id, 1, kind, "Alice", "12345678", 2), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(generate_user(id, 1, CIPHERDECK_KEY_SM9_ENCRYPT_USER, "Alice"),
            CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(generate_user(id, 1, CIPHERDECK_KEY_SM9_SIGN_MASTER, "Alice"),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  // A code longer than the input, and an input without the structure.
  const auto command = make_command(CIPHERDECK_OP_SM9_USER_KEY_GENERATE, id, 1, kind);
  EXPECT_EQ(status(command, std::string_view("\1\0\0\0\xff\xff\xff\xff"
                                             "Alice",
                                             13)),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(command, "Alice"), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(
      status(make_command(CIPHERDECK_OP_ACCESS_CODE_SET, id, 1, CIPHERDECK_KEY_SM9_SIGN_MASTER),
             "12345678"),
      CIPHERDECK_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(generate_user(id, 1, kind, "Alice", ""), 0);
  EXPECT_EQ(generate_user(id, 1, kind, "Alice"), CIPHERDECK_STATUS_EXISTS);
}

TEST_F(ManagementTest, ListsSm9KeysAndSetsTheirCodes) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate_master(id, 1, CIPHERDECK_KEY_SM9_SIGN_MASTER), 0);
  ASSERT_EQ(generate_user(id, 3, CIPHERDECK_KEY_SM9_SIGN_USER, "Alice"), 0);
  const auto all = records_of<cipherdeck_key_record>(run(make_command(CIPHERDECK_OP_KEY_LIST, id)));
  ASSERT_EQ(all.size(), 3u) << "with the device key pair";
  EXPECT_EQ(all[1].kind, CIPHERDECK_KEY_SM9_SIGN_MASTER);
  std::array<std::uint8_t, engine::kSm9G2Len> point;
  std::memcpy(point.data(), all[1].sign_public_key, 64);
  std::memcpy(point.data() + 64, all[1].encrypt_public_key, 64);
  EXPECT_TRUE(engine::Sm9SignMasterPublicKey::from_bytes(point));
  EXPECT_EQ(all[2].kind, CIPHERDECK_KEY_SM9_SIGN_USER);
  EXPECT_EQ(all[2].index, 3u);
  EXPECT_EQ(all[2].id_len, 5u);
  EXPECT_EQ(std::memcmp(all[2].sign_public_key, "Alice\0", 6), 0);
  const auto set = make_command(CIPHERDECK_OP_ACCESS_CODE_SET, id, 3, CIPHERDECK_KEY_SM9_SIGN_USER);
  ASSERT_EQ(status(set, "another code"), 0);
  restart();
  const auto partition = m_table->find(id);
  EXPECT_FALSE(partition->check_access(CIPHERDECK_KEY_SM9_SIGN_USER, 3, as_bytes("12345678")));
  EXPECT_TRUE(partition->check_access(CIPHERDECK_KEY_SM9_SIGN_USER, 3, as_bytes("another code")));
}

TEST_F(ManagementTest, ListsKeys) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate(id, 3), 0);
  ASSERT_EQ(generate(id, 2), 0);
  ASSERT_EQ(generate_kek(id, 8), 0);
  const auto list = [this, id](std::uint32_t first, std::uint64_t kind) {
    return records_of<cipherdeck_key_record>(
        run(make_command(CIPHERDECK_OP_KEY_LIST, id, first, kind)));
  };
  const auto all = list(0, 0);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].index, 0u);
  EXPECT_EQ(all[1].index, 2u);
  EXPECT_EQ(all[2].index, 3u);
  EXPECT_EQ(all[2].kind, CIPHERDECK_KEY_PAIR);
  EXPECT_EQ(all[2].bits, 256u);
  EXPECT_GT(all[2].created, 1'600'000'000u);
  EXPECT_EQ(std::memcmp(all[2].sign_public_key,
                        m_table->find(id)->key_pair(3)->sign.public_key().bytes().data(), 64),
            0);
  EXPECT_NE(std::memcmp(all[2].sign_public_key, all[2].encrypt_public_key, 64), 0);
  EXPECT_EQ(all[3].kind, CIPHERDECK_KEY_KEK);
  EXPECT_EQ(all[3].bits, 128u);
  EXPECT_EQ(list(3, 0).size(), 2u);
  EXPECT_EQ(list(0, CIPHERDECK_KEY_KEK).size(), 1u);
  EXPECT_EQ(list(3, CIPHERDECK_KEY_PAIR).size(), 1u);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_KEY_LIST, id, 0, 99)),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
}

TEST_F(ManagementTest, RemovesKeys) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate(id, 1), 0);
  ASSERT_EQ(generate_kek(id, 1), 0);
  const auto remove = [id](std::uint32_t index, std::uint64_t kind) {
    return make_command(CIPHERDECK_OP_KEY_REMOVE, id, index, kind);
  };
  EXPECT_EQ(status(remove(0, CIPHERDECK_KEY_PAIR)), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(remove(1, 99)), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(remove(2, CIPHERDECK_KEY_PAIR)), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(status(remove(1, CIPHERDECK_KEY_PAIR)), 0);
  EXPECT_EQ(m_table->find(id)->key_pair(1), nullptr);
  EXPECT_NE(m_table->find(id)->kek(1), nullptr);
  EXPECT_EQ(status(remove(1, CIPHERDECK_KEY_KEK)), 0);
  restart();
  EXPECT_EQ(m_table->find(id)->key_pairs().size(), 1u);
  EXPECT_EQ(m_table->find(id)->keks().size(), 0u);
}

TEST_F(ManagementTest, LockOutsLastUntilANewCode) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate(id, 1), 0);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(check(id, 1, "wrong code"), CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(m_told, 6);
  ASSERT_TRUE(m_management->flush_access_failures());
  restart();
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(check(id, 1, "wrong code"), CIPHERDECK_STATUS_ACCESS_DENIED);
  ASSERT_TRUE(m_management->flush_access_failures());
  restart();
  EXPECT_EQ(check(id, 1, "12345678"), CIPHERDECK_STATUS_LOCKED_OUT);
  const auto list = make_command(CIPHERDECK_OP_KEY_LIST, id, 1);
  EXPECT_NE(records_of<cipherdeck_key_record>(run(list))[0].locked, 0u);

  const auto set = make_command(CIPHERDECK_OP_ACCESS_CODE_SET, id, 1, CIPHERDECK_KEY_PAIR);
  EXPECT_EQ(status(set), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(set, "short"), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  const auto before = m_table->find(id)->key_pair(1);
  EXPECT_EQ(status(set, "new code"), 0);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(check(id, 1, "new code"), 0);
    EXPECT_EQ(check(id, 1, "12345678"), CIPHERDECK_STATUS_ACCESS_DENIED);
    EXPECT_EQ(records_of<cipherdeck_key_record>(run(list))[0].locked, 0u);
    EXPECT_TRUE(
        std::ranges::equal(m_table->find(id)->key_pair(1)->sign.bytes(), before->sign.bytes()))
        << "the key is the same";
    restart();
  }
}

TEST_F(ManagementTest, SetsCodesOfDeviceKeysAndKeks) {
  initialise();
  const PartitionId id = create("a");
  ASSERT_EQ(generate_kek(id, 1), 0);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_ACCESS_CODE_SET, id, 0, CIPHERDECK_KEY_PAIR),
                   "device code"),
            0);
  EXPECT_EQ(
      status(make_command(CIPHERDECK_OP_ACCESS_CODE_SET, id, 1, CIPHERDECK_KEY_KEK), "KEK's code"),
      0);
  EXPECT_EQ(
      status(make_command(CIPHERDECK_OP_ACCESS_CODE_SET, id, 2, CIPHERDECK_KEY_KEK), "KEK's code"),
      CIPHERDECK_STATUS_KEY_NOT_FOUND);
  restart();
  EXPECT_EQ(check(id, 0, "device code"), 0);
  EXPECT_TRUE(m_table->find(id)->check_access(CIPHERDECK_KEY_KEK, 1, as_bytes("KEK's code")));
}

TEST_F(ManagementTest, RemovesADamagedPartition) {
  initialise();
  const PartitionId id = create("a");
  m_management.reset();
  testing::run_sql(m_directory.database(), "UPDATE partition SET master_key = x'00'");
  restart();
  EXPECT_EQ(m_table->find(id), nullptr);
  ASSERT_EQ(m_management->warnings().size(), 1u);
  EXPECT_THAT(m_management->warnings()[0], HasSubstr("partition 1 is damaged"));
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_PARTITION_CREATE), "a"), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(status(make_command(CIPHERDECK_OP_PARTITION_REMOVE, id)), 0);
  EXPECT_EQ(create("a"), 2u);
}

// A source that passes its start-up and then breaks.
class BreakingSource final : public random::NoiseSource {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "breaking"; }
  Result<void> read(MutableBytes out) override {
    if (++m_reads > 2) return Error::random_failed;
    return random::default_sources().front()->read(out);
  }

 private:
  int m_reads = 0;
};

TEST_F(ManagementTest, FailsTheCardWithoutRandomness) {
  initialise();
  m_management.reset();
  std::vector<std::unique_ptr<random::NoiseSource>> sources;
  sources.push_back(std::make_unique<BreakingSource>());
  auto random = random::Generator::create(std::move(sources));
  ASSERT_TRUE(random);
  std::array<std::uint8_t, 8> drawn{};
  for (int i = 0; i < 65'500; ++i) ASSERT_TRUE((*random)->fill(drawn));  // close to the next seed
  auto store = store::Store::open(m_directory.store(), m_directory.key_file());
  ASSERT_TRUE(store);
  Management management(*std::move(store), *std::move(random), *m_table, {});
  ASSERT_TRUE(management.load());
  std::uint16_t last = 0;
  for (int i = 0; i < 100 && last == 0; ++i) {
    const std::string name = "p" + std::to_string(i);
    last = management.execute(make_command(CIPHERDECK_OP_PARTITION_CREATE), as_bytes(name)).status;
  }
  EXPECT_EQ(last, CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_EQ(management.state(), CIPHERDECK_CARD_FAILED);
  EXPECT_EQ(management.failure_reason(), CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_EQ(management.execute(make_command(CIPHERDECK_OP_PARTITION_LIST), {}).status,
            CIPHERDECK_STATUS_CARD_FAILED);
}

}  // namespace
}  // namespace cipherdeck::card
