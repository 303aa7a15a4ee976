// SPDX-License-Identifier: Apache-2.0
// Threshold shares of a backup's key, by Shamir over GF(2^8) (polynomial 0x11b): any k of n give
// the key back, fewer tell nothing of it. Without branches or addresses that depend on the secret.
#pragma once

#include "base/random_source.h"
#include "base/result.h"
#include "base/secret.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace cipherdeck::card::store {

constexpr unsigned kMaxShares = 16;
constexpr std::size_t kShareLen = 64;
constexpr std::size_t kBackupIdLen = 16;

/// What a custodian keeps, as bytes: backup's id (16) || number, from 1 (1) || threshold (1) ||
/// zeros (2) || share of the key (32) || zeros (4) || first 8 bytes of SM3 over what is before.
using Share = Secret<kShareLen>;

using BackupId = std::array<std::uint8_t, kBackupIdLen>;

/// Fails with invalid_argument unless 2 <= threshold <= num <= kMaxShares; random_failed.
[[nodiscard]] Result<std::vector<Share>> split_key(const Secret<32>& key, const BackupId& id,
                                                   unsigned threshold, unsigned num,
                                                   RandomSource& random);

/// Takes shares as bytes, each of kShareLen, in any order. Fails with decrypt_failed if one is
/// damaged, of another backup, or there twice; if there are fewer than the threshold. Shares that
/// fit together but are forged give another key.
[[nodiscard]] Result<Secret<32>> join_key(Bytes shares, const BackupId& id);

}  // namespace cipherdeck::card::store
