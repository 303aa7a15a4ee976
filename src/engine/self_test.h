// SPDX-License-Identifier: Apache-2.0
// Known-answer tests: of every variant that this processor can run, used or not, and of what is
// built on those that are used.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace cipherdeck::engine {

/// One test. run() gives false if the answer is not the known one; it may throw what the standard
/// library throws. Takes milliseconds at most; tests may run on several threads.
struct SelfTest {
  std::string name;  // "sm4/vaes" is a variant, "sm4-gcm" what works on the ones in use
  std::function<bool()> run;
};

/// All of them, in an order in which the first that fails names the cause.
[[nodiscard]] std::vector<SelfTest> self_tests();

}  // namespace cipherdeck::engine
