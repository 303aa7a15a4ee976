// SPDX-License-Identifier: Apache-2.0
#include "engine/inventory.h"

#include "engine/modes/ghash.h"
#include "engine/sm2/sm2_variants.h"
#include "engine/sm3/sm3_variants.h"
#include "engine/sm4/sm4_variants.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

template <typename Variant>
Algorithm algorithm(std::string_view name, std::span<const Variant> variants, const Variant& used) {
  return {name, {variants.begin(), variants.end()}, used.name};
}

std::string allowed_items() {
  std::string features, variants;
  for (const std::string_view name : cpu::feature_names()) {
    features += (features.empty() ? "-" : ", -") + std::string(name);
  }
  for (const Algorithm& algorithm : algorithms()) {
    for (const cpu::VariantInfo& variant : algorithm.variants) {
      variants += ", " + std::string(algorithm.name) + "=" + std::string(variant.name);
    }
  }
  return "portable, avx2, " + features + variants;
}

}  // namespace

std::vector<Algorithm> algorithms() {
  return {algorithm("sm2", sm2::variants(), sm2::chosen_variant()),
          algorithm("sm3", sm3::variants(), sm3::chosen_variant()),
          algorithm("sm4", sm4::variants(), sm4::chosen_variant()),
          algorithm("ghash", modes::ghash_variants(), modes::chosen_ghash_variant())};
}

std::string selection_fault(const cpu::Selection& selection) {
  std::string fault = selection.error;
  for (const Algorithm& algorithm : algorithms()) {
    const std::string_view wanted = cpu::variant_wanted(selection, algorithm.name);
    const bool is_known =
        wanted.empty() || std::ranges::count(algorithm.variants, wanted, &cpu::VariantInfo::name);
    if (fault.empty() && !is_known) {
      fault = "CIPHERDECK_ENGINE: " + std::string(algorithm.name) + " has no variant '" +
              std::string(wanted) + "'";
    }
  }
  return fault.empty() ? fault : fault + "; it is a list of: " + allowed_items();
}

std::string describe() {
  std::string text;
  for (const Algorithm& algorithm : algorithms()) {
    if (!text.empty()) text += ' ';
    text.append(algorithm.name).append("=").append(algorithm.used);
  }
  return text;
}

}  // namespace cipherdeck::engine
