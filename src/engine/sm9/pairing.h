// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/sm9/groups.h"

namespace cipherdeck::engine::sm9 {

/// e(p, q), the R-ate pairing of GM/T 0044.1, C.6. Both points are of order n. No branch and no
/// address depends on them.
[[nodiscard]] Fp12 pairing(const G1Affine& p, const G2Affine& q) noexcept;

/// f to the power of (p^12 - 1) / n; `f` is not 0. The last step of the pairing.
[[nodiscard]] Fp12 final_exponentiation(const Fp12& f) noexcept;

}  // namespace cipherdeck::engine::sm9
