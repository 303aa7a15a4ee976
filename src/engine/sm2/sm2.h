// SPDX-License-Identifier: Apache-2.0
// SM2 on the recommended curve (GB/T 32918.5): keys and single operations. Many at once: batch.h.
#pragma once

#include "base/bytes.h"
#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"
#include "engine/sm3/sm3.h"

#include <array>
#include <memory>

namespace cipherdeck::engine {

namespace sm2 {
struct WindowTable;
}

constexpr std::size_t kSm2ScalarLen = 32;
constexpr std::size_t kSm2PointLen = 64;            // x || y, big-endian
constexpr std::size_t kSm2SignatureLen = 64;        // r || s, big-endian
constexpr std::size_t kSm2CiphertextOverhead = 96;  // C1 (x || y) and C3, before C2

using Sm2Signature = std::array<std::uint8_t, kSm2SignatureLen>;

/// Sm2PublicKey is a point of the curve other than infinity.
class Sm2PublicKey {
 public:
  /// Fails with invalid_key if x || y is not on the curve or not reduced modulo p.
  static Result<Sm2PublicKey> from_bytes(std::span<const std::uint8_t, kSm2PointLen> point);

  [[nodiscard]] std::span<const std::uint8_t, kSm2PointLen> bytes() const noexcept {
    return m_point;
  }

  /// Z of GB/T 32918.2, 5.5: SM3(ENTL || id || a || b || xG || yG || xA || yA). Fails with
  /// invalid_argument if `id` has 8192 bytes or more.
  [[nodiscard]] Result<Sm3Digest> z(Bytes id) const;

 private:
  Sm2PublicKey() = default;
  std::array<std::uint8_t, kSm2PointLen> m_point{};
};

/// Sm2VerifyTable is multiples of a public key, with which its signatures are verified three times
/// as fast. It takes 148 KiB, and as much time as 50 verifications to make. Immutable.
class Sm2VerifyTable {
 public:
  explicit Sm2VerifyTable(const Sm2PublicKey& key);
  Sm2VerifyTable(const Sm2VerifyTable&) = delete;
  Sm2VerifyTable& operator=(const Sm2VerifyTable&) = delete;
  ~Sm2VerifyTable();

  [[nodiscard]] const sm2::WindowTable& windows() const noexcept { return *m_windows; }

 private:
  std::unique_ptr<const sm2::WindowTable> m_windows;
};

/// Sm2PrivateKey is a scalar from 1 to n - 2, with the (1 + d)^-1 that signing needs. Wiped on
/// destruction; immutable, so any number of threads may use it at once.
class Sm2PrivateKey {
 public:
  /// Fails with invalid_key if the big-endian scalar is out of range.
  static Result<Sm2PrivateKey> from_bytes(std::span<const std::uint8_t, kSm2ScalarLen> scalar);
  static Result<Sm2PrivateKey> generate(RandomSource& random);

  [[nodiscard]] std::span<const std::uint8_t, kSm2ScalarLen> bytes() const noexcept {
    return m_scalar.span();
  }
  /// (1 + d)^-1 modulo n, big-endian.
  [[nodiscard]] std::span<const std::uint8_t, kSm2ScalarLen> inverse() const noexcept {
    return m_inverse.span();
  }
  [[nodiscard]] const Sm2PublicKey& public_key() const noexcept { return m_public; }

 private:
  Sm2PrivateKey(const Secret<kSm2ScalarLen>& scalar, const Secret<kSm2ScalarLen>& inverse,
                const Sm2PublicKey& public_key)
      : m_scalar(scalar), m_inverse(inverse), m_public(public_key) {}
  Secret<kSm2ScalarLen> m_scalar;
  Secret<kSm2ScalarLen> m_inverse;
  Sm2PublicKey m_public;
};

/// Signs the 32-byte value e (GB/T 32918.2, 6.1, from step A3).
[[nodiscard]] Result<Sm2Signature> sm2_sign(const Sm2PrivateKey& key,
                                            std::span<const std::uint8_t, kSm3DigestLen> e,
                                            RandomSource& random);

/// Fails with verify_failed unless r || s is a signature of e (GB/T 32918.2, 7.1, from step B5).
[[nodiscard]] Result<void> sm2_verify(const Sm2PublicKey& key,
                                      std::span<const std::uint8_t, kSm3DigestLen> e,
                                      std::span<const std::uint8_t, kSm2SignatureLen> signature);

/// Writes C1 || C3 || C2 to `ciphertext`, kSm2CiphertextOverhead bytes longer than `plaintext`,
/// which is not empty (GB/T 32918.4). The two do not overlap.
[[nodiscard]] Result<void> sm2_encrypt(MutableBytes ciphertext, const Sm2PublicKey& key,
                                       Bytes plaintext, RandomSource& random);

/// Writes the plaintext, kSm2CiphertextOverhead bytes shorter than `ciphertext`. Fails with
/// decrypt_failed, and leaves `plaintext` wiped, if C1 is not on the curve or C3 is wrong.
[[nodiscard]] Result<void> sm2_decrypt(MutableBytes plaintext, const Sm2PrivateKey& key,
                                       Bytes ciphertext);

/// One side of a key exchange (GB/T 32918.3).
struct Sm2Exchange {
  bool initiator;
  const Sm2PrivateKey& own_key;
  const Sm2PrivateKey& own_ephemeral;
  const Sm2PublicKey& peer_key;
  const Sm2PublicKey& peer_ephemeral;
  const Sm3Digest& own_z;
  const Sm3Digest& peer_z;
};

/// Derives `shared_key.size()` bytes, the same on both sides. Fails with invalid_key if the common
/// point is infinity.
[[nodiscard]] Result<void> sm2_exchange(MutableBytes shared_key, const Sm2Exchange& exchange);

}  // namespace cipherdeck::engine
