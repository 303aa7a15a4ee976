// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace cipherdeck {

/// Where random bytes come from: the card's generator (card/random), or a fixed string in a test.
class RandomSource {
 public:
  virtual ~RandomSource() = default;

  /// Fills all of `out`, or fails with random_failed and leaves `out` wiped.
  virtual Result<void> fill(MutableBytes out) = 0;
};

}  // namespace cipherdeck
