// SPDX-License-Identifier: Apache-2.0
// Known answers of each variant by itself, with every kernel that it has.
#include "engine/self_test_variants.h"

#include "engine/batch.h"
#include "engine/modes/ghash.h"
#include "engine/self_test_answers.h"
#include "engine/sm2/sm2_variants.h"
#include "engine/sm3/sm3_variants.h"
#include "engine/sm4/sm4_variants.h"

#include <memory>

namespace cipherdeck::engine {
namespace {

using answers::is_equal;

// ---- SM3 ----------------------------------------------------------------------------------------

// Alone, and in a batch that fills the lanes and leaves one over.
bool is_right(const sm3::Variant& variant) {
  constexpr std::size_t kNumJobs = sm3::Lanes::kMax + 1;
  for (const std::size_t num : {std::size_t{1}, kNumJobs}) {
    std::vector<Sm3> states(num);
    std::vector<Sm3Digest> digests(num);
    std::vector<HashJob> jobs(num);
    for (std::size_t i = 0; i < num; ++i) {
      jobs[i] = {&states[i], as_bytes("abc"), digests[i].data(), {}};
    }
    sm3::run(variant, jobs);
    for (const Sm3Digest& digest : digests) {
      if (!is_equal(digest, answers::kSm3OfAbc)) return false;
    }
  }
  return true;
}

// ---- SM4 ----------------------------------------------------------------------------------------

using Blocks = std::vector<std::uint8_t>;

Blocks copies(Bytes block, std::size_t num) {
  Blocks blocks;
  for (std::size_t i = 0; i < num; ++i) blocks.insert(blocks.end(), block.begin(), block.end());
  return blocks;
}

// As many blocks as make every kernel run: single ones, some, and more than the widest takes.
bool crypts_blocks(const sm4::Variant& variant, const Sm4Key& key) {
  for (const std::size_t num : {1U, 7U, 127U}) {
    const Blocks text = copies(answers::kSm4Text, num);
    Blocks data = text;
    variant.crypt_blocks(data.data(), data.data(), num, key.encryption_keys());
    if (!is_equal(data, copies(answers::kSm4Cipher, num))) return false;
    variant.crypt_blocks(data.data(), data.data(), num, key.decryption_keys());
    if (!is_equal(data, text)) return false;
  }
  return true;
}

// The first block of the key stream is known; the whole of it is what the block function gives.
bool counts(const sm4::Variant& variant, const Sm4Key& key) {
  if (variant.ctr_blocks == nullptr) return true;
  constexpr std::size_t kNumBlocks = 67;
  const std::uint64_t hi = load_be64(answers::kSm4Text.data());
  const std::uint64_t lo = load_be64(answers::kSm4Text.data() + 8);
  Blocks counters = copies(answers::kSm4Text, kNumBlocks);
  for (std::size_t i = 0; i < kNumBlocks; ++i) store_be64(&counters[16 * i + 8], lo + i);
  variant.crypt_blocks(counters.data(), counters.data(), kNumBlocks, key.encryption_keys());
  Blocks stream(16 * kNumBlocks);
  variant.ctr_blocks(stream.data(), stream.data(), kNumBlocks, key.encryption_keys(), hi, lo,
                     sm4::CounterBits::all);
  return is_equal(Bytes(stream).first(16), answers::kSm4Cipher) && stream == counters;
}

// One block in each lane: with an initial value of zero or an input of zero, each mode gives the
// known ciphertext.
bool chains(const sm4::Variant& variant, const Sm4Key& key, sm4::Chaining chaining) {
  const bool text_is_input = chaining == sm4::Chaining::cbc || chaining == sm4::Chaining::mac;
  const std::size_t num = variant.num_lanes;
  const Blocks text = copies(answers::kSm4Text, num);
  const Blocks zeros(16 * num);
  Blocks out = zeros;
  const auto lanes = std::make_unique<sm4::Lanes>();
  lanes->num_used = num;
  for (std::size_t i = 0; i < num; ++i) {
    lanes->in[i] = text_is_input ? &text[16 * i] : &zeros[16 * i];
    lanes->out[i] = &out[16 * i];
    const Blocks& initial = text_is_input ? zeros : text;
    std::copy_n(&initial[16 * i], 16, lanes->chain[i].begin());
    variant.set_lane_key(*lanes, i, key.encryption_keys());
  }
  variant.chain_lanes(*lanes, chaining, 1);
  if (chaining != sm4::Chaining::mac) return is_equal(out, copies(answers::kSm4Cipher, num));
  for (std::size_t i = 0; i < num; ++i) {
    if (!is_equal(lanes->chain[i], answers::kSm4Cipher)) return false;
  }
  return true;
}

bool is_right(const sm4::Variant& variant) {
  const Sm4Key key(answers::kSm4Text);
  if (!crypts_blocks(variant, key) || !counts(variant, key)) return false;
  if (variant.num_lanes == 0) return true;
  using enum sm4::Chaining;
  return chains(variant, key, cbc) && chains(variant, key, cfb) && chains(variant, key, ofb) &&
         chains(variant, key, mac);
}

// ---- GHASH --------------------------------------------------------------------------------------

// The tag of RFC 8998: the hash of additional data and ciphertext, and a block of key stream. Then
// as many blocks as the widest kernel takes and one more, against one block after the other.
bool is_right(const modes::GhashVariant& variant) {
  const Sm4Key key(answers::kSm4Text);
  modes::Block point{};
  key.encrypt_blocks(point.data(), point.data(), 1);
  modes::Ghash hash(point, variant);
  hash.update_padded(answers::kAeadAad);
  modes::Block tag =
      hash.finish(answers::kGcmCipher, answers::kAeadAad.size(), answers::kGcmCipher.size());
  modes::Block counter{};
  std::ranges::copy(answers::kAeadNonce, counter.begin());
  counter.back() = 1;
  key.encrypt_blocks(counter.data(), counter.data(), 1);
  modes::xor_bytes(tag.data(), tag.data(), counter.data(), tag.size());
  if (!is_equal(tag, answers::kGcmTag)) return false;

  constexpr std::size_t kNumBlocks = 65;
  const Blocks blocks = copies(answers::kSm4Text, kNumBlocks);
  const modes::GhashElement at{load_be64(point.data()), load_be64(point.data() + 8)};
  modes::GhashElement together, each;
  variant.update(together, at, blocks.data(), kNumBlocks);
  for (std::size_t i = 0; i < kNumBlocks; ++i) variant.update(each, at, &blocks[16 * i], 1);
  return together.hi == each.hi && together.lo == each.lo;
}

// ---- SM2 ----------------------------------------------------------------------------------------

bool is_public_key(const sm2::PlainPoint& point) {
  std::array<std::uint8_t, kSm2PointLen> bytes;
  sm2::store_uint256(bytes.data(), point.x);
  sm2::store_uint256(bytes.data() + 32, point.y);
  return is_equal(bytes, answers::kSm2Public);
}

bool multiplies(const sm2::Variant& variant, std::size_t num) {
  const std::vector<sm2::Uint256> scalars(num, sm2::load_uint256(answers::kSm2Private.data()));
  const sm2::PlainPoint base{sm2::generator().x.value(), sm2::generator().y.value()};
  const std::vector<sm2::PlainPoint> points(num, base);
  std::vector<sm2::PlainPoint> by_table(num), by_point(num);
  variant.multiply_generator(by_table, scalars);
  variant.multiply(by_point, scalars, points);
  return std::ranges::all_of(by_table, is_public_key) &&
         std::ranges::all_of(by_point, is_public_key);
}

// The signature of the standard, and one that is wrong by a bit, in every second place.
bool checks(const sm2::Variant& variant, std::size_t num) {
  using sm2::Scalar;
  const auto scalar = [](const std::uint8_t* at) { return Scalar::from(sm2::load_uint256(at)); };
  const Scalar r = scalar(answers::kSm2Signature.data());
  const Scalar s = scalar(answers::kSm2Signature.data() + 32);
  const Scalar e = scalar(answers::kSm2E.data());
  const auto point = sm2::load_point(answers::kSm2Public);
  const auto table = sm2::make_window_table(point);
  std::vector<sm2::Check> all(num, {s.value(),
                                    (r + s).value(),
                                    (r - e).value(),
                                    {point.x.value(), point.y.value()},
                                    table.get(),
                                    false});
  for (std::size_t i = 1; i < num; i += 2) all[i].x[0] ^= 1;
  const auto hold_where_right = [&all] {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].holds != (i % 2 == 0)) return false;
    }
    return true;
  };
  variant.check(all);
  if (!hold_where_right()) return false;
  for (std::size_t i = 0; i < num; ++i) all[i].holds = i % 2 != 0;
  variant.check_with_tables(all);
  return hold_where_right();
}

bool is_right(const sm2::Variant& variant) {
  const std::size_t num = variant.num_lanes + 1;
  return multiplies(variant, num) && checks(variant, num);
}

// ---- all of them --------------------------------------------------------------------------------

template <typename Variants>
void add(std::vector<SelfTest>& tests, const std::string& algorithm, const Variants& variants) {
  for (const auto& variant : variants) {
    if (!variant.is_available()) continue;
    const auto* const tested = &variant;  // in a table that lasts
    tests.push_back(
        {algorithm + "/" + std::string(variant.name), [tested] { return is_right(*tested); }});
  }
}

}  // namespace

void add_variant_tests(std::vector<SelfTest>& tests) {
  add(tests, "sm3", sm3::variants());
  add(tests, "sm4", sm4::variants());
  add(tests, "ghash", modes::ghash_variants());
  add(tests, "sm2", sm2::variants());
}

}  // namespace cipherdeck::engine
