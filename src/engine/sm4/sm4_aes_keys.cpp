// SPDX-License-Identifier: Apache-2.0
// Round keys for kernels that add them after the S-box.
//
// AESENCLAST adds a key to the result of AES's S-box at no cost; SM4 adds its keys before. Let the
// kernel have X[i] + C[i] in place of the word X[i], with C such that the keys are in it:
//   C[i + 1] + C[i + 2] + C[i + 3] = rk[i].
// Then the argument of the S-box is the sum of three words, and the round has to add C[i] + C[i +
// 4] to its result, which is the S-box's result plus M(key) with
//   M = L(after(.)), key = after^-1(L^-1(C[i] + C[i + 4])).
// C[0] to C[3] are added to the input, C[32] to C[35] to the output.
#include "engine/cpu/features.h"
#include "engine/sm4/sm4_aes.h"

#include "base/secret.h"

#include <algorithm>
#include <bit>

namespace cipherdeck::engine::sm4 {
namespace {

constexpr std::uint32_t kEveryByte = 0x01010101;

// L^32 is the identity, and so L^-1 = L L^2 L^4 L^8 L^16, where squares double the rotations.
std::uint32_t undo_linear(std::uint32_t x) {
  x = x ^ std::rotl(x, 16) ^ std::rotl(x, 20);  // L^2
  x = x ^ std::rotl(x, 2) ^ std::rotl(x, 10) ^ std::rotl(x, 18) ^ std::rotl(x, 24);
  return std::rotl(x, 24);  // L^4 L^8 L^16
}

CIPHERDECK_TARGET_VAES void undo_after(RoundKeys& round_keys) {
  auto* const vectors = reinterpret_cast<__m256i*>(round_keys.folded.data());
  for (std::size_t i = 0; i < sizeof round_keys.folded / sizeof *vectors; ++i) {
    const __m256i keys = affine(kUndoAfter, _mm256_loadu_si256(vectors + i));
    _mm256_storeu_si256(vectors + i, keys);
  }
}

}  // namespace

void fold_round_keys(RoundKeys& round_keys) noexcept {
  if (!cpu::features().has_all({cpu::Feature::avx2, cpu::Feature::aes})) return;
  std::uint32_t c[36] = {};
  c[1] = round_keys[0] ^ (kBeforeConstant * kEveryByte);
  for (std::size_t i = 0; i < 32; ++i) {
    if (i != 31)
      c[i + 4] = c[i + 2] ^ c[i + 3] ^ round_keys[i + 1] ^ (kBeforeConstant * kEveryByte);
    store_be32(round_keys.folded[i].data(), undo_linear(c[i] ^ c[i + 4]));
  }
  undo_after(round_keys);
  for (std::size_t w = 0; w < 4; ++w) {
    store_be32(round_keys.first_mask.data() + 4 * w, c[w]);
    store_be32(round_keys.last_mask.data() + 4 * w, c[35 - w]);
  }
  wipe_object(c);
}

}  // namespace cipherdeck::engine::sm4
