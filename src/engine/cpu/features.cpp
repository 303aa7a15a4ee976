// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/features.h"

#include <cpuid.h>

#include <cstdlib>
#include <string_view>

namespace cipherdeck::engine::cpu {
namespace {

bool has_vaes() {
  constexpr unsigned kVaes = 1u << 9;  // leaf 7, ECX
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & kVaes) != 0;
}

Features detect() {
  const char* wanted = std::getenv("CIPHERDECK_ENGINE");
  if (wanted != nullptr && std::string_view(wanted) == "portable") return {};
  __builtin_cpu_init();
  // The compiler's test for AVX2 includes that the operating system keeps the registers.
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  const bool has_aesni = has_avx2 && __builtin_cpu_supports("aes") != 0;
  const bool has_pclmul = __builtin_cpu_supports("pclmul") != 0 &&
                          __builtin_cpu_supports("ssse3") != 0 &&
                          __builtin_cpu_supports("sse4.1") != 0;
  return {has_aesni, has_aesni && has_vaes(), has_pclmul};
}

}  // namespace

const Features& features() noexcept {
  static const Features found = detect();
  return found;
}

}  // namespace cipherdeck::engine::cpu
