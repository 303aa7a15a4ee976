// SPDX-License-Identifier: Apache-2.0
#include "engine/self_test.h"

#include "engine/inventory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace cipherdeck::engine {
namespace {

TEST(SelfTests, AllPass) {
  const auto start = std::chrono::steady_clock::now();
  for (const SelfTest& test : self_tests()) EXPECT_TRUE(test.run()) << test.name;
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::printf("self-tests: %.1f ms\n", time.count());
}

// The card may come to use any of them: a test for each, and nothing for what cannot run.
TEST(SelfTests, EveryVariantOfTheInventoryThatCanRunHasOne) {
  const auto tests = self_tests();
  for (const Algorithm& algorithm : algorithms()) {
    for (const cpu::VariantInfo& variant : algorithm.variants) {
      const std::string name = std::string(algorithm.name) + "/" + std::string(variant.name);
      EXPECT_EQ(std::ranges::count(tests, name, &SelfTest::name), variant.is_available() ? 1 : 0)
          << name;
    }
  }
}

TEST(SelfTests, NamesAreUniqueAndFitTheRecord) {
  std::vector<std::string> names;
  for (const SelfTest& test : self_tests()) {
    EXPECT_LT(test.name.size(), 32U);
    names.push_back(test.name);
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace cipherdeck::engine
