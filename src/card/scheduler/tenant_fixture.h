// SPDX-License-Identifier: Apache-2.0
// For tests: a card in a directory of its own, and tenants that drive it through real ring memory.
#pragma once

#include "card/card.h"

#include <gtest/gtest.h>
#include <temporary_directory.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace cipherdeck::card {

using Buffer = std::vector<std::uint8_t>;

inline Buffer pattern(std::size_t len, unsigned seed = 1) {
  Buffer bytes(len);
  for (auto& byte : bytes) {
    seed = seed * 1103515245 + 12345;
    byte = static_cast<std::uint8_t>(seed >> 16);
  }
  return bytes;
}

inline Buffer concat(Bytes a, Bytes b) {
  Buffer all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

/// Random bytes that are not.
class CountingRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (auto& byte : out) byte = m_next++;
    return {};
  }

 private:
  std::uint8_t m_next = 1;
};

class CountingLine final : public InterruptLine {
 public:
  void raise() noexcept override { m_raised.fetch_add(1); }
  [[nodiscard]] int raised() const noexcept { return m_raised.load(); }

 private:
  std::atomic<int> m_raised{0};
};

/// The memory of one queue pair.
class RingMemory {
 public:
  RingMemory(std::uint32_t entries, std::uint32_t arena_len)
      : m_submission(entries), m_completion(entries), m_arena(arena_len) {}

  [[nodiscard]] ring::QueueMemory view() {
    return {.submission = m_submission.data(),
            .completion = m_completion.data(),
            .arena = m_arena.data(),
            .doorbell = &m_doorbell,
            .entries = static_cast<std::uint32_t>(m_submission.size()),
            .arena_len = static_cast<std::uint32_t>(m_arena.size())};
  }
  [[nodiscard]] cipherdeck_doorbell& doorbell() { return m_doorbell; }

 private:
  std::vector<cipherdeck_command> m_submission;
  std::vector<cipherdeck_completion> m_completion;
  Buffer m_arena;
  alignas(64) cipherdeck_doorbell m_doorbell{};
};

/// A driver's end that waits: what it is attached to, it is told by `kick`.
class Tenant {
 public:
  Tenant(Card& card, FunctionNumber function, std::uint32_t entries = 64,
         std::uint32_t arena_len = 4U << 20, std::chrono::microseconds moderation = {})
      : m_card(card), m_memory(entries, arena_len), m_driver(m_memory.view()) {
    auto attached = card.attach(function, m_memory.view(), m_line, moderation);
    EXPECT_TRUE(attached);
    m_handle = attached ? *attached : 0;
  }
  ~Tenant() { detach(); }
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  void detach() {
    if (m_handle != 0) m_card.detach(m_handle);
    m_handle = 0;
  }

  // ---- operands: laid one after another in the arena, until clear() ----
  void clear() { m_used = 0; }
  cipherdeck_extent room(std::size_t len) {
    const cipherdeck_extent extent{m_used, static_cast<std::uint32_t>(len)};
    EXPECT_LE(m_used + len, m_memory.view().arena_len);
    m_used += static_cast<std::uint32_t>((len + 63) & ~std::size_t{63});
    return extent;
  }
  cipherdeck_extent put(Bytes bytes) {
    const cipherdeck_extent extent = room(bytes.size());
    if (!bytes.empty()) std::memcpy(arena() + extent.offset, bytes.data(), bytes.size());
    return bytes.empty() ? cipherdeck_extent{} : extent;
  }
  [[nodiscard]] Buffer get(cipherdeck_extent extent, std::size_t len) {
    return {arena() + extent.offset, arena() + extent.offset + len};
  }
  [[nodiscard]] std::uint8_t* arena() { return m_memory.view().arena; }

  // ---- commands ----
  /// False: the ring is full.
  [[nodiscard]] bool submit(const cipherdeck_command& command) {
    if (!m_driver.push(command)) return false;
    if (m_driver.ring_doorbell()) m_card.kick(m_handle);
    return true;
  }
  ring::Completion wait() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      for (int i = 0; i < 1000; ++i) {
        if (auto completion = m_driver.reap()) return *completion;
      }
      std::this_thread::yield();
    }
    ADD_FAILURE() << "no completion";
    return {.status = CIPHERDECK_STATUS_TIMED_OUT};
  }
  ring::Completion call(cipherdeck_command command) {
    command.command_id = ++m_next_id;
    EXPECT_TRUE(submit(command));
    const ring::Completion completion = wait();
    EXPECT_EQ(completion.command_id, command.command_id);
    return completion;
  }
  std::uint32_t open_session() {
    const auto opened = call({.opcode = CIPHERDECK_OP_SESSION_OPEN});
    EXPECT_EQ(opened.status, CIPHERDECK_STATUS_OK);
    EXPECT_NE(opened.value, 0U);
    return opened.value;
  }
  std::uint32_t import_key(std::uint32_t session, Bytes key) {
    const auto imported =
        call({.opcode = CIPHERDECK_OP_KEY_IMPORT, .session = session, .input = put(key)});
    EXPECT_EQ(imported.status, CIPHERDECK_STATUS_OK);
    return imported.value;
  }

  [[nodiscard]] ring::DriverEnd& driver() { return m_driver; }
  [[nodiscard]] RingMemory& memory() { return m_memory; }
  [[nodiscard]] CountingLine& line() { return *m_line; }
  [[nodiscard]] QueuePairHandle handle() const { return m_handle; }

 private:
  Card& m_card;
  RingMemory m_memory;
  ring::DriverEnd m_driver;
  std::shared_ptr<CountingLine> m_line = std::make_shared<CountingLine>();
  QueuePairHandle m_handle = 0;
  std::uint32_t m_used = 0;
  std::uint16_t m_next_id = 0;
};

inline const std::string kCode = "tenant code";        // of key pair 1 and KEK 2
inline const std::string kDeviceCode = "device code";  // of key pair 0

/// An initialised card: function 1 is bound to one partition, function 2 to another, function 3 to
/// none. Each partition has key pairs 0 and 1 with access codes, key pair 2 without, KEK 1 without
/// a code and KEK 2 with one.
class TestCard {
 public:
  /// `more` says what options() does not.
  explicit TestCard(std::chrono::microseconds poll = std::chrono::microseconds(200),
                    CardOptions more = {})
      : m_more(std::move(more)) {
    auto opened = Card::open(options(poll));
    EXPECT_TRUE(opened);
    m_card = std::move(opened).value();
    manage({.opcode = CIPHERDECK_OP_CARD_INIT}, as_bytes("test"));
    for (std::uint64_t function : {1, 2}) {
      const std::uint32_t partition = manage({.opcode = CIPHERDECK_OP_PARTITION_CREATE},
                                             as_bytes("p" + std::to_string(function)));
      manage({.opcode = CIPHERDECK_OP_FUNCTION_BIND, .arg = {function, partition}});
      make_keys(partition);
    }
  }

  Card& operator*() { return *m_card; }
  Card* operator->() { return m_card.get(); }
  std::unique_ptr<Card>& pointer() { return m_card; }
  CardOptions options(std::chrono::microseconds poll = std::chrono::microseconds(200)) const {
    CardOptions options = m_more;
    options.store = m_directory.path() / "store";
    options.key_file = m_directory.path() / "key";
    options.poll = poll;
    return options;
  }

  std::uint32_t manage(const cipherdeck_command& command, Bytes input = {}) {
    cipherdeck_command sent = command;
    sent.input.len = static_cast<std::uint32_t>(input.size());
    const auto reply = m_card->manage(sent, input);
    EXPECT_EQ(reply.status, CIPHERDECK_STATUS_OK) << std::hex << command.opcode;
    return reply.value;
  }

 private:
  void make_keys(std::uint32_t partition) {
    const auto make = [&](std::uint16_t opcode, std::uint32_t index, const std::string& code) {
      const std::uint64_t bits = opcode == CIPHERDECK_OP_KEK_GENERATE ? 128 : 0;
      manage({.opcode = opcode, .key = index, .arg = {partition, bits}}, as_bytes(code));
    };
    manage({.opcode = CIPHERDECK_OP_ACCESS_CODE_SET, .arg = {partition, CIPHERDECK_KEY_PAIR}},
           as_bytes(kDeviceCode));
    make(CIPHERDECK_OP_KEY_PAIR_GENERATE, 1, kCode);
    make(CIPHERDECK_OP_KEY_PAIR_GENERATE, 2, "");
    make(CIPHERDECK_OP_KEK_GENERATE, 1, "");
    make(CIPHERDECK_OP_KEK_GENERATE, 2, kCode);
  }

  const CardOptions m_more;
  test::TemporaryDirectory m_directory;
  std::unique_ptr<Card> m_card;
};

}  // namespace cipherdeck::card
