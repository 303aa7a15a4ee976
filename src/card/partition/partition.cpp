// SPDX-License-Identifier: Apache-2.0
#include "card/partition/partition.h"

#include "engine/sm3/sm3.h"

#include <utility>

namespace cipherdeck::card {
namespace {

std::uint64_t failure_key(std::uint32_t kind, std::uint32_t index) noexcept {
  return std::uint64_t{kind} << 32 | index;
}

void mac_of_code(Secret<32>& mac, std::span<const std::uint8_t, 16> salt, Bytes code) noexcept {
  engine::Sm3Digest digest = engine::HmacSm3::mac(salt, code);
  std::memcpy(mac.data(), digest.data(), mac.size());
  wipe(digest);
}

bool valid_code_len(std::size_t len) noexcept {
  return len >= kMinAccessCodeLen && len <= kMaxAccessCodeLen;
}

template <typename T>
std::shared_ptr<const T> find_in(const std::map<std::uint32_t, std::shared_ptr<const T>>& map,
                                 std::uint32_t index) {
  const auto found = map.find(index);
  return found == map.end() ? nullptr : found->second;
}

template <typename T>
std::vector<std::shared_ptr<const T>> values_of(
    const std::map<std::uint32_t, std::shared_ptr<const T>>& map) {
  std::vector<std::shared_ptr<const T>> values;
  values.reserve(map.size());
  for (const auto& entry : map) values.push_back(entry.second);
  return values;
}

}  // namespace

Result<AccessVerifier> make_access_verifier(Bytes code, RandomSource& random) {
  AccessVerifier verifier;
  if (code.empty()) return verifier;
  if (!valid_code_len(code.size())) return Error::invalid_argument;
  CIPHERDECK_TRY(random.fill(verifier.salt));
  mac_of_code(verifier.mac, verifier.salt, code);
  verifier.set = true;
  return verifier;
}

std::shared_ptr<const KeyPair> Partition::key_pair(std::uint32_t index) const {
  const std::lock_guard lock(m_mutex);
  return find_in(m_key_pairs, index);
}

std::shared_ptr<const Kek> Partition::kek(std::uint32_t index) const {
  const std::lock_guard lock(m_mutex);
  return find_in(m_keks, index);
}

const AccessVerifier* Partition::find_verifier(std::uint32_t kind, std::uint32_t index) const {
  if (kind == CIPHERDECK_KEY_PAIR) {
    const auto found = m_key_pairs.find(index);
    return found == m_key_pairs.end() ? nullptr : &found->second->access;
  }
  if (kind == CIPHERDECK_KEY_KEK) {
    const auto found = m_keks.find(index);
    return found == m_keks.end() ? nullptr : &found->second->access;
  }
  return nullptr;
}

Result<void> Partition::judge(const AccessVerifier& verifier, std::uint64_t key, Bytes code,
                              bool& changed) {
  if (!verifier.set) return Error::access_denied;
  const auto failures = m_failures.find(key);
  const std::uint32_t count = failures == m_failures.end() ? 0 : failures->second;
  if (count >= kMaxAccessFailures) return Error::locked_out;
  Secret<32> mac;
  if (valid_code_len(code.size())) mac_of_code(mac, verifier.salt, code);
  const bool right =
      valid_code_len(code.size()) && equal_constant_time(mac.span(), verifier.mac.span());
  if (right && count == 0) return {};
  changed = true;
  m_unsaved.insert(key);
  if (right) {
    m_failures.erase(failures);
    return {};
  }
  m_failures[key] = count + 1;
  return Error::access_denied;
}

Result<void> Partition::check_access(std::uint32_t kind, std::uint32_t index, Bytes code) {
  bool changed = false;
  Result<void> result;
  std::shared_ptr<const AccessListener> listener;
  {
    // The count is compared and raised in one go: parallel guesses get no more tries than others.
    const std::lock_guard lock(m_mutex);
    const AccessVerifier* const verifier = find_verifier(kind, index);
    if (verifier == nullptr) return Error::key_not_found;
    result = judge(*verifier, failure_key(kind, index), code, changed);
    listener = m_listener;
  }
  if (changed && listener && *listener) (*listener)();
  return result;
}

void Partition::put(std::shared_ptr<const KeyPair> key_pair) {
  const std::lock_guard lock(m_mutex);
  const std::uint64_t key = failure_key(CIPHERDECK_KEY_PAIR, key_pair->index);
  m_failures.erase(key);
  m_unsaved.erase(key);
  const std::uint32_t index = key_pair->index;
  m_key_pairs[index] = std::move(key_pair);
}

void Partition::put(std::shared_ptr<const Kek> kek) {
  const std::lock_guard lock(m_mutex);
  const std::uint64_t key = failure_key(CIPHERDECK_KEY_KEK, kek->index);
  m_failures.erase(key);
  m_unsaved.erase(key);
  const std::uint32_t index = kek->index;
  m_keks[index] = std::move(kek);
}

void Partition::remove(std::uint32_t kind, std::uint32_t index) {
  const std::lock_guard lock(m_mutex);
  if (kind == CIPHERDECK_KEY_PAIR) m_key_pairs.erase(index);
  if (kind == CIPHERDECK_KEY_KEK) m_keks.erase(index);
  m_failures.erase(failure_key(kind, index));
  m_unsaved.erase(failure_key(kind, index));
}

void Partition::clear() {
  m_gone.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(m_mutex);
  m_key_pairs.clear();
  m_keks.clear();
  m_failures.clear();
  m_unsaved.clear();
}

std::uint32_t Partition::access_failures(std::uint32_t kind, std::uint32_t index) const {
  const std::lock_guard lock(m_mutex);
  const auto found = m_failures.find(failure_key(kind, index));
  return found == m_failures.end() ? 0 : found->second;
}

void Partition::set_access_failures(std::uint32_t kind, std::uint32_t index, std::uint32_t count) {
  const std::lock_guard lock(m_mutex);
  if (count == 0) {
    m_failures.erase(failure_key(kind, index));
  } else {
    m_failures[failure_key(kind, index)] = count;
  }
}

std::vector<AccessFailures> Partition::take_unsaved_failures() {
  const std::lock_guard lock(m_mutex);
  std::vector<AccessFailures> unsaved;
  unsaved.reserve(m_unsaved.size());
  for (const std::uint64_t key : m_unsaved) {
    const auto found = m_failures.find(key);
    unsaved.push_back({static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key),
                       found == m_failures.end() ? 0 : found->second});
  }
  m_unsaved.clear();
  return unsaved;
}

void Partition::mark_unsaved(std::uint32_t kind, std::uint32_t index) {
  const std::lock_guard lock(m_mutex);
  if (find_verifier(kind, index) != nullptr) m_unsaved.insert(failure_key(kind, index));
}

void Partition::set_access_listener(std::shared_ptr<const AccessListener> listener) {
  const std::lock_guard lock(m_mutex);
  m_listener = std::move(listener);
}

std::vector<std::shared_ptr<const KeyPair>> Partition::key_pairs() const {
  const std::lock_guard lock(m_mutex);
  return values_of(m_key_pairs);
}

std::vector<std::shared_ptr<const Kek>> Partition::keks() const {
  const std::lock_guard lock(m_mutex);
  return values_of(m_keks);
}

PartitionTable::PartitionTable(AccessListener listener)
    : m_listener(std::make_shared<const AccessListener>(std::move(listener))) {}

std::shared_ptr<Partition> PartitionTable::bound_to(FunctionNumber function) const {
  const std::lock_guard lock(m_mutex);
  const auto binding = m_bindings.find(function);
  if (binding == m_bindings.end()) return nullptr;
  const auto partition = m_partitions.find(binding->second);
  return partition == m_partitions.end() ? nullptr : partition->second;
}

std::shared_ptr<Partition> PartitionTable::find(PartitionId id) const {
  const std::lock_guard lock(m_mutex);
  const auto partition = m_partitions.find(id);
  return partition == m_partitions.end() ? nullptr : partition->second;
}

std::vector<std::shared_ptr<Partition>> PartitionTable::all() const {
  const std::lock_guard lock(m_mutex);
  std::vector<std::shared_ptr<Partition>> partitions;
  partitions.reserve(m_partitions.size());
  for (const auto& entry : m_partitions) partitions.push_back(entry.second);
  return partitions;
}

std::map<FunctionNumber, PartitionId> PartitionTable::bindings() const {
  const std::lock_guard lock(m_mutex);
  return m_bindings;
}

void PartitionTable::put(std::shared_ptr<Partition> partition) {
  partition->set_access_listener(m_listener);
  const std::lock_guard lock(m_mutex);
  const PartitionId id = partition->id();
  m_partitions[id] = std::move(partition);
}

void PartitionTable::remove(PartitionId id) {
  std::shared_ptr<Partition> removed;
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_partitions.find(id);
    if (found != m_partitions.end()) {
      removed = std::move(found->second);
      m_partitions.erase(found);
    }
    std::erase_if(m_bindings, [id](const auto& binding) { return binding.second == id; });
  }
  if (removed) removed->clear();
}

void PartitionTable::bind(FunctionNumber function, PartitionId id) {
  const std::lock_guard lock(m_mutex);
  if (id == 0) {
    m_bindings.erase(function);
  } else {
    m_bindings[function] = id;
  }
}

}  // namespace cipherdeck::card
