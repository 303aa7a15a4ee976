// SPDX-License-Identifier: Apache-2.0
// A partition is a virtual module: the keys and access codes of one tenant, unwrapped in memory.
// Workers read it; the management thread changes it. What it holds is immutable once it is there:
// a change puts a new object in its place, and whoever holds the old one finishes with it.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"
#include "card/partition/access.h"
#include "card/partition/sm9_key.h"
#include "engine/sm2/sm2.h"

#include <cipherdeck/function.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace cipherdeck::card {

using FunctionNumber = std::uint32_t;  // 0: PF, n: VF n
using PartitionId = std::uint32_t;     // from 1; 0: none

constexpr std::uint32_t kMaxKeyIndex = 4096;
constexpr std::size_t kMaxSessionKeyLen = 32;

/// The two SM2 key pairs of one key index.
struct KeyPair {
  std::uint32_t index = 0;
  std::uint64_t created = 0;  // seconds since 1970
  engine::Sm2PrivateKey sign;
  engine::Sm2PrivateKey encrypt;
  AccessVerifier access;
};

/// A key encryption key: 16 bytes are used by SM4.
struct Kek {
  std::uint32_t index = 0;
  std::uint64_t created = 0;
  std::uint32_t bits = 128;
  Secret<kMaxSessionKeyLen> key;
  AccessVerifier access;
};

/// What a key of another kind is made of: RSA's, SM9's. Immutable.
class KeyMaterial {
 public:
  virtual ~KeyMaterial() = default;
  /// Its plaintext in the store; read_key_material() of store/records.h is the inverse.
  [[nodiscard]] virtual SecretBytes record() const = 0;
  /// The size of the key as its algorithm counts it.
  [[nodiscard]] virtual std::uint32_t bits() const noexcept = 0;
};

/// A key of another kind than the two above, at an index of that kind.
struct OtherKey {
  std::uint32_t kind = 0;  // CIPHERDECK_KEY_
  std::uint32_t index = 0;
  std::uint64_t created = 0;  // seconds since 1970
  AccessVerifier access;
  std::shared_ptr<const KeyMaterial> material;
};

/// What stands at an index of kind CIPHERDECK_KEY_SYMMETRIC: a key for data, 16 or 32 bytes.
class SymmetricKey final : public KeyMaterial {
 public:
  explicit SymmetricKey(SecretBytes bytes) : m_bytes(std::move(bytes)) {}

  [[nodiscard]] SecretBytes record() const override { return SecretBytes(m_bytes.bytes()); }
  [[nodiscard]] std::uint32_t bits() const noexcept override {
    return static_cast<std::uint32_t>(8 * m_bytes.size());
  }

 private:
  SecretBytes m_bytes;
};

/// The kinds of keys that an access right of an index is for: all with private keys and those for
/// data. KEKs have rights of their own.
constexpr std::uint32_t kKindsOfAccess[] = {
    CIPHERDECK_KEY_PAIR, CIPHERDECK_KEY_RSA, CIPHERDECK_KEY_SM9_SIGN_USER,
    CIPHERDECK_KEY_SM9_ENCRYPT_USER, CIPHERDECK_KEY_SYMMETRIC};

/// Wrong access codes in a row for one key.
struct AccessFailures {
  std::uint32_t kind = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
};

/// Told on the worker's thread, with no lock held, that some count of wrong access codes changed
/// and waits to be stored (Management::flush_access_failures()). May not block.
using AccessListener = std::function<void()>;

/// Thread-safe.
class Partition {
 public:
  Partition(PartitionId id, std::string name) : m_id(id), m_name(std::move(name)) {}

  [[nodiscard]] PartitionId id() const noexcept { return m_id; }
  [[nodiscard]] const std::string& name() const noexcept { return m_name; }

  /// Null if there is none.
  [[nodiscard]] std::shared_ptr<const KeyPair> key_pair(std::uint32_t index) const;
  [[nodiscard]] std::shared_ptr<const Kek> kek(std::uint32_t index) const;
  [[nodiscard]] std::shared_ptr<const Sm9Key> sm9_key(std::uint32_t kind,
                                                      std::uint32_t index) const;
  [[nodiscard]] std::shared_ptr<const OtherKey> other_key(std::uint32_t kind,
                                                          std::uint32_t index) const;

  /// Checks an access code in constant time. `kind` is a CIPHERDECK_KEY_.
  /// Fails with key_not_found, access_denied, or, after kMaxAccessFailures wrong codes in a row,
  /// locked_out until the management sets a new code.
  Result<void> check_access(std::uint32_t kind, std::uint32_t index, Bytes code);

  /// The same for all private keys at an index, whatever their kind: gives back the kinds whose
  /// code it is. If it is none's, it counts as wrong for each of them.
  Result<std::vector<std::uint32_t>> check_private_access(std::uint32_t index, Bytes code);

  // For the management, which has stored the change before it calls these.
  // A key that is put has no wrong access codes yet.
  void put(std::shared_ptr<const KeyPair> key_pair);
  void put(std::shared_ptr<const Kek> kek);
  void put(std::shared_ptr<const OtherKey> key);
  void put(std::shared_ptr<const Sm9Key> key);
  void remove(std::uint32_t kind, std::uint32_t index);
  /// After removal from the card: no key is found any more, and sessions do no more commands.
  void clear();
  [[nodiscard]] bool is_gone() const noexcept { return m_gone.load(std::memory_order_relaxed); }

  /// Wrong codes since the last right one; set when loaded.
  [[nodiscard]] std::uint32_t access_failures(std::uint32_t kind, std::uint32_t index) const;
  void set_access_failures(std::uint32_t kind, std::uint32_t index, std::uint32_t count);

  /// The counts that changed since the last call, for the store. Whoever cannot store one hands it
  /// back with mark_unsaved().
  [[nodiscard]] std::vector<AccessFailures> take_unsaved_failures();
  void mark_unsaved(std::uint32_t kind, std::uint32_t index);
  /// For PartitionTable, before a worker can see the partition.
  void set_access_listener(std::shared_ptr<const AccessListener> listener);

  /// All keys of a kind, by index.
  [[nodiscard]] std::vector<std::shared_ptr<const KeyPair>> key_pairs() const;
  [[nodiscard]] std::vector<std::shared_ptr<const Kek>> keks() const;
  [[nodiscard]] std::vector<std::shared_ptr<const Sm9Key>> sm9_keys(std::uint32_t kind) const;
  /// By kind, then index.
  [[nodiscard]] std::vector<std::shared_ptr<const OtherKey>> other_keys() const;

 private:
  Result<std::vector<std::uint32_t>> check(const std::vector<std::uint32_t>& kinds,
                                           std::uint32_t index, Bytes code);

  // These with m_mutex held.
  void forget_failures(std::uint32_t kind, std::uint32_t index);
  [[nodiscard]] const AccessVerifier* find_verifier(std::uint32_t kind, std::uint32_t index) const;
  [[nodiscard]] bool is_locked(std::uint64_t key) const;
  bool count_try(std::uint64_t key, bool is_right);
  Result<std::vector<std::uint32_t>> judge(const std::vector<std::uint32_t>& kinds,
                                           std::uint32_t index, Bytes code, bool& changed);

  const PartitionId m_id;
  const std::string m_name;
  mutable std::mutex m_mutex;  // held for a look-up only
  std::map<std::uint32_t, std::shared_ptr<const KeyPair>> m_key_pairs;
  std::map<std::uint32_t, std::shared_ptr<const Kek>> m_keks;
  std::map<std::uint64_t, std::shared_ptr<const Sm9Key>> m_sm9_keys;  // by kind << 32 | index
  std::map<std::uint64_t, std::shared_ptr<const OtherKey>> m_others;  // likewise
  std::map<std::uint64_t, std::uint32_t> m_failures;                  // likewise
  std::set<std::uint64_t> m_unsaved;
  std::shared_ptr<const AccessListener> m_listener;
  std::atomic<bool> m_gone{false};
};

/// Which partition each function is bound to. Thread-safe.
class PartitionTable {
 public:
  /// `listener` may be empty; it is told of wrong access codes in all partitions put here.
  explicit PartitionTable(AccessListener listener = {});

  [[nodiscard]] std::shared_ptr<Partition> bound_to(FunctionNumber function) const;
  [[nodiscard]] std::shared_ptr<Partition> find(PartitionId id) const;
  [[nodiscard]] std::vector<std::shared_ptr<Partition>> all() const;
  [[nodiscard]] std::map<FunctionNumber, PartitionId> bindings() const;

  void put(std::shared_ptr<Partition> partition);
  /// Takes the partition out, clears it and drops its bindings.
  void remove(PartitionId id);
  /// `id` 0 unbinds.
  void bind(FunctionNumber function, PartitionId id);

 private:
  mutable std::mutex m_mutex;
  std::map<PartitionId, std::shared_ptr<Partition>> m_partitions;
  std::map<FunctionNumber, PartitionId> m_bindings;
  const std::shared_ptr<const AccessListener> m_listener;
};

}  // namespace cipherdeck::card
