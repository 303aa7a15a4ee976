// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef CIPHERDECK_CONSTANT_TIME_TEST
#include <valgrind/memcheck.h>
#endif

namespace cipherdeck::engine {

/// Says that `value`, though it was computed from secrets, is public from here on: a signature, the
/// verdict on a tag, that a nonce was out of range. Only such values may be branched on. It does
/// something in the constant-time test only (constant_time_test.cpp), which takes all else that
/// comes from secrets as secret.
template <typename T>
inline void declassify([[maybe_unused]] const T& value) noexcept {
#ifdef CIPHERDECK_CONSTANT_TIME_TEST
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
#endif
}

}  // namespace cipherdeck::engine
