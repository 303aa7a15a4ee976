// SPDX-License-Identifier: Apache-2.0
// Every algorithm has a table of variants: structures that derive from VariantInfo, the fastest
// first, the last of which is "portable" and needs nothing.
#pragma once

#include "engine/cpu/features.h"

namespace cipherdeck::engine::cpu {

struct VariantInfo {
  std::string_view name;
  FeatureSet needs;

  [[nodiscard]] bool is_available() const noexcept { return features().has_all(needs); }
};

/// The first variant that `available` allows, or the one named `wanted` if that one is allowed.
template <typename Variant>
[[nodiscard]] const Variant& choose(std::span<const Variant> variants, FeatureSet available,
                                    std::string_view wanted) noexcept {
  const Variant* first = nullptr;
  for (const Variant& variant : variants) {
    if (!available.has_all(variant.needs)) continue;
    if (variant.name == wanted) return variant;
    if (first == nullptr) first = &variant;
  }
  return *first;
}

/// The choice for this process.
template <typename Variant>
[[nodiscard]] const Variant& choose(std::span<const Variant> variants,
                                    std::string_view algorithm) noexcept {
  return choose(variants, features(), variant_wanted(selection(), algorithm));
}

}  // namespace cipherdeck::engine::cpu
