// SPDX-License-Identifier: Apache-2.0
// Keys, signatures and ciphertexts of SM2 that come from outside: they are refused or they work.
// Scalars and checks for the group: all variants agree. What OpenSSL says of each is what we say.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/batch.h"
#include "engine/oracle/openssl_oracle.h"
#include "engine/sm2/sm2_variants.h"

namespace {

using namespace cipherdeck;
using namespace cipherdeck::engine;
using oracle::Buffer;

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

const oracle::Sm2Peer& openssl_fixed_key() {
  static const oracle::Sm2Peer peer(fixed_key().bytes(), fixed_key().public_key().bytes());
  return peer;
}

// Changes one byte, or none.
void tamper(MutableBytes data, std::uint8_t where, std::uint8_t flip) {
  data[where % data.size()] ^= flip;
}

// A key that is accepted signs, as OpenSSL confirms, and verifies what OpenSSL signs.
void try_private_key(Bytes data) {
  const auto key = Sm2PrivateKey::from_bytes(data.first<kSm2ScalarLen>());
  if (!key) return require(key.error() == Error::invalid_key);
  const auto point = key->public_key().bytes();
  const auto scalar = oracle::number(key->bytes());
  require(std::ranges::equal(point, oracle::sm2_multiply(scalar.get(), nullptr)));
  InputRandom random(data);
  Sm2SignJob sign;
  sign.key = &*key;
  std::ranges::copy(data.last(32), sign.e.begin());
  run(std::span(&sign, 1), random);
  if (!sign.result) return;  // all nonces were out of range
  const oracle::Sm2Peer peer(key->bytes(), point);
  require(peer.verify(sign.e, sign.signature));
  const Sm2VerifyTable table(key->public_key());
  Sm2VerifyJob verify[] = {{&key->public_key(), sign.e, sign.signature, {}},
                           {&key->public_key(), sign.e, {}, {}, &table}};
  std::ranges::copy(peer.sign(sign.e), verify[1].signature.begin());
  run(verify);
  require(verify[0].result.ok() && verify[1].result.ok());
}

// A point is accepted if OpenSSL finds it on the curve, and can then be worked with.
void try_public_key(Bytes data) {
  Buffer point(data.begin(), data.begin() + kSm2PointLen);
  if (data[0] % 2 == 0) {  // one on the curve, or next to it
    const auto good = oracle::sm2_multiply(oracle::number(data.first(32)).get(), nullptr);
    if (good.empty()) return;
    point = good;
    tamper(point, data[1], data[2] % 4);
  }
  const auto key = Sm2PublicKey::from_bytes(std::span(point).first<kSm2PointLen>());
  const oracle::GroupPoint known(EC_POINT_new(oracle::sm2_group()));
  const bool is_on_curve =
      EC_POINT_set_affine_coordinates(oracle::sm2_group(), known.get(),
                                      oracle::number(Bytes(point).first(32)).get(),
                                      oracle::number(Bytes(point).last(32)).get(), nullptr) == 1;
  // OpenSSL also takes coordinates that are not reduced.
  const bool is_reduced = is_on_curve && oracle::sm2_affine(known.get()) == point;
  require(key.ok() == (is_on_curve && is_reduced));
  if (!key) return require(key.error() == Error::invalid_key);
  InputRandom random(data);
  Buffer ciphertext(data.size() + kSm2CiphertextOverhead);
  (void)sm2_encrypt(ciphertext, *key, data, random);
}

// Bytes of any kind, or a signature of which one may have been changed.
void try_signature(Bytes data) {
  Sm2VerifyJob job;
  job.key = &fixed_key().public_key();
  std::ranges::copy(data.first(32), job.e.begin());
  if (data[0] % 2 == 0) {
    InputRandom random(data);
    const auto signature = sm2_sign(fixed_key(), job.e, random);
    if (!signature) return;
    job.signature = *signature;
    tamper(job.signature, data[1], data[2] % 4);
  } else {
    std::ranges::copy(data.first(64), job.signature.begin());
  }
  run(std::span(&job, 1));
  require(job.result.ok() == openssl_fixed_key().verify(job.e, job.signature));
}

// Likewise a ciphertext.
void try_ciphertext(Bytes data) {
  Buffer ciphertext(data.begin(), data.end());
  if (data[0] % 2 == 0) {
    InputRandom random(data);
    ciphertext.resize(data.size() + kSm2CiphertextOverhead);
    if (!sm2_encrypt(ciphertext, fixed_key().public_key(), data, random)) return;
    tamper(ciphertext, data[1], data[2] % 4);
  }
  if (ciphertext.size() <= kSm2CiphertextOverhead) return;
  Buffer plaintext(ciphertext.size() - kSm2CiphertextOverhead, 1);
  Sm2DecryptJob job{&fixed_key(), ciphertext, plaintext, {}};
  run(std::span(&job, 1));
  const Buffer expected = openssl_fixed_key().decrypt(ciphertext);
  require(job.result.ok() == !expected.empty());
  require(plaintext == (job.result ? expected : Buffer(plaintext.size())));
}

// Products and checks of a batch with scalars from the input: all variants have the portable one's
// results, of which OpenSSL confirms a few.
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
  const auto confirm = [](const PlainPoint& ours, const Buffer& theirs) {
    Buffer bytes(64);
    store_uint256(bytes.data(), ours.x);
    store_uint256(bytes.data() + 32, ours.y);
    require(theirs.empty() || bytes == theirs);
  };
  const auto number_of = [](const Uint256& value) {
    Buffer bytes(32);
    store_uint256(bytes.data(), value);
    return oracle::number(bytes);
  };
  const std::size_t some = data[0] % num;
  confirm(points[some], oracle::sm2_multiply(number_of(scalars[some]).get(), nullptr));
  if (const Buffer point = oracle::sm2_multiply(number_of(scalars[some]).get(), nullptr);
      !point.empty()) {
    confirm(products[some],
            oracle::sm2_multiply(number_of(reversed[some]).get(), oracle::sm2_point(point).get()));
  }
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
