// SPDX-License-Identifier: Apache-2.0
// A worker that changes a key store at random, and a model of what must then be in it.
#pragma once

#include "card/partition/management.h"
#include "card/store/testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>

namespace cipherdeck::card::testing {

constexpr std::uint32_t kNumIndexes = 6;
constexpr std::uint32_t kMaxPartitionsHere = 4;

/// What a worker tells of a command: before it (done = 0), and after it completed (done = 1).
struct Report {
  std::uint32_t done;
  std::uint16_t opcode;
  std::uint16_t status;
  std::uint32_t partition;
  std::uint32_t kind;
  std::uint32_t index;
  std::uint32_t code;  // number of the access code
  std::array<std::uint8_t, 64> sign;
  std::array<std::uint8_t, 64> encrypt;
};
static_assert(sizeof(Report) <= 512, "goes through a pipe in one piece");  // POSIX: PIPE_BUF

inline std::string code_text(std::uint32_t number) {
  return "access code " + std::to_string(number);
}

struct Card {
  PartitionTable table;
  std::unique_ptr<Management> management;

  bool open(const TestDirectory& directory, std::string& why) {
    auto store = store::Store::open(directory.store(), directory.key_file(), &why);
    if (!store) return false;
    management = std::make_unique<Management>(*std::move(store), make_random(), table,
                                              std::function<bool(FunctionNumber)>());
    if (management->load()) return true;
    why = management->last_error();
    return false;
  }
};

// ---- the child
// --------------------------------------------------------------------------------------

class Worker {
 public:
  using Tell = std::function<void(const Report&)>;

  Worker(Card& card, Tell tell, unsigned seed)
      : m_card(card), m_tell(std::move(tell)), m_dice(seed) {}

  /// One command.
  void step() {
    if (m_card.management->state() == CIPHERDECK_CARD_UNINITIALISED) {
      run({0, CIPHERDECK_OP_CARD_INIT, 0, 0, 0, 0, 0, {}, {}}, "fault test");
    } else {
      change();
    }
  }

 private:
  std::uint32_t roll(std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(m_dice);
  }

  void change() {
    const auto partitions = m_card.table.all();
    if (partitions.empty() || (partitions.size() < kMaxPartitionsHere && roll(8) == 0)) {
      run({0, CIPHERDECK_OP_PARTITION_CREATE, 0, 0, 0, 0, 0, {}, {}},
          "p" + std::to_string(m_dice()));
      return;
    }
    const Partition& partition = *partitions[roll(static_cast<std::uint32_t>(partitions.size()))];
    Report report{0, CIPHERDECK_OP_PARTITION_REMOVE, 0, partition.id(), 0, 0, 0, {}, {}};
    if (roll(30) == 0) return run(report, {});
    report.index = 1 + roll(kNumIndexes);
    report.kind = roll(3) == 0 ? CIPHERDECK_KEY_KEK : CIPHERDECK_KEY_PAIR;
    report.code = static_cast<std::uint32_t>(m_dice());
    const bool there = report.kind == CIPHERDECK_KEY_KEK
                           ? partition.kek(report.index) != nullptr
                           : partition.key_pair(report.index) != nullptr;
    if (!there) {
      report.opcode = report.kind == CIPHERDECK_KEY_KEK ? CIPHERDECK_OP_KEK_GENERATE
                                                        : CIPHERDECK_OP_KEY_PAIR_GENERATE;
      return run(report, code_text(report.code));
    }
    report.opcode = roll(2) == 0 ? CIPHERDECK_OP_KEY_REMOVE : CIPHERDECK_OP_ACCESS_CODE_SET;
    run(report, report.opcode == CIPHERDECK_OP_KEY_REMOVE ? "" : code_text(report.code));
  }

  void run(Report report, const std::string& input) {
    m_tell(report);
    cipherdeck_command command{};
    command.opcode = report.opcode;
    command.arg[0] = report.partition;
    command.key = report.index;
    command.arg[1] = report.kind;
    if (report.opcode == CIPHERDECK_OP_KEY_PAIR_GENERATE) command.arg[1] = 0;
    if (report.opcode == CIPHERDECK_OP_KEK_GENERATE) command.arg[1] = 128;
    const ManagementReply reply = m_card.management->execute(command, as_bytes(input));
    report.done = 1;
    report.status = reply.status;
    if (report.opcode == CIPHERDECK_OP_PARTITION_CREATE) report.partition = reply.value;
    add_public_keys(report);
    m_tell(report);
  }

  void add_public_keys(Report& report) {
    const auto partition = m_card.table.find(report.partition);
    const bool pair = report.opcode == CIPHERDECK_OP_PARTITION_CREATE ||
                      report.opcode == CIPHERDECK_OP_KEY_PAIR_GENERATE;
    if (report.status != CIPHERDECK_STATUS_OK || partition == nullptr || !pair) return;
    const auto key = partition->key_pair(report.index);
    std::ranges::copy(key->sign.public_key().bytes(), report.sign.begin());
    std::ranges::copy(key->encrypt.public_key().bytes(), report.encrypt.begin());
  }

  Card& m_card;
  Tell m_tell;
  std::mt19937 m_dice;
};

// ---- the parent: what must be there
// -----------------------------------------------------------------

struct ExpectedKey {
  std::uint32_t code = 0;  // 0: none known
  std::array<std::uint8_t, 64> sign{};
  std::array<std::uint8_t, 64> encrypt{};
};
using Place = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // partition, kind, index

class Model {
 public:
  void apply(const Report& report) {
    const Place place{report.partition, report.kind, report.index};
    ++m_applied;
    switch (report.opcode) {
      case CIPHERDECK_OP_PARTITION_CREATE:
        m_keys[{report.partition, CIPHERDECK_KEY_PAIR, 0}] = {0, report.sign, report.encrypt};
        break;
      case CIPHERDECK_OP_PARTITION_REMOVE:
        std::erase_if(m_keys, [&report](const auto& key) {
          return std::get<0>(key.first) == report.partition;
        });
        break;
      case CIPHERDECK_OP_KEY_PAIR_GENERATE:
      case CIPHERDECK_OP_KEK_GENERATE:
        m_keys[place] = {report.code, report.sign, report.encrypt};
        break;
      case CIPHERDECK_OP_KEY_REMOVE:
        m_keys.erase(place);
        break;
      case CIPHERDECK_OP_ACCESS_CODE_SET:
        m_keys[place].code = report.code;
        break;
      default:
        break;
    }
  }

  // Compares with the card as it was opened again. `at_work` may have happened or not; if it has,
  // it is taken into the model.
  void compare(Card& card, const std::optional<Report>& at_work, RandomSource& random) {
    if (at_work && happened(card, *at_work)) apply_from_card(card, *at_work);
    std::size_t found = 0;
    for (const auto& partition : card.table.all()) {
      EXPECT_NE(partition->key_pair(0), nullptr) << "a partition without its device key pair";
      for (const auto& pair : partition->key_pairs())
        found += compare_pair(*partition, *pair, random);
      for (const auto& kek : partition->keks()) found += compare_kek(*partition, *kek);
    }
    EXPECT_EQ(found, m_keys.size()) << "a key that was reported is lost";
  }

  [[nodiscard]] int applied() const { return m_applied; }

 private:
  static bool happened(Card& card, const Report& report) {
    const auto partition = card.table.find(report.partition);
    const bool pair = report.kind == CIPHERDECK_KEY_PAIR;
    const auto key_there = [&] {
      return partition != nullptr && (pair ? partition->key_pair(report.index) != nullptr
                                           : partition->kek(report.index) != nullptr);
    };
    switch (report.opcode) {
      case CIPHERDECK_OP_PARTITION_REMOVE:
        return partition == nullptr;
      case CIPHERDECK_OP_KEY_PAIR_GENERATE:
      case CIPHERDECK_OP_KEK_GENERATE:
        return key_there();
      case CIPHERDECK_OP_KEY_REMOVE:
        return !key_there();
      case CIPHERDECK_OP_ACCESS_CODE_SET:
        return partition != nullptr &&
               partition->check_access(report.kind, report.index, as_bytes(code_text(report.code)))
                   .ok();
      default:
        return true;  // a partition made is looked for among all
    }
  }

  void apply_from_card(Card& card, Report report) {
    if (report.opcode == CIPHERDECK_OP_PARTITION_CREATE) {
      for (const auto& partition : card.table.all()) {
        if (!m_keys.contains({partition->id(), CIPHERDECK_KEY_PAIR, 0})) {
          report.partition = partition->id();
        }
      }
      if (report.partition == 0) return;  // it did not happen
    }
    const auto partition = card.table.find(report.partition);
    const auto pair = partition ? partition->key_pair(report.index) : nullptr;
    const bool is_pair = report.opcode == CIPHERDECK_OP_PARTITION_CREATE ||
                         report.opcode == CIPHERDECK_OP_KEY_PAIR_GENERATE;
    if (pair != nullptr && is_pair) {
      std::ranges::copy(pair->sign.public_key().bytes(), report.sign.begin());
      std::ranges::copy(pair->encrypt.public_key().bytes(), report.encrypt.begin());
    }
    apply(report);
  }

  std::size_t compare_pair(Partition& partition, const KeyPair& pair, RandomSource& random) {
    const auto expected = m_keys.find({partition.id(), CIPHERDECK_KEY_PAIR, pair.index});
    if (expected == m_keys.end()) {
      ADD_FAILURE() << "key pair " << pair.index << " was never reported";
      return 0;
    }
    EXPECT_TRUE(std::ranges::equal(pair.sign.public_key().bytes(), expected->second.sign));
    EXPECT_TRUE(std::ranges::equal(pair.encrypt.public_key().bytes(), expected->second.encrypt));
    check_code(partition, CIPHERDECK_KEY_PAIR, pair.index, expected->second.code);
    check_use(pair, expected->second, random);
    return 1;
  }

  std::size_t compare_kek(Partition& partition, const Kek& kek) {
    const auto expected = m_keys.find({partition.id(), CIPHERDECK_KEY_KEK, kek.index});
    if (expected == m_keys.end()) {
      ADD_FAILURE() << "KEK " << kek.index << " was never reported";
      return 0;
    }
    check_code(partition, CIPHERDECK_KEY_KEK, kek.index, expected->second.code);
    return 1;
  }

  static void check_code(Partition& partition, std::uint32_t kind, std::uint32_t index,
                         std::uint32_t code) {
    if (index == 0) return;
    EXPECT_EQ(partition.check_access(kind, index, as_bytes(code_text(code))).status(), 0)
        << "index " << index;
  }

  // The private keys belong to the public keys that were reported.
  static void check_use(const KeyPair& pair, const ExpectedKey& expected, RandomSource& random) {
    const auto sign_public = engine::Sm2PublicKey::from_bytes(expected.sign);
    const auto encrypt_public = engine::Sm2PublicKey::from_bytes(expected.encrypt);
    ASSERT_TRUE(sign_public.ok() && encrypt_public.ok());
    const engine::Sm3Digest e = engine::Sm3::digest(as_bytes("a message"));
    const auto signature = engine::sm2_sign(pair.sign, e, random);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(engine::sm2_verify(*sign_public, e, *signature));
    std::array<std::uint8_t, 9 + engine::kSm2CiphertextOverhead> ciphertext{};
    std::array<std::uint8_t, 9> plaintext{};
    EXPECT_TRUE(engine::sm2_encrypt(ciphertext, *encrypt_public, as_bytes("a message"), random));
    EXPECT_TRUE(engine::sm2_decrypt(plaintext, pair.encrypt, ciphertext));
    EXPECT_TRUE(std::ranges::equal(plaintext, as_bytes("a message")));
  }

  std::map<Place, ExpectedKey> m_keys;
  int m_applied = 0;
};

}  // namespace cipherdeck::card::testing
