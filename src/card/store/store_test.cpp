// SPDX-License-Identifier: Apache-2.0
#include "card/store/store.h"

#include "card/store/testing.h"
#include "card/store/wrapping.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

namespace cipherdeck::card::store {
namespace {

using card::testing::make_kek;
using card::testing::make_key_pair;
using card::testing::read_file;
using card::testing::run_sql;
using card::testing::write_file;
using ::testing::HasSubstr;

unsigned mode_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

bool contains(const std::vector<std::uint8_t>& data, Bytes part) {
  return std::search(data.begin(), data.end(), part.begin(), part.end()) != data.end();
}

class StoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    auto store = Store::open(m_directory.store(), m_directory.key_file(), &m_why);
    m_status = store.status();
    return store ? std::move(*store) : nullptr;
  }

  std::unique_ptr<Store> open_initialised() {
    auto store = open();
    if (store != nullptr && !store->initialised()) {
      EXPECT_TRUE(store->initialise("test", *m_random));
    }
    return store;
  }

  // A store of two partitions, "a" and "b", each with key pair 1 and KEK 1; closed again.
  void make_store() {
    auto store = open_initialised();
    ASSERT_NE(store, nullptr) << m_why;
    for (const char* name : {"a", "b"}) {
      auto id = store->create_partition(name, make_key_pair(0, "", *m_random), *m_random);
      ASSERT_TRUE(id);
      ASSERT_TRUE(store->put_key_pair(*id, make_key_pair(1, "code of 1", *m_random), *m_random));
      ASSERT_TRUE(store->put_kek(*id, make_kek(1, "", *m_random), *m_random));
      ASSERT_TRUE(store->bind(*id, *id));
    }
  }

  card::testing::TestDirectory m_directory;
  std::unique_ptr<random::Generator> m_random = card::testing::make_random();
  std::string m_why;
  std::uint16_t m_status = 0;
};

TEST_F(StoreTest, MakesPrivateFiles) {
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  EXPECT_FALSE(store->initialised());
  EXPECT_FALSE(std::filesystem::exists(m_directory.key_file()));
  ASSERT_TRUE(store->initialise("my card", *m_random));
  EXPECT_TRUE(store->initialised());
  EXPECT_EQ(store->label(), "my card");
  EXPECT_EQ(store->serial().size(), 16u);
  EXPECT_EQ(store->serial().substr(0, 2), "20");
  EXPECT_EQ(mode_of(m_directory.store()), 0700u);
  EXPECT_EQ(mode_of(m_directory.database()), 0600u);
  EXPECT_EQ(mode_of(m_directory.key_file()), 0600u);
  EXPECT_EQ(std::filesystem::file_size(m_directory.key_file()), 32u);
  EXPECT_FALSE(std::filesystem::exists(m_directory.key_file().string() + ".new"));
  EXPECT_EQ(store->initialise("again", *m_random).status(), CIPHERDECK_STATUS_EXISTS);
}

TEST_F(StoreTest, KeepsEverything) {
  auto store = open_initialised();
  const KeyPair device = make_key_pair(0, "", *m_random);
  const KeyPair pair = make_key_pair(7, "open sesame", *m_random);
  const Kek kek = make_kek(9, "", *m_random);
  const auto id = store->create_partition("tenant", device, *m_random);
  ASSERT_TRUE(id);
  ASSERT_TRUE(store->put_key_pair(*id, pair, *m_random));
  ASSERT_TRUE(store->put_kek(*id, kek, *m_random));
  ASSERT_TRUE(store->bind(3, *id));
  ASSERT_TRUE(store->put_access_failures(*id, CIPHERDECK_KEY_PAIR, 7, 4));
  const std::string serial = store->serial();
  store.reset();

  store = open();
  ASSERT_NE(store, nullptr) << m_why;
  EXPECT_TRUE(store->initialised());
  EXPECT_EQ(store->label(), "test");
  EXPECT_EQ(store->serial(), serial);
  const auto partitions = store->load_partitions();
  ASSERT_TRUE(partitions);
  ASSERT_EQ(partitions->size(), 1u);
  Partition& partition = *partitions->front();
  EXPECT_EQ(partition.id(), *id);
  EXPECT_EQ(partition.name(), "tenant");
  ASSERT_NE(partition.key_pair(0), nullptr);
  ASSERT_NE(partition.key_pair(7), nullptr);
  EXPECT_TRUE(std::ranges::equal(partition.key_pair(7)->sign.bytes(), pair.sign.bytes()));
  EXPECT_TRUE(std::ranges::equal(partition.key_pair(7)->encrypt.bytes(), pair.encrypt.bytes()));
  EXPECT_EQ(partition.key_pair(7)->created, pair.created);
  ASSERT_NE(partition.kek(9), nullptr);
  EXPECT_TRUE(std::ranges::equal(partition.kek(9)->key.span(), kek.key.span()));
  EXPECT_EQ(partition.kek(9)->bits, 128u);
  EXPECT_EQ(partition.access_failures(CIPHERDECK_KEY_PAIR, 7), 4u);
  EXPECT_TRUE(partition.check_access(CIPHERDECK_KEY_PAIR, 7, as_bytes("open sesame")));
  EXPECT_FALSE(partition.check_access(CIPHERDECK_KEY_PAIR, 7, as_bytes("open barley")));
  const auto bindings = store->load_bindings();
  ASSERT_TRUE(bindings);
  EXPECT_EQ(*bindings, (std::map<FunctionNumber, PartitionId>{{3, *id}}));
  EXPECT_TRUE(store->warnings().empty());
}

TEST_F(StoreTest, RefusesWhatIsThereOrIsNot) {
  EXPECT_EQ(open()->create_partition("a", make_key_pair(0, "", *m_random), *m_random).status(),
            CIPHERDECK_STATUS_NOT_INITIALISED);
  make_store();
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  const KeyPair pair = make_key_pair(1, "12345678", *m_random);
  const KeyPair other = make_key_pair(2, "12345678", *m_random);
  EXPECT_EQ(store->create_partition("a", pair, *m_random).status(), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(store->put_key_pair(1, pair, *m_random).status(), CIPHERDECK_STATUS_EXISTS);
  EXPECT_EQ(store->put_key_pair(9, pair, *m_random).status(), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(store->replace_key_pair(1, other, *m_random).status(), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(store->bind(1, 9).status(), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(store->remove_partition(1).status(), CIPHERDECK_STATUS_BUSY);
  EXPECT_EQ(store->remove_partition(9).status(), CIPHERDECK_STATUS_NOT_FOUND);
  EXPECT_EQ(store->remove_key(1, CIPHERDECK_KEY_KEK, 2).status(), CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_EQ(store->put_access_failures(1, CIPHERDECK_KEY_KEK, 2, 1).status(),
            CIPHERDECK_STATUS_KEY_NOT_FOUND);
  EXPECT_TRUE(store->put_access_failures(1, CIPHERDECK_KEY_PAIR, 1, 10));
  EXPECT_TRUE(store->replace_key_pair(1, pair, *m_random));
  const auto partitions = store->load_partitions();
  EXPECT_EQ(partitions->front()->access_failures(CIPHERDECK_KEY_PAIR, 1), 0u);
}

TEST_F(StoreTest, NeverUsesAnIdTwice) {
  make_store();
  auto store = open();
  ASSERT_TRUE(store->bind(2, 0));
  ASSERT_TRUE(store->remove_partition(2));
  const auto id = store->create_partition("b", make_key_pair(0, "", *m_random), *m_random);
  ASSERT_TRUE(id);
  EXPECT_EQ(*id, 3u);
  const auto partitions = store->load_partitions();
  ASSERT_TRUE(partitions);
  ASSERT_EQ(partitions->size(), 2u);
  EXPECT_EQ(partitions->back()->key_pairs().size(), 1u) << "keys of the removed one are gone";
}

TEST_F(StoreTest, IsOpenOnce) {
  auto store = open();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(m_status, CIPHERDECK_STATUS_BUSY);
  EXPECT_THAT(m_why, HasSubstr("another process"));
  store.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(StoreTest, HasNoSecretInTheClear) {
  auto store = open_initialised();
  const KeyPair pair = make_key_pair(1, "a code to look for", *m_random);
  const Kek kek = make_kek(1, "", *m_random);
  const auto id = store->create_partition("tenant", pair, *m_random);
  ASSERT_TRUE(id);
  ASSERT_TRUE(store->put_kek(*id, kek, *m_random));
  const auto file = read_file(m_directory.database());
  ASSERT_TRUE(contains(file, as_bytes("tenant"))) << "the search would find it";
  EXPECT_FALSE(contains(file, pair.sign.bytes().first(8)));
  EXPECT_FALSE(contains(file, pair.encrypt.bytes().first(8)));
  EXPECT_FALSE(contains(file, kek.key.span().first(8)));
  EXPECT_FALSE(contains(file, pair.access.mac.span().first(8)));
  EXPECT_FALSE(contains(file, as_bytes("a code to look for")));
  const auto key_file = read_file(m_directory.key_file());
  EXPECT_FALSE(contains(file, Bytes(key_file).first(8)));
}

TEST_F(StoreTest, RefusesKeyFilesThatAreNotRight) {
  make_store();
  const auto key = read_file(m_directory.key_file());
  const auto refuses = [this](std::uint16_t status, const char* text) {
    EXPECT_EQ(open(), nullptr);
    EXPECT_EQ(m_status, status) << m_why;
    EXPECT_THAT(m_why, HasSubstr(text));
  };
  const auto path = m_directory.key_file();
  chmod(path.c_str(), 0640);
  refuses(CIPHERDECK_STATUS_STORE_FAILED, "chmod it to 0600");
  chmod(path.c_str(), 0600);
  auto other = key;
  other[31] ^= 1;
  write_file(path, other);
  refuses(CIPHERDECK_STATUS_DECRYPT_FAILED, "not the one of this store");
  other.pop_back();
  write_file(path, other);
  refuses(CIPHERDECK_STATUS_STORE_FAILED, "31 bytes");
  std::filesystem::remove(path);
  refuses(CIPHERDECK_STATUS_STORE_FAILED, "is not there");
  std::filesystem::create_directory(path);
  refuses(CIPHERDECK_STATUS_STORE_FAILED, "not a regular file");
  std::filesystem::remove(path);
  write_file(m_directory.path() / "elsewhere", key);
  chmod((m_directory.path() / "elsewhere").c_str(), 0600);
  std::filesystem::create_symlink(m_directory.path() / "elsewhere", path);
  refuses(CIPHERDECK_STATUS_STORE_FAILED, "cannot be opened");
  std::filesystem::rename(m_directory.path() / "elsewhere", path);
  EXPECT_NE(open(), nullptr) << m_why;
}

TEST_F(StoreTest, UsesAKeyFileThatIsThere) {
  const std::vector<std::uint8_t> key(32, 0x77);
  write_file(m_directory.key_file(), key);
  chmod(m_directory.key_file().c_str(), 0600);
  write_file(m_directory.key_file().string() + ".new", key);
  make_store();
  EXPECT_EQ(read_file(m_directory.key_file()), key);
  EXPECT_FALSE(std::filesystem::exists(m_directory.key_file().string() + ".new"));
  EXPECT_NE(open(), nullptr) << m_why;
}

TEST_F(StoreTest, InitialisesAgainAfterAFailure) {
  const auto parent = m_directory.path() / "missing";
  auto store = *Store::open(m_directory.store(), parent / "card.key");
  EXPECT_EQ(store->initialise("x", *m_random).status(), CIPHERDECK_STATUS_STORE_FAILED);
  EXPECT_THAT(store->last_error(), HasSubstr("No such file"));
  EXPECT_FALSE(store->initialised());
  std::filesystem::create_directory(parent);
  EXPECT_TRUE(store->initialise("x", *m_random)) << store->last_error();
}

TEST_F(StoreTest, RefusesADirectoryOpenToOthers) {
  make_store();
  chmod(m_directory.store().c_str(), 0750);
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(m_status, CIPHERDECK_STATUS_STORE_FAILED);
  EXPECT_THAT(m_why, HasSubstr("chmod it to 0700"));
}

TEST_F(StoreTest, RefusesOtherDatabases) {
  make_store();
  run_sql(m_directory.database(), "PRAGMA user_version = 99");
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(m_status, CIPHERDECK_STATUS_STORE_FAILED);
  EXPECT_THAT(m_why, HasSubstr("newer program"));
  run_sql(m_directory.database(), "PRAGMA user_version = 2; PRAGMA application_id = 5");
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("not a key store"));
  run_sql(m_directory.database(),
          "PRAGMA application_id = 0x4344434b; CREATE TRIGGER t AFTER INSERT ON key BEGIN DELETE "
          "FROM key; END");
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(m_why, HasSubstr("did not make"));
  run_sql(m_directory.database(), "DROP TRIGGER t; DROP TABLE binding");
  EXPECT_EQ(open(), nullptr);
  run_sql(m_directory.database(),
          "CREATE TABLE binding (function INTEGER PRIMARY KEY, partition INTEGER, mac BLOB)");
  EXPECT_EQ(open(), nullptr);
}

// ---- tampering ---------------------------------------------------------------------------------

TEST_F(StoreTest, RefusesKeysThatChangedPlaces) {
  make_store();
  run_sql(m_directory.database(),
          "UPDATE key SET secret = (SELECT secret FROM key AS other WHERE other.partition = 2 AND "
          "other.kind = 1 AND other.number = 1) WHERE partition = 1 AND kind = 1 AND number = 1");
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  const auto partitions = store->load_partitions();
  ASSERT_TRUE(partitions);
  ASSERT_EQ(partitions->size(), 2u);
  EXPECT_EQ((*partitions)[0]->key_pair(1), nullptr);
  EXPECT_NE((*partitions)[0]->kek(1), nullptr) << "other keys are served";
  EXPECT_NE((*partitions)[1]->key_pair(1), nullptr);
  ASSERT_EQ(store->warnings().size(), 1u);
  EXPECT_THAT(store->warnings()[0], HasSubstr("key pair 1 of partition 1 is damaged"));
  EXPECT_EQ(store->put_key_pair(1, make_key_pair(1, "", *m_random), *m_random).status(),
            CIPHERDECK_STATUS_EXISTS)
      << "a damaged key is not overwritten unasked";
  EXPECT_TRUE(store->remove_key(1, CIPHERDECK_KEY_PAIR, 1));
  EXPECT_TRUE(store->put_key_pair(1, make_key_pair(1, "", *m_random), *m_random));
}

TEST_F(StoreTest, RefusesRowsWhoseFieldsChanged) {
  for (const char* sql : {"UPDATE key SET number = 2 WHERE kind = 1 AND number = 1",
                          "UPDATE key SET kind = 2 WHERE kind = 1 AND number = 1",
                          "UPDATE key SET created = created + 1 WHERE kind = 1 AND number = 1",
                          "UPDATE key SET number = 4294967297 WHERE kind = 1 AND number = 1",
                          "UPDATE key SET secret = x'' WHERE kind = 1 AND number = 1"}) {
    std::filesystem::remove_all(m_directory.store());
    make_store();
    run_sql(m_directory.database(), std::string("DELETE FROM key WHERE kind = 2; ") + sql);
    auto store = open();
    ASSERT_NE(store, nullptr) << m_why;
    const auto partitions = store->load_partitions();
    ASSERT_TRUE(partitions);
    for (const auto& partition : *partitions) {
      EXPECT_EQ(partition->key_pairs().size(), 1u) << sql;
      EXPECT_EQ(partition->keks().size(), 0u) << sql;
    }
    EXPECT_EQ(store->warnings().size(), 2u) << sql;
  }
}

TEST_F(StoreTest, RefusesARenamedPartitionAndAForgedBinding) {
  make_store();
  run_sql(m_directory.database(),
          "UPDATE partition SET name = 'c' WHERE id = 1; UPDATE binding SET partition = 1 WHERE "
          "function = 2");
  auto store = open();
  ASSERT_NE(store, nullptr) << m_why;
  const auto partitions = store->load_partitions();
  ASSERT_TRUE(partitions);
  ASSERT_EQ(partitions->size(), 1u);
  EXPECT_EQ(partitions->front()->name(), "b");
  const auto bindings = store->load_bindings();
  ASSERT_TRUE(bindings);
  EXPECT_EQ(*bindings, (std::map<FunctionNumber, PartitionId>{{1, 1}}));
  EXPECT_EQ(store->warnings().size(), 2u);
}

TEST_F(StoreTest, RefusesAChangedCardRow) {
  make_store();
  run_sql(m_directory.database(), "UPDATE card SET label = 'other'");
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(m_status, CIPHERDECK_STATUS_STORE_FAILED);
  EXPECT_THAT(m_why, HasSubstr("management key in the store is damaged"));
}

TEST_F(StoreTest, TakesAStrangeCountForALockOut) {
  make_store();
  run_sql(m_directory.database(), "UPDATE key SET failures = -5");
  auto store = open();
  const auto partitions = store->load_partitions();
  ASSERT_TRUE(partitions);
  EXPECT_EQ(partitions->front()->access_failures(CIPHERDECK_KEY_PAIR, 1), kMaxAccessFailures);
}

// ---- damaged files -----------------------------------------------------------------------------

TEST_F(StoreTest, RefusesATruncatedDatabase) {
  make_store();
  const auto whole = read_file(m_directory.database());
  for (std::size_t len :
       {std::size_t{0}, std::size_t{1}, std::size_t{50}, std::size_t{100}, std::size_t{4096},
        whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    write_file(m_directory.database(), Bytes(whole).first(len));
    EXPECT_EQ(open(), nullptr) << len;
    EXPECT_EQ(m_status, CIPHERDECK_STATUS_STORE_FAILED) << len;
    EXPECT_THAT(m_why, HasSubstr("restore it from a backup")) << len;
  }
  std::filesystem::remove(m_directory.database());
  EXPECT_EQ(open(), nullptr) << "a lost database is not a new store";
  write_file(m_directory.database(), whole);
  EXPECT_NE(open(), nullptr) << m_why;
}

// Whatever bit of the file flips, no key but those that were put is ever served.
TEST_F(StoreTest, ServesNoFlippedKey) {
  make_store();
  auto store = open();
  std::vector<std::vector<std::uint8_t>> known;
  const auto loaded = store->load_partitions();
  ASSERT_TRUE(loaded);
  for (const auto& partition : *loaded) {
    for (const auto& pair : partition->key_pairs()) {
      known.emplace_back(pair->sign.bytes().begin(), pair->sign.bytes().end());
    }
    for (const auto& kek : partition->keks()) {
      known.emplace_back(kek->key.span().begin(), kek->key.span().end());
    }
  }
  store.reset();
  const auto whole = read_file(m_directory.database());
  const auto is_known = [&known](Bytes key) {
    return std::ranges::any_of(known, [key](const auto& k) { return std::ranges::equal(k, key); });
  };
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::uint32_t at = 0;
    ASSERT_TRUE(m_random->fill({reinterpret_cast<std::uint8_t*>(&at), 4}));
    auto flipped = whole;
    flipped[at % whole.size()] ^= static_cast<std::uint8_t>(1u << (at >> 29));
    write_file(m_directory.database(), flipped);
    store = open();
    if (store == nullptr) {
      EXPECT_FALSE(m_why.empty());
      ++refused;
      continue;
    }
    const auto partitions = store->load_partitions();
    (void)store->load_bindings();
    if (!partitions || !store->warnings().empty()) ++refused;
    if (!partitions) continue;
    for (const auto& partition : *partitions) {
      for (const auto& pair : partition->key_pairs()) EXPECT_TRUE(is_known(pair->sign.bytes()));
      for (const auto& kek : partition->keks()) EXPECT_TRUE(is_known(kek->key.span()));
    }
    store.reset();
  }
  EXPECT_GT(refused, 0) << "no flip hit anything that matters";
}

TEST(Wrapping, RefusesEveryFlippedBit) {
  auto random = card::testing::make_random();
  RootKey root;
  root.span()[0] = 1;
  const std::vector<std::uint8_t> secret(40, 0x11);
  const Context context = Context("test").add(std::uint64_t{5}).add("name");
  auto blob = wrap(root.span(), "purpose", context, secret, *random);
  ASSERT_TRUE(blob);
  ASSERT_EQ(blob->size(), secret.size() + kWrapOverhead);
  std::vector<std::uint8_t> out(secret.size());
  ASSERT_TRUE(unwrap(out, root.span(), "purpose", context, *blob));
  EXPECT_EQ(out, secret);
  for (std::size_t bit = 0; bit < blob->size() * 8; ++bit) {
    auto flipped = *blob;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_EQ(unwrap(out, root.span(), "purpose", context, flipped).status(),
              CIPHERDECK_STATUS_DECRYPT_FAILED);
    EXPECT_EQ(out, std::vector<std::uint8_t>(40, 0));
  }
  EXPECT_FALSE(unwrap(out, root.span(), "other purpose", context, *blob));
  EXPECT_FALSE(unwrap(out, root.span(), "purpose", Context("test").add(std::uint64_t{5}), *blob));
  const auto again = wrap(root.span(), "purpose", context, secret, *random);
  EXPECT_NE(*again, *blob) << "each wrapping has a nonce of its own";
}

TEST(Wrapping, ContextsDoNotRunTogether) {
  const Context one = Context("x").add("ab").add("c");
  const Context other = Context("x").add("a").add("bc");
  EXPECT_FALSE(std::ranges::equal(one.bytes(), other.bytes()));
}

}  // namespace
}  // namespace cipherdeck::card::store
