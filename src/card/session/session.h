// SPDX-License-Identifier: Apache-2.0
// What a queue pair's tenant has made in the card: sessions, and the keys and contexts in them.
// All of it belongs to the worker, and is wiped when it goes. Not thread-safe.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "card/partition/partition.h"
#include "card/session/other_hash.h"
#include "card/session/slot_table.h"
#include "engine/aead_stream.h"
#include "engine/sm2/sm2.h"
#include "engine/sm3/sm3.h"
#include "engine/sm4/sm4.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace cipherdeck::card::session {

constexpr unsigned kSessionSlotBits = 8;
constexpr unsigned kKeySlotBits = 10;
constexpr std::uint32_t kMaxSessions = 1U << kSessionSlotBits;  // per queue pair
constexpr std::uint32_t kMaxKeys = 1U << kKeySlotBits;          // per queue pair

/// Most bytes of a session key: premaster secrets and keys of HMAC are longer than SM4's.
constexpr std::size_t kMaxSecretLen = 64;

/// A symmetric key of 1 to kMaxSecretLen bytes. One of 16 or 32 bytes is SM4's, too: the second
/// half, if there is one, is the tweak key of XTS.
class SessionKey {
 public:
  /// Fails with invalid_key if `bytes` has another length.
  static Result<SessionKey> from_bytes(Bytes bytes);

  [[nodiscard]] Bytes bytes() const noexcept { return {m_bytes.data(), m_len}; }
  /// Null if the key is not SM4's.
  [[nodiscard]] const engine::Sm4Key* first() const noexcept {
    return m_first ? &*m_first : nullptr;
  }
  /// Null unless the key has 32 bytes.
  [[nodiscard]] const engine::Sm4Key* second() const noexcept {
    return m_second ? &*m_second : nullptr;
  }

 private:
  explicit SessionKey(Bytes bytes);

  Secret<kMaxSecretLen> m_bytes;
  std::size_t m_len;
  std::optional<engine::Sm4Key> m_first;
  std::optional<engine::Sm4Key> m_second;
};

/// The sponsor's half of an SM2 key exchange that waits for the peer's.
struct Agreement {
  std::shared_ptr<const KeyPair> own;
  engine::Sm2PrivateKey ephemeral;
  engine::Sm3Digest own_z;
  std::size_t key_len;
};

/// The same of SM9.
struct Sm9Agreement {
  std::shared_ptr<const Sm9Key> own;
  std::shared_ptr<const Sm9Key> master;
  engine::Sm9Ephemeral ephemeral;
  std::string own_id;
  std::string peer_id;
  std::size_t key_len = 0;
};

/// What a key handle names, and the session that it belongs to.
struct KeyObject {
  using Object = std::variant<SessionKey, Agreement, std::shared_ptr<const Sm9Agreement>>;
  std::uint32_t session;
  Object object;
};

/// The one hash or HMAC in progress of a session.
struct HashContext {
  enum class Kind : std::uint8_t { none, hash, hmac };
  Kind kind = Kind::none;
  engine::Sm3 inner;
  engine::Sm3 outer;               // HMAC only
  std::optional<OtherHash> other;  // in the place of the two, for SHA

  void reset() noexcept;
};

/// One session: it keeps the partition that its function was bound to when it was opened.
class Session {
 public:
  explicit Session(std::shared_ptr<Partition> partition) : m_partition(std::move(partition)) {}

  [[nodiscard]] Partition& partition() const noexcept { return *m_partition; }

  /// Rights are given for the key that stands at an index now, and end when another key or another
  /// access code takes its place. `kind` is CIPHERDECK_KEY_PAIR or CIPHERDECK_KEY_KEK.
  void give_right(std::uint32_t kind, std::uint32_t index, const std::shared_ptr<const void>& key);
  void release_right(std::uint32_t kind, std::uint32_t index) noexcept;
  [[nodiscard]] bool has_right(std::uint32_t kind, std::uint32_t index,
                               const std::shared_ptr<const void>& key) const noexcept;

  HashContext hash;
  std::unique_ptr<engine::AeadStream> message;  // in parts; null: none
  std::uint32_t handle = 0;
  std::uint32_t num_keys = 0;
  bool at_work = false;  // it has a job in the batch: its next command waits
  bool is_away = false;  // it has a job at a chip or the coprocessor, likewise

 private:
  struct Right {
    std::uint32_t kind;
    std::uint32_t index;
    std::weak_ptr<const void> key;
  };

  std::shared_ptr<Partition> m_partition;
  std::vector<Right> m_rights;
};

/// The sessions and key handles of one queue pair.
class SessionTable {
 public:
  /// Fails with limit when kMaxSessions are open.
  Result<std::uint32_t> open(std::shared_ptr<Partition> partition);
  /// Null if the session is not open.
  [[nodiscard]] Session* find(std::uint32_t session) const noexcept {
    return m_sessions.find(session);
  }
  /// Wipes the session, its keys and its contexts.
  void close(Session& session) noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return m_sessions.size(); }

  [[nodiscard]] bool keys_full() const noexcept { return m_keys.full(); }
  /// Fails with limit when kMaxKeys handles are in use.
  Result<std::uint32_t> add_key(Session& session, KeyObject::Object object);
  /// Fails with key_not_found if there is no such handle in this session, with key_type if it names
  /// something else.
  [[nodiscard]] Result<const SessionKey*> key(const Session& session, std::uint32_t handle) const;
  [[nodiscard]] Result<const Agreement*> agreement(const Session& session,
                                                   std::uint32_t handle) const;
  [[nodiscard]] Result<std::shared_ptr<const Sm9Agreement>> sm9_agreement(
      const Session& session, std::uint32_t handle) const;
  Result<void> destroy_key(Session& session, std::uint32_t handle) noexcept;

 private:
  [[nodiscard]] const KeyObject* find_key(const Session& session,
                                          std::uint32_t handle) const noexcept;

  SlotTable<KeyObject, kKeySlotBits> m_keys;
  SlotTable<Session, kSessionSlotBits> m_sessions;
};

}  // namespace cipherdeck::card::session
