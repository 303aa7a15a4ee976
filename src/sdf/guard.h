// SPDX-License-Identifier: Apache-2.0
// The border between C programs and the library: pointers and lengths are checked and turned into
// spans, nothing is thrown across, errors become SDR_ codes and are logged.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <sdf/sdf.h>

#include <initializer_list>
#include <new>

#define SDF_EXPORT extern "C" __attribute__((visibility("default")))

namespace cipherdeck::sdf {

/// The SDR_ code of an error.
[[nodiscard]] int sdr_code(Error error) noexcept;

/// For functions that check an access code: a wrong one is SDR_PRKRERR, not SDR_PARDENY.
[[nodiscard]] int sdr_code_of_access(Error error) noexcept;

using CodeOf = int (*)(Error) noexcept;

/// Logs a failed call, and returns `code`.
int report(const char* function, int code, Error error) noexcept;

/// Runs `body`, which returns Result<void>, for the C function `name`. None of `outputs` may be
/// null: SDR_OUTARGERR.
template <typename Body>
int guard(const char* name, std::initializer_list<const void*> outputs, Body&& body,
          CodeOf code_of = sdr_code) noexcept {
  for (const void* output : outputs) {
    if (output == nullptr) return report(name, SDR_OUTARGERR, Error::invalid_argument);
  }
  Error error = Error::internal;
  try {
    const Result<void> result = body();
    if (result) return SDR_OK;
    error = result.error();
  } catch (const std::bad_alloc&) {
    error = Error::no_memory;
  } catch (...) {
    error = Error::internal;
  }
  return report(name, code_of(error), error);
}

/// What a caller passes in: fails with invalid_argument if `data` is null and `len` is not 0.
[[nodiscard]] inline Result<Bytes> input(const unsigned char* data, unsigned int len) noexcept {
  if (data == nullptr && len != 0) return Error::invalid_argument;
  return Bytes{data, len};
}

/// Settles an output of `needed` bytes as sdf.h has it: sets `*len`; true if the caller only asks
/// for the length; buffer_too_small if the room on entry is too small.
[[nodiscard]] inline Result<bool> is_length_query(const unsigned char* output, unsigned int* len,
                                                  std::size_t needed) noexcept {
  const unsigned int room = *len;
  *len = static_cast<unsigned int>(needed);
  if (output == nullptr) return true;
  if (room != 0 && room < needed) return Error::buffer_too_small;
  return false;
}

}  // namespace cipherdeck::sdf
