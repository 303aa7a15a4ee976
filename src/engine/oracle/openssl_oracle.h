// SPDX-License-Identifier: Apache-2.0
// The second implementation that the tests of this folder compare with: OpenSSL 3.0. Where it has
// no SM4 in a mode, its generic mode runs over its SM4 block. Tests only; throws when OpenSSL
// fails.
#pragma once

#include "base/bytes.h"
#include "base/random_source.h"
#include "engine/batch.h"
#include "engine/modes/modes.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <memory>
#include <random>
#include <vector>

namespace cipherdeck::engine::oracle {

using Buffer = std::vector<std::uint8_t>;

/// Random bytes and numbers that are the same in every run.
class TestRandom final : public RandomSource {
 public:
  explicit TestRandom(std::uint64_t seed) : m_generator(seed) {}
  Result<void> fill(MutableBytes out) override;
  Buffer bytes(std::size_t len);
  std::size_t below(std::size_t bound);

 private:
  std::mt19937_64 m_generator;
};

/// Gives the strings of a list, one a call; fails when they are used up.
class ScriptedRandom final : public RandomSource {
 public:
  explicit ScriptedRandom(std::vector<Buffer> script) : m_script(std::move(script)) {}
  Result<void> fill(MutableBytes out) override;
  [[nodiscard]] std::size_t num_used() const { return m_num_used; }

 private:
  std::vector<Buffer> m_script;
  std::size_t m_num_used = 0;
};

[[nodiscard]] Buffer sm3(Bytes data);
[[nodiscard]] Buffer hmac_sm3(Bytes key, Bytes data);

/// ECB, CBC, CFB, OFB and CTR. `iv` is updated if the length is a multiple of 16.
[[nodiscard]] Buffer sm4(CipherMode mode, Direction direction, Bytes key, Buffer& iv, Bytes data);

/// XTS, a block at a time. (OpenSSL's generic XTS cannot be reached: its context is private.)
[[nodiscard]] Buffer sm4_xts(modes::XtsOrder order, Direction direction, Bytes key, Bytes tweak_key,
                             Bytes tweak, Bytes data);

/// The ciphertext and the tag after it.
[[nodiscard]] Buffer sm4_aead_encrypt(AeadMode mode, Bytes key, Bytes nonce, Bytes aad, Bytes data,
                                      std::size_t tag_len);

struct BnFree {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
struct PointFree {
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
};
using Number = std::unique_ptr<BIGNUM, BnFree>;
using GroupPoint = std::unique_ptr<EC_POINT, PointFree>;

[[nodiscard]] const EC_GROUP* sm2_group();
[[nodiscard]] Number number(Bytes big_endian);
[[nodiscard]] Number number_from_hex(const char* hex);
[[nodiscard]] Buffer to_bytes(const BIGNUM* number);  // 32 bytes

/// scalar * point; of the generator if `point` is null. x || y, empty if it is infinity.
[[nodiscard]] Buffer sm2_multiply(const BIGNUM* scalar, const EC_POINT* point);
[[nodiscard]] GroupPoint sm2_point(Bytes xy);
[[nodiscard]] Buffer sm2_affine(const EC_POINT* point);

/// SM2 with OpenSSL's keys. Formats are those of sm2.h.
class Sm2Peer {
 public:
  Sm2Peer(Bytes private_key, Bytes public_key);
  [[nodiscard]] Buffer sign(Bytes e) const;
  [[nodiscard]] bool verify(Bytes e, Bytes signature) const;
  [[nodiscard]] Buffer encrypt(Bytes plaintext) const;
  /// Empty if it fails.
  [[nodiscard]] Buffer decrypt(Bytes ciphertext) const;
  /// Over a message, with Z of the id.
  [[nodiscard]] bool verify_message(Bytes id, Bytes message, Bytes signature) const;

 private:
  std::shared_ptr<EVP_PKEY> m_key;
};

}  // namespace cipherdeck::engine::oracle
