// SPDX-License-Identifier: Apache-2.0
#include "engine/self_test_answers.h"

namespace cipherdeck::engine::answers {

bool is_equal(Bytes found, Bytes known) noexcept { return std::ranges::equal(found, known); }

}  // namespace cipherdeck::engine::answers
