// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/features.h"

#include <gtest/gtest.h>

#include "engine/modes/ghash.h"
#include "engine/sm2/sm2_variants.h"
#include "engine/sm3/sm3_variants.h"
#include "engine/sm4/sm4_variants.h"

namespace cipherdeck::engine::cpu {
namespace {

TEST(Features, TheSelectionTakesFeaturesAway) {
  EXPECT_EQ(parse_selection("").removed, FeatureSet{});
  EXPECT_EQ(parse_selection("-gfni,-ifma").removed, (FeatureSet{Feature::gfni, Feature::ifma}));
  EXPECT_TRUE(parse_selection("avx2").removed.has(Feature::avx512));
  EXPECT_FALSE(parse_selection("avx2").removed.has(Feature::avx2));
  for (std::size_t i = 0; i < feature_names().size(); ++i) {
    EXPECT_TRUE(parse_selection("portable").removed.has(static_cast<Feature>(i)));
  }
  EXPECT_TRUE(parse_selection("-gfni,,portable,sm4=aesni").error.empty());
}

TEST(Features, AnUnknownItemIsNamedAndCountsForNothing) {
  const Selection selection = parse_selection("-gfni,fast,-mmx");
  EXPECT_NE(selection.error.find("'fast'"), std::string::npos);
  EXPECT_EQ(selection.removed, FeatureSet{Feature::gfni});
  EXPECT_FALSE(parse_selection("des=portable").error.empty());
  EXPECT_FALSE(parse_selection("-").error.empty());
}

TEST(Features, TheSelectionNamesVariants) {
  const Selection selection = parse_selection("sm4=aesni,-gfni,sm3=portable");
  EXPECT_EQ(variant_wanted(selection, "sm4"), "aesni");
  EXPECT_EQ(variant_wanted(selection, "sm3"), "portable");
  EXPECT_EQ(variant_wanted(selection, "sm2"), "");
}

// With every set of features that lacks one: what is chosen needs none that is not there, and
// nothing before it in the table would do.
template <typename Variant>
void check_choices(std::span<const Variant> variants) {
  FeatureSet all;
  for (std::size_t i = 0; i < feature_names().size(); ++i) all.add(static_cast<Feature>(i));
  ASSERT_EQ(variants.back().name, "portable");
  ASSERT_EQ(variants.back().needs, FeatureSet{});
  EXPECT_EQ(&choose(variants, {}, {}), &variants.back());
  EXPECT_EQ(&choose(variants, all, {}), &variants.front());
  EXPECT_EQ(&choose(variants, all, "portable"), &variants.back());
  EXPECT_EQ(&choose(variants, {}, variants.front().name), &variants.back());
  for (std::size_t i = 0; i < feature_names().size(); ++i) {
    const FeatureSet some = all.without({static_cast<Feature>(i)});
    const Variant& chosen = choose(variants, some, {});
    EXPECT_TRUE(some.has_all(chosen.needs));
    for (const Variant* before = variants.data(); before != &chosen; ++before) {
      EXPECT_FALSE(some.has_all(before->needs)) << before->name;
    }
  }
}

TEST(Features, TheFastestVariantThatIsAllowedIsChosen) {
  check_choices(sm2::variants());
  check_choices(sm3::variants());
  check_choices(sm4::variants());
  check_choices(modes::ghash_variants());
}

}  // namespace
}  // namespace cipherdeck::engine::cpu
