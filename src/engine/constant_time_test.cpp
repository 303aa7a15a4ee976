// SPDX-License-Identifier: Apache-2.0
// Whether time or addresses depend on secrets: run under valgrind, which takes memory that is
// marked undefined as secret, follows it through the computation, and reports each branch and each
// address that depends on it. What may be public is said in the code (engine/declassify.h).
//
// With the argument "leak" it branches on a secret on purpose: the test of the test.
#include <valgrind/memcheck.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "engine/batch.h"
#include "engine/modes/ghash.h"
#include "engine/modes/modes.h"
#include "engine/modes/streams.h"
#include "engine/sm2/sm2_variants.h"
#include "engine/sm3/sm3_variants.h"
#include "engine/sm4/sm4_variants.h"
#include "engine/sm9/sm9.h"
#include "engine/zuc/zuc.h"

namespace cipherdeck::engine {
namespace {

void make_secret(Bytes bytes) { (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void make_public(Bytes bytes) { (void)VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

// Bytes that are not random, but secret.
class SecretRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(++m_count * 37);
    make_secret(out);
    return {};
  }

 private:
  unsigned m_count = 0;
};

using Buffer = std::vector<std::uint8_t>;

Buffer secret_bytes(std::size_t len) {
  Buffer out(len, 0x3c);
  make_secret(out);
  return out;
}

void check_hmac() { (void)HmacSm3::mac(secret_bytes(100), secret_bytes(300)); }

// Two calls, so that states and begun blocks are secret too; lengths that fill the lanes in turn.
void check_sm3(const sm3::Variant& variant) {
  if (!variant.is_available()) return;
  std::printf("sm3 %s\n", std::string(variant.name).c_str());
  constexpr std::size_t kNumJobs = 20;
  std::vector<Sm3> states(kNumJobs);
  std::vector<Sm3Digest> digests(kNumJobs);
  std::vector<Buffer> inputs;
  for (std::size_t i = 0; i < kNumJobs; ++i) inputs.push_back(secret_bytes(20 * i));
  for (const bool is_last : {false, true}) {
    std::vector<HashJob> jobs;
    for (std::size_t i = 0; i < kNumJobs; ++i) {
      jobs.push_back({&states[i], inputs[i], is_last ? digests[i].data() : nullptr, {}});
    }
    sm3::run(variant, jobs);
    sm3::run(variant, std::span(jobs).first(1));
  }
}

void check_block_function(const sm4::Variant& variant) {
  if (!variant.is_available()) return;
  std::printf("sm4 %s\n", std::string(variant.name).c_str());
  const Buffer key = secret_bytes(kSm4KeyLen);
  const Sm4Key sm4_key(Bytes(key).first<kSm4KeyLen>());
  for (const std::size_t num_blocks : {1u, 5u, 16u, 30u, 70u, 170u}) {
    Buffer data = secret_bytes(16 * num_blocks);
    variant.crypt_blocks(data.data(), data.data(), num_blocks, sm4_key.encryption_keys());
  }
}

// As many streams of one mode as make every kernel run.
class SecretStreams final : public modes::StreamSource {
 public:
  SecretStreams(std::size_t num_streams, const Sm4Key& key) : m_key(key), m_left(num_streams) {
    m_data.resize(num_streams, secret_bytes(80));
    m_ivs.resize(num_streams, secret_bytes(16));
  }
  bool next(modes::Stream& stream) override {
    if (m_left == 0) return false;
    --m_left;
    Buffer& data = m_data[m_left];
    stream = {&m_key, m_ivs[m_left].data(), data.data(), data.data(), data.size()};
    return true;
  }

 private:
  const Sm4Key& m_key;
  std::size_t m_left;
  std::vector<Buffer> m_data, m_ivs;
};

void check_streams(const sm4::Variant& variant) {
  if (!variant.is_available()) return;
  const Buffer key = secret_bytes(kSm4KeyLen);
  const Sm4Key sm4_key(Bytes(key).first<kSm4KeyLen>());
  for (const auto chaining :
       {sm4::Chaining::cbc, sm4::Chaining::cfb, sm4::Chaining::ofb, sm4::Chaining::mac}) {
    for (const std::size_t num_streams : {2u, 10u, 20u, 40u}) {
      SecretStreams streams(num_streams, sm4_key);
      modes::run_streams(chaining, streams, variant);
    }
  }
}

void check_ghash(const modes::GhashVariant& variant) {
  if (!variant.is_available()) return;
  std::printf("ghash %s\n", std::string(variant.name).c_str());
  modes::Block point;
  make_secret(point);
  modes::Ghash hash(point, variant);
  hash.update_padded(secret_bytes(1000));
  modes::Block result = hash.finish(secret_bytes(21), 1000, 21);
  make_public(result);
}

void check_modes() {
  const Buffer key = secret_bytes(kSm4KeyLen), tweak = secret_bytes(kSm4KeyLen);
  const Sm4Key sm4_key(Bytes(key).first<kSm4KeyLen>());
  const Sm4Key tweak_key(Bytes(tweak).first<kSm4KeyLen>());
  for (const CipherMode mode : {CipherMode::ecb, CipherMode::cbc, CipherMode::cfb, CipherMode::ofb,
                                CipherMode::ctr, CipherMode::xts}) {
    for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
      const bool is_whole = mode == CipherMode::ecb || mode == CipherMode::cbc;
      Buffer data = secret_bytes(is_whole ? 1600 : 1605), iv(16, 1);
      CipherJob job;
      job.key = &sm4_key;
      job.tweak_key = &tweak_key;
      job.mode = mode;
      job.direction = direction;
      job.iv = iv.data();
      job.input = job.output = data.data();
      job.len = data.size();
      run(std::span(&job, 1));
    }
  }
}

void check_aead() {
  const Buffer key = secret_bytes(kSm4KeyLen);
  const Sm4Key sm4_key(Bytes(key).first<kSm4KeyLen>());
  for (const AeadMode mode : {AeadMode::gcm, AeadMode::ccm}) {
    Buffer data = secret_bytes(600), tag(16);
    const Buffer nonce(13, 7), aad = secret_bytes(21);
    AeadJob job;
    job.key = &sm4_key;
    job.mode = mode;
    job.nonce = nonce;
    job.aad = aad;
    job.input = job.output = data.data();
    job.len = data.size();
    job.tag = tag.data();
    run(std::span(&job, 1));
    job.direction = Direction::decrypt;
    run(std::span(&job, 1));
    if (!job.result) std::abort();
    tag[0] ^= 1;
    run(std::span(&job, 1));
  }
}

void check_group(const sm2::Variant& variant) {
  // Valgrind runs ADX on any processor, but does not say so in its CPUID.
  const cpu::FeatureSet unsaid =
      RUNNING_ON_VALGRIND != 0 ? cpu::FeatureSet{cpu::Feature::adx} : cpu::FeatureSet{};
  if (!cpu::features().has_all(variant.needs.without(unsaid))) return;
  std::printf("sm2 %s\n", std::string(variant.name).c_str());
  const sm2::PlainPoint generator = {sm2::generator().x.value(), sm2::generator().y.value()};
  for (const std::size_t num : {1u, 3u, 9u}) {  // partly filled lanes too
    std::vector<sm2::Uint256> scalars(num, {1, 2, 3, 4});
    make_secret(object_bytes(scalars[0]));
    for (sm2::Uint256& scalar : scalars) scalar = scalars[0];
    std::vector<sm2::PlainPoint> products(num);
    const std::vector<sm2::PlainPoint> points(num, generator);
    variant.multiply_generator(products, scalars);
    variant.multiply(products, scalars, points);
  }
}

bool check_sm2() {
  SecretRandom random;
  const auto key = Sm2PrivateKey::generate(random);
  const auto ephemeral = Sm2PrivateKey::generate(random);
  if (!key || !ephemeral) return false;

  const Sm3Digest e{1, 2, 3};
  const auto signature = sm2_sign(*key, e, random);
  if (!signature || !sm2_verify(key->public_key(), e, *signature)) return false;

  const Buffer plain = secret_bytes(50);
  Buffer ciphertext(plain.size() + kSm2CiphertextOverhead), out(plain.size());
  if (!sm2_encrypt(ciphertext, key->public_key(), plain, random)) return false;
  make_public(ciphertext);
  if (!sm2_decrypt(out, *key, ciphertext)) return false;
  ciphertext[70] ^= 1;
  if (sm2_decrypt(out, *key, ciphertext)) return false;

  Buffer shared(48);
  const Sm2Exchange exchange{true, *key, *ephemeral, key->public_key(), ephemeral->public_key(),
                             e,    e};
  return sm2_exchange(shared, exchange).ok();
}

bool check_sm9_signature(RandomSource& random) {
  const Bytes id = as_bytes("Alice");
  const auto master = Sm9SignMasterKey::generate(random);
  if (!master) return false;
  const auto key = master->extract(id);
  if (!key) return false;
  const Buffer message(50, 1);
  const auto signature = sm9_sign(*key, master->public_key(), message, random);
  return signature && sm9_verify(master->public_key(), id, message, *signature);
}

bool check_sm9_encryption(const Sm9EncryptMasterKey& master, RandomSource& random) {
  const Bytes id = as_bytes("Bob");
  const auto key = master.extract(id, Sm9Use::encrypt);
  if (!key) return false;
  const Buffer plain = secret_bytes(50);
  for (const Sm9Cipher cipher : {Sm9Cipher::key_stream, Sm9Cipher::ecb}) {
    Buffer ciphertext(kSm9CiphertextOverhead + sm9_c2_len(cipher, plain.size())), out(64);
    if (!sm9_encrypt(ciphertext, {cipher, {}}, master.public_key(), id, plain, random)) {
      return false;
    }
    make_public(ciphertext);
    if (!sm9_decrypt(out, {cipher, {}}, *key, id, ciphertext)) return false;
    ciphertext[70] ^= 1;
    if (sm9_decrypt(out, {cipher, {}}, *key, id, ciphertext)) return false;
  }
  return true;
}

bool check_sm9_exchange(const Sm9EncryptMasterKey& master, RandomSource& random) {
  const Bytes a = as_bytes("Alice"), b = as_bytes("Bob");
  const auto key = master.extract(a, Sm9Use::exchange);
  const auto own = sm9_exchange_start(master.public_key(), b, random);
  const auto peer = sm9_exchange_start(master.public_key(), a, random);
  if (!key || !own || !peer) return false;
  Buffer shared(16);
  Sm9Confirmations confirmations;
  const Sm9Exchange exchange{true, *key, master.public_key(), *own, peer->point, a, b};
  return sm9_exchange(shared, exchange, &confirmations).ok();
}

bool check_sm9() {
  std::puts("sm9");
  SecretRandom random;
  const auto master = Sm9EncryptMasterKey::generate(random);
  return master && check_sm9_signature(random) && check_sm9_encryption(*master, random) &&
         check_sm9_exchange(*master, random);
}

void check_zuc() {
  std::puts("zuc");
  const Buffer key = secret_bytes(kZucKeyLen);
  Buffer data = secret_bytes(37);
  const ZucMessage message{1, 2, 1, 3};
  ZucEea3 eea3(Bytes(key).first<kZucKeyLen>(), message);
  eea3.crypt(data.data(), data.data(), data.size(), true);
  ZucEia3 eia3(Bytes(key).first<kZucKeyLen>(), message);
  eia3.update(data);
  (void)eia3.finish();
}

int leak() {
  const Buffer secret = secret_bytes(1);
  return secret[0] == 0x3c ? 1 : 2;
}

}  // namespace
}  // namespace cipherdeck::engine

int main(int argc, char** argv) {
  using namespace cipherdeck::engine;
  if (RUNNING_ON_VALGRIND == 0) std::puts("not under valgrind: nothing is checked");
  if (argc > 1 && std::strcmp(argv[1], "leak") == 0) std::printf("leaked %d\n", leak());
  check_hmac();
  for (const sm3::Variant& variant : sm3::variants()) check_sm3(variant);
  for (const sm4::Variant& variant : sm4::variants()) {
    check_block_function(variant);
    check_streams(variant);
  }
  for (const modes::GhashVariant& variant : modes::ghash_variants()) check_ghash(variant);
  check_modes();
  check_aead();
  for (const sm2::Variant& variant : sm2::variants()) check_group(variant);
  if (!check_sm2()) return 1;
  if (!check_sm9()) return 1;
  check_zuc();
  const long num_errors = static_cast<long>(VALGRIND_COUNT_ERRORS);
  std::printf("%ld branches or addresses depended on secrets\n", num_errors);
  return num_errors == 0 ? 0 : 1;
}
