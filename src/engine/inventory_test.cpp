// SPDX-License-Identifier: Apache-2.0
#include "engine/inventory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cipherdeck::engine {
namespace {

TEST(Inventory, EveryAlgorithmUsesOneOfItsVariantsAndEndsWithPortable) {
  for (const Algorithm& algorithm : algorithms()) {
    const auto used =
        std::ranges::find(algorithm.variants, algorithm.used, &cpu::VariantInfo::name);
    ASSERT_NE(used, algorithm.variants.end()) << algorithm.name;
    EXPECT_TRUE(used->is_available()) << algorithm.name;
    EXPECT_EQ(algorithm.variants.back().name, "portable") << algorithm.name;
    EXPECT_EQ(algorithm.variants.back().needs, cpu::FeatureSet{}) << algorithm.name;
    const std::string in_use = std::string(algorithm.name) + "=" + std::string(algorithm.used);
    EXPECT_NE(describe().find(in_use), std::string::npos);
  }
  EXPECT_LT(describe().size(), 64U);  // struct cipherdeck_card_status has that room
}

// Whatever an algorithm is called there, the environment variable knows it.
TEST(Inventory, EveryVariantCanBeNamed) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const cpu::VariantInfo& variant : algorithm.variants) {
      const std::string item = std::string(algorithm.name) + "=" + std::string(variant.name);
      EXPECT_EQ(selection_fault(cpu::parse_selection(item)), "") << item;
    }
  }
}

TEST(Inventory, AFaultNamesWhatIsAllowed) {
  for (const char* const wrong : {"fast", "-mmx", "sm4=fast", "aes=portable", "-gfni,x"}) {
    const std::string fault = selection_fault(cpu::parse_selection(wrong));
    EXPECT_NE(fault.find("CIPHERDECK_ENGINE"), std::string::npos) << wrong;
    EXPECT_NE(fault.find("-gfni"), std::string::npos) << wrong;
    EXPECT_NE(fault.find("sm4=portable"), std::string::npos) << wrong;
  }
  EXPECT_EQ(selection_fault(cpu::parse_selection("-gfni,avx2,sm4=portable")), "");
  EXPECT_EQ(selection_fault(cpu::parse_selection("")), "");
}

}  // namespace
}  // namespace cipherdeck::engine
