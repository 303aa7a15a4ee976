// SPDX-License-Identifier: Apache-2.0
#include "card/store/shares.h"

#include "engine/sm3/sm3.h"

namespace cipherdeck::card::store {
namespace {

constexpr std::size_t kKeyLen = 32;
constexpr std::size_t kNumberAt = kBackupIdLen;
constexpr std::size_t kThresholdAt = kNumberAt + 1;
constexpr std::size_t kKeyAt = kBackupIdLen + 4;
constexpr std::size_t kChecksumAt = kShareLen - 8;

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept {
  unsigned product = 0;
  unsigned shifted = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= shifted & (0U - ((b >> bit) & 1U));
    shifted = (shifted << 1) ^ (0x11bU & (0U - (shifted >> 7)));
  }
  return static_cast<std::uint8_t>(product);
}

// a^254: the numbers of shares are not secret, but this costs nothing.
std::uint8_t invert(std::uint8_t a) noexcept {
  std::uint8_t power = a;
  std::uint8_t inverse = 1;
  for (int bit = 1; bit < 8; ++bit) {
    power = multiply(power, power);
    inverse = multiply(inverse, power);
  }
  return inverse;
}

void put_checksum(Share& share) noexcept {
  const engine::Sm3Digest digest = engine::Sm3::digest(Bytes(share.span()).first(kChecksumAt));
  std::memcpy(share.data() + kChecksumAt, digest.data(), kShareLen - kChecksumAt);
}

bool is_whole(Bytes share, const BackupId& id) noexcept {
  const engine::Sm3Digest digest = engine::Sm3::digest(share.first(kChecksumAt));
  return std::memcmp(digest.data(), share.data() + kChecksumAt, kShareLen - kChecksumAt) == 0 &&
         std::memcmp(share.data(), id.data(), id.size()) == 0 && share[kNumberAt] != 0;
}

// The polynomial whose coefficients, from the highest on, are `high`, and whose value at 0 is the
// key, at x.
void evaluate(std::span<std::uint8_t, kKeyLen> out, std::uint8_t x, const Secret<kKeyLen>& key,
              const std::vector<Secret<kKeyLen>>& high) noexcept {
  for (std::size_t i = 0; i < kKeyLen; ++i) {
    std::uint8_t value = 0;
    for (const Secret<kKeyLen>& coefficient : high) {
      value = static_cast<std::uint8_t>(multiply(value, x) ^ coefficient.data()[i]);
    }
    out[i] = static_cast<std::uint8_t>(multiply(value, x) ^ key.data()[i]);
  }
}

// Lagrange's factor of share `which` at 0.
std::uint8_t factor(std::span<const std::uint8_t> numbers, std::size_t which) noexcept {
  std::uint8_t above = 1;
  std::uint8_t below = 1;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == which) continue;
    above = multiply(above, numbers[i]);
    below = multiply(below, static_cast<std::uint8_t>(numbers[i] ^ numbers[which]));
  }
  return multiply(above, invert(below));
}

// The numbers of shares that fit together.
Result<std::vector<std::uint8_t>> check_shares(Bytes shares, const BackupId& id) {
  if (shares.empty() || shares.size() % kShareLen != 0) return Error::decrypt_failed;
  const std::uint8_t threshold = shares[kThresholdAt];
  std::vector<std::uint8_t> numbers;
  for (std::size_t at = 0; at < shares.size(); at += kShareLen) {
    const Bytes share = shares.subspan(at, kShareLen);
    if (!is_whole(share, id) || share[kThresholdAt] != threshold) return Error::decrypt_failed;
    for (const std::uint8_t number : numbers) {
      if (number == share[kNumberAt]) return Error::decrypt_failed;
    }
    numbers.push_back(share[kNumberAt]);
  }
  if (numbers.size() < threshold || numbers.size() > kMaxShares) return Error::decrypt_failed;
  return numbers;
}

}  // namespace

Result<std::vector<Share>> split_key(const Secret<32>& key, const BackupId& id, unsigned threshold,
                                     unsigned num, RandomSource& random) {
  if (threshold < 2 || threshold > num || num > kMaxShares) return Error::invalid_argument;
  std::vector<Secret<kKeyLen>> high(threshold - 1);
  for (Secret<kKeyLen>& coefficient : high) CIPHERDECK_TRY(random.fill(coefficient.span()));
  std::vector<Share> shares(num);
  for (unsigned i = 0; i < num; ++i) {
    Share& share = shares[i];
    std::memcpy(share.data(), id.data(), id.size());
    share.data()[kNumberAt] = static_cast<std::uint8_t>(i + 1);
    share.data()[kThresholdAt] = static_cast<std::uint8_t>(threshold);
    evaluate(share.span().subspan<kKeyAt, kKeyLen>(), static_cast<std::uint8_t>(i + 1), key, high);
    put_checksum(share);
  }
  return shares;
}

Result<Secret<32>> join_key(Bytes shares, const BackupId& id) {
  CIPHERDECK_ASSIGN(const auto numbers, check_shares(shares, id));
  Secret<kKeyLen> key;
  for (std::size_t which = 0; which < numbers.size(); ++which) {
    const std::uint8_t weight = factor(numbers, which);
    const std::uint8_t* const part = shares.data() + which * kShareLen + kKeyAt;
    for (std::size_t i = 0; i < kKeyLen; ++i) key.data()[i] ^= multiply(part[i], weight);
  }
  return key;
}

}  // namespace cipherdeck::card::store
