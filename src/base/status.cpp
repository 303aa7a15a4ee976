// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <array>

namespace cipherdeck {
namespace {

constexpr std::array<std::string_view, CIPHERDECK_STATUS_COUNT> kTexts = {
    "no error",
    "internal error",
    "operation not supported by this card",
    "malformed command",
    "buffer lies outside the arena",
    "invalid argument",
    "output buffer too small",
    "no such session",
    "limit of the card reached",
    "the function is bound to no partition",
    "no such key",
    "the key is not of the kind or use asked for",
    "access denied: no access right or wrong access code",
    "locked out after too many wrong access codes",
    "algorithm not supported",
    "mode of the algorithm not supported",
    "call out of sequence",
    "signature is wrong",
    "authentication tag is wrong",
    "ciphertext is not well-formed or not for this key",
    "invalid key",
    "signing failed",
    "random source failed its health test",
    "the card refuses service after a failed self-test",
    "key store could not be read or written",
    "exists already",
    "not found",
    "the card is not initialised",
    "DMA address is not mapped",
    "memory is not shared with the card",
    "in use",
    "ring index out of bounds",
    "out of memory",
    "file size out of bounds",
    "file offset out of bounds",
    "the device is gone",
    "no completion in time",
    "system call failed",
    "the chip for this algorithm failed or is fenced",
    "the card is locked until its passphrase is given",
    "nobody is logged in, or the login has ended",
    "the role of who is logged in does not allow it",
    "wrong passphrase, password or name",
    "too soon after a wrong password",
    "the audit trail is full",
};

}  // namespace

std::string_view to_string(Error error) noexcept {
  const auto number = to_status(error);
  return number < kTexts.size() ? kTexts[number] : kTexts[CIPHERDECK_STATUS_INTERNAL];
}

Error from_status(std::uint16_t status) noexcept {
  const bool known = status != CIPHERDECK_STATUS_OK && status < CIPHERDECK_STATUS_COUNT;
  return known ? static_cast<Error>(status) : Error::internal;
}

}  // namespace cipherdeck
