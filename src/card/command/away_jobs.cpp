// SPDX-License-Identifier: Apache-2.0
#include "card/command/away_jobs.h"

#include "card/away/coprocessor.h"
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

// The worker's part: memory, two messages, and what is copied.
constexpr std::uint32_t kAwayCost = 3000;
constexpr std::size_t kBytesPerNs = 4;

Reply reply_of(const AwayTask& task, const Result<void>& result) noexcept {
  if (!result) return {.status = result.status()};
  try {
    const auto reply = task.finish();
    return reply ? *reply : Reply{.status = reply.status()};
  } catch (const std::bad_alloc&) {
    return {.status = CIPHERDECK_STATUS_NO_MEMORY};
  }
}

void complete_task(const AwayTask& task, const Result<void>& result) noexcept {
  Client& client = *task.origin.client;
  task.origin.session->is_away = false;
  --client.away_jobs;
  if (client.broken) return;
  const Reply reply = reply_of(task, result);
  complete(client, {.command_id = task.origin.command_id,
                    .status = reply.status,
                    .value = reply.value,
                    .output_len = reply.output_len});
}

}  // namespace

bool AwayJobs::has_room(FunctionNumber function, std::size_t len) const noexcept {
  const auto found = m_usage.find(function);
  if (found == m_usage.end()) return true;
  const Usage& usage = found->second;
  return usage.jobs < kMaxAwayJobs && usage.bytes + len <= kMaxAwayBytes;
}

void AwayJobs::send(AwayTask task) {
  const std::uint64_t ticket = m_next_ticket++;
  task.job->ticket = ticket;
  task.job->sender = m_mailbox;
  Usage& usage = m_usage[task.function];
  const auto at = m_tasks.emplace(ticket, std::move(task)).first;
  ++usage.jobs;
  usage.bytes += at->second.job->len;
  at->second.origin.session->is_away = true;
  ++at->second.origin.client->away_jobs;
}

void AwayJobs::collect() noexcept {
  for (const away::Outcome& outcome : m_mailbox->take()) {
    const auto found = m_tasks.find(outcome.job->ticket);
    const AwayTask& task = found->second;
    const auto usage = m_usage.find(task.function);
    usage->second.bytes -= outcome.job->len;
    if (--usage->second.jobs == 0) m_usage.erase(usage);
    if (task.origin.client != nullptr) complete_task(task, outcome.result);
    m_tasks.erase(found);
  }
}

void AwayJobs::drop(const Client& client) noexcept {
  for (auto& [ticket, task] : m_tasks) {
    if (task.origin.client != &client) continue;
    task.job->cancelled.store(true);
    task.origin = {};
    task.finish = {};
  }
}

HandlerResult send_to_coprocessor(Call& call, std::size_t len,
                                  std::function<Result<void>(RandomSource&)> perform,
                                  std::function<HandlerResult()> finish) {
  AwayJobs& jobs = call.batch.away_jobs();
  if (!jobs.has_room(call.client.function, len)) return after_away();
  const auto operation = std::make_shared<away::Operation>(len, std::move(perform));
  jobs.send({call.origin(), call.client.function, operation, std::move(finish)});
  call.services.coprocessor->submit(operation);
  return sent_away(kAwayCost + static_cast<std::uint32_t>(len / kBytesPerNs));
}

}  // namespace cipherdeck::card::command
