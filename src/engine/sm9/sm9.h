// SPDX-License-Identifier: Apache-2.0
// SM9, identity-based cryptography (GM/T 0044-2016, GB/T 38635): keys, signatures, key
// encapsulation, encryption and key exchange. Points come in as bytes of anybody and are checked:
// coordinates reduced, on the curve, of the group's order. Numbers and points are big-endian; of an
// element of Fp2 the coefficient of u comes first. Identities are public, and may have any length.
//
// Objects are immutable, so any number of threads may use them at once. Private keys are wiped on
// destruction, and nothing branches on them or uses them as an address.
#pragma once

#include "base/bytes.h"
#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"
#include "engine/sm3/sm3.h"
#include "engine/sm9/groups.h"

#include <array>

namespace cipherdeck::engine {

constexpr std::size_t kSm9ScalarLen = 32;
constexpr std::size_t kSm9G1Len = sm9::kG1Len;      // a point over Fp: x || y
constexpr std::size_t kSm9G2Len = sm9::kG2Len;      // a point over Fp2: x || y
constexpr std::size_t kSm9SignatureLen = 96;        // h || S, a number and a point of G1
constexpr std::size_t kSm9CiphertextOverhead = 96;  // C1 (a point of G1) and C3, before C2

using Sm9Signature = std::array<std::uint8_t, kSm9SignatureLen>;
using Sm9G1Bytes = std::array<std::uint8_t, kSm9G1Len>;
using Sm9G2Bytes = std::array<std::uint8_t, kSm9G2Len>;

/// What a user's key is for: the hid of GM/T 0044.5, which goes into the key with the identity.
enum class Sm9Use : std::uint8_t { sign = 1, exchange = 2, encrypt = 3 };

// ---- signing keys ----

/// Sm9SignMasterPublicKey is a point of G2, with e(P1, key) that signing and verifying need: making
/// one takes a pairing.
class Sm9SignMasterPublicKey {
 public:
  /// Fails with invalid_key unless the bytes are a point of G2.
  static Result<Sm9SignMasterPublicKey> from_bytes(std::span<const std::uint8_t, kSm9G2Len> point);

  [[nodiscard]] const Sm9G2Bytes& bytes() const noexcept { return m_bytes; }
  [[nodiscard]] const sm9::G2Affine& point() const noexcept { return m_point; }
  [[nodiscard]] const sm9::Fp12& base() const noexcept { return m_base; }

 private:
  friend class Sm9SignMasterKey;
  explicit Sm9SignMasterPublicKey(const sm9::G2Affine& point) noexcept;
  sm9::G2Affine m_point;
  sm9::Fp12 m_base;
  Sm9G2Bytes m_bytes;
};

/// Sm9SignUserKey is the private signing key of one identity, a point of G1.
class Sm9SignUserKey {
 public:
  /// Fails with invalid_key unless the bytes are a point of G1. Whose key it is cannot be told.
  static Result<Sm9SignUserKey> from_bytes(std::span<const std::uint8_t, kSm9G1Len> point);

  [[nodiscard]] std::span<const std::uint8_t, kSm9G1Len> bytes() const noexcept {
    return m_bytes.span();
  }

 private:
  explicit Sm9SignUserKey(std::span<const std::uint8_t, kSm9G1Len> point) : m_bytes(point) {}
  Secret<kSm9G1Len> m_bytes;
};

/// Sm9SignMasterKey is a number from 1 to n - 1, from which all signing keys come.
class Sm9SignMasterKey {
 public:
  /// Fails with invalid_key if the scalar is out of range.
  static Result<Sm9SignMasterKey> from_bytes(std::span<const std::uint8_t, kSm9ScalarLen> scalar);
  static Result<Sm9SignMasterKey> generate(RandomSource& random);

  /// The key of `id` (GM/T 0044.2, 6.1). Fails with invalid_key for the one identity in 2^256 that
  /// has none under this master key.
  [[nodiscard]] Result<Sm9SignUserKey> extract(Bytes id) const;

  [[nodiscard]] std::span<const std::uint8_t, kSm9ScalarLen> bytes() const noexcept {
    return m_scalar.span();
  }
  [[nodiscard]] const Sm9SignMasterPublicKey& public_key() const noexcept { return m_public; }

 private:
  explicit Sm9SignMasterKey(const Secret<kSm9ScalarLen>& scalar) noexcept;
  Secret<kSm9ScalarLen> m_scalar;
  Sm9SignMasterPublicKey m_public;
};

// ---- encryption keys ----

/// Sm9EncryptMasterPublicKey is a point of G1, with e(key, P2) that encryption and exchange need:
/// making one takes a pairing.
class Sm9EncryptMasterPublicKey {
 public:
  /// Fails with invalid_key unless the bytes are a point of G1.
  static Result<Sm9EncryptMasterPublicKey> from_bytes(
      std::span<const std::uint8_t, kSm9G1Len> point);

  [[nodiscard]] const Sm9G1Bytes& bytes() const noexcept { return m_bytes; }
  [[nodiscard]] const sm9::G1Affine& point() const noexcept { return m_point; }
  [[nodiscard]] const sm9::Fp12& base() const noexcept { return m_base; }

 private:
  friend class Sm9EncryptMasterKey;
  explicit Sm9EncryptMasterPublicKey(const sm9::G1Affine& point) noexcept;
  sm9::G1Affine m_point;
  sm9::Fp12 m_base;
  Sm9G1Bytes m_bytes;
};

/// Sm9EncryptUserKey is the private key of one identity for encryption or for exchange, a point of
/// G2.
class Sm9EncryptUserKey {
 public:
  /// Fails with invalid_key unless the bytes are a point of G2. Whose key it is cannot be told.
  static Result<Sm9EncryptUserKey> from_bytes(std::span<const std::uint8_t, kSm9G2Len> point);

  [[nodiscard]] std::span<const std::uint8_t, kSm9G2Len> bytes() const noexcept {
    return m_bytes.span();
  }
  /// Wipe the copy after use.
  [[nodiscard]] const sm9::G2Affine& point() const noexcept { return m_point; }

  Sm9EncryptUserKey(const Sm9EncryptUserKey&) = default;
  Sm9EncryptUserKey& operator=(const Sm9EncryptUserKey&) = default;
  ~Sm9EncryptUserKey() { wipe_object(m_point); }

 private:
  friend class Sm9EncryptMasterKey;
  explicit Sm9EncryptUserKey(const sm9::G2Affine& point) noexcept;
  sm9::G2Affine m_point;
  Secret<kSm9G2Len> m_bytes;
};

/// Sm9EncryptMasterKey is a number from 1 to n - 1, from which all encryption keys come.
class Sm9EncryptMasterKey {
 public:
  /// Fails with invalid_key if the scalar is out of range.
  static Result<Sm9EncryptMasterKey> from_bytes(
      std::span<const std::uint8_t, kSm9ScalarLen> scalar);
  static Result<Sm9EncryptMasterKey> generate(RandomSource& random);

  /// The key of `id` for `use`, exchange or encrypt (GM/T 0044.3 and 0044.4, 6.1). Fails with
  /// invalid_key for the one identity in 2^256 that has none under this master key.
  [[nodiscard]] Result<Sm9EncryptUserKey> extract(Bytes id, Sm9Use use) const;

  [[nodiscard]] std::span<const std::uint8_t, kSm9ScalarLen> bytes() const noexcept {
    return m_scalar.span();
  }
  [[nodiscard]] const Sm9EncryptMasterPublicKey& public_key() const noexcept { return m_public; }

 private:
  explicit Sm9EncryptMasterKey(const Secret<kSm9ScalarLen>& scalar) noexcept;
  Secret<kSm9ScalarLen> m_scalar;
  Sm9EncryptMasterPublicKey m_public;
};

// ---- signatures (GM/T 0044.2) ----

/// Signs `message` (7.1). Fails with random_failed if the source does.
[[nodiscard]] Result<Sm9Signature> sm9_sign(const Sm9SignUserKey& key,
                                            const Sm9SignMasterPublicKey& master, Bytes message,
                                            RandomSource& random);

/// Fails with verify_failed unless `signature` is one of `message` by `id` (8.1).
[[nodiscard]] Result<void> sm9_verify(const Sm9SignMasterPublicKey& master, Bytes id, Bytes message,
                                      std::span<const std::uint8_t, kSm9SignatureLen> signature);

// ---- key encapsulation (GM/T 0044.4, 7) ----

/// Fills `key`, which is not empty, with a new key, and `package` with what gives it to `id`. Fails
/// with random_failed if the source does.
[[nodiscard]] Result<void> sm9_encapsulate(MutableBytes key, Sm9G1Bytes& package,
                                           const Sm9EncryptMasterPublicKey& master, Bytes id,
                                           RandomSource& random);

/// The key again, of the same length. Fails with decrypt_failed, and leaves `key` wiped, if
/// `package` is no point of G1, or the key is all zero.
[[nodiscard]] Result<void> sm9_decapsulate(MutableBytes key, const Sm9EncryptUserKey& user,
                                           Bytes id,
                                           std::span<const std::uint8_t, kSm9G1Len> package);

// ---- encryption (GM/T 0044.4, 8) ----

/// How C2 comes from the plaintext: by the key stream of the KDF, or by SM4 in a mode of operation;
/// ECB and CBC pad as PKCS #7 says. The numbers are the encryption types of GB/T 38635.2, 7.
enum class Sm9Cipher : std::uint8_t { key_stream = 0, ecb = 1, cbc = 2, ofb = 4, cfb = 8 };

/// Bytes of C2 for a plaintext of `plaintext_len`.
[[nodiscard]] std::size_t sm9_c2_len(Sm9Cipher cipher, std::size_t plaintext_len) noexcept;

/// The cipher with its initial value: 16 bytes for CBC, OFB and CFB, none for the others.
struct Sm9CipherChoice {
  Sm9Cipher cipher = Sm9Cipher::key_stream;
  Bytes iv;
};

/// Writes C1 || C3 || C2, kSm9CiphertextOverhead + sm9_c2_len() bytes, to `ciphertext`. The two do
/// not overlap. Fails with invalid_argument if a length is wrong or `plaintext` empty.
[[nodiscard]] Result<void> sm9_encrypt(MutableBytes ciphertext, const Sm9CipherChoice& choice,
                                       const Sm9EncryptMasterPublicKey& master, Bytes id,
                                       Bytes plaintext, RandomSource& random);

/// Writes the plaintext and gives its length; `plaintext` has room for C2's. Fails with
/// decrypt_failed, and leaves `plaintext` wiped, if C1 is no point of G1, C3 is wrong or the
/// padding is; with invalid_argument if a length is wrong.
[[nodiscard]] Result<std::size_t> sm9_decrypt(MutableBytes plaintext, const Sm9CipherChoice& choice,
                                              const Sm9EncryptUserKey& user, Bytes id,
                                              Bytes ciphertext);

// ---- key exchange (GM/T 0044.3) ----

/// One side's ephemeral key: r, and R = [r] Q of the peer, which goes to the peer.
struct Sm9Ephemeral {
  Secret<kSm9ScalarLen> scalar;
  Sm9G1Bytes point{};
};

/// An ephemeral key for an exchange with `peer_id` (steps A1 to A4, B1 to B4).
[[nodiscard]] Result<Sm9Ephemeral> sm9_exchange_start(const Sm9EncryptMasterPublicKey& master,
                                                      Bytes peer_id, RandomSource& random);

struct Sm9Exchange {
  bool initiator;
  const Sm9EncryptUserKey& own_key;  // for Sm9Use::exchange
  const Sm9EncryptMasterPublicKey& master;
  const Sm9Ephemeral& own_ephemeral;
  std::span<const std::uint8_t, kSm9G1Len> peer_ephemeral;
  Bytes initiator_id;
  Bytes responder_id;
};

/// The optional digests by which the two sides confirm the key to each other.
struct Sm9Confirmations {
  Sm3Digest responder;  // S_B, which the initiator compares
  Sm3Digest initiator;  // S_A, which the responder compares
};

/// Derives `shared_key.size()` bytes, the same on both sides, and, if asked, the digests. Fails
/// with invalid_key, and leaves `shared_key` wiped, if the peer's ephemeral key is no point of G1.
[[nodiscard]] Result<void> sm9_exchange(MutableBytes shared_key, const Sm9Exchange& exchange,
                                        Sm9Confirmations* confirmations = nullptr);

/// Whether known answers of GM/T 0044.5 come out: a signature made and verified, a ciphertext made
/// and decrypted, which takes both groups and the pairing.
[[nodiscard]] bool sm9_self_test();

}  // namespace cipherdeck::engine
