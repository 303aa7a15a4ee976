// SPDX-License-Identifier: Apache-2.0
#include "card/partition/partition.h"

#include "engine/sm3/sm3.h"

#include <utility>

namespace cipherdeck::card {
namespace {

std::uint64_t place_of(std::uint32_t kind, std::uint32_t index) noexcept {
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

// Constant in time for codes of one length.
bool is_code_of(const AccessVerifier& verifier, Bytes code) noexcept {
  if (!valid_code_len(code.size())) return false;
  Secret<32> mac;
  mac_of_code(mac, verifier.salt, code);
  return equal_constant_time(mac.span(), verifier.mac.span());
}

template <typename Number, typename T>
std::shared_ptr<const T> find_in(const std::map<Number, std::shared_ptr<const T>>& map,
                                 Number index) {
  const auto found = map.find(index);
  return found == map.end() ? nullptr : found->second;
}

template <typename Number, typename T>
std::vector<std::shared_ptr<const T>> values_of(
    const std::map<Number, std::shared_ptr<const T>>& map) {
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

std::shared_ptr<const Sm9Key> Partition::sm9_key(std::uint32_t kind, std::uint32_t index) const {
  const std::lock_guard lock(m_mutex);
  return find_in(m_sm9_keys, place_of(kind, index));
}

std::shared_ptr<const OtherKey> Partition::other_key(std::uint32_t kind,
                                                     std::uint32_t index) const {
  const std::lock_guard lock(m_mutex);
  return find_in(m_others, place_of(kind, index));
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
  if (is_sm9_kind(kind)) {
    const auto found = m_sm9_keys.find(place_of(kind, index));
    return found == m_sm9_keys.end() ? nullptr : &found->second->access;
  }
  const auto found = m_others.find(place_of(kind, index));
  return found == m_others.end() ? nullptr : &found->second->access;
}

void Partition::forget_failures(std::uint32_t kind, std::uint32_t index) {
  m_failures.erase(place_of(kind, index));
  m_unsaved.erase(place_of(kind, index));
}

bool Partition::is_locked(std::uint64_t key) const {
  const auto failures = m_failures.find(key);
  return failures != m_failures.end() && failures->second >= kMaxAccessFailures;
}

bool Partition::count_try(std::uint64_t key, bool is_right) {
  if (is_right && m_failures.erase(key) == 0) return false;
  if (!is_right) ++m_failures[key];
  m_unsaved.insert(key);
  return true;
}

// The count is compared and raised in one go: parallel guesses get no more tries than others.
Result<std::vector<std::uint32_t>> Partition::judge(const std::vector<std::uint32_t>& kinds,
                                                    std::uint32_t index, Bytes code,
                                                    bool& changed) {
  std::vector<std::uint32_t> opened, refused;
  bool any_code = false;
  for (const std::uint32_t kind : kinds) {
    const AccessVerifier* const verifier = find_verifier(kind, index);
    if (verifier == nullptr || !verifier->set) continue;
    any_code = true;
    if (is_locked(place_of(kind, index))) continue;
    (is_code_of(*verifier, code) ? opened : refused).push_back(kind);
  }
  for (const std::uint32_t kind : opened) changed |= count_try(place_of(kind, index), true);
  if (!opened.empty()) return opened;
  for (const std::uint32_t kind : refused) changed |= count_try(place_of(kind, index), false);
  return any_code && refused.empty() ? Error::locked_out : Error::access_denied;
}

Result<std::vector<std::uint32_t>> Partition::check(const std::vector<std::uint32_t>& kinds,
                                                    std::uint32_t index, Bytes code) {
  std::shared_ptr<const AccessListener> listener;
  bool changed = false;
  Result<std::vector<std::uint32_t>> result = Error::internal;
  {
    const std::lock_guard lock(m_mutex);
    result = judge(kinds, index, code, changed);
    listener = m_listener;
  }
  if (changed && listener && *listener) (*listener)();
  return result;
}

Result<void> Partition::check_access(std::uint32_t kind, std::uint32_t index, Bytes code) {
  {
    const std::lock_guard lock(m_mutex);
    if (find_verifier(kind, index) == nullptr) return Error::key_not_found;
  }
  const auto opened = check({kind}, index, code);
  return opened ? Result<void>{} : opened.error();
}

Result<std::vector<std::uint32_t>> Partition::check_private_access(std::uint32_t index,
                                                                   Bytes code) {
  std::vector<std::uint32_t> kinds;
  {
    const std::lock_guard lock(m_mutex);
    for (const std::uint32_t kind : kKindsOfAccess) {
      if (find_verifier(kind, index) != nullptr) kinds.push_back(kind);
    }
  }
  if (kinds.empty()) return Error::key_not_found;
  return check(kinds, index, code);
}

void Partition::put(std::shared_ptr<const KeyPair> key_pair) {
  const std::lock_guard lock(m_mutex);
  forget_failures(CIPHERDECK_KEY_PAIR, key_pair->index);
  const std::uint32_t index = key_pair->index;
  m_key_pairs[index] = std::move(key_pair);
}

void Partition::put(std::shared_ptr<const Kek> kek) {
  const std::lock_guard lock(m_mutex);
  forget_failures(CIPHERDECK_KEY_KEK, kek->index);
  const std::uint32_t index = kek->index;
  m_keks[index] = std::move(kek);
}

void Partition::put(std::shared_ptr<const OtherKey> other) {
  const std::lock_guard lock(m_mutex);
  forget_failures(other->kind, other->index);
  const std::uint64_t place = place_of(other->kind, other->index);
  m_others[place] = std::move(other);
}

void Partition::put(std::shared_ptr<const Sm9Key> key) {
  const std::lock_guard lock(m_mutex);
  forget_failures(key->kind(), key->index);
  const std::uint64_t place = place_of(key->kind(), key->index);
  m_sm9_keys[place] = std::move(key);
}

void Partition::remove(std::uint32_t kind, std::uint32_t index) {
  const std::lock_guard lock(m_mutex);
  if (kind == CIPHERDECK_KEY_PAIR) m_key_pairs.erase(index);
  if (kind == CIPHERDECK_KEY_KEK) m_keks.erase(index);
  m_others.erase(place_of(kind, index));
  m_sm9_keys.erase(place_of(kind, index));
  forget_failures(kind, index);
}

void Partition::clear() {
  m_gone.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(m_mutex);
  m_key_pairs.clear();
  m_keks.clear();
  m_others.clear();
  m_sm9_keys.clear();
  m_failures.clear();
  m_unsaved.clear();
}

std::uint32_t Partition::access_failures(std::uint32_t kind, std::uint32_t index) const {
  const std::lock_guard lock(m_mutex);
  const auto found = m_failures.find(place_of(kind, index));
  return found == m_failures.end() ? 0 : found->second;
}

void Partition::set_access_failures(std::uint32_t kind, std::uint32_t index, std::uint32_t count) {
  const std::lock_guard lock(m_mutex);
  if (count == 0) {
    m_failures.erase(place_of(kind, index));
  } else {
    m_failures[place_of(kind, index)] = count;
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
  if (find_verifier(kind, index) != nullptr) m_unsaved.insert(place_of(kind, index));
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

std::vector<std::shared_ptr<const Sm9Key>> Partition::sm9_keys(std::uint32_t kind) const {
  const std::lock_guard lock(m_mutex);
  std::vector<std::shared_ptr<const Sm9Key>> keys;
  for (const auto& entry : m_sm9_keys) {
    if (entry.second->kind() == kind) keys.push_back(entry.second);
  }
  return keys;
}

std::vector<std::shared_ptr<const OtherKey>> Partition::other_keys() const {
  const std::lock_guard lock(m_mutex);
  return values_of(m_others);
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
