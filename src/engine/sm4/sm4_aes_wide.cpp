// SPDX-License-Identifier: Apache-2.0
// SM4 on AES instructions, 32 blocks at a time, byte-sliced: a vector holds one of the 16 bytes of
// the state, of all blocks. The rotations of L by whole bytes are then names of other vectors.
#include "engine/sm4/sm4_aes_wide.h"

#include "base/secret.h"

namespace cipherdeck::engine::sm4 {
namespace {

// One byte of every round key, over the whole vector that takes it.
struct SpreadKeys {
  std::uint32_t bytes[32][4];

  CIPHERDECK_SM4_AES explicit SpreadKeys(const RoundKeys& round_keys) {
    const __m256i low = _mm256_set_epi32(0x07070707, 0x06060606, 0x05050505, 0x04040404, 0x03030303,
                                         0x02020202, 0x01010101, 0);
    const __m256i high = _mm256_add_epi8(low, _mm256_set1_epi8(8));
    const auto* const from = reinterpret_cast<const __m128i*>(round_keys.folded.data());
    auto* const to = reinterpret_cast<__m256i*>(bytes);
    for (std::size_t i = 0; i < 8; ++i) {
      const __m256i keys = _mm256_broadcastsi128_si256(_mm_load_si128(from + i));
      _mm256_storeu_si256(to + 2 * i, _mm256_shuffle_epi8(keys, low));
      _mm256_storeu_si256(to + 2 * i + 1, _mm256_shuffle_epi8(keys, high));
    }
  }
  CIPHERDECK_SM4_AES __m256i operator()(std::size_t round, std::size_t j) const {
    return _mm256_set1_epi32(static_cast<int>(bytes[round][j]));
  }
};

}  // namespace

template <bool kHasVaes>
CIPHERDECK_TARGET_VAES void crypt_wide(std::uint8_t* out, const std::uint8_t* in,
                                       std::size_t num_blocks,
                                       const RoundKeys& round_keys) noexcept {
  SpreadKeys keys(round_keys);
  const __m256i first_mask = both_halves(round_keys.first_mask);
  const __m256i last_mask = both_halves(round_keys.last_mask);
  for (; num_blocks >= kWideBlocks; num_blocks -= kWideBlocks) {
    SlicedState state;
    const auto* const from = reinterpret_cast<const __m128i*>(in);
    auto* const to = reinterpret_cast<__m128i*>(out);
    auto& rows = reinterpret_cast<__m256i(&)[16]>(state);
    for (std::size_t i = 0; i < 16; ++i) {
      const __m256i pair =
          _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(from + i)),
                                  _mm_loadu_si128(from + i + 16), 1);
      rows[i] = _mm256_xor_si256(pair, first_mask);
    }
    slice(rows);
    for (std::size_t i = 0; i < 16; ++i) rows[i] = affine(kIntoState, rows[i]);
    sliced_rounds<kHasVaes>(state, keys);
    for (std::size_t i = 0; i < 16; ++i) rows[i] = affine(kOutOfState, rows[i]);
    slice(rows);
    for (std::size_t i = 0; i < 16; ++i) {
      const __m256i pair = _mm256_xor_si256(rows[i], last_mask);
      _mm_storeu_si128(to + i, _mm256_castsi256_si128(pair));
      _mm_storeu_si128(to + i + 16, _mm256_extracti128_si256(pair, 1));
    }
    in += 16 * kWideBlocks;
    out += 16 * kWideBlocks;
  }
  wipe_object(keys);
}

template void crypt_wide<false>(std::uint8_t*, const std::uint8_t*, std::size_t,
                                const RoundKeys&) noexcept;
template void crypt_wide<true>(std::uint8_t*, const std::uint8_t*, std::size_t,
                               const RoundKeys&) noexcept;

}  // namespace cipherdeck::engine::sm4
