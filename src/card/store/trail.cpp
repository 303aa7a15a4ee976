// SPDX-License-Identifier: Apache-2.0
#include "card/store/trail.h"

#include "card/store/seal.h"

#include <ctime>

namespace cipherdeck::card::store {
namespace {

constexpr std::string_view kSeal = "audit";
constexpr std::size_t kMacLen = 32;
constexpr std::uint32_t kClearingAction =
    CIPHERDECK_OP_AUDIT_CLEAR;  // may be recorded when all is full
constexpr std::string_view kColumns =
    "SELECT number, time, actor, action, partition, subject, outcome, mac FROM audit ";

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Blob blob_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

TrailRecord record_of(const Statement& row) {
  return {static_cast<std::uint64_t>(row.integer(0)),
          static_cast<std::uint64_t>(row.integer(1)),
          {row.text(2), static_cast<std::uint32_t>(row.integer(3)),
           static_cast<PartitionId>(row.integer(4)), row.text(5),
           static_cast<std::uint16_t>(row.integer(6))}};
}

bool in_range(const Statement& row) noexcept {
  return row.integer(3) >= 0 && row.integer(3) <= 0xffffffff && row.integer(4) >= 0 &&
         row.integer(4) <= 0xffffffff && row.integer(6) >= 0 && row.integer(6) <= 0xffff;
}

// A fault found is no failure of the search.
Result<void> found(TrailReport& report, std::uint64_t number, const char* what) {
  report.bad = number;
  report.fault = "record " + std::to_string(number) + what;
  return {};
}

}  // namespace

std::uint64_t now_seconds() noexcept { return static_cast<std::uint64_t>(std::time(nullptr)); }

// first || last || MAC before the first || MAC of the last || MAC of these
struct Trail::Head {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  Blob before = Blob(kMacLen, 0);
  Blob end = Blob(kMacLen, 0);

  [[nodiscard]] std::uint64_t num() const noexcept { return last + 1 - first; }
};

Blob Trail::head_mac(const Head& head) const {
  return trail_head_mac(m_management, Context("audit head")
                                          .add(head.first)
                                          .add(head.last)
                                          .add(text_of(head.before))
                                          .add(text_of(head.end)));
}

Blob Trail::record_mac(const TrailRecord& record, Bytes before) const {
  const Act& act = record.act;
  return trail_mac(m_management, Context("audit")
                                     .add(text_of(before))
                                     .add(record.number)
                                     .add(record.time)
                                     .add(act.actor)
                                     .add(std::uint64_t{act.action})
                                     .add(std::uint64_t{act.partition})
                                     .add(act.subject)
                                     .add(std::uint64_t{act.outcome}));
}

Result<Trail::Head> Trail::read_head() {
  CIPHERDECK_ASSIGN(const Blob value, read_seal(m_database, kSeal));
  Head head;
  if (value.size() == 16 + 3 * kMacLen) {
    const Bytes bytes(value);
    head.first = load_be64(value.data());
    head.last = load_be64(value.data() + 8);
    head.before = blob_of(bytes.subspan(16, kMacLen));
    head.end = blob_of(bytes.subspan(16 + kMacLen, kMacLen));
    if (equal_constant_time(head_mac(head), bytes.last(kMacLen))) return head;
  }
  (void)m_database.fail("the audit trail's seal is missing or changed; restore the key store");
  return Error::verify_failed;
}

Result<void> Trail::write_head(const Head& head) {
  Blob value(16);
  store_be64(value.data(), head.first);
  store_be64(value.data() + 8, head.last);
  for (const Blob& part : {head.before, head.end, head_mac(head)}) {
    value.insert(value.end(), part.begin(), part.end());
  }
  return write_seal(m_database, kSeal, value);
}

Result<void> Trail::start() { return write_head({}); }

Result<void> Trail::append(const Act& act) {
  CIPHERDECK_ASSIGN(Head head, read_head());
  const std::uint64_t most = act.outcome == CIPHERDECK_STATUS_OK || act.action == kClearingAction
                                 ? kMaxTrailRecords
                                 : kMaxFailureRecords;
  if (act.action != kClearingAction && head.num() >= most) return Error::trail_full;
  const TrailRecord record{head.last + 1, m_clock(), act};
  const Blob mac = record_mac(record, head.end);
  CIPHERDECK_ASSIGN(Statement insert,
                    m_database.prepare("INSERT INTO audit (number, time, actor, action, partition, "
                                       "subject, outcome, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  CIPHERDECK_TRY(insert.bind(1, static_cast<std::int64_t>(record.number))
                     .bind(2, static_cast<std::int64_t>(record.time))
                     .bind(3, std::string_view(act.actor))
                     .bind(4, std::int64_t{act.action})
                     .bind(5, std::int64_t{act.partition})
                     .bind(6, std::string_view(act.subject))
                     .bind(7, std::int64_t{act.outcome})
                     .bind(8, Bytes(mac))
                     .run());
  head.last = record.number;
  head.end = mac;
  return write_head(head);
}

Result<std::vector<TrailRecord>> Trail::list(std::uint64_t from, std::size_t max_num) {
  CIPHERDECK_ASSIGN(
      Statement rows,
      m_database.prepare(std::string(kColumns) + "WHERE number >= ? ORDER BY number LIMIT ?"));
  rows.bind(1, static_cast<std::int64_t>(from)).bind(2, static_cast<std::int64_t>(max_num));
  std::vector<TrailRecord> records;
  for (;;) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    if (!row) return records;
    records.push_back(record_of(rows));
  }
}

// Follows the chain to record `up_to`, and leaves that one's MAC in `mac`.
Result<void> Trail::check(TrailReport& report, const Head& head, std::uint64_t up_to, Blob& mac) {
  mac = head.before;
  CIPHERDECK_ASSIGN(Statement rows, m_database.prepare(std::string(kColumns) + "ORDER BY number"));
  std::uint64_t last_time = 0;
  for (std::uint64_t number = head.first; number <= up_to; ++number) {
    CIPHERDECK_ASSIGN(const bool row, rows.step());
    const TrailRecord record = row ? record_of(rows) : TrailRecord{};
    if (!row || record.number > number) return found(report, number, " is missing");
    if (record.number < number) return found(report, record.number, " was added");
    const Blob stored = blob_of(rows.blob(7));
    mac = record_mac(record, mac);
    const bool same = in_range(rows) && equal_constant_time(mac, stored);
    if (!same) return found(report, number, " was changed");
    if (record.time < last_time && report.clock_set_back == 0) report.clock_set_back = number;
    last_time = record.time;
  }
  if (up_to != head.last) return {};
  CIPHERDECK_ASSIGN(const bool more, rows.step());
  if (more) return found(report, static_cast<std::uint64_t>(rows.integer(0)), " was added");
  if (equal_constant_time(mac, head.end)) return {};
  return found(report, head.last, " was changed");
}

Result<TrailReport> Trail::verify() {
  TrailReport report;
  const auto head = read_head();
  if (!head) {
    if (head.error() != Error::verify_failed) return head.error();
    report.fault = "the seal that tells where the trail begins and ends is missing or changed";
    return report;
  }
  report.first = head->first;
  report.last = head->last;
  Blob mac;
  CIPHERDECK_TRY(check(report, *head, head->last, mac));
  return report;
}

Result<void> Trail::clear(std::uint64_t up_to) {
  CIPHERDECK_ASSIGN(Head head, read_head());
  if (up_to < head.first || up_to > head.last) return Error::not_found;
  TrailReport report;
  Blob mac;
  CIPHERDECK_TRY(check(report, head, up_to, mac));
  if (!report.fault.empty()) return Error::verify_failed;
  CIPHERDECK_ASSIGN(Statement remove, m_database.prepare("DELETE FROM audit WHERE number <= ?"));
  CIPHERDECK_TRY(remove.bind(1, static_cast<std::int64_t>(up_to)).run());
  head.first = up_to + 1;
  head.before = mac;
  return write_head(head);
}

}  // namespace cipherdeck::card::store
