// SPDX-License-Identifier: Apache-2.0
// Logins, permissions and the audit trail as management commands meet them.
#include "card/partition/logins.h"
#include "card/partition/management.h"
#include "card/partition/permissions.h"
#include "card/store/testing.h"

#include <gmock/gmock.h>

namespace cipherdeck::card {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using store::Role;
using store::User;

constexpr std::uint16_t kAllOpcodes[] = {
    CIPHERDECK_OP_PARTITION_BACKUP,  CIPHERDECK_OP_PARTITION_RESTORE,
    CIPHERDECK_OP_CARD_PROTECT,      CIPHERDECK_OP_CARD_ZEROIZE,
    CIPHERDECK_OP_PARTITION_CREATE,  CIPHERDECK_OP_PARTITION_REMOVE,
    CIPHERDECK_OP_PARTITION_ZEROIZE, CIPHERDECK_OP_FUNCTION_BIND,
    CIPHERDECK_OP_FUNCTION_SHARE,    CIPHERDECK_OP_KEY_PAIR_GENERATE,
    CIPHERDECK_OP_KEK_GENERATE,      CIPHERDECK_OP_KEY_REMOVE,
    CIPHERDECK_OP_ACCESS_CODE_SET,   CIPHERDECK_OP_AUDIT_VERIFY,
    CIPHERDECK_OP_AUDIT_CLEAR,       0x81ff};

constexpr std::uint16_t kKeyOpcodes[] = {CIPHERDECK_OP_KEY_PAIR_GENERATE,
                                         CIPHERDECK_OP_KEK_GENERATE, CIPHERDECK_OP_KEY_REMOVE,
                                         CIPHERDECK_OP_ACCESS_CODE_SET};

// ---- logins ------------------------------------------------------------------------------------

class LoginsTest : public ::testing::Test {
 protected:
  LoginToken open(const std::string& name, PartitionId partition = 0) {
    return *m_logins.open({name, Role::operator_, partition, 0}, *m_random, m_now);
  }
  std::unique_ptr<random::Generator> m_random = testing::make_random();
  Logins m_logins;
  LoginTime m_now = LoginTime{} + hours(100);
};

TEST_F(LoginsTest, KnowItsTokensAndNoOthers) {
  const LoginToken ann = open("ann");
  const LoginToken bob = open("bob");
  ASSERT_NE(m_logins.find(ann.span(), m_now), nullptr);
  EXPECT_EQ(m_logins.find(ann.span(), m_now)->name, "ann");
  EXPECT_EQ(m_logins.find(bob.span(), m_now)->name, "bob");
  for (std::size_t i = 0; i < LoginToken::size(); ++i) {
    LoginToken changed = ann;
    changed.data()[i] ^= 1;
    EXPECT_EQ(m_logins.find(changed.span(), m_now), nullptr);
  }
  EXPECT_EQ(m_logins.find({}, m_now), nullptr);
  EXPECT_EQ(m_logins.find(Bytes(ann.span()).first(31), m_now), nullptr);
  m_logins.close(ann.span());
  EXPECT_EQ(m_logins.find(ann.span(), m_now), nullptr);
  EXPECT_NE(m_logins.find(bob.span(), m_now), nullptr);
}

TEST_F(LoginsTest, EndWhenNotUsedAndInAnyCase) {
  const LoginToken token = open("ann");
  const LoginTime start = m_now;
  for (; m_now < start + kLoginMost; m_now += kLoginIdle - seconds(1)) {
    EXPECT_NE(m_logins.find(token.span(), m_now), nullptr);
  }
  EXPECT_EQ(m_logins.find(token.span(), start + kLoginMost), nullptr);
  const LoginToken idle = open("ann");
  EXPECT_EQ(m_logins.left(idle.span(), m_now), kLoginIdle);
  EXPECT_EQ(m_logins.find(idle.span(), m_now + kLoginIdle), nullptr);
}

TEST_F(LoginsTest, AreBoundedAndCloseTogether) {
  for (std::size_t i = 0; i < kMaxLogins; ++i) {
    (void)open("u" + std::to_string(i % 2), static_cast<PartitionId>(i % 4));
  }
  EXPECT_EQ(m_logins.open({}, *m_random, m_now).status(), CIPHERDECK_STATUS_LIMIT);
  EXPECT_TRUE(m_logins.open({}, *m_random, m_now + kLoginIdle)) << "those that ended make room";
  const LoginToken left = open("other", 9);
  m_logins.close_user("u0");
  m_logins.close_partition(3);
  EXPECT_NE(m_logins.find(left.span(), m_now), nullptr);
}

TEST(GuessLimiterTest, DoublesThePause) {
  GuessLimiter limiter;
  LoginTime now = LoginTime{} + hours(1);
  for (unsigned i = 0; i < GuessLimiter::kFreeGuesses; ++i) {
    EXPECT_TRUE(limiter.check("ann", now));
    limiter.count_wrong("ann", now);
  }
  EXPECT_TRUE(limiter.check("ann", now));
  unsigned guesses = 0;
  const LoginTime end = now + hours(24);
  for (; now < end; now += seconds(1)) {
    if (!limiter.check("ann", now)) continue;
    limiter.count_wrong("ann", now);
    ++guesses;
  }
  EXPECT_LT(guesses, 310u) << "a day's guesses";
  EXPECT_GT(guesses, 280u) << "not locked out for good";
  EXPECT_EQ(limiter.check("ann", now - hours(1)).status(), CIPHERDECK_STATUS_TOO_SOON);
  EXPECT_TRUE(limiter.check("bob", now));
  limiter.forget("ann");
  EXPECT_TRUE(limiter.check("ann", now));
}

// ---- permissions -------------------------------------------------------------------------------

TEST(Permissions, AreSeparated) {
  const User administrator{"a", Role::administrator, 0, 0};
  const User operator_{"o", Role::operator_, 0, 0};
  const User auditor{"u", Role::auditor, 0, 0};
  for (const std::uint16_t opcode : kAllOpcodes) {
    const Right right = right_for(opcode);
    const int num = has_right(administrator, right, 1) + has_right(operator_, right, 1) +
                    has_right(auditor, right, 1);
    EXPECT_EQ(num, 1) << "opcode " << std::hex << opcode << " belongs to one role";
  }
  for (const std::uint16_t opcode : kKeyOpcodes) {
    EXPECT_TRUE(has_right(operator_, right_for(opcode), 1));
    EXPECT_TRUE(is_recorded(opcode));
  }
  EXPECT_TRUE(has_right(auditor, right_for(CIPHERDECK_OP_AUDIT_CLEAR), 0));
  EXPECT_TRUE(is_recorded(CIPHERDECK_OP_AUDIT_CLEAR));
}

TEST(Permissions, OfAPartitionEndThere) {
  for (const Role role : {Role::administrator, Role::operator_, Role::auditor}) {
    const User user{"x", role, 2, 0};
    for (const std::uint16_t opcode : kAllOpcodes) {
      EXPECT_FALSE(has_right(user, right_for(opcode), 1)) << opcode;
      EXPECT_FALSE(has_right(user, right_for(opcode), 0)) << opcode;
    }
  }
  const User operator_{"x", Role::operator_, 2, 0};
  EXPECT_TRUE(has_right(operator_, right_for(CIPHERDECK_OP_KEY_PAIR_GENERATE), 2));
  const User administrator{"x", Role::administrator, 2, 0};
  EXPECT_TRUE(has_right(administrator, right_for(CIPHERDECK_OP_PARTITION_ZEROIZE), 2));
  EXPECT_FALSE(has_right(administrator, right_for(CIPHERDECK_OP_PARTITION_REMOVE), 2));
}

TEST(Permissions, AuditorsAreTheAuditorsToManage) {
  const User administrator{"a", Role::administrator, 0, 0};
  const User auditor{"u", Role::auditor, 0, 0};
  const User other{"v", Role::auditor, 0, 0};
  const User key_maker{"o", Role::operator_, 3, 0};
  EXPECT_TRUE(may_manage(administrator, other, false));
  EXPECT_FALSE(may_manage(administrator, other, true));
  EXPECT_TRUE(may_manage(auditor, other, true));
  EXPECT_TRUE(may_manage(administrator, key_maker, true));
  EXPECT_FALSE(may_manage(auditor, key_maker, true));
  EXPECT_FALSE(may_manage({"b", Role::administrator, 2, 0}, key_maker, true));
  EXPECT_TRUE(may_manage({"b", Role::administrator, 3, 0}, key_maker, true));
}

// ---- commands ----------------------------------------------------------------------------------

class RolesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    restart();
    ASSERT_EQ(status({.opcode = CIPHERDECK_OP_CARD_INIT}, "roles"), 0);
    ASSERT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, "one"), 0);
    ASSERT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, "two"), 0);
  }
  void restart() {
    m_management.reset();
    m_table = std::make_unique<PartitionTable>();
    std::string why;
    auto store = store::Store::open(m_directory.store(), m_directory.key_file(), &why);
    ASSERT_TRUE(store) << why;
    m_management =
        std::make_unique<Management>(*std::move(store), testing::make_random(), *m_table, nullptr);
    ASSERT_TRUE(m_management->load());
  }
  ManagementReply run(cipherdeck_command command, std::string_view input = {}, Bytes token = {}) {
    command.params.len = static_cast<std::uint32_t>(token.size());
    return m_management->execute(command, as_bytes(input), token);
  }
  std::uint16_t status(const cipherdeck_command& command, std::string_view input = {},
                       Bytes token = {}) {
    return run(command, input, token).status;
  }
  std::uint16_t add(const std::string& name, Role role, PartitionId partition, Bytes token = {}) {
    return status({.opcode = CIPHERDECK_OP_ROLE_ADD,
                   .key = static_cast<std::uint32_t>(name.size()),
                   .arg = {static_cast<std::uint32_t>(role), partition}},
                  name + "password of " + name, token);
  }
  ManagementReply login(const std::string& name, const std::string& password) {
    return run({.opcode = CIPHERDECK_OP_LOGIN, .key = static_cast<std::uint32_t>(name.size())},
               name + password);
  }
  std::vector<std::uint8_t> login(const std::string& name) {
    return login(name, "password of " + name).output;
  }
  std::uint16_t generate(PartitionId partition, std::uint32_t index, Bytes token = {}) {
    return status({.opcode = CIPHERDECK_OP_KEY_PAIR_GENERATE, .key = index, .arg = {partition, 0}},
                  "12345678", token);
  }
  std::vector<cipherdeck_audit_record> trail(Bytes token = {}) {
    const auto reply = run({.opcode = CIPHERDECK_OP_AUDIT_LIST}, {}, token);
    EXPECT_EQ(reply.status, 0);
    std::vector<cipherdeck_audit_record> records(reply.output.size() / 128);
    std::memcpy(records.data(), reply.output.data(), records.size() * 128);
    return records;
  }
  static std::string text(const cipherdeck_u8* field) {
    return reinterpret_cast<const char*>(field);
  }

  testing::TestDirectory m_directory;
  std::unique_ptr<PartitionTable> m_table;
  std::unique_ptr<Management> m_management;
};

TEST_F(RolesTest, WithoutUsersEverythingIsAllowedAndRecorded) {
  EXPECT_EQ(generate(1, 1), 0);
  EXPECT_EQ(generate(1, 1), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_ROLE_LIST}), 0);
  const auto records = trail();
  ASSERT_EQ(records.size(), 5u);  // init, two partitions, a key, a failure
  EXPECT_EQ(records[0].action, CIPHERDECK_OP_CARD_INIT);
  EXPECT_EQ(text(records[1].subject), "one");
  EXPECT_EQ(text(records[3].subject), "pair 1");
  EXPECT_EQ(records[3].partition, 1u);
  EXPECT_EQ(records[3].outcome, 0u);
  EXPECT_EQ(records[4].outcome, CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(text(records[4].actor), "");
}

TEST_F(RolesTest, TheFirstUserIsAnAdministrator) {
  EXPECT_EQ(add("eve", Role::operator_, 0), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(add("eve", Role::administrator, 1), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(add("e v", Role::administrator, 0), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(add(std::string(32, 'e'), Role::administrator, 0), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(add("ann", Role::administrator, 0), 0);
  EXPECT_EQ(add("bob", Role::administrator, 0), CIPHERDECK_STATUS_LOGIN_REQUIRED);
  const auto ann = login("ann");
  ASSERT_EQ(ann.size(), CIPHERDECK_TOKEN_LEN);
  EXPECT_EQ(add("bob", static_cast<Role>(4), 0, ann), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(add("bob", Role::operator_, 9, ann), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(add("bob", Role::operator_, 2, ann), 0);
  EXPECT_EQ(add("bob", Role::operator_, 2, ann), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_ROLE_REMOVE}, "ann", ann), CIPHERDECK_STATUS_BUSY);
}

TEST_F(RolesTest, CommandsDemandTheRole) {
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  const auto ann = login("ann");
  ASSERT_EQ(add("bob", Role::operator_, 2, ann), 0);
  ASSERT_EQ(add("cat", Role::auditor, 0, ann), 0);
  const auto bob = login("bob");
  const auto cat = login("cat");
  EXPECT_EQ(generate(2, 1), CIPHERDECK_STATUS_LOGIN_REQUIRED);
  EXPECT_EQ(generate(2, 1, ann), CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(generate(2, 1, cat), CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(generate(1, 1, bob), CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(generate(2, 1, bob), 0);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, "x", bob),
            CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_LIST}), 0) << "anybody may look";
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_KEY_LIST, .arg = {2, 0}}), 0);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_AUDIT_CLEAR, .arg = {1, 0}}, {}, ann),
            CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_AUDIT_LIST}, {}, ann), CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(add("dan", Role::auditor, 0, ann), CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_ROLE_REMOVE}, "cat", ann),
            CIPHERDECK_STATUS_ROLE_DENIED);
  const std::string forged = "catpassword 2";
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PASSWORD_SET, .key = 3}, forged, ann),
            CIPHERDECK_STATUS_ROLE_DENIED);
  const auto records = trail(cat);
  EXPECT_EQ(text(records.back().actor), "ann");
  EXPECT_EQ(records.back().outcome, CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(text(records.back().subject), "cat");
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_AUDIT_CLEAR, .arg = {5, 0}}, {}, cat), 0);
  EXPECT_EQ(trail(cat).front().number, 6u);
  EXPECT_EQ(trail(cat).back().action, CIPHERDECK_OP_AUDIT_CLEAR);
  EXPECT_EQ(add("dan", Role::auditor, 2, cat), 0);
  for (const auto& record : trail(login("dan"))) EXPECT_EQ(record.partition, 2u);
}

TEST_F(RolesTest, LoginsEndWithLogoutRestartAndRemoval) {
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  auto ann = login("ann");
  ASSERT_EQ(add("bob", Role::operator_, 0, ann), 0);
  const auto bob = login("bob");
  EXPECT_EQ(generate(1, 1, bob), 0);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_ROLE_REMOVE}, "bob", ann), 0);
  EXPECT_EQ(generate(1, 2, bob), CIPHERDECK_STATUS_LOGIN_REQUIRED);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_LOGIN_CHECK}, {}, ann), 0);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_LOGOUT}, {}, ann), 0);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_LOGIN_CHECK}, {}, ann),
            CIPHERDECK_STATUS_LOGIN_REQUIRED);
  ann = login("ann");
  ASSERT_EQ(ann.size(), 32u);
  restart();
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, "x", ann),
            CIPHERDECK_STATUS_LOGIN_REQUIRED);
  EXPECT_EQ(login("ann").size(), 32u) << "users are kept";
}

TEST_F(RolesTest, GuessingIsSlow) {
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  for (unsigned i = 0; i <= GuessLimiter::kFreeGuesses; ++i) {
    EXPECT_EQ(login("ann", "password of nobody").status, CIPHERDECK_STATUS_WRONG_PASSWORD);
  }
  EXPECT_EQ(login("ann", "password of ann").status, CIPHERDECK_STATUS_TOO_SOON)
      << "the right one has to wait as well";
  EXPECT_EQ(login("bob", "password of nobody").status, CIPHERDECK_STATUS_WRONG_PASSWORD);
}

TEST_F(RolesTest, ALoginOfNobodyTellsNothing) {
  EXPECT_EQ(login("ann", "password of ann").status, CIPHERDECK_STATUS_NOT_FOUND) << "no users yet";
  EXPECT_EQ(run({.opcode = CIPHERDECK_OP_LOGIN, .key = 99}, "ann").status,
            CIPHERDECK_STATUS_NOT_FOUND);
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  EXPECT_EQ(run({.opcode = CIPHERDECK_OP_LOGIN, .key = 99}, "ann").status,
            CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_EQ(login("", "password of ann").status, CIPHERDECK_STATUS_WRONG_PASSWORD);
}

TEST_F(RolesTest, OwnPasswordsCanBeChanged) {
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  const auto ann = login("ann");
  ASSERT_EQ(add("bob", Role::operator_, 0, ann), 0);
  const auto bob = login("bob");
  const cipherdeck_command set{.opcode = CIPHERDECK_OP_PASSWORD_SET, .key = 3};
  EXPECT_EQ(status(set, "bobpassword two", bob), 0);
  EXPECT_EQ(status(set, "annpassword two", bob), CIPHERDECK_STATUS_ROLE_DENIED);
  EXPECT_EQ(login("bob", "password two").status, 0);
  EXPECT_EQ(status(set, "bobpassword three", ann), 0);
  EXPECT_EQ(generate(1, 1, bob), CIPHERDECK_STATUS_LOGIN_REQUIRED) << "logged out by that";
  EXPECT_EQ(status(set, "bobshort", ann), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status(set, "zoepassword", ann), CIPHERDECK_STATUS_NOT_FOUND);
}

TEST_F(RolesTest, WrongAccessCodesAreRecorded) {
  ASSERT_EQ(generate(1, 1), 0);
  EXPECT_FALSE(m_table->find(1)->check_access(CIPHERDECK_KEY_PAIR, 1, as_bytes("87654321")));
  ASSERT_TRUE(m_management->flush_access_failures());
  const auto records = trail();
  EXPECT_EQ(records.back().action, CIPHERDECK_OP_KEY_ACCESS_GET);
  EXPECT_EQ(records.back().outcome, CIPHERDECK_STATUS_ACCESS_DENIED);
  EXPECT_EQ(text(records.back().subject), "pair 1, 1 wrong in a row");
}

TEST_F(RolesTest, NoSecretGoesToTheTrail) {
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  (void)login("ann", "password of nobody");
  const auto file = testing::read_file(m_directory.database());
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  EXPECT_NE(bytes.find("ann"), std::string_view::npos) << "the search would find it";
  EXPECT_EQ(bytes.find("password of"), std::string_view::npos);
  EXPECT_EQ(bytes.find("12345678"), std::string_view::npos);
}

TEST_F(RolesTest, ZeroizationEndsAll) {
  ASSERT_EQ(add("ann", Role::administrator, 0), 0);
  const auto ann = login("ann");
  const auto partition = m_table->find(2);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_ZEROIZE, .arg = {2, 0}}, {}, ann), 0);
  EXPECT_TRUE(partition->is_gone());
  EXPECT_EQ(partition->key_pair(0), nullptr);
  EXPECT_EQ(m_table->find(2), nullptr);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_ZEROIZE}), CIPHERDECK_STATUS_LOGIN_REQUIRED);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_ZEROIZE}, {}, ann), 0);
  EXPECT_EQ(m_management->state(), CIPHERDECK_CARD_UNINITIALISED);
  EXPECT_TRUE(m_table->all().empty());
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_INIT}, "again"), 0);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_CREATE}, "one"), 0) << "no users any more";
}

TEST_F(RolesTest, APartitionIsBackedUpAndRestored) {
  ASSERT_EQ(generate(1, 1), 0);
  const auto before = m_table->find(1)->key_pair(1);
  for (const std::uint64_t wrong : {0x0301, 0x0104, 0x1102, 0xffff02}) {
    EXPECT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_BACKUP, .arg = {1, wrong}}),
              CIPHERDECK_STATUS_INVALID_ARGUMENT);
  }
  const auto made = run({.opcode = CIPHERDECK_OP_PARTITION_BACKUP, .arg = {1, 0x0302}});
  ASSERT_EQ(made.status, 0);
  ASSERT_EQ(made.value, 3u);
  const std::string out(made.output.begin(), made.output.end());
  const std::string backup = out.substr(3 * CIPHERDECK_SHARE_LEN);
  const std::string one = out.substr(0, CIPHERDECK_SHARE_LEN);
  const std::string three = out.substr(2 * CIPHERDECK_SHARE_LEN, CIPHERDECK_SHARE_LEN);
  const auto restore = [&](std::uint64_t num, const std::string& shares) {
    return run({.opcode = CIPHERDECK_OP_PARTITION_RESTORE, .arg = {5, num}},
               "again" + shares + backup);
  };
  EXPECT_EQ(restore(1, one).status, CIPHERDECK_STATUS_DECRYPT_FAILED) << "one is not enough";
  EXPECT_EQ(restore(99, one).status, CIPHERDECK_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(status({.opcode = CIPHERDECK_OP_PARTITION_ZEROIZE, .arg = {1, 0}}), 0);
  const auto restored = restore(2, three + one);
  ASSERT_EQ(restored.status, 0);
  const auto after = m_table->find(restored.value)->key_pair(1);
  ASSERT_NE(after, nullptr);
  EXPECT_TRUE(std::ranges::equal(after->sign.bytes(), before->sign.bytes()));
  EXPECT_EQ(restore(2, three + one).status, CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(text(trail().back().subject), "again");
}

TEST_F(RolesTest, APassphraseIsAskedForAfterAStart) {
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_PROTECT, .arg = {1, 0}}),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_PROTECT, .arg = {0, 0}}, "a passphrase"),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(status({.opcode = CIPHERDECK_OP_CARD_PROTECT, .arg = {1, 0}}, "a passphrase"), 0);
  restart();
  EXPECT_EQ(m_management->state(), CIPHERDECK_CARD_LOCKED);
  EXPECT_EQ(generate(1, 1), CIPHERDECK_STATUS_CARD_LOCKED);
  const cipherdeck_command unlock{.opcode = CIPHERDECK_OP_CARD_UNLOCK};
  EXPECT_EQ(status(unlock, "a passphrasE"), CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_EQ(status(unlock, "short"), CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_EQ(status(unlock, "a passphrase"), 0);
  EXPECT_EQ(status(unlock, "a passphrase"), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(m_management->state(), CIPHERDECK_CARD_READY);
  EXPECT_EQ(generate(1, 1), 0);
  bool told = false;
  for (const auto& record : trail()) told |= text(record.subject) == "2 wrong passphrases before";
  EXPECT_TRUE(told);
}

TEST_F(RolesTest, ACardIsMadeUnderAPassphrase) {
  ASSERT_EQ(status({.opcode = CIPHERDECK_OP_CARD_ZEROIZE}), 0);
  const std::string input =
      "my card"
      "my passphrase";
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_INIT, .arg = {1, 99}}, input),
            CIPHERDECK_STATUS_INVALID_COMMAND);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_INIT, .arg = {1, 0}}, input),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_INIT, .arg = {3, 13}}, input),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(status({.opcode = CIPHERDECK_OP_CARD_INIT, .arg = {1, 13}}, input), 0);
  EXPECT_EQ(m_management->label(), "my card");
  restart();
  EXPECT_EQ(status({.opcode = CIPHERDECK_OP_CARD_UNLOCK}, "my passphrase"), 0);
}

}  // namespace
}  // namespace cipherdeck::card
