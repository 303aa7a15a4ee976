// SPDX-License-Identifier: Apache-2.0
// What kernels there are, for those who ask: which this processor can run, and which are used.
#pragma once

#include "engine/cpu/variants.h"

#include <string>
#include <vector>

namespace cipherdeck::engine {

/// An algorithm that has variants.
struct Algorithm {
  std::string_view name;                   // as CIPHERDECK_ENGINE has it
  std::vector<cpu::VariantInfo> variants;  // the fastest first
  std::string_view used;
};

[[nodiscard]] std::vector<Algorithm> algorithms();

/// What is wrong with a value of CIPHERDECK_ENGINE, with what it may be; empty if it is right.
[[nodiscard]] std::string selection_fault(const cpu::Selection& selection);

/// The variants in use: "sm2=portable sm3=portable sm4=vaes ghash=pclmul".
[[nodiscard]] std::string describe();

}  // namespace cipherdeck::engine
