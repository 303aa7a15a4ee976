// SPDX-License-Identifier: Apache-2.0
#include "card/session/other_hash.h"

#include "base/secret.h"

#include <cipherdeck/function.h>
#include <openssl/evp.h>

namespace cipherdeck::card::session {
namespace {

constexpr std::size_t kMaxBlockLen = 128;

const EVP_MD* digest_of(std::uint32_t algorithm) noexcept {
  switch (algorithm) {
    case CIPHERDECK_ALG_SHA1:
      return EVP_sha1();
    case CIPHERDECK_ALG_SHA224:
      return EVP_sha224();
    case CIPHERDECK_ALG_SHA256:
      return EVP_sha256();
    case CIPHERDECK_ALG_SHA384:
      return EVP_sha384();
    case CIPHERDECK_ALG_SHA512:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

Result<void> feed(EVP_MD_CTX* context, Bytes data) {
  if (EVP_DigestUpdate(context, data.data(), data.size()) != 1) return Error::internal;
  return {};
}

Result<void> close(EVP_MD_CTX* context, MutableBytes digest) {
  if (EVP_DigestFinal_ex(context, digest.data(), nullptr) != 1) return Error::internal;
  return {};
}

}  // namespace

void OtherHash::Free::operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }

Result<OtherHash::Context> OtherHash::start(std::uint32_t algorithm) {
  const EVP_MD* const digest = digest_of(algorithm);
  if (digest == nullptr) return Error::algorithm;
  Context context(EVP_MD_CTX_new());
  if (context == nullptr) return Error::no_memory;
  if (EVP_DigestInit_ex(context.get(), digest, nullptr) != 1) return Error::internal;
  return context;
}

Result<OtherHash> OtherHash::begin(std::uint32_t algorithm) {
  CIPHERDECK_ASSIGN(auto context, start(algorithm));
  return OtherHash(std::move(context));
}

Result<OtherHash> OtherHash::begin_hmac(std::uint32_t algorithm, Bytes key) {
  CIPHERDECK_ASSIGN(auto hash, begin(algorithm));
  CIPHERDECK_ASSIGN(hash.m_outer, start(algorithm));
  Secret<kMaxBlockLen> pad;
  const auto block_len = static_cast<std::size_t>(EVP_MD_CTX_get_block_size(hash.m_inner.get()));
  if (key.size() > block_len || block_len > kMaxBlockLen) return Error::invalid_key;
  std::memcpy(pad.data(), key.data(), key.size());
  const MutableBytes block = pad.span().first(block_len);
  for (auto& byte : block) byte ^= 0x36;
  CIPHERDECK_TRY(feed(hash.m_inner.get(), block));
  for (auto& byte : block) byte ^= 0x36 ^ 0x5c;
  CIPHERDECK_TRY(feed(hash.m_outer.get(), block));
  return hash;
}

std::size_t OtherHash::digest_len() const noexcept {
  return static_cast<std::size_t>(EVP_MD_CTX_get_size(m_inner.get()));
}

Result<void> OtherHash::update(Bytes data) { return feed(m_inner.get(), data); }

Result<void> OtherHash::finish(MutableBytes digest) {
  CIPHERDECK_TRY(close(m_inner.get(), digest));
  if (m_outer == nullptr) return {};
  CIPHERDECK_TRY(feed(m_outer.get(), digest.first(digest_len())));
  return close(m_outer.get(), digest);
}

}  // namespace cipherdeck::card::session
