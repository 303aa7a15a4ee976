// SPDX-License-Identifier: Apache-2.0
// What batch.h promises beyond the algorithms: every job is checked, and fails alone.
#include "engine/batch.h"

#include <gtest/gtest.h>

#include "engine/oracle/openssl_oracle.h"
#include "engine/sm4/sm4_variants.h"

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

TEST_F(Batch, AnyFillingGivesWhatEachJobGivesAlone) {
  TestRandom random(11);
  for (std::size_t num_jobs = 1; num_jobs <= 70; ++num_jobs) {
    std::vector<Sm4Key> keys;
    std::vector<Buffer> ivs, inputs, outputs;
    std::vector<CipherJob> jobs(num_jobs);
    for (std::size_t i = 0; i < num_jobs; ++i) {
      const Buffer key = random.bytes(16);
      keys.emplace_back(Bytes(key).first<kSm4KeyLen>());
      ivs.push_back(random.bytes(16));
      jobs[i].mode = kAllModes[random.below(6)];
      jobs[i].direction = random.below(3) == 0 ? Direction::decrypt : Direction::encrypt;
      const bool is_whole = jobs[i].mode == CipherMode::ecb || jobs[i].mode == CipherMode::cbc;
      const std::size_t len = 16 + random.below(random.below(4) == 0 ? 2000 : 100);
      inputs.push_back(random.bytes(is_whole ? len / 16 * 16 : len));
      outputs.emplace_back(inputs[i].size());
    }
    std::vector<Buffer> lone_ivs = ivs, lone_outputs = outputs;
    for (std::size_t i = 0; i < num_jobs; ++i) {
      jobs[i].key = jobs[i].tweak_key = &keys[i];
      jobs[i].input = inputs[i].data();
      jobs[i].len = inputs[i].size();
      CipherJob alone = jobs[i];
      alone.iv = lone_ivs[i].data();
      alone.output = lone_outputs[i].data();
      EXPECT_EQ(status(alone), 0);
      jobs[i].iv = ivs[i].data();
      jobs[i].output = outputs[i].data();
    }
    run(jobs);
    for (const CipherJob& job : jobs) EXPECT_TRUE(job.result.ok());
    EXPECT_EQ(outputs, lone_outputs);
    EXPECT_EQ(ivs, lone_ivs);
  }
}

// They are to be independent; if they are not, nothing but their own memory is touched.
TEST_F(Batch, JobsThatShareBuffersTouchNothingElse) {
  std::vector<CipherJob> jobs(20, cipher_job(CipherMode::cbc));
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].mode = kAllModes[1 + i % 3];
  run(jobs);
  for (const CipherJob& job : jobs) EXPECT_TRUE(job.result.ok());
  EXPECT_EQ(m_input, Buffer(64, 2));
}

TEST_F(Batch, XtsWithNothingToFollowLeavesItsIv) {
  CipherJob job = cipher_job(CipherMode::xts);
  EXPECT_EQ(status(job), 0);
  const Buffer expected = m_output;
  m_iv.assign(16, 1);
  job.is_last = true;
  EXPECT_EQ(status(job), 0);
  EXPECT_EQ(m_output, expected);
  EXPECT_EQ(m_iv, Buffer(16, 1));
}

TEST_F(Batch, MacJobsInLanes) {
  TestRandom random(12);
  for (const std::size_t num_jobs : {2u, 9u, 33u, 70u}) {
    std::vector<Buffer> ivs, inputs;
    std::vector<MacJob> jobs(num_jobs);
    for (std::size_t i = 0; i < num_jobs; ++i) {
      ivs.push_back(random.bytes(16));
      inputs.push_back(random.bytes(16 * random.below(40)));
    }
    std::vector<Buffer> expected = ivs;
    for (std::size_t i = 0; i < num_jobs; ++i) {
      (void)oracle::sm4(CipherMode::cbc, Direction::encrypt, m_key_bytes, expected[i], inputs[i]);
      jobs[i] = {&m_key, ivs[i].data(), inputs[i].data(), inputs[i].size(), {}};
    }
    jobs[1].key = nullptr;
    expected[1] = ivs[1];
    run(jobs);
    EXPECT_EQ(ivs, expected);
    EXPECT_EQ(jobs[1].result.status(), kInvalid);
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

TEST_F(Batch, AeadJobsTogether) {
  TestRandom random(13);
  for (const std::size_t num_jobs : {1u, 2u, 7u, 20u, 64u, 70u, 130u}) {
    std::vector<Buffer> nonces, aads, plains, texts, tags;
    std::vector<AeadJob> jobs(num_jobs);
    for (std::size_t i = 0; i < num_jobs; ++i) {
      jobs[i].key = &m_key;
      jobs[i].mode = random.below(3) == 0 ? AeadMode::gcm : AeadMode::ccm;
      nonces.push_back(random.bytes(7 + random.below(6)));
      aads.push_back(random.bytes(random.below(60)));
      plains.push_back(random.bytes(random.below(random.below(5) == 0 ? 6000 : 200)));
      texts.push_back(plains[i]);
      tags.emplace_back(16);
    }
    for (std::size_t i = 0; i < num_jobs; ++i) {
      jobs[i].nonce = nonces[i];
      jobs[i].aad = aads[i];
      jobs[i].input = jobs[i].output = texts[i].data();
      jobs[i].len = texts[i].size();
      jobs[i].tag = tags[i].data();
    }
    run(jobs);
    for (std::size_t i = 0; i < num_jobs; ++i) {
      EXPECT_TRUE(jobs[i].result.ok());
      Buffer out = texts[i];
      out.insert(out.end(), tags[i].begin(), tags[i].end());
      EXPECT_EQ(out, oracle::sm4_aead_encrypt(jobs[i].mode, m_key_bytes, nonces[i], aads[i],
                                              plains[i], 16));
      jobs[i].direction = Direction::decrypt;
      if (i % 5 == 3) tags[i][i % 16] ^= 1;
    }
    run(jobs);
    for (std::size_t i = 0; i < num_jobs; ++i) {
      EXPECT_EQ(jobs[i].result.ok(), i % 5 != 3);
      EXPECT_EQ(texts[i], i % 5 != 3 ? plains[i] : Buffer(plains[i].size()));
    }
  }
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

// Batches of any size, with jobs among them that are wrong in different ways.
TEST_F(Batch, Sm2SignaturesOfEachSize) {
  const Sm2PrivateKey keys[] = {*Sm2PrivateKey::generate(m_random),
                                *Sm2PrivateKey::generate(m_random)};
  const Sm2VerifyTable table(keys[1].public_key());
  for (std::size_t num = 1; num <= 20; ++num) {
    std::vector<Sm2SignJob> sign(num);
    for (std::size_t i = 0; i < num; ++i) {
      std::ranges::copy(m_random.bytes(32), sign[i].e.begin());
      sign[i].key = i % 5 == 3 ? nullptr : &keys[i % 2];
    }
    run(sign, m_random);
    std::vector<Sm2VerifyJob> verify(num);
    for (std::size_t i = 0; i < num; ++i) {
      verify[i] = {&keys[i % 2].public_key(), sign[i].e, sign[i].signature, {}, nullptr};
      if (i % 4 == 1) verify[i].table = &table;
      if (i % 7 == 2) verify[i].signature.fill(0);
      if (i % 7 == 4) verify[i].e[5] ^= 1;
    }
    run(verify);
    for (std::size_t i = 0; i < num; ++i) {
      EXPECT_EQ(sign[i].result.status(), i % 5 == 3 ? kInvalid : 0) << i;
      const bool is_right = i % 5 != 3 && i % 7 != 2 && i % 7 != 4;
      EXPECT_EQ(verify[i].result.status(), is_right ? 0 : to_status(Error::verify_failed)) << i;
      if (!is_right) continue;
      const oracle::Sm2Peer peer(keys[i % 2].bytes(), keys[i % 2].public_key().bytes());
      EXPECT_TRUE(peer.verify(sign[i].e, sign[i].signature));
    }
  }
}

TEST_F(Batch, Sm2CiphertextsOfEachSize) {
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(m_random);
  const oracle::Sm2Peer peer(key.bytes(), key.public_key().bytes());
  for (std::size_t num = 1; num <= 20; ++num) {
    std::vector<Buffer> plain(num), cipher(num), out(num);
    std::vector<Sm2EncryptJob> encrypt(num);
    std::vector<Sm2DecryptJob> decrypt(num);
    for (std::size_t i = 0; i < num; ++i) {
      plain[i] = m_random.bytes(1 + 5 * i);
      cipher[i].resize(plain[i].size() + kSm2CiphertextOverhead + (i % 5 == 2));
      out[i].assign(plain[i].size(), 0xee);
      encrypt[i] = {&key.public_key(), plain[i], cipher[i], {}};
      decrypt[i] = {&key, cipher[i], out[i], {}};
    }
    run(encrypt, m_random);
    for (std::size_t i = 0; i < num; ++i) {
      if (i % 7 == 4) cipher[i][10] ^= 1;                // not on the curve
      if (i % 7 == 6) cipher[i][kSm2PointLen + 3] ^= 1;  // C3
    }
    run(decrypt);
    for (std::size_t i = 0; i < num; ++i) {
      EXPECT_EQ(encrypt[i].result.status(), i % 5 == 2 ? kInvalid : 0);
      if (i % 5 == 2) {
        EXPECT_EQ(decrypt[i].result.status(), kInvalid);
      } else if (i % 7 == 4 || i % 7 == 6) {
        EXPECT_EQ(decrypt[i].result.status(), to_status(Error::decrypt_failed));
        EXPECT_EQ(out[i], Buffer(plain[i].size(), 0));
      } else {
        EXPECT_EQ(decrypt[i].result.status(), 0);
        EXPECT_EQ(out[i], plain[i]);
        EXPECT_EQ(peer.decrypt(cipher[i]), plain[i]);
      }
    }
  }
}

// The second of three nonces is out of range: that job draws once more, alone.
TEST_F(Batch, NoncesOfABatchComeInOneCall) {
  const Sm2PrivateKey key = *Sm2PrivateKey::generate(m_random);
  Buffer first = m_random.bytes(96);
  std::fill(first.begin() + 32, first.begin() + 64, 0xff);
  first[0] = first[64] = 1;
  oracle::ScriptedRandom script({first, Buffer(32, 7)});
  std::vector<Sm2SignJob> jobs(3);
  for (Sm2SignJob& job : jobs) job.key = &key;
  run(jobs, script);
  EXPECT_EQ(script.num_used(), 2u);
  const Bytes nonces[] = {Bytes(first).first(32), {}, Bytes(first).last(32)};
  for (std::size_t i = 0; i < 3; ++i) {
    const Buffer nonce = i == 1 ? Buffer(32, 7) : Buffer(nonces[i].begin(), nonces[i].end());
    oracle::ScriptedRandom alone({nonce});
    EXPECT_TRUE(jobs[i].result.ok());
    EXPECT_EQ(jobs[i].signature, *sm2_sign(key, jobs[i].e, alone));
  }
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
  CipherJob chained = cipher_job(CipherMode::cbc);
  chained.len = 1 << 14;
  EXPECT_EQ(lanes_of(cipher_job(CipherMode::ctr)), 1u);
  EXPECT_EQ(lanes_of(chained), sm4::chosen_variant().num_lanes);
  EXPECT_LT(2 * cost_ns(chained, lanes_of(chained)), cost_ns(chained));
  AeadJob aead = aead_job(AeadMode::gcm);
  aead.len = ~std::size_t{0};
  EXPECT_EQ(cost_ns(aead), 0xffffffffu);
  EXPECT_GT(cost_ns(Sm2SignJob{}), 0u);
  EXPECT_GT(cost_ns(Sm2VerifyJob{}), 0u);
  const Sm2VerifyTable table(Sm2PrivateKey::generate(m_random)->public_key());
  Sm2VerifyJob with_table;
  with_table.table = &table;
  EXPECT_LT(cost_ns(with_table), cost_ns(Sm2VerifyJob{}));
  EXPECT_GT(cost_ns(Sm2EncryptJob{}), 0u);
  EXPECT_GT(cost_ns(Sm2DecryptJob{}), 0u);
  EXPECT_GT(cost_ns(MacJob{}), 0u);
  HashJob hash;
  hash.input = m_input;
  EXPECT_GT(cost_ns(hash), 0u);
}

}  // namespace
}  // namespace cipherdeck::engine
