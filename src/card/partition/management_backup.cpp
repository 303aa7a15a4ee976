// SPDX-License-Identifier: Apache-2.0
// The management commands that take a partition out of the card, and put it into one.
#include "card/partition/management_request.h"

namespace cipherdeck::card {
namespace {

static_assert(store::kShareLen == CIPHERDECK_SHARE_LEN);

}  // namespace

Result<void> Management::partition_backup(const Request& request, ManagementReply& reply) {
  const std::uint64_t threshold = request.command.arg[1] & 0xff;
  const std::uint64_t num = request.command.arg[1] >> 8;
  if (num > store::kMaxShares) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const auto partition, find_partition(request.command.arg[0]));
  store::RootKey key;
  store::BackupId id{};
  CIPHERDECK_TRY(m_random->fill(key.span()));
  CIPHERDECK_TRY(m_random->fill(id));
  CIPHERDECK_ASSIGN(const auto shares, store::split_key(key, id, static_cast<unsigned>(threshold),
                                                        static_cast<unsigned>(num), *m_random));
  CIPHERDECK_ASSIGN(const auto backup,
                    m_store->export_partition(partition->id(), id, key, *m_random));
  reply.output.reserve(shares.size() * store::kShareLen + backup.size());
  for (const store::Share& share : shares) {
    reply.output.insert(reply.output.end(), share.span().begin(), share.span().end());
  }
  reply.output.insert(reply.output.end(), backup.begin(), backup.end());
  reply.value = static_cast<std::uint32_t>(num);
  return {};
}

Result<void> Management::partition_restore(const Request& request, ManagementReply& reply) {
  const std::uint64_t name_len = request.command.arg[0];
  const std::uint64_t num = request.command.arg[1];
  if (name_len > kMaxPartitionNameLen || num > store::kMaxShares ||
      name_len + num * store::kShareLen > request.input.size()) {
    return Error::invalid_argument;
  }
  const Bytes name = request.input.first(static_cast<std::size_t>(name_len));
  const Bytes rest = request.input.subspan(name.size());
  const Bytes shares = rest.first(static_cast<std::size_t>(num) * store::kShareLen);
  const Bytes backup = rest.subspan(shares.size());
  if (!is_valid_name(name)) return Error::invalid_argument;
  if (m_partitions.all().size() >= kMaxPartitions) return Error::limit;
  CIPHERDECK_ASSIGN(const auto header, store::read_backup_header(backup));
  CIPHERDECK_ASSIGN(const store::RootKey key, store::join_key(shares, header.id));
  CIPHERDECK_ASSIGN(const PartitionId id,
                    m_store->import_partition(text_of(name), backup, key, *m_random));
  CIPHERDECK_ASSIGN(auto partition, m_store->load_partition(id));
  m_partitions.put(std::move(partition));
  reply.value = id;
  return {};
}

}  // namespace cipherdeck::card
