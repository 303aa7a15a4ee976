// SPDX-License-Identifier: Apache-2.0
#include "card/session/session.h"

#include <algorithm>

namespace cipherdeck::card::session {
namespace {

constexpr std::size_t kKeyLen = engine::kSm4KeyLen;

}  // namespace

SessionKey::SessionKey(Bytes bytes) : m_len(bytes.size()) {
  std::memcpy(m_bytes.data(), bytes.data(), m_len);
  if (m_len == kKeyLen || m_len == 2 * kKeyLen) m_first.emplace(bytes.first<kKeyLen>());
  if (m_len == 2 * kKeyLen) m_second.emplace(bytes.last<kKeyLen>());
}

Result<SessionKey> SessionKey::from_bytes(Bytes bytes) {
  if (bytes.empty() || bytes.size() > kMaxSecretLen) return Error::invalid_key;
  return SessionKey(bytes);
}

void HashContext::reset() noexcept {
  kind = Kind::none;
  inner = engine::Sm3();
  outer = engine::Sm3();
  other.reset();
}

void Session::give_right(std::uint32_t kind, std::uint32_t index,
                         const std::shared_ptr<const void>& key) {
  release_right(kind, index);
  m_rights.push_back({kind, index, key});
}

void Session::release_right(std::uint32_t kind, std::uint32_t index) noexcept {
  std::erase_if(m_rights,
                [&](const Right& right) { return right.kind == kind && right.index == index; });
}

bool Session::has_right(std::uint32_t kind, std::uint32_t index,
                        const std::shared_ptr<const void>& key) const noexcept {
  return std::any_of(m_rights.begin(), m_rights.end(), [&](const Right& right) {
    return right.kind == kind && right.index == index && right.key.lock() == key;
  });
}

Result<std::uint32_t> SessionTable::open(std::shared_ptr<Partition> partition) {
  if (m_sessions.full()) return Error::limit;
  auto session = std::make_unique<Session>(std::move(partition));
  Session& opened = *session;
  opened.handle = m_sessions.insert(std::move(session));
  return opened.handle;
}

void SessionTable::close(Session& session) noexcept {
  const std::uint32_t handle = session.handle;
  if (session.num_keys != 0) {
    m_keys.erase_if([&](const KeyObject& key) { return key.session == handle; });
  }
  m_sessions.erase(handle);
}

Result<std::uint32_t> SessionTable::add_key(Session& session, KeyObject::Object object) {
  if (m_keys.full()) return Error::limit;
  ++session.num_keys;
  return m_keys.insert(std::make_unique<KeyObject>(KeyObject{session.handle, std::move(object)}));
}

const KeyObject* SessionTable::find_key(const Session& session,
                                        std::uint32_t handle) const noexcept {
  const KeyObject* const key = m_keys.find(handle);
  return key != nullptr && key->session == session.handle ? key : nullptr;
}

Result<const SessionKey*> SessionTable::key(const Session& session, std::uint32_t handle) const {
  const KeyObject* const found = find_key(session, handle);
  if (found == nullptr) return Error::key_not_found;
  const auto* const key = std::get_if<SessionKey>(&found->object);
  if (key == nullptr) return Error::key_type;
  return key;
}

Result<const Agreement*> SessionTable::agreement(const Session& session,
                                                 std::uint32_t handle) const {
  const KeyObject* const found = find_key(session, handle);
  if (found == nullptr) return Error::key_not_found;
  const auto* const agreement = std::get_if<Agreement>(&found->object);
  if (agreement == nullptr) return Error::key_type;
  return agreement;
}

Result<std::shared_ptr<const Sm9Agreement>> SessionTable::sm9_agreement(
    const Session& session, std::uint32_t handle) const {
  const KeyObject* const found = find_key(session, handle);
  if (found == nullptr) return Error::key_not_found;
  const auto* const agreement = std::get_if<std::shared_ptr<const Sm9Agreement>>(&found->object);
  if (agreement == nullptr) return Error::key_type;
  return *agreement;
}

Result<void> SessionTable::destroy_key(Session& session, std::uint32_t handle) noexcept {
  if (find_key(session, handle) == nullptr) return Error::key_not_found;
  m_keys.erase(handle);
  --session.num_keys;
  return {};
}

}  // namespace cipherdeck::card::session
