// SPDX-License-Identifier: Apache-2.0
// How secrets are wrapped for the disk: keys derived by HMAC-SM3, SM4-GCM, and associated data that
// binds a blob to its place. docs/formats/key-store.md has the bytes.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"

#include <string_view>
#include <vector>

namespace cipherdeck::card::store {

/// Length of the key file, the management key and the partitions' master keys.
constexpr std::size_t kRootKeyLen = 32;
using RootKey = Secret<kRootKeyLen>;

constexpr std::size_t kNonceLen = 12;
constexpr std::size_t kTagLen = 16;
/// nonce || ciphertext || tag.
constexpr std::size_t kWrapOverhead = kNonceLen + kTagLen;

/// Associated data: a name of its purpose and fields that cannot run into one another.
class Context {
 public:
  explicit Context(std::string_view purpose) { add(purpose); }
  Context& add(std::uint64_t value);
  Context& add(std::string_view text);
  [[nodiscard]] Bytes bytes() const noexcept { return m_bytes; }

 private:
  std::vector<std::uint8_t> m_bytes;
};

/// A key for one purpose, by SP 800-108 in counter mode with HMAC-SM3, one block.
[[nodiscard]] Secret<32> derive(Bytes root, std::string_view purpose);

/// Wraps under the key that derive() gives for `purpose`, with a fresh nonce.
[[nodiscard]] Result<std::vector<std::uint8_t>> wrap(Bytes root, std::string_view purpose,
                                                     const Context& context, Bytes secret,
                                                     RandomSource& random);

/// Fails with decrypt_failed, `out` wiped, unless `blob` is what wrap() made of out.size() bytes
/// with the same root, purpose and context.
Result<void> unwrap(MutableBytes out, Bytes root, std::string_view purpose, const Context& context,
                    Bytes blob);

/// HMAC-SM3 of a context under the key that derive() gives for `purpose`; not secret.
[[nodiscard]] std::vector<std::uint8_t> authenticate(Bytes root, std::string_view purpose,
                                                     const Context& context);

}  // namespace cipherdeck::card::store
