// SPDX-License-Identifier: Apache-2.0
// Protection, users, audit trail and versions of the key store.
#include "card/store/schema.h"
#include "card/store/store.h"
#include "card/store/testing.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace cipherdeck::card::store {
namespace {

using card::testing::make_kek;
using card::testing::make_key_pair;
using card::testing::run_sql;
using card::testing::write_file;
using ::testing::HasSubstr;

constexpr std::string_view kPassphrase = "an open secret";

std::string hex_of(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

// The example of RFC 9106 has a secret and associated data; this one is from the reference program:
//   printf 'password' | argon2 somesaltsomesalt -id -t 3 -k 65536 -p 1 -l 32 -r
TEST(Password, StretchesAsTheReference) {
  Stretching stretching;
  std::memcpy(stretching.salt.data(), "somesaltsomesalt", kSaltLen);
  const auto key = stretch(as_bytes("password"), stretching);
  ASSERT_TRUE(key);
  EXPECT_EQ(hex_of(key->span()),
            "7664ad4ba1a3c999fcdd0991ffc2270f78302d2383233db5e7befc85d1bb1819");
  const auto other = stretch(as_bytes("Password"), stretching);
  ASSERT_TRUE(other);
  EXPECT_NE(hex_of(other->span()), hex_of(key->span()));
}

TEST(Password, HasBounds) {
  Stretching stretching;
  EXPECT_EQ(stretch(as_bytes("1234567"), stretching).status(), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(stretch(as_bytes(std::string(257, 'x')), stretching).status(),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  stretching.cost.memory_kib = (1U << 20) + 1;
  EXPECT_EQ(stretch(as_bytes("12345678"), stretching).status(), CIPHERDECK_STATUS_INVALID_ARGUMENT);
  for (const PasswordCost cost :
       {PasswordCost{0, 3, 1}, PasswordCost{65536, 0, 1}, PasswordCost{65536, 17, 1},
        PasswordCost{65536, 3, 0}, PasswordCost{65536, 3, 5}, PasswordCost{7, 3, 1}}) {
    EXPECT_FALSE(cost.is_sane());
  }
}

class StoreRolesTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    auto store =
        Store::open(m_directory.store(), {m_directory.key_file(), credential_path()}, &m_why);
    m_status = store.status();
    return store ? std::move(*store) : nullptr;
  }

  std::filesystem::path credential_path() const { return m_directory.path() / "cipherdeck.key"; }

  void write_credential(std::size_t len) {
    write_file(credential_path(), std::vector<std::uint8_t>(len, 0x5a));
    chmod(credential_path().c_str(), 0440);
  }

  std::unique_ptr<Store> make(ProtectionKind protection = ProtectionKind::key_file,
                              std::string_view passphrase = {}) {
    auto store = open();
    if (store == nullptr) return nullptr;
    EXPECT_TRUE(store->initialise("test", *m_random, protection, as_bytes(passphrase)))
        << store->last_error();
    EXPECT_TRUE(store->create_partition("a", make_key_pair(0, "", *m_random), *m_random));
    return store;
  }

  card::testing::TestDirectory m_directory;
  std::unique_ptr<random::Generator> m_random = card::testing::make_random();
  std::string m_why;
  std::uint16_t m_status = 0;
};

// ---- protection --------------------------------------------------------------------------------

TEST_F(StoreRolesTest, APassphraseOpensIt) {
  ASSERT_NE(make(ProtectionKind::passphrase, kPassphrase), nullptr) << m_why;
  EXPECT_FALSE(std::filesystem::exists(m_directory.key_file()));
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  EXPECT_TRUE(store->initialised());
  EXPECT_TRUE(store->locked());
  EXPECT_EQ(store->label(), "test");
  EXPECT_EQ(store->load_partitions().status(), CIPHERDECK_STATUS_CARD_LOCKED);
  EXPECT_EQ(store->put_kek(1, make_kek(1, "", *m_random), *m_random).status(),
            CIPHERDECK_STATUS_CARD_LOCKED);
  EXPECT_EQ(store->initialise("again", *m_random).status(), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(store->unlock(as_bytes("an open secreT")).status(), CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_EQ(store->unlock({}).status(), CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_TRUE(store->locked());
  ASSERT_TRUE(store->unlock(as_bytes(kPassphrase))) << store->last_error();
  EXPECT_FALSE(store->locked());
  EXPECT_EQ(store->load_partitions()->size(), 1u);
  EXPECT_EQ(store->unlock(as_bytes(kPassphrase)).status(), CIPHERDECK_STATUS_EXISTS);
}

TEST_F(StoreRolesTest, APassphraseHasALength) {
  auto store = open();
  EXPECT_EQ(
      store->initialise("x", *m_random, ProtectionKind::passphrase, as_bytes("short")).status(),
      CIPHERDECK_STATUS_INVALID_ARGUMENT);
  EXPECT_FALSE(store->initialised());
}

TEST_F(StoreRolesTest, ACredentialOpensIt) {
  write_credential(32);
  ASSERT_NE(make(ProtectionKind::credential), nullptr) << m_why;
  EXPECT_NE(open(), nullptr) << m_why;
  write_file(credential_path(), std::vector<std::uint8_t>(32, 0x5b));
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(m_status, CIPHERDECK_STATUS_DECRYPT_FAILED);
  EXPECT_THAT(m_why, HasSubstr("credential is not the one"));
  write_credential(31);
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("31 bytes"));
  chmod(credential_path().c_str(), 0444);
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("others may not read"));
  std::filesystem::remove(credential_path());
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("cannot be opened"));
}

TEST_F(StoreRolesTest, ItsProtectionCanBeChanged) {
  auto store = make();
  ASSERT_NE(store, nullptr) << m_why;
  ASSERT_TRUE(store->protect(ProtectionKind::passphrase, as_bytes(kPassphrase), *m_random));
  store.reset();
  std::filesystem::remove(m_directory.key_file());
  store = open();
  ASSERT_NE(store, nullptr) << m_why;
  ASSERT_TRUE(store->unlock(as_bytes(kPassphrase)));
  ASSERT_TRUE(store->protect(ProtectionKind::passphrase, as_bytes("another one"), *m_random));
  store.reset();
  store = open();
  EXPECT_EQ(store->unlock(as_bytes(kPassphrase)).status(), CIPHERDECK_STATUS_WRONG_PASSWORD);
  ASSERT_TRUE(store->unlock(as_bytes("another one")));
  ASSERT_TRUE(store->protect(ProtectionKind::key_file, {}, *m_random));
  store.reset();
  store = open();
  ASSERT_NE(store, nullptr) << m_why;
  EXPECT_FALSE(store->locked());
  EXPECT_EQ(store->load_partitions()->size(), 1u);
}

// An old program's view of a new store, forged: the management key does not unwrap.
TEST_F(StoreRolesTest, IsNotTakenForAnOlderVersion) {
  ASSERT_NE(make(), nullptr);
  run_sql(m_directory.database(),
          "DROP TABLE audit; DROP TABLE user; DROP TABLE seal; DROP TABLE identity; DROP TABLE "
          "key_label; DROP TABLE protection; PRAGMA user_version = 1");
  EXPECT_EQ(open(), nullptr) << "users could be removed that way";
  EXPECT_THAT(m_why, HasSubstr("management key in the store is damaged"));
}

TEST_F(StoreRolesTest, RefusesADamagedProtection) {
  ASSERT_NE(make(ProtectionKind::passphrase, kPassphrase), nullptr);
  for (const char* sql : {"UPDATE protection SET memory_kib = 2000000", "DELETE FROM protection",
                          "INSERT INTO protection VALUES (1, 1, x'00', 65536, 3, 1)"}) {
    run_sql(m_directory.database(), sql);
    EXPECT_EQ(open(), nullptr) << sql;
  }
}

// ---- zeroization -------------------------------------------------------------------------------

TEST_F(StoreRolesTest, ZeroizationLeavesNothing) {
  auto store = make();
  ASSERT_NE(store, nullptr) << m_why;
  ASSERT_TRUE(store->put_kek(1, make_kek(1, "", *m_random), *m_random));
  ASSERT_TRUE(store->bind(1, 1));
  ASSERT_TRUE(store->zeroize()) << store->last_error();
  EXPECT_FALSE(store->initialised());
  EXPECT_FALSE(std::filesystem::exists(m_directory.key_file()));
  EXPECT_EQ(store->load_partitions().status(), CIPHERDECK_STATUS_NOT_INITIALISED);
  store.reset();
  store = open();
  ASSERT_NE(store, nullptr) << m_why;
  EXPECT_FALSE(store->initialised());
  ASSERT_TRUE(store->initialise("new life", *m_random));
  EXPECT_TRUE(store->load_partitions()->empty());
}

TEST_F(StoreRolesTest, APartitionInUseCanBeZeroized) {
  auto store = make();
  ASSERT_TRUE(store->bind(1, 1));
  EXPECT_EQ(store->remove_partition(1).status(), CIPHERDECK_STATUS_BUSY);
  ASSERT_TRUE(store->zeroize_partition(1));
  EXPECT_TRUE(store->load_partitions()->empty());
  EXPECT_TRUE(store->load_bindings()->empty());
  EXPECT_EQ(store->zeroize_partition(1).status(), CIPHERDECK_STATUS_NOT_FOUND);
}

// ---- users -------------------------------------------------------------------------------------

TEST_F(StoreRolesTest, KeepsUsers) {
  auto store = make();
  ASSERT_TRUE(
      store->add_user({"root", Role::administrator, 0, 17}, as_bytes("password 1"), *m_random));
  ASSERT_TRUE(store->add_user({"eve", Role::operator_, 1, 18}, as_bytes("password 2"), *m_random));
  EXPECT_EQ(
      store->add_user({"eve", Role::auditor, 0, 1}, as_bytes("password 2"), *m_random).status(),
      CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(store->add_user({"bob", Role::auditor, 0, 1}, as_bytes("short"), *m_random).status(),
            CIPHERDECK_STATUS_INVALID_ARGUMENT);
  store.reset();
  store = open();
  ASSERT_NE(store, nullptr) << m_why;
  const auto users = store->users();
  ASSERT_EQ(users->size(), 2u);
  EXPECT_EQ(users->front().name, "eve");
  EXPECT_EQ(users->front().partition, 1u);
  EXPECT_EQ(store->check_password("root", as_bytes("password 1"))->role, Role::administrator);
  EXPECT_EQ(store->check_password("root", as_bytes("password 2")).status(),
            CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_EQ(store->check_password("nobody", as_bytes("password 2")).status(),
            CIPHERDECK_STATUS_WRONG_PASSWORD);
  EXPECT_EQ(store->check_password("root", {}).status(), CIPHERDECK_STATUS_WRONG_PASSWORD);
  ASSERT_TRUE(store->set_password("eve", as_bytes("password 3"), *m_random));
  EXPECT_TRUE(store->check_password("eve", as_bytes("password 3")));
  ASSERT_TRUE(store->remove_partition(1));
  EXPECT_EQ(store->users()->size(), 1u) << "users of a partition go with it";
  ASSERT_TRUE(store->remove_user("root"));
  EXPECT_EQ(store->remove_user("root").status(), CIPHERDECK_STATUS_NOT_FOUND);
}

TEST_F(StoreRolesTest, RefusesUsersThatItDidNotWrite) {
  auto store = make();
  ASSERT_TRUE(
      store->add_user({"root", Role::administrator, 0, 1}, as_bytes("password 1"), *m_random));
  ASSERT_TRUE(store->add_user({"eve", Role::operator_, 0, 1}, as_bytes("password 2"), *m_random));
  store.reset();
  const auto whole = card::testing::read_file(m_directory.database());
  for (const char* sql :
       {"DELETE FROM user", "DELETE FROM user WHERE name = 'root'",
        "UPDATE user SET role = 1 WHERE name = 'eve'", "UPDATE user SET partition = 1",
        "UPDATE user SET verifier = (SELECT verifier FROM user WHERE name = 'eve')",
        "DELETE FROM seal WHERE name = 'users'", "UPDATE seal SET value = zeroblob(32)"}) {
    run_sql(m_directory.database(), sql);
    EXPECT_EQ(open(), nullptr) << sql;
    EXPECT_EQ(m_status, CIPHERDECK_STATUS_STORE_FAILED) << sql;
    EXPECT_THAT(m_why, HasSubstr("behind the card's back")) << sql;
    write_file(m_directory.database(), whole);
  }
  EXPECT_NE(open(), nullptr) << m_why;
}

// ---- the audit trail ---------------------------------------------------------------------------

class TrailTest : public StoreRolesTest {
 protected:
  void SetUp() override {
    m_store = make();
    ASSERT_NE(m_store, nullptr) << m_why;
    for (int i = 1; i <= 10; ++i) {
      ASSERT_TRUE(m_store->record({"ann", 0x8130, 1, "pair " + std::to_string(i), 0}));
    }
  }
  // What a verification says after someone changed the closed store.
  TrailReport after(const std::string& sql) {
    m_store.reset();
    run_sql(m_directory.database(), sql);
    m_store = open();
    return m_store == nullptr ? TrailReport{} : *m_store->verify_trail();
  }
  std::unique_ptr<Store> m_store;
};

TEST_F(TrailTest, TellsWhatWasRecorded) {
  const auto records = m_store->list_trail(1, 100);
  ASSERT_EQ(records->size(), 10u);
  EXPECT_EQ(records->at(2).number, 3u);
  EXPECT_EQ(records->at(2).act.subject, "pair 3");
  EXPECT_EQ(records->at(2).act.actor, "ann");
  EXPECT_EQ(m_store->list_trail(9, 100)->size(), 2u);
  EXPECT_EQ(m_store->list_trail(1, 3)->size(), 3u);
  const auto report = m_store->verify_trail();
  EXPECT_EQ(report->fault, "");
  EXPECT_EQ(report->first, 1u);
  EXPECT_EQ(report->last, 10u);
}

TEST_F(TrailTest, NamesWhatWasChanged) {
  struct Change {
    const char* sql;
    std::uint64_t bad;
    const char* fault;
  };
  const Change changes[] = {
      {"UPDATE audit SET actor = 'bob' WHERE number = 4", 4, "record 4 was changed"},
      {"UPDATE audit SET outcome = 12 WHERE number = 10", 10, "record 10 was changed"},
      {"UPDATE audit SET outcome = 65536 WHERE number = 2", 2, "record 2 was changed"},
      {"UPDATE audit SET time = time - 1 WHERE number = 1", 1, "record 1 was changed"},
      {"DELETE FROM audit WHERE number = 5", 5, "record 5 is missing"},
      {"DELETE FROM audit WHERE number > 7", 8, "record 8 is missing"},
      {"DELETE FROM audit WHERE number < 3", 1, "record 1 is missing"},
      {"DELETE FROM audit", 1, "record 1 is missing"},
      {"INSERT INTO audit SELECT 11, time, actor, action, partition, subject, outcome, mac FROM "
       "audit WHERE number = 10",
       11, "record 11 was added"},
      {"INSERT INTO audit SELECT 0, time, actor, action, partition, subject, outcome, mac FROM "
       "audit WHERE number = 10",
       0, "record 0 was added"},
      {"DELETE FROM seal WHERE name = 'audit'", 0, "the seal"},
      {"UPDATE seal SET value = zeroblob(112) WHERE name = 'audit'", 0, "the seal"},
  };
  m_store.reset();
  const auto whole = card::testing::read_file(m_directory.database());
  for (const Change& change : changes) {
    const TrailReport report = after(change.sql);
    EXPECT_EQ(report.bad, change.bad) << change.sql;
    EXPECT_THAT(report.fault, HasSubstr(change.fault)) << change.sql;
    ASSERT_NE(m_store, nullptr);
    ASSERT_FALSE(m_store->warnings().empty()) << "a start tells it too: " << change.sql;
    m_store.reset();
    write_file(m_directory.database(), whole);
  }
}

TEST_F(TrailTest, CanBeClearedAndGoesOn) {
  EXPECT_EQ(m_store->clear_trail(11).status(), CIPHERDECK_STATUS_NOT_FOUND);
  ASSERT_TRUE(m_store->clear_trail(6));
  EXPECT_EQ(m_store->clear_trail(6).status(), CIPHERDECK_STATUS_NOT_FOUND);
  ASSERT_TRUE(m_store->record({"eve", 0x8152, 0, "to record 6", 0}));
  auto report = m_store->verify_trail();
  EXPECT_EQ(report->fault, "");
  EXPECT_EQ(report->first, 7u);
  EXPECT_EQ(report->last, 11u);
  EXPECT_EQ(after("DELETE FROM audit WHERE number = 7").fault, "record 7 is missing");
  EXPECT_EQ(m_store->clear_trail(8).status(), CIPHERDECK_STATUS_VERIFY_FAILED)
      << "what is not whole is not cleared away";
}

TEST_F(TrailTest, ClearsAll) {
  ASSERT_TRUE(m_store->clear_trail(10));
  const auto report = m_store->verify_trail();
  EXPECT_EQ(report->fault, "");
  EXPECT_EQ(report->first, 11u);
  EXPECT_EQ(report->last, 10u);
  ASSERT_TRUE(m_store->record({"eve", 0x8152, 0, "to record 10", 0}));
  EXPECT_EQ(m_store->list_trail(1, 10)->front().number, 11u);
}

TEST_F(TrailTest, GoesWithItsChange) {
  m_store->set_act(Act{"ann", CIPHERDECK_OP_KEK_GENERATE, 1, "kek 1", 0});
  ASSERT_TRUE(m_store->put_kek(1, make_kek(1, "", *m_random), *m_random));
  EXPECT_FALSE(m_store->act_pending());
  EXPECT_EQ(m_store->list_trail(11, 10)->front().act.subject, "kek 1");
  m_store->set_act(Act{"ann", CIPHERDECK_OP_KEK_GENERATE, 1, "kek 1", 0});
  EXPECT_FALSE(m_store->put_kek(1, make_kek(1, "", *m_random), *m_random));
  EXPECT_TRUE(m_store->act_pending()) << "no change, no record";
  EXPECT_EQ(m_store->verify_trail()->last, 11u);
}

std::uint64_t g_clock = 0;

TEST_F(TrailTest, TellsWhereTheClockWasSetBack) {
  Database database;
  ASSERT_TRUE(database.open(m_directory.path() / "clock.db"));
  ASSERT_TRUE(prepare_schema(database));
  const RootKey management;
  Trail trail(database, management.span(), [] { return g_clock; });
  ASSERT_TRUE(trail.start());
  for (const std::uint64_t time : {1000, 1001, 1001, 5, 6}) {
    g_clock = time;
    ASSERT_TRUE(trail.append({}));
  }
  const auto report = trail.verify();
  EXPECT_EQ(report->fault, "") << "the numbers order the records, not the times";
  EXPECT_EQ(report->clock_set_back, 4u);
}

TEST_F(TrailTest, IsBoundedAndFailuresCannotFillIt) {
  Database database;
  ASSERT_TRUE(database.open(m_directory.path() / "full.db"));
  ASSERT_TRUE(prepare_schema(database));
  const RootKey management;
  Trail trail(database, management.span());
  ASSERT_TRUE(trail.start());
  auto transaction = Transaction::begin(database);  // one, for the sake of the disk
  ASSERT_TRUE(transaction);
  Act act;
  act.outcome = CIPHERDECK_STATUS_ROLE_DENIED;
  for (std::uint64_t i = 0; i < kMaxFailureRecords; ++i) ASSERT_TRUE(trail.append(act));
  EXPECT_EQ(trail.append(act).status(), CIPHERDECK_STATUS_TRAIL_FULL);
  act.outcome = CIPHERDECK_STATUS_OK;
  for (std::uint64_t i = kMaxFailureRecords; i < kMaxTrailRecords; ++i) {
    ASSERT_TRUE(trail.append(act));
  }
  EXPECT_EQ(trail.append(act).status(), CIPHERDECK_STATUS_TRAIL_FULL);
  act.action = CIPHERDECK_OP_AUDIT_CLEAR;
  ASSERT_TRUE(trail.clear(10));
  EXPECT_TRUE(trail.append(act)) << "there is always room to record that it was cleared";
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(trail.verify()->fault, "");
}

// ---- versions ----------------------------------------------------------------------------------

// A store that the program of version 1 wrote: tests/fault/store_v1.
TEST_F(StoreRolesTest, UpgradesAStoreOfVersion1) {
  const std::filesystem::path old(CIPHERDECK_STORE_V1_DIR);
  std::filesystem::create_directory(m_directory.store());
  chmod(m_directory.store().c_str(), 0700);
  std::filesystem::copy_file(old / "keys.db", m_directory.database());
  std::filesystem::copy_file(old / "lock", m_directory.store() / "lock");
  std::filesystem::copy_file(old / "management.key", m_directory.key_file());
  chmod(m_directory.key_file().c_str(), 0600);
  for (int again = 0; again < 2; ++again) {
    auto store = open();
    ASSERT_NE(store, nullptr) << m_why;
    EXPECT_EQ(store->label(), "version 1");
    EXPECT_TRUE(store->warnings().empty());
    const auto partitions = store->load_partitions();
    ASSERT_EQ(partitions->size(), 2u);
    Partition& blue = *partitions->front();
    EXPECT_EQ(blue.name(), "blue");
    EXPECT_TRUE(blue.check_access(CIPHERDECK_KEY_PAIR, 1, as_bytes("correct horse battery")));
    EXPECT_EQ(hex_of(blue.key_pair(1)->sign.public_key().bytes()).substr(0, 16),
              "25d8bd5a5fd89b81");
    EXPECT_NE(blue.kek(2), nullptr);
    EXPECT_EQ(store->load_bindings()->at(1), blue.id());
    EXPECT_EQ(store->verify_trail()->fault, "");
    EXPECT_TRUE(store->users()->empty());
  }
  auto store = open();
  ASSERT_TRUE(
      store->add_user({"root", Role::administrator, 0, 1}, as_bytes("password 1"), *m_random));
  ASSERT_TRUE(store->protect(ProtectionKind::passphrase, as_bytes(kPassphrase), *m_random));
}

}  // namespace
}  // namespace cipherdeck::card::store
