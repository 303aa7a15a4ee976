// SPDX-License-Identifier: Apache-2.0
// The audit trail: who did what to the card, when, and with what outcome. Each record carries an
// HMAC-SM3 over itself and the one before it, and a seal names the first and the last: a record
// that was changed, removed, added or cut off is noticed, and which one it is.
#pragma once

#include "card/store/database.h"
#include "card/store/vault.h"

#include <cstdint>
#include <string>
#include <vector>

namespace cipherdeck::card::store {

constexpr std::uint64_t kMaxTrailRecords = 65536;
/// Beyond this, what tenants and failed attempts add is left out, so that they cannot fill the
/// trail and with it stop the management.
constexpr std::uint64_t kMaxFailureRecords = kMaxTrailRecords / 4 * 3;

/// One act, as the management asks for its recording.
struct Act {
  std::string actor;         // user's name; empty: nobody had logged in
  std::uint32_t action = 0;  // the command's opcode
  PartitionId partition = 0;
  std::string subject;        // what it was done to: "pair 3"
  std::uint16_t outcome = 0;  // CIPHERDECK_STATUS_
};

struct TrailRecord {
  std::uint64_t number = 0;  // from 1, never used twice
  std::uint64_t time = 0;    // seconds since 1970, by the host's clock
  Act act;
};

/// What a verification found.
struct TrailReport {
  std::uint64_t first = 0;  // records that there should be: first to last; last = first - 1: none
  std::uint64_t last = 0;
  std::uint64_t bad = 0;  // number of the first one that is not as it was written; 0: none
  std::string fault;      // empty: whole
  std::uint64_t clock_set_back = 0;  // first record with an earlier time than its predecessor
};

/// The host's clock, which an operator may set as he likes.
[[nodiscard]] std::uint64_t now_seconds() noexcept;

/// Not thread-safe. `management` is the management key. Calls that change belong in a transaction.
class Trail {
 public:
  /// `clock` gives seconds since 1970.
  Trail(Database& database, Bytes management, std::uint64_t (*clock)() = now_seconds)
      : m_database(database), m_management(management), m_clock(clock) {}

  /// The trail of a new store, empty.
  Result<void> start();
  /// Appends. Fails with trail_full, at kMaxFailureRecords already if the act failed.
  Result<void> append(const Act& act);
  /// Records from number `from` on, at most `max_num`.
  [[nodiscard]] Result<std::vector<TrailRecord>> list(std::uint64_t from, std::size_t max_num);
  [[nodiscard]] Result<TrailReport> verify();
  /// Removes the records up to number `up_to`, which must be whole; the seal then tells where the
  /// trail begins. Fails with not_found if there is no such record, verify_failed.
  Result<void> clear(std::uint64_t up_to);

 private:
  struct Head;
  struct Row;
  Result<Head> read_head();
  Result<void> write_head(const Head& head);
  [[nodiscard]] Blob head_mac(const Head& head) const;
  [[nodiscard]] Blob record_mac(const TrailRecord& record, Bytes before) const;
  Result<void> check(TrailReport& report, const Head& head, std::uint64_t up_to, Blob& mac);

  Database& m_database;
  Bytes m_management;
  std::uint64_t (*m_clock)();
};

}  // namespace cipherdeck::card::store
