// SPDX-License-Identifier: Apache-2.0
// SM4 on AES instructions, 32 blocks at a time, byte-sliced: a vector holds one of the 16 bytes of
// the state, of all blocks. The rotations of L by whole bytes are then names of other vectors.
#include "engine/sm4/sm4_aes_wide.h"

#include "base/secret.h"
#include "engine/cpu/prefetch.h"

namespace cipherdeck::engine::sm4 {
namespace {

// One key for all blocks: each of its bytes four times, which a load can spread over a vector.
class OneKey {
 public:
  CIPHERDECK_SM4_AES explicit OneKey(const RoundKeys& round_keys) : m_round_keys(round_keys) {
    const __m256i low = _mm256_set_epi32(0x07070707, 0x06060606, 0x05050505, 0x04040404, 0x03030303,
                                         0x02020202, 0x01010101, 0);
    const __m256i high = _mm256_add_epi8(low, _mm256_set1_epi8(8));
    const auto* const from = reinterpret_cast<const Order*>(round_keys.folded.data());
    auto* const to = reinterpret_cast<__m256i*>(m_bytes);
    for (std::size_t i = 0; i < 8; ++i) {
      const __m256i keys = both_halves(from[i]);
      _mm256_store_si256(to + 2 * i, _mm256_shuffle_epi8(keys, low));
      _mm256_store_si256(to + 2 * i + 1, _mm256_shuffle_epi8(keys, high));
    }
  }
  OneKey(const OneKey&) = delete;
  OneKey& operator=(const OneKey&) = delete;
  ~OneKey() { wipe_object(m_bytes); }

  CIPHERDECK_SM4_AES __m256i operator()(std::size_t round, std::size_t j, std::size_t) const {
    return _mm256_set1_epi32(static_cast<int>(m_bytes[round][j]));
  }
  CIPHERDECK_SM4_AES __m256i first_mask(std::size_t) const {
    return both_halves(m_round_keys.first_mask);
  }
  CIPHERDECK_SM4_AES __m256i last_mask(std::size_t) const {
    return both_halves(m_round_keys.last_mask);
  }

 private:
  const RoundKeys& m_round_keys;
  alignas(32) std::uint32_t m_bytes[32][4];
};

template <bool kHasVaes, std::size_t kGroups>
CIPHERDECK_TARGET_VAES [[gnu::noinline]] void crypt_groups(std::uint8_t* out,
                                                           const std::uint8_t* in,
                                                           const OneKey& key) {
  crypt_wide_groups<kHasVaes, kGroups>(out, in, key);
}

}  // namespace

template <bool kHasVaes>
CIPHERDECK_TARGET_VAES void crypt_wide(std::uint8_t* out, const std::uint8_t* in,
                                       std::size_t num_blocks,
                                       const RoundKeys& round_keys) noexcept {
  constexpr std::size_t kStep = std::size_t{2} * kWideBlocks * 16;
  const OneKey key(round_keys);
  for (; num_blocks >= 2 * kWideBlocks; num_blocks -= 2 * kWideBlocks) {
    if (num_blocks > 2 * kWideBlocks) prefetch(in + kStep, out + kStep, kStep);
    crypt_groups<kHasVaes, 2>(out, in, key);
    in += kStep;
    out += kStep;
  }
  if (num_blocks != 0) crypt_groups<kHasVaes, 1>(out, in, key);
}

template void crypt_wide<false>(std::uint8_t*, const std::uint8_t*, std::size_t,
                                const RoundKeys&) noexcept;
template void crypt_wide<true>(std::uint8_t*, const std::uint8_t*, std::size_t,
                               const RoundKeys&) noexcept;

}  // namespace cipherdeck::engine::sm4
