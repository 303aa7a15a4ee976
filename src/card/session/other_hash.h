// SPDX-License-Identifier: Apache-2.0
// Hashes that the engine does not have: SHA-1 and SHA-2, and HMAC of SHA-256, by OpenSSL.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <memory>

using EVP_MD_CTX = struct evp_md_ctx_st;

namespace cipherdeck::card::session {

constexpr std::size_t kMaxDigestLen = 64;

/// One hash or HMAC in progress; OpenSSL wipes it. Not thread-safe.
class OtherHash {
 public:
  /// `algorithm` is a CIPHERDECK_ALG_SHA. Fails with algorithm.
  static Result<OtherHash> begin(std::uint32_t algorithm);
  /// HMAC of that hash under a key of at most 64 bytes.
  static Result<OtherHash> begin_hmac(std::uint32_t algorithm, Bytes key);

  [[nodiscard]] std::size_t digest_len() const noexcept;
  Result<void> update(Bytes data);
  /// Writes digest_len() bytes, and ends it.
  Result<void> finish(MutableBytes digest);

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept;
  };
  using Context = std::unique_ptr<EVP_MD_CTX, Free>;

  explicit OtherHash(Context inner) : m_inner(std::move(inner)) {}
  static Result<Context> start(std::uint32_t algorithm);

  Context m_inner;
  Context m_outer;  // HMAC only
};

}  // namespace cipherdeck::card::session
