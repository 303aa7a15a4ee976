// SPDX-License-Identifier: Apache-2.0
// The one closed set of errors, from the engine to libsdf. The numbers are those that cross the
// function interface (include/cipherdeck/function.h).
#pragma once

#include <cipherdeck/function.h>

#include <cstdint>
#include <string_view>

namespace cipherdeck {

enum class Error : std::uint16_t {
  internal = CIPHERDECK_STATUS_INTERNAL,
  not_supported = CIPHERDECK_STATUS_NOT_SUPPORTED,
  invalid_command = CIPHERDECK_STATUS_INVALID_COMMAND,
  invalid_extent = CIPHERDECK_STATUS_INVALID_EXTENT,
  invalid_argument = CIPHERDECK_STATUS_INVALID_ARGUMENT,
  buffer_too_small = CIPHERDECK_STATUS_BUFFER_TOO_SMALL,
  no_session = CIPHERDECK_STATUS_NO_SESSION,
  limit = CIPHERDECK_STATUS_LIMIT,
  no_partition = CIPHERDECK_STATUS_NO_PARTITION,
  key_not_found = CIPHERDECK_STATUS_KEY_NOT_FOUND,
  key_type = CIPHERDECK_STATUS_KEY_TYPE,
  access_denied = CIPHERDECK_STATUS_ACCESS_DENIED,
  locked_out = CIPHERDECK_STATUS_LOCKED_OUT,
  algorithm = CIPHERDECK_STATUS_ALGORITHM,
  mode = CIPHERDECK_STATUS_MODE,
  step = CIPHERDECK_STATUS_STEP,
  verify_failed = CIPHERDECK_STATUS_VERIFY_FAILED,
  mac_failed = CIPHERDECK_STATUS_MAC_FAILED,
  decrypt_failed = CIPHERDECK_STATUS_DECRYPT_FAILED,
  invalid_key = CIPHERDECK_STATUS_INVALID_KEY,
  sign_failed = CIPHERDECK_STATUS_SIGN_FAILED,
  random_failed = CIPHERDECK_STATUS_RANDOM_FAILED,
  card_failed = CIPHERDECK_STATUS_CARD_FAILED,
  store_failed = CIPHERDECK_STATUS_STORE_FAILED,
  exists = CIPHERDECK_STATUS_EXISTS,
  not_found = CIPHERDECK_STATUS_NOT_FOUND,
  not_initialised = CIPHERDECK_STATUS_NOT_INITIALISED,
  dma_fault = CIPHERDECK_STATUS_DMA_FAULT,
  dma_not_shared = CIPHERDECK_STATUS_DMA_NOT_SHARED,
  busy = CIPHERDECK_STATUS_BUSY,
  ring_broken = CIPHERDECK_STATUS_RING_BROKEN,
  no_memory = CIPHERDECK_STATUS_NO_MEMORY,
  file_size = CIPHERDECK_STATUS_FILE_SIZE,
  file_offset = CIPHERDECK_STATUS_FILE_OFFSET,
  disconnected = CIPHERDECK_STATUS_DISCONNECTED,
  timed_out = CIPHERDECK_STATUS_TIMED_OUT,
  io = CIPHERDECK_STATUS_IO,
  chip_failed = CIPHERDECK_STATUS_CHIP_FAILED,
  card_locked = CIPHERDECK_STATUS_CARD_LOCKED,
  login_required = CIPHERDECK_STATUS_LOGIN_REQUIRED,
  role_denied = CIPHERDECK_STATUS_ROLE_DENIED,
  wrong_password = CIPHERDECK_STATUS_WRONG_PASSWORD,
  too_soon = CIPHERDECK_STATUS_TOO_SOON,
  trail_full = CIPHERDECK_STATUS_TRAIL_FULL,
};

/// A sentence fragment for messages: "the function is bound to no partition".
[[nodiscard]] std::string_view to_string(Error error) noexcept;

/// The wire form: 0 for no error.
[[nodiscard]] constexpr std::uint16_t to_status(Error error) noexcept {
  return static_cast<std::uint16_t>(error);
}

/// The error of a status other than CIPHERDECK_STATUS_OK; numbers not known here become `internal`.
[[nodiscard]] Error from_status(std::uint16_t status) noexcept;

}  // namespace cipherdeck
