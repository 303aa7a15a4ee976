// SPDX-License-Identifier: Apache-2.0
// The engine as the scheduler sees it: spans of independent jobs of one kind per call, whose keys,
// lengths and owners differ. The engine fills its SIMD lanes across them. Every job gets a result
// of its own; a job that fails touches no other. Buffers belong to the caller and live through the
// call. Calls are reentrant: no shared state but the immutable keys.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "engine/sm2/sm2.h"
#include "engine/sm3/sm3.h"
#include "engine/sm4/sm4.h"
#include "engine/zuc/zuc.h"

#include <cstdint>
#include <span>

namespace cipherdeck::engine {

enum class CipherMode : std::uint8_t { ecb, cbc, cfb, ofb, ctr, xts };
enum class Direction : std::uint8_t { encrypt, decrypt };

/// `len` bytes from `input` to `output`, which are the same or do not overlap. ECB and CBC take
/// multiples of 16, XTS 16 or more, the others any length; else invalid_argument. Input may be
/// memory that its owner changes meanwhile: each byte is read once. XTS has the bit order of GB/T
/// 17964-2021; what `iv` becomes in each mode is said in engine/modes/modes.h.
struct CipherJob {
  const Sm4Key* key = nullptr;
  const Sm4Key* tweak_key = nullptr;  // XTS only
  CipherMode mode = CipherMode::ecb;
  Direction direction = Direction::encrypt;
  std::uint8_t* iv = nullptr;  // 16 bytes, updated so that the next call goes on; unused by ECB
  const std::uint8_t* input = nullptr;
  std::uint8_t* output = nullptr;
  std::size_t len = 0;
  bool is_last = false;  // nothing follows: XTS saves a block operation, and leaves `iv` as it was
  Result<void> result;
};

/// CBC-MAC over `len` bytes, a multiple of 16: `iv` goes in, the MAC comes out of it (16 bytes).
struct MacJob {
  const Sm4Key* key = nullptr;
  std::uint8_t* iv = nullptr;
  const std::uint8_t* input = nullptr;
  std::size_t len = 0;
  Result<void> result;
};

enum class AeadMode : std::uint8_t { gcm, ccm };

/// GCM: any nonce but the empty one, tags of 4, 8 and 12 to 16 bytes. CCM: nonces of 7 to 13 bytes,
/// even tags of 4 to 16. Decryption leaves output only if the tag is right; else mac_failed and
/// `output` is wiped. Buffers must be private: nobody may read or change them during the call.
struct AeadJob {
  const Sm4Key* key = nullptr;
  AeadMode mode = AeadMode::gcm;
  Direction direction = Direction::encrypt;
  Bytes nonce;
  Bytes aad;
  const std::uint8_t* input = nullptr;
  std::uint8_t* output = nullptr;
  std::size_t len = 0;
  std::uint8_t* tag = nullptr;  // written by encryption, read by decryption
  std::size_t tag_len = 16;
  Result<void> result;
};

/// Feeds `input` to `state`, and finishes it to `digest` if that is not null. No two jobs of a call
/// share a state.
struct HashJob {
  Sm3* state = nullptr;
  Bytes input;
  std::uint8_t* digest = nullptr;  // kSm3DigestLen bytes
  Result<void> result;
};

struct Sm2SignJob {
  const Sm2PrivateKey* key = nullptr;
  Sm3Digest e{};
  Sm2Signature signature{};
  Result<void> result;
};

/// With a table, which must be of that key, verification is faster.
struct Sm2VerifyJob {
  const Sm2PublicKey* key = nullptr;
  Sm3Digest e{};
  Sm2Signature signature{};
  Result<void> result;
  const Sm2VerifyTable* table = nullptr;
};

/// `ciphertext` has kSm2CiphertextOverhead bytes more than `plaintext`.
struct Sm2EncryptJob {
  const Sm2PublicKey* key = nullptr;
  Bytes plaintext;
  MutableBytes ciphertext;
  Result<void> result;
};

struct Sm2DecryptJob {
  const Sm2PrivateKey* key = nullptr;
  Bytes ciphertext;
  MutableBytes plaintext;
  Result<void> result;
};

/// `len` bytes from `input` to `output`, which are the same or do not overlap, under 128-EEA3. No
/// two jobs of a call share a state.
struct ZucJob {
  ZucEea3* state = nullptr;
  const std::uint8_t* input = nullptr;
  std::uint8_t* output = nullptr;
  std::size_t len = 0;
  bool is_last = false;  // the message ends here
  Result<void> result;
};

/// Feeds `input` to `state`, likewise.
struct ZucMacJob {
  ZucEia3* state = nullptr;
  Bytes input;
  Result<void> result;
};

void run(std::span<CipherJob> jobs) noexcept;
void run(std::span<MacJob> jobs) noexcept;
void run(std::span<AeadJob> jobs) noexcept;
void run(std::span<HashJob> jobs) noexcept;
void run(std::span<Sm2SignJob> jobs, RandomSource& nonces) noexcept;
void run(std::span<Sm2VerifyJob> jobs) noexcept;
void run(std::span<Sm2EncryptJob> jobs, RandomSource& nonces) noexcept;
void run(std::span<Sm2DecryptJob> jobs) noexcept;
void run(std::span<ZucJob> jobs) noexcept;
void run(std::span<ZucMacJob> jobs) noexcept;

/// How many jobs of this kind one call runs side by side, in about the time of one: company up to
/// that number makes each cheaper. 1: company changes nothing.
[[nodiscard]] std::size_t lanes_of(const CipherJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const MacJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const AeadJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const HashJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const Sm2SignJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const Sm2VerifyJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const Sm2EncryptJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const Sm2DecryptJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const ZucJob& job) noexcept;
[[nodiscard]] std::size_t lanes_of(const ZucMacJob& job) noexcept;

/// What a job will take of one core, in nanoseconds, roughly: what the scheduler charges its owner.
/// `num_together` jobs of its kind and length, itself one of them, go in one call.
[[nodiscard]] std::uint32_t cost_ns(const CipherJob& job, std::size_t num_together = 1) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const MacJob& job, std::size_t num_together = 1) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const AeadJob& job, std::size_t num_together = 1) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const HashJob& job) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const Sm2SignJob& job) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const Sm2VerifyJob& job) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const Sm2EncryptJob& job) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const Sm2DecryptJob& job) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const ZucJob& job) noexcept;
[[nodiscard]] std::uint32_t cost_ns(const ZucMacJob& job) noexcept;

/// Known answers of every algorithm (the examples of GB/T 32905, 32907, 32918, 33133 and 38635).
/// False: the engine may not be used.
[[nodiscard]] bool self_test() noexcept;

}  // namespace cipherdeck::engine
