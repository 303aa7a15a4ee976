// SPDX-License-Identifier: Apache-2.0
// CTR_DRBG of SP 800-90A Rev. 1, 10.2.1, over SM4, without a derivation function: of a strength of
// 128 bits, and three times as fast as Hash_DRBG over SM3.
#pragma once

#include "base/secret.h"
#include "engine/sm4/sm4.h"

namespace cipherdeck::card::random {

/// seedlen (table 3): a key and a block.
constexpr std::size_t kCtrDrbgSeedLen = engine::kSm4KeyLen + engine::kSm4BlockLen;

/// CtrDrbg is one generator. Wiped on destruction. Not thread-safe.
class CtrDrbg {
 public:
  /// 10.2.1.3.1, from bits of full entropy and without a personalisation string.
  explicit CtrDrbg(std::span<const std::uint8_t, kCtrDrbgSeedLen> entropy) noexcept;

  /// 10.2.1.5.1, without additional input: at most kDrbgMaxRequest bytes.
  void generate(MutableBytes out) noexcept;

 private:
  void update(const engine::Sm4Key& key,
              std::span<const std::uint8_t, kCtrDrbgSeedLen> data) noexcept;
  void key_stream(MutableBytes out, const engine::Sm4Key& key) noexcept;

  // As bytes: most generators are used once, and expanding a key takes as long as 4 KiB of output.
  Secret<engine::kSm4KeyLen> m_key;
  Secret<engine::kSm4BlockLen> m_counter;  // V + 1: of the next block
};

}  // namespace cipherdeck::card::random
