// SPDX-License-Identifier: Apache-2.0
// Jobs of any mode, direction and length, allowed or not: nothing outside their buffers is touched,
// what was encrypted decrypts to what it was, and all implementations of SM3, SM4 and GHASH agree
// with each other and with OpenSSL.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/batch.h"
#include "engine/modes/ghash.h"
#include "engine/modes/streams.h"
#include "engine/oracle/openssl_oracle.h"
#include "engine/sm3/sm3_variants.h"
#include "engine/sm4/sm4_variants.h"

namespace {

using namespace cipherdeck;
using namespace cipherdeck::engine;
using oracle::Buffer;

void require(bool condition) {
  if (!condition) std::abort();
}

// Takes values off the front of the input; zeros when it has ended.
class Reader {
 public:
  explicit Reader(Bytes data) : m_data(data) {}
  std::uint8_t byte() {
    if (m_data.empty()) return 0;
    const std::uint8_t value = m_data.front();
    m_data = m_data.subspan(1);
    return value;
  }
  Buffer bytes(std::size_t len) {
    Buffer out(len);
    for (std::uint8_t& value : out) value = byte();
    return out;
  }
  Buffer rest() { return {m_data.begin(), m_data.end()}; }

 private:
  Bytes m_data;
};

Sm4Key make_key(const Buffer& bytes) { return Sm4Key(Bytes(bytes).first<kSm4KeyLen>()); }
Sm4Key read_key(Reader& reader) { return make_key(reader.bytes(kSm4KeyLen)); }

Buffer openssl_cipher(const CipherJob& job, const Buffer& key, const Buffer& tweak_key, Buffer iv,
                      const Buffer& input) {
  if (job.mode == CipherMode::xts) {
    return oracle::sm4_xts(modes::XtsOrder::gbt17964, job.direction, key, tweak_key, iv, input);
  }
  return oracle::sm4(job.mode, job.direction, key, iv, input);
}

void try_cipher(Reader& reader) {
  const Buffer key_bytes = reader.bytes(kSm4KeyLen), tweak_bytes = reader.bytes(kSm4KeyLen);
  const Sm4Key key = make_key(key_bytes), tweak_key = make_key(tweak_bytes);
  const Buffer iv = reader.bytes(16);
  CipherJob job;
  job.mode = static_cast<CipherMode>(reader.byte() % 8);
  job.direction = static_cast<Direction>(reader.byte() % 2);
  const std::uint8_t missing = reader.byte();
  const Buffer input = reader.rest();
  Buffer first_iv = iv, second_iv = iv, output(input.size()), back(input.size());
  job.key = missing == 1 ? nullptr : &key;
  job.tweak_key = missing == 2 ? nullptr : &tweak_key;
  job.iv = missing == 3 ? nullptr : first_iv.data();
  job.input = input.data();
  job.output = output.data();
  job.len = input.size();
  (void)cost_ns(job);
  run(std::span(&job, 1));
  if (!job.result) {
    require(job.result.status() == to_status(Error::invalid_argument));
    require(first_iv == iv);
    require(std::ranges::all_of(output, [](std::uint8_t byte) { return byte == 0; }));
    return;
  }
  require(output == openssl_cipher(job, key_bytes, tweak_bytes, iv, input));
  job.direction = job.direction == Direction::encrypt ? Direction::decrypt : Direction::encrypt;
  job.iv = second_iv.data();
  job.input = output.data();
  job.output = back.data();
  run(std::span(&job, 1));
  require(job.result.ok());
  require(back == input);
  if (job.mode != CipherMode::ecb) require(second_iv == (missing == 3 ? iv : first_iv));
}

void try_aead(Reader& reader) {
  const Buffer key_bytes = reader.bytes(kSm4KeyLen);
  const Sm4Key key = make_key(key_bytes);
  AeadJob job;
  job.mode = static_cast<AeadMode>(reader.byte() % 3);
  const Buffer nonce = reader.bytes(reader.byte() % 20), aad = reader.bytes(reader.byte());
  Buffer tag(reader.byte() % 18);
  tag.reserve(1);  // not null, even if empty
  const std::uint8_t flip = reader.byte();
  const Buffer input = reader.rest();
  Buffer data = input;
  job.key = &key;
  job.nonce = nonce;
  job.aad = aad;
  job.input = job.output = data.data();
  job.len = data.size();
  job.tag = tag.data();
  job.tag_len = tag.size();
  run(std::span(&job, 1));
  if (!job.result) return require(data == input);
  Buffer sealed = data;
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  require(sealed == oracle::sm4_aead_encrypt(job.mode, key_bytes, nonce, aad, input, tag.size()));
  if (flip != 0) tag[flip % tag.size()] ^= flip;
  job.direction = Direction::decrypt;
  run(std::span(&job, 1));
  require(job.result.ok() == (flip == 0));
  require(data == (flip == 0 ? input : Buffer(input.size())));
}

void try_variants(Reader& reader) {
  const Sm4Key key = read_key(reader);
  modes::Block point;
  std::ranges::copy(reader.bytes(16), point.begin());
  Buffer input = reader.rest();
  const std::size_t num_blocks = input.size() / 16;
  Buffer expected(16 * num_blocks), output(16 * num_blocks);
  sm4::crypt_blocks_portable(expected.data(), input.data(), num_blocks, key.encryption_keys());
  for (const sm4::Variant& variant : sm4::variants()) {
    if (!variant.is_available()) continue;
    variant.crypt_blocks(output.data(), input.data(), num_blocks, key.encryption_keys());
    require(output == expected);
  }
  modes::Ghash portable(point, modes::ghash_variants().back());
  portable.update_padded(input);
  const modes::Block hash = portable.finish({}, 0, input.size());
  for (const modes::GhashVariant& variant : modes::ghash_variants()) {
    if (!variant.is_available()) continue;
    modes::Ghash other(point, variant);
    other.update_padded(input);
    require(other.finish({}, 0, input.size()) == hash);
  }
}

// Jobs of any modes and lengths together: each gives what it gives alone.
void try_batch(Reader& reader) {
  const Sm4Key keys[] = {read_key(reader), read_key(reader)};
  const std::size_t num_jobs = reader.byte() % 80;
  std::vector<CipherJob> jobs(num_jobs);
  std::vector<Buffer> ivs, inputs, outputs;
  for (CipherJob& job : jobs) {
    const std::uint8_t kind = reader.byte();
    job.mode = static_cast<CipherMode>(kind % 7);
    job.direction = static_cast<Direction>(kind >> 7);
    job.key = &keys[kind >> 6 & 1];
    job.tweak_key = &keys[0];
    std::size_t len = reader.byte();
    if ((kind & 0x20) != 0) len *= 16;
    inputs.emplace_back(len, kind);
    ivs.emplace_back(16, reader.byte());
    outputs.emplace_back(len);
  }
  std::vector<Buffer> lone_ivs = ivs, lone_outputs = outputs;
  for (std::size_t i = 0; i < num_jobs; ++i) {
    jobs[i].input = inputs[i].data();
    jobs[i].len = inputs[i].size();
    jobs[i].iv = lone_ivs[i].data();
    jobs[i].output = lone_outputs[i].data();
    run(std::span(&jobs[i], 1));
    jobs[i].iv = ivs[i].data();
    jobs[i].output = outputs[i].data();
  }
  run(jobs);
  require(outputs == lone_outputs);
  require(ivs == lone_ivs);
}

// Streams in the lanes of every variant, against those of the portable one.
class FuzzStreams final : public modes::StreamSource {
 public:
  FuzzStreams(const Sm4Key& key, Bytes lens, bool has_partial) : m_key(key) {
    for (const std::uint8_t len : lens.first(std::min<std::size_t>(lens.size(), 80))) {
      data.emplace_back(has_partial ? len : len / 16 * 16, len);
      ivs.emplace_back(16, len);
    }
  }
  bool next(modes::Stream& stream) override {
    if (m_next == data.size()) return false;
    Buffer& text = data[m_next];
    stream = {&m_key, ivs[m_next].data(), text.data(), text.data(), text.size()};
    ++m_next;
    return true;
  }
  std::vector<Buffer> data, ivs;

 private:
  const Sm4Key& m_key;
  std::size_t m_next = 0;
};

void try_streams(Reader& reader) {
  const Sm4Key key = read_key(reader);
  const auto chaining = static_cast<sm4::Chaining>(reader.byte() % 4);
  const bool has_partial = chaining == sm4::Chaining::cfb || chaining == sm4::Chaining::ofb;
  const Buffer lens = reader.rest();
  FuzzStreams expected(key, lens, has_partial);
  modes::run_streams(chaining, expected, sm4::variants().back());
  for (const sm4::Variant& variant : sm4::variants()) {
    if (!variant.is_available()) continue;
    FuzzStreams streams(key, lens, has_partial);
    modes::run_streams(chaining, streams, variant);
    require(streams.data == expected.data);
    require(streams.ivs == expected.ivs);
  }
}

// Streams cut from the input, in two calls each, by every variant.
void try_hash(Reader& reader) {
  const std::size_t num = 1 + reader.byte() % 40;
  const Buffer lens = reader.bytes(num);
  const std::size_t scale = 1 + reader.byte() % 8, split = reader.byte();
  const Buffer data = reader.rest();
  std::vector<Bytes> inputs;
  std::vector<Buffer> expected;
  for (std::size_t i = 0; i < num; ++i) {
    inputs.push_back(Bytes(data).first(std::min(data.size(), scale * lens[i])));
    expected.push_back(oracle::sm3(inputs.back()));
  }
  for (const sm3::Variant& variant : sm3::variants()) {
    if (!variant.is_available()) continue;
    std::vector<Sm3> states(num);
    std::vector<Sm3Digest> digests(num);
    std::vector<HashJob> jobs(num);
    for (std::size_t i = 0; i < num; ++i) {
      const std::size_t taken = std::min(inputs[i].size(), split);
      jobs[i] = {&states[i], inputs[i].first(taken), nullptr, {}};
    }
    sm3::run(variant, jobs);
    for (std::size_t i = 0; i < num; ++i) {
      jobs[i].input = inputs[i].subspan(jobs[i].input.size());
      jobs[i].digest = digests[i].data();
      (void)cost_ns(jobs[i]);
    }
    sm3::run(variant, jobs);
    for (std::size_t i = 0; i < num; ++i) {
      require(jobs[i].result.ok());
      require(std::ranges::equal(digests[i], expected[i]));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t len) {
  Reader reader({data, len});
  switch (reader.byte() % 6) {
    case 0:
      try_cipher(reader);
      break;
    case 1:
      try_aead(reader);
      break;
    case 2:
      try_variants(reader);
      break;
    case 3:
      try_batch(reader);
      break;
    case 4:
      try_streams(reader);
      break;
    default:
      try_hash(reader);
  }
  return 0;
}
