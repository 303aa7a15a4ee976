// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/features.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>
#include <cstdlib>

namespace cipherdeck::engine::cpu {
namespace {

constexpr std::array<std::string_view, 11> kNames = {
    "bmi2", "adx", "pclmul", "aes", "avx2", "vaes", "vpclmul", "gfni", "avx512", "vbmi", "ifma"};
constexpr std::array<std::string_view, 4> kAlgorithms = {"sm2", "sm3", "sm4", "ghash"};

constexpr FeatureSet all_features() {
  FeatureSet all;
  for (std::size_t i = 0; i < kNames.size(); ++i) all.add(static_cast<Feature>(i));
  return all;
}

constexpr FeatureSet kAvx512Level = {Feature::gfni, Feature::avx512, Feature::vbmi, Feature::ifma};

#ifdef __x86_64__
FeatureSet detect() {
  struct Check {
    Feature feature;
    bool is_present;
  };
  // The compiler's tests for AVX and AVX-512 include that the operating system keeps the registers.
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  const bool has_avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has_leaf7 = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0;
  const auto leaf7_ebx = [&](unsigned bit) { return has_leaf7 && ((b >> bit) & 1) != 0; };
  const auto leaf7_ecx = [&](unsigned bit) { return has_leaf7 && ((c >> bit) & 1) != 0; };
  const Check checks[] = {
      {Feature::bmi2, leaf7_ebx(8)},
      {Feature::adx, leaf7_ebx(19)},
      {Feature::pclmul, __builtin_cpu_supports("pclmul") != 0 &&
                            __builtin_cpu_supports("ssse3") != 0 &&
                            __builtin_cpu_supports("sse4.1") != 0},
      {Feature::aes, __builtin_cpu_supports("aes") != 0},
      {Feature::avx2, has_avx2 && leaf7_ebx(8)},
      {Feature::vaes, has_avx2 && leaf7_ecx(9)},
      {Feature::vpclmul, has_avx2 && leaf7_ecx(10)},
      {Feature::gfni, has_avx2 && leaf7_ecx(8)},
      {Feature::avx512, has_avx512 && leaf7_ebx(8)},
      {Feature::vbmi, has_avx512 && leaf7_ecx(1)},
      {Feature::ifma, has_avx512 && leaf7_ebx(21)},
  };
  FeatureSet found;
  for (const Check& check : checks) {
    if (check.is_present) found.add(check.feature);
  }
  return found;
}
#else
FeatureSet detect() { return {}; }
#endif

// Takes the first item off a list.
std::string_view take_item(std::string_view& list) {
  const std::size_t end = std::min(list.find(','), list.size());
  const std::string_view item = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return item;
}

std::string_view algorithm_of(std::string_view item) {
  const std::size_t end = item.find('=');
  return end == std::string_view::npos ? std::string_view{} : item.substr(0, end);
}

void select(Selection& selection, std::string_view item) {
  if (item.empty() || std::ranges::count(kAlgorithms, algorithm_of(item)) != 0) return;
  if (item == "portable") {
    selection.removed = all_features();
    return;
  }
  FeatureSet removed = item == "avx2" ? kAvx512Level : FeatureSet{};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (item.front() == '-' && item.substr(1) == kNames[i]) removed.add(static_cast<Feature>(i));
  }
  if (removed == FeatureSet{} && selection.error.empty()) {
    selection.error = "CIPHERDECK_ENGINE: unknown item '" + std::string(item) + "'";
  }
  selection.removed = selection.removed.with(removed);
}

}  // namespace

std::span<const std::string_view> feature_names() noexcept { return kNames; }

FeatureSet detected() noexcept {
  static const FeatureSet found = detect();
  return found;
}

Selection parse_selection(std::string_view value) {
  Selection selection;
  selection.variants = value;
  while (!value.empty()) select(selection, take_item(value));
  return selection;
}

const Selection& selection() noexcept {
  static const std::string value = [] {  // kept: the selection refers to it
    const char* const set = std::getenv("CIPHERDECK_ENGINE");
    return std::string(set != nullptr ? set : "");
  }();
  static const Selection chosen = parse_selection(value);
  return chosen;
}

FeatureSet features() noexcept {
  static const FeatureSet left = detected().without(selection().removed);
  return left;
}

std::string_view variant_wanted(const Selection& selection, std::string_view algorithm) noexcept {
  std::string_view list = selection.variants, wanted;
  while (!list.empty()) {
    const std::string_view item = take_item(list);
    if (algorithm_of(item) == algorithm) wanted = item.substr(algorithm.size() + 1);
  }
  return wanted;
}

}  // namespace cipherdeck::engine::cpu
