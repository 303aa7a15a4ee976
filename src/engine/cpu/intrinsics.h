// SPDX-License-Identifier: Apache-2.0
// The compiler's intrinsics. GCC 12's own for AVX-512 start from vectors that they leave undefined
// on purpose, and it warns of them.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
