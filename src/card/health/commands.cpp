// SPDX-License-Identifier: Apache-2.0
#include "card/health/commands.h"

#include <algorithm>

namespace cipherdeck::card::health {
namespace {

// Half of the processors: the workers may need the others.
unsigned test_threads() noexcept { return std::max(1U, std::thread::hardware_concurrency() / 2); }

template <typename T>
void append(ManagementReply& reply, const T& record) {
  const Bytes bytes = object_bytes(record);
  reply.output.insert(reply.output.end(), bytes.begin(), bytes.end());
}

ManagementReply self_test(Monitor& monitor) {
  ManagementReply reply;
  for (const SelfTestResult& result : monitor.test_self()) {
    cipherdeck_self_test_record record{};
    put_text(record.name, result.name);
    record.failed = result.passed ? 0 : 1;
    record.time_ns = static_cast<std::uint64_t>(result.time.count());
    append(reply, record);
    reply.value += record.failed;
  }
  return reply;
}

Result<Level> level_of(std::uint64_t number) noexcept {
  switch (number) {
    case CIPHERDECK_RANDOM_TEST_FACTORY:
      return Level::factory;
    case CIPHERDECK_RANDOM_TEST_POWER_ON:
      return Level::power_on;
    case CIPHERDECK_RANDOM_TEST_PERIODIC:
      return Level::periodic;
    default:
      return Error::invalid_argument;
  }
}

ManagementReply random_test(Monitor& monitor, std::uint64_t number) {
  const auto level = level_of(number);
  if (!level) return {.status = level.status()};
  const auto report = monitor.test_random(*level, test_threads());
  if (!report) return {.status = report.status()};
  ManagementReply reply;
  for (const random::gmt0005::ItemReport& item : report->items) {
    cipherdeck_random_test_record record{};
    put_text(record.name, item.name);
    record.samples = report->num_samples;
    record.failures = item.failures;
    record.standard = report->standard_bound;
    record.allowed = report->allowed;
    record.uniformity_ppm = static_cast<std::uint32_t>(item.uniformity * 1e6);
    record.failed = item.passed ? 0 : 1;
    record.time_us = static_cast<std::uint64_t>(report->time.count());
    append(reply, record);
    reply.value += record.failed;
  }
  return reply;
}

std::uint64_t seconds_of(std::chrono::system_clock::time_point time) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

ManagementReply health(const Monitor& monitor) {
  const Summary summary = monitor.summary();
  cipherdeck_card_health record{};
  record.self_tests = summary.self_tests;
  record.random_tests = summary.random_tests;
  record.alarms = summary.alarms;
  record.interval_s = static_cast<std::uint32_t>(monitor.interval().count());
  record.last_self_test = seconds_of(summary.last_self_test);
  record.last_random_test = seconds_of(summary.last_random_test);
  put_text(record.fault, summary.fault);
  put_text(record.alarm, summary.alarm);
  ManagementReply reply;
  append(reply, record);
  return reply;
}

// No command has operands but the level.
bool is_malformed(const cipherdeck_command& command) noexcept {
  const bool has_level = command.opcode == CIPHERDECK_OP_CARD_RANDOM_TEST;
  return command.session != 0 || command.key != 0 || command.algorithm != 0 ||
         command.input.len != 0 || command.params.len != 0 || command.aux.len != 0 ||
         (!has_level && command.arg[0] != 0) || command.arg[1] != 0;
}

}  // namespace

bool has_command(std::uint16_t opcode) noexcept {
  return opcode >= CIPHERDECK_OP_CARD_SELF_TEST && opcode <= CIPHERDECK_OP_CARD_HEALTH;
}

ManagementReply execute(Monitor& monitor, const cipherdeck_command& command) {
  if (is_malformed(command)) return {.status = CIPHERDECK_STATUS_INVALID_COMMAND};
  switch (command.opcode) {
    case CIPHERDECK_OP_CARD_SELF_TEST:
      return self_test(monitor);
    case CIPHERDECK_OP_CARD_RANDOM_TEST:
      return random_test(monitor, command.arg[0]);
    default:
      return health(monitor);
  }
}

}  // namespace cipherdeck::card::health
