// SPDX-License-Identifier: Apache-2.0
// What the processor can do, as far as kernels here use it. With CIPHERDECK_ENGINE=portable in the
// environment at the first call, nothing.
#pragma once

namespace cipherdeck::engine::cpu {

struct Features {
  bool aesni;   // AES-NI and AVX2
  bool vaes;    // AES on 256-bit vectors, and the above
  bool pclmul;  // PCLMULQDQ, SSSE3 and SSE4.1
};

[[nodiscard]] const Features& features() noexcept;

}  // namespace cipherdeck::engine::cpu

/// The instruction sets of the kernels' functions.
#define CIPHERDECK_TARGET_VAES [[gnu::target("avx2,aes,vaes")]]
#define CIPHERDECK_TARGET_PCLMUL [[gnu::target("pclmul,ssse3,sse4.1")]]
