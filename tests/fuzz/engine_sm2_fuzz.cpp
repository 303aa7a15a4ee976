// SPDX-License-Identifier: Apache-2.0
// Keys, signatures and ciphertexts of SM2 that come from outside: they are refused or they work.
// Scalars and checks for the group: all variants agree.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/batch.h"
#include "engine/sm2/sm2_variants.h"

namespace {

using namespace cipherdeck;
using namespace cipherdeck::engine;
using Buffer = std::vector<std::uint8_t>;

void require(bool condition) {
  if (!condition) std::abort();
}

// Gives the input over and over, each time one more.
class InputRandom final : public RandomSource {
 public:
  explicit InputRandom(Bytes input) : m_input(input) {}
  Result<void> fill(MutableBytes out) override {
    ++m_count;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::uint8_t byte = m_input.empty() ? 0 : m_input[i % m_input.size()];
      out[i] = static_cast<std::uint8_t>(byte + m_count * (i + 1 == out.size()));
    }
    return {};
  }

 private:
  Bytes m_input;
  std::size_t m_count = 0;
};

const Sm2PrivateKey& fixed_key() {
  static const Sm2PrivateKey key = [] {
    Buffer scalar(kSm2ScalarLen, 0x42);
    return *Sm2PrivateKey::from_bytes(std::span(scalar).first<kSm2ScalarLen>());
  }();
  return key;
}

// A key that is accepted signs and decrypts.
void try_private_key(Bytes data) {
  const auto key = Sm2PrivateKey::from_bytes(data.first<kSm2ScalarLen>());
  if (!key) return require(key.error() == Error::invalid_key);
  InputRandom random(data);
  Sm2SignJob sign;
  sign.key = &*key;
  std::ranges::copy(data.first(32), sign.e.begin());
  run(std::span(&sign, 1), random);
  if (!sign.result) return;  // all nonces were out of range
  Sm2VerifyJob verify{&key->public_key(), sign.e, sign.signature, {}};
  run(std::span(&verify, 1));
  require(verify.result.ok());
}

// A point that is accepted can be worked with.
void try_public_key(Bytes data) {
  const auto key = Sm2PublicKey::from_bytes(data.first<kSm2PointLen>());
  if (!key) return require(key.error() == Error::invalid_key);
  InputRandom random(data);
  Buffer ciphertext(data.size() + kSm2CiphertextOverhead);
  (void)sm2_encrypt(ciphertext, *key, data, random);
}

void try_signature(Bytes data) {
  Sm2VerifyJob job;
  job.key = &fixed_key().public_key();
  std::ranges::copy(data.first(64), job.signature.begin());
  run(std::span(&job, 1));
  require(!job.result.ok());  // or the fuzzer has forged a signature
}

void try_ciphertext(Bytes data) {
  Buffer plaintext(data.size() > kSm2CiphertextOverhead ? data.size() - kSm2CiphertextOverhead : 0,
                   1);
  Sm2DecryptJob job{&fixed_key(), data, plaintext, {}};
  run(std::span(&job, 1));
  if (job.result) return;
  const bool is_refused = job.result.status() == to_status(Error::invalid_argument);
  const std::uint8_t left = is_refused ? 1 : 0;
  require(std::ranges::all_of(plaintext, [=](std::uint8_t byte) { return byte == left; }));
}

// Products and checks of a batch with scalars from the input: the portable variant's results.
void try_variants(Bytes data) {
  using namespace cipherdeck::engine::sm2;
  std::vector<Uint256> scalars;
  for (std::size_t at = 0; at + 32 <= data.size() && scalars.size() < 18; at += 16) {
    const Uint256 scalar = load_uint256(data.data() + at);
    if (is_in_range(scalar, OrderModulus::kValue) != 0) scalars.push_back(scalar);
  }
  if (scalars.empty()) return;
  const std::size_t num = scalars.size();
  std::vector<PlainPoint> points(num), products(num), others(num);
  kPortableVariant.multiply_generator(points, scalars);
  std::vector<Uint256> reversed(scalars.rbegin(), scalars.rend());
  kPortableVariant.multiply(products, reversed, points);
  std::vector<Check> checks(num);
  for (std::size_t i = 0; i < num; ++i) {  // s G + t P, mostly for the x of s G or t P
    checks[i] = {scalars[i], reversed[i], points[num / 2].x, points[num - 1 - i], nullptr, false};
    if (is_less(checks[i].x, OrderModulus::kValue) == 0) checks[i].x = {1, 0, 0, 0};
  }
  std::vector<Check> expected = checks;
  kPortableVariant.check(expected);
  for (const Variant& variant : variants()) {
    if (!variant.is_available()) continue;
    const auto same = [](const PlainPoint& a, const PlainPoint& b) {
      return a.x == b.x && a.y == b.y;
    };
    variant.multiply_generator(others, scalars);
    require(std::ranges::equal(others, points, same));
    variant.multiply(others, reversed, points);
    require(std::ranges::equal(others, products, same));
    variant.check(checks);
    for (std::size_t i = 0; i < num; ++i) require(checks[i].holds == expected[i].holds);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t len) {
  if (len < 1 + 64) return 0;
  const Bytes input(data + 1, len - 1);
  switch (data[0] % 5) {
    case 0:
      try_private_key(input);
      break;
    case 1:
      try_public_key(input);
      break;
    case 2:
      try_signature(input);
      break;
    case 3:
      try_ciphertext(input);
      break;
    default:
      try_variants(input);
  }
  return 0;
}
