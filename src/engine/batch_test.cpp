// SPDX-License-Identifier: Apache-2.0
// What batch.h promises beyond the algorithms: every job is checked, and fails alone.
#include "engine/batch.h"

#include <gtest/gtest.h>

#include "engine/oracle/openssl_oracle.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using oracle::Buffer;
using oracle::TestRandom;

constexpr std::uint16_t kInvalid = to_status(Error::invalid_argument);

class Batch : public testing::Test {
 protected:
  // A job that is right; the tests spoil it.
  CipherJob cipher_job(CipherMode mode) {
    CipherJob job;
    job.key = &m_key;
    job.tweak_key = &m_key;
    job.mode = mode;
    job.iv = m_iv.data();
    job.input = m_input.data();
    job.output = m_output.data();
    job.len = m_input.size();
    return job;
  }
  std::uint16_t status(CipherJob job) {
    run(std::span(&job, 1));
    return job.result.status();
  }
  AeadJob aead_job(AeadMode mode) {
    AeadJob job;
    job.key = &m_key;
    job.mode = mode;
    job.nonce = Bytes(m_iv).first(12);
    job.input = m_input.data();
    job.output = m_output.data();
    job.len = m_input.size();
    job.tag = m_iv.data();
    return job;
  }
  std::uint16_t status(AeadJob job) {
    run(std::span(&job, 1));
    return job.result.status();
  }

  TestRandom m_random{1};
  const Buffer m_key_bytes = m_random.bytes(16);
  const Sm4Key m_key{std::span(m_key_bytes).first<kSm4KeyLen>()};
  Buffer m_iv = Buffer(16, 1), m_input = Buffer(64, 2), m_output = Buffer(64, 3);
};

constexpr CipherMode kAllModes[] = {CipherMode::ecb, CipherMode::cbc, CipherMode::cfb,
                                    CipherMode::ofb, CipherMode::ctr, CipherMode::xts};

TEST_F(Batch, SelfTestPasses) { EXPECT_TRUE(self_test()); }

TEST_F(Batch, CipherJobsAreChecked) {
  for (const CipherMode mode : kAllModes) {
    EXPECT_EQ(status(cipher_job(mode)), 0);
    CipherJob job = cipher_job(mode);
    job.key = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = cipher_job(mode);
    job.input = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = cipher_job(mode);
    job.output = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = cipher_job(mode);
    job.iv = nullptr;
    EXPECT_EQ(status(job), mode == CipherMode::ecb ? 0 : kInvalid);
    job = cipher_job(mode);
    job.tweak_key = nullptr;
    EXPECT_EQ(status(job), mode == CipherMode::xts ? kInvalid : 0);
    job = cipher_job(mode);
    job.direction = static_cast<Direction>(2);
    EXPECT_EQ(status(job), kInvalid);
  }
  EXPECT_EQ(status(cipher_job(static_cast<CipherMode>(6))), kInvalid);
  EXPECT_EQ(status(cipher_job(static_cast<CipherMode>(255))), kInvalid);
}

TEST_F(Batch, CipherLengths) {
  for (std::size_t len = 0; len <= 64; ++len) {
    for (const CipherMode mode : kAllModes) {
      CipherJob job = cipher_job(mode);
      job.len = len;
      const bool is_block_mode = mode == CipherMode::ecb || mode == CipherMode::cbc;
      const bool is_allowed = is_block_mode ? len % 16 == 0 : mode != CipherMode::xts || len >= 16;
      m_output.assign(64, 3);
      EXPECT_EQ(status(job), is_allowed ? 0 : kInvalid) << int(mode) << " " << len;
      const auto rest = Bytes(m_output).subspan(is_allowed ? len : 0);
      EXPECT_EQ(std::ranges::count(rest, 3), static_cast<std::ptrdiff_t>(rest.size()));
    }
  }
}

TEST_F(Batch, NothingIsTouchedByEmptyJobs) {
  for (const CipherMode mode : kAllModes) {
    if (mode == CipherMode::xts) continue;
    CipherJob job = cipher_job(mode);
    job.len = 0;
    job.input = nullptr;
    job.output = nullptr;
    const Buffer iv = m_iv;
    EXPECT_EQ(status(job), 0);
    EXPECT_EQ(m_iv, iv);
  }
}

TEST_F(Batch, BuffersThatOverlapInPartAreRefused) {
  Buffer space(200);
  for (const CipherMode mode : kAllModes) {
    CipherJob job = cipher_job(mode);
    job.input = space.data() + 70;
    for (const std::size_t at : {7u, 69u, 71u, 133u}) {
      job.output = space.data() + at;
      EXPECT_EQ(status(job), kInvalid);
    }
    for (const std::size_t at : {6u, 70u, 134u}) {
      job.output = space.data() + at;
      EXPECT_EQ(status(job), 0);
    }
  }
}

TEST_F(Batch, AJobThatFailsTouchesNoOther) {
  std::vector<CipherJob> jobs(5, cipher_job(CipherMode::ctr));
  std::vector<Buffer> ivs(5, m_iv), outputs(5, m_output);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].iv = ivs[i].data();
    jobs[i].output = outputs[i].data();
  }
  jobs[1].key = nullptr;
  jobs[3].mode = CipherMode::cbc;
  jobs[3].len = 63;
  run(jobs);
  Buffer iv = m_iv;
  const Buffer expected =
      oracle::sm4(CipherMode::ctr, Direction::encrypt, m_key_bytes, iv, m_input);
  for (const std::size_t i : {0u, 2u, 4u}) {
    EXPECT_TRUE(jobs[i].result.ok());
    EXPECT_EQ(outputs[i], expected);
    EXPECT_EQ(ivs[i], iv);
  }
  for (const std::size_t i : {1u, 3u}) {
    EXPECT_EQ(jobs[i].result.status(), kInvalid);
    EXPECT_EQ(outputs[i], m_output);
    EXPECT_EQ(ivs[i], m_iv);
  }
}

TEST_F(Batch, MacJobsAreChecked) {
  const MacJob good{&m_key, m_iv.data(), m_input.data(), 64, {}};
  const auto status_of = [](MacJob job) {
    run(std::span(&job, 1));
    return job.result.status();
  };
  EXPECT_EQ(status_of(good), 0);
  MacJob job = good;
  job.key = nullptr;
  EXPECT_EQ(status_of(job), kInvalid);
  job = good;
  job.iv = nullptr;
  EXPECT_EQ(status_of(job), kInvalid);
  job = good;
  job.input = nullptr;
  EXPECT_EQ(status_of(job), kInvalid);
  job.len = 0;
  EXPECT_EQ(status_of(job), 0);
  job = good;
  job.len = 63;
  EXPECT_EQ(status_of(job), kInvalid);
}

TEST_F(Batch, AeadJobsAreChecked) {
  for (const AeadMode mode : {AeadMode::gcm, AeadMode::ccm}) {
    EXPECT_EQ(status(aead_job(mode)), 0);
    AeadJob job = aead_job(mode);
    job.key = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = aead_job(mode);
    job.tag = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = aead_job(mode);
    job.input = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = aead_job(mode);
    job.output = nullptr;
    EXPECT_EQ(status(job), kInvalid);
    job = aead_job(mode);
    job.nonce = Bytes(static_cast<const std::uint8_t*>(nullptr), 12);
    EXPECT_EQ(status(job), kInvalid);
    job = aead_job(mode);
    job.aad = Bytes(static_cast<const std::uint8_t*>(nullptr), 12);
    EXPECT_EQ(status(job), kInvalid);
    job = aead_job(mode);
    job.direction = static_cast<Direction>(9);
    EXPECT_EQ(status(job), kInvalid);
  }
  EXPECT_EQ(status(aead_job(static_cast<AeadMode>(2))), kInvalid);
}

TEST_F(Batch, HashJobs) {
  Sm3 first, second;
  Sm3Digest digest{};
  std::vector<HashJob> jobs(3);
  jobs[0].state = &first;
  jobs[0].input = as_bytes("abc");
  jobs[0].digest = digest.data();
  jobs[1].input = as_bytes("no state");
  jobs[2].state = &second;
  jobs[2].input = Bytes(static_cast<const std::uint8_t*>(nullptr), 3);
  run(jobs);
  EXPECT_TRUE(jobs[0].result.ok());
  EXPECT_EQ(digest, Sm3::digest(as_bytes("abc")));
  EXPECT_EQ(jobs[1].result.status(), kInvalid);
  EXPECT_EQ(jobs[2].result.status(), kInvalid);
}

TEST_F(Batch, Sm2Jobs) {
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(m_random);
  std::vector<Sm2SignJob> sign(3);
  for (std::size_t i = 0; i < 3; ++i) sign[i].e[0] = static_cast<std::uint8_t>(i);
  sign[0].key = sign[2].key = &key;
  run(sign, m_random);
  EXPECT_TRUE(sign[0].result.ok());
  EXPECT_EQ(sign[1].result.status(), kInvalid);
  EXPECT_TRUE(sign[2].result.ok());

  std::vector<Sm2VerifyJob> verify(3);
  for (std::size_t i = 0; i < 3; ++i) {
    verify[i].key = i == 2 ? nullptr : &key.public_key();
    verify[i].e = sign[2 * i % 3].e;
    verify[i].signature = sign[0].signature;
  }
  run(verify);
  EXPECT_TRUE(verify[0].result.ok());
  EXPECT_EQ(verify[1].result.status(), to_status(Error::verify_failed));
  EXPECT_EQ(verify[2].result.status(), kInvalid);

  Buffer ciphertext(100), plaintext(4);
  std::vector<Sm2EncryptJob> encrypt(2);
  encrypt[0] = {&key.public_key(), as_bytes("four"), ciphertext, {}};
  encrypt[1] = {nullptr, as_bytes("four"), ciphertext, {}};
  run(encrypt, m_random);
  EXPECT_TRUE(encrypt[0].result.ok());
  EXPECT_EQ(encrypt[1].result.status(), kInvalid);

  std::vector<Sm2DecryptJob> decrypt(2);
  decrypt[0] = {&key, ciphertext, plaintext, {}};
  decrypt[1] = {&key, ciphertext, MutableBytes(), {}};
  run(decrypt);
  EXPECT_TRUE(decrypt[0].result.ok());
  EXPECT_TRUE(std::ranges::equal(plaintext, as_bytes("four")));
  EXPECT_EQ(decrypt[1].result.status(), kInvalid);
}

TEST_F(Batch, ASourceThatThrowsFailsItsJob) {
  class Throwing final : public RandomSource {
    Result<void> fill(MutableBytes) override { throw std::runtime_error("broken"); }
  } source;
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(m_random);
  Sm2SignJob job;
  job.key = &key;
  run(std::span(&job, 1), source);
  EXPECT_EQ(job.result.status(), to_status(Error::internal));
}

TEST_F(Batch, CostsGrowWithTheWork) {
  for (const CipherMode mode : kAllModes) {
    CipherJob job = cipher_job(mode);
    const std::uint32_t little = cost_ns(job);
    EXPECT_GT(little, 0u);
    job.len = 1 << 20;
    EXPECT_GT(cost_ns(job), little);
    job.len = ~std::size_t{0};  // a length that is not checked yet
    EXPECT_EQ(cost_ns(job), 0xffffffffu);
  }
  AeadJob aead = aead_job(AeadMode::gcm);
  aead.len = ~std::size_t{0};
  EXPECT_EQ(cost_ns(aead), 0xffffffffu);
  EXPECT_GT(cost_ns(Sm2SignJob{}), 0u);
  EXPECT_GT(cost_ns(Sm2VerifyJob{}), 0u);
  EXPECT_GT(cost_ns(Sm2EncryptJob{}), 0u);
  EXPECT_GT(cost_ns(Sm2DecryptJob{}), 0u);
  EXPECT_GT(cost_ns(MacJob{}), 0u);
  HashJob hash;
  hash.input = m_input;
  EXPECT_GT(cost_ns(hash), 0u);
}

}  // namespace
}  // namespace cipherdeck::engine
