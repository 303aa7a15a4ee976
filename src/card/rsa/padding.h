// SPDX-License-Identifier: Apache-2.0
// RSAES-PKCS1-v1_5 (RFC 8017, 7.2): 00 02 || at least eight random bytes, none of them 0 || 00 ||
// message.
#pragma once

#include "base/random_source.h"
#include "base/result.h"

namespace cipherdeck::card::rsa {

constexpr std::size_t kPaddingOverhead = 11;

/// Fills `block`. Fails with invalid_argument if the message is longer than the block less
/// kPaddingOverhead, or with what `random` does.
Result<void> pad_for_encryption(MutableBytes block, Bytes message, RandomSource& random);

/// Writes the message to the first bytes of `message` and gives back how many they are. Whether
/// that is possible is all that the time tells; fails with decrypt_failed if it is not.
Result<std::size_t> unpad_after_decryption(MutableBytes message, Bytes block);

}  // namespace cipherdeck::card::rsa
