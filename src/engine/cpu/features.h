// SPDX-License-Identifier: Apache-2.0
// What the processor can do, as far as kernels here use it, and what the environment variable
// CIPHERDECK_ENGINE leaves of it.
//
// CIPHERDECK_ENGINE is a list of items, with commas between them; it is read once, at first use:
//   portable       no feature at all: the code that runs on any processor
//   avx2           no feature that came with or after AVX-512
//   -FEATURE       not this one, by its name below: "-ifma,-gfni"
//   ALGORITHM=VARIANT  this variant, where the processor has it: "sm4=aesni"
// An item that is none of these is an error (selection_error()), and counts for nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace cipherdeck::engine::cpu {

enum class Feature : std::uint8_t {
  bmi2,
  adx,
  pclmul,  // PCLMULQDQ, SSSE3 and SSE4.1
  aes,
  avx2,
  vaes,     // AES on 256-bit vectors
  vpclmul,  // PCLMULQDQ on 256-bit vectors
  gfni,
  avx512,  // F, BW, DQ and VL
  vbmi,
  ifma,
};

/// The name of every feature, in the order of the enumeration.
[[nodiscard]] std::span<const std::string_view> feature_names() noexcept;

class FeatureSet {
 public:
  constexpr FeatureSet() noexcept = default;
  constexpr FeatureSet(std::initializer_list<Feature> features) noexcept {
    for (const Feature feature : features) add(feature);
  }

  constexpr void add(Feature feature) noexcept { m_bits |= bit(feature); }
  constexpr void remove(Feature feature) noexcept { m_bits &= ~bit(feature); }
  [[nodiscard]] constexpr bool has(Feature feature) const noexcept {
    return (m_bits & bit(feature)) != 0;
  }
  [[nodiscard]] constexpr bool has_all(FeatureSet other) const noexcept {
    return (m_bits & other.m_bits) == other.m_bits;
  }
  [[nodiscard]] constexpr FeatureSet with(FeatureSet other) const noexcept {
    return FeatureSet(m_bits | other.m_bits);
  }
  [[nodiscard]] constexpr FeatureSet without(FeatureSet other) const noexcept {
    return FeatureSet(m_bits & ~other.m_bits);
  }
  constexpr bool operator==(const FeatureSet&) const noexcept = default;

 private:
  explicit constexpr FeatureSet(std::uint32_t bits) noexcept : m_bits(bits) {}
  static constexpr std::uint32_t bit(Feature feature) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(feature);
  }
  std::uint32_t m_bits = 0;
};

/// What the processor has and the operating system allows.
[[nodiscard]] FeatureSet detected() noexcept;

/// What a value of CIPHERDECK_ENGINE asks for.
struct Selection {
  FeatureSet removed;
  std::string_view variants;  // the items ALGORITHM=VARIANT are looked for in here
  std::string error;          // of the first item that is not known; empty if there is none
};
[[nodiscard]] Selection parse_selection(std::string_view value);

/// The selection of this process, and the features that it leaves.
[[nodiscard]] const Selection& selection() noexcept;
[[nodiscard]] FeatureSet features() noexcept;

/// The variant that `selection` names for `algorithm`; empty if it names none.
[[nodiscard]] std::string_view variant_wanted(const Selection& selection,
                                              std::string_view algorithm) noexcept;

}  // namespace cipherdeck::engine::cpu

/// The instruction sets of the kernels' functions: no file is compiled for more than the baseline.
#define CIPHERDECK_TARGET_ADX [[gnu::target("bmi2,adx")]]
#define CIPHERDECK_TARGET_BMI2 [[gnu::target("bmi2")]]
#define CIPHERDECK_TARGET_PCLMUL [[gnu::target("pclmul,ssse3,sse4.1")]]
#define CIPHERDECK_TARGET_AVX2 [[gnu::target("avx2,bmi2")]]
#define CIPHERDECK_TARGET_VAES [[gnu::target("avx2,aes,vaes")]]
#define CIPHERDECK_TARGET_VPCLMUL [[gnu::target("avx2,pclmul,vpclmulqdq")]]
#define CIPHERDECK_TARGET_AVX512 [[gnu::target("avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]]
#define CIPHERDECK_TARGET_AVX512_GFNI \
  [[gnu::target("avx2,bmi2,gfni,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]]
#define CIPHERDECK_TARGET_AVX512_VPCLMUL \
  [[gnu::target("avx2,bmi2,pclmul,vpclmulqdq,avx512f,avx512bw,avx512dq,avx512vl")]]
#define CIPHERDECK_TARGET_AVX512_IFMA \
  [[gnu::target("avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")]]
