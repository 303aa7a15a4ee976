// SPDX-License-Identifier: Apache-2.0
#include "card/rsa/padding.h"

namespace cipherdeck::card::rsa {
namespace {

// All ones if `value` is zero, and zero if it is not, without a branch.
std::size_t mask_if_zero(std::size_t value) noexcept {
  return std::size_t{0} - (~(value | (std::size_t{0} - value)) >> (8 * sizeof value - 1));
}

// All ones if a < b; both are far below 2^63.
std::size_t mask_if_below(std::size_t a, std::size_t b) noexcept {
  return std::size_t{0} - ((a - b) >> (8 * sizeof a - 1));
}

}  // namespace

Result<void> pad_for_encryption(MutableBytes block, Bytes message, RandomSource& random) {
  if (block.size() < kPaddingOverhead || message.size() > block.size() - kPaddingOverhead) {
    return Error::invalid_argument;
  }
  block[0] = 0;
  block[1] = 2;
  const MutableBytes padding = block.subspan(2, block.size() - message.size() - 3);
  CIPHERDECK_TRY(random.fill(padding));
  for (std::uint8_t& byte : padding) {
    while (byte == 0) CIPHERDECK_TRY(random.fill({&byte, 1}));
  }
  block[block.size() - message.size() - 1] = 0;
  if (!message.empty())
    std::memcpy(block.last(message.size()).data(), message.data(), message.size());
  return {};
}

Result<std::size_t> unpad_after_decryption(MutableBytes message, Bytes block) {
  if (block.size() < kPaddingOverhead) return Error::decrypt_failed;
  std::size_t good = mask_if_zero(block[0]) & mask_if_zero(block[1] ^ 2U);
  // Where the first zero after the padding is; every byte is looked at.
  std::size_t found = 0;
  std::size_t separator = 0;
  for (std::size_t i = 2; i < block.size(); ++i) {
    const std::size_t is_first = mask_if_zero(block[i]) & ~found;
    separator |= i & is_first;
    found |= is_first;
  }
  good &= found & ~mask_if_below(separator, kPaddingOverhead - 1);
  const std::size_t len = block.size() - 1 - separator;
  good &= ~mask_if_below(message.size(), len);
  if (good == 0) return Error::decrypt_failed;
  if (len != 0) std::memcpy(message.data(), block.last(len).data(), len);
  return len;
}

}  // namespace cipherdeck::card::rsa
