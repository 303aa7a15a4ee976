// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/self_test.h"

namespace cipherdeck::engine {

/// A test for each variant that is available.
void add_variant_tests(std::vector<SelfTest>& tests);

}  // namespace cipherdeck::engine
