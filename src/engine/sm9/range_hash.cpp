// SPDX-License-Identifier: Apache-2.0
#include "engine/sm9/range_hash.h"

#include "base/secret.h"

namespace cipherdeck::engine::sm9 {
namespace {

constexpr std::size_t kWideLen = 40;  // 8 * ceil(5 * 256 / 32) bits

constexpr Uint256 kOrderMinusOne = [] {
  std::uint64_t borrow = 0;
  return sm2::subtract(OrderModulus::kValue, {1, 0, 0, 0}, borrow);
}();

// The number modulo n - 1, bit by bit: n - 1 is even, which Montgomery's reduction does not take.
Uint256 reduce(std::span<const std::uint8_t, kWideLen> wide) {
  Uint256 rest{};
  for (const std::uint8_t byte : wide) {
    for (int i = 7; i >= 0; --i) {
      std::uint64_t carry = 0, borrow = 0;
      Uint256 doubled = sm2::add(rest, rest, carry);
      doubled[0] |= byte >> i & 1;
      const Uint256 reduced = sm2::subtract(doubled, kOrderMinusOne, borrow);
      rest = sm2::select(0 - (borrow & ~carry & 1), doubled, reduced);
    }
  }
  return rest;
}

}  // namespace

RangeHash::RangeHash(Function function) noexcept {
  const auto prefix = static_cast<std::uint8_t>(function);
  m_hash.update({&prefix, 1});
}

Uint256 RangeHash::finish() noexcept {
  std::array<std::uint8_t, 2 * kSm3DigestLen> wide;
  for (std::uint32_t counter = 1; counter <= 2; ++counter) {
    Sm3 hash = m_hash;
    std::uint8_t count[4];
    store_be32(count, counter);
    hash.update(count);
    const Sm3Digest digest = hash.finish();
    std::memcpy(wide.data() + (counter - 1) * digest.size(), digest.data(), digest.size());
  }
  std::uint64_t carry = 0;
  const Uint256 number = reduce(std::span(wide).first<kWideLen>());
  wipe(wide);
  return sm2::add(number, {1, 0, 0, 0}, carry);
}

Uint256 hash_identity(Bytes id, std::uint8_t hid) noexcept {
  RangeHash hash(RangeHash::Function::h1);
  hash.update(id);
  hash.update({&hid, 1});
  return hash.finish();
}

}  // namespace cipherdeck::engine::sm9
