// SPDX-License-Identifier: Apache-2.0
#include "card/command/chip_jobs.h"

namespace cipherdeck::card::command {
namespace {

// Results, written to the arena; the length of the output.
std::size_t deliver(const ChipTask& task) noexcept {
  chip::Job& job = *task.job;
  const bool is_mac = job.operation == CIPHERDECK_CHIP_MAC;
  const Bytes result = is_mac ? Bytes(job.iv) : Bytes(job.data());
  std::memcpy(task.output.data(), result.data(), result.size());
  if (task.iv_out != nullptr) std::memcpy(task.iv_out, job.iv.data(), job.iv.size());
  return result.size();
}

void complete_task(const ChipTask& task, const Result<void>& result) noexcept {
  Client& client = *task.origin.client;
  task.origin.session->at_chip = false;
  --client.chip_jobs;
  ring::Completion completion{.command_id = task.origin.command_id, .status = result.status()};
  if (result && !client.broken) {
    completion.output_len = static_cast<std::uint32_t>(deliver(task));
  }
  complete(client, completion);
}

}  // namespace

ChipJobs::~ChipJobs() { m_mailbox->set_wake({}); }

Result<chip::Chip*> ChipJobs::find(std::uint32_t algorithm) const noexcept {
  if (m_chips == nullptr) return Error::algorithm;
  return m_chips->find(algorithm);
}

bool ChipJobs::has_room(FunctionNumber function, std::size_t len) const noexcept {
  const auto found = m_usage.find(function);
  if (found == m_usage.end()) return true;
  const Usage& usage = found->second;
  return usage.jobs < kMaxChipJobs && usage.bytes + len <= kMaxChipBytes;
}

void ChipJobs::send(chip::Chip& chip, ChipTask task) {
  const std::uint64_t ticket = m_next_ticket++;
  const auto job = task.job;
  job->ticket = ticket;
  job->sender = m_mailbox;
  Usage& usage = m_usage[task.function];
  const auto at = m_tasks.emplace(ticket, std::move(task)).first;
  ++usage.jobs;
  usage.bytes += job->len;
  at->second.origin.session->at_chip = true;
  ++at->second.origin.client->chip_jobs;
  m_chips->submit(chip, job);
}

void ChipJobs::collect() noexcept {
  for (const chip::Outcome& outcome : m_mailbox->take()) {
    const auto found = m_tasks.find(outcome.job->ticket);
    const ChipTask& task = found->second;
    const auto usage = m_usage.find(task.function);
    usage->second.bytes -= outcome.job->len;
    if (--usage->second.jobs == 0) m_usage.erase(usage);
    if (task.origin.client != nullptr) complete_task(task, outcome.result);
    m_tasks.erase(found);
  }
}

void ChipJobs::drop(const Client& client) noexcept {
  for (auto& [ticket, task] : m_tasks) {
    if (task.origin.client != &client) continue;
    task.job->cancelled.store(true);
    task.origin = {};
  }
}

}  // namespace cipherdeck::card::command
