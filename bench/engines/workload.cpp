// SPDX-License-Identifier: Apache-2.0
#include "engines/workload.h"

#include "engine/batch.h"
#include "engines/one_by_one.h"

#include <array>
#include <deque>
#include <vector>

namespace cipherdeck::bench {
namespace {

using engine::CipherMode;
using engine::Direction;

constexpr std::uint32_t kSm4Streams = 64;
constexpr std::uint32_t kSm3Streams = 16;
constexpr std::uint32_t kSm2Streams = 8;
constexpr std::uint32_t kPlaintextLen = 32;  // what is wrapped is a key, most often

constexpr std::string_view kSm4[] = {"sm4"};
constexpr std::string_view kGcm[] = {"sm4", "ghash"};
constexpr std::string_view kSm3[] = {"sm3"};
constexpr std::string_view kSm2[] = {"sm2"};

constexpr WorkloadKind kKinds[] = {
    {"sm4-ecb", 0, kSm4Streams, kSm4},
    {"sm4-cbc-enc", 0, kSm4Streams, kSm4},
    {"sm4-cbc-dec", 0, kSm4Streams, kSm4},
    {"sm4-ctr", 0, kSm4Streams, kSm4},
    {"sm4-gcm", 0, kSm4Streams, kGcm},
    {"sm4-xts", 0, kSm4Streams, kSm4},
    {"sm3", 0, kSm3Streams, kSm3},
    {"sm2-sign", engine::kSm3DigestLen, kSm2Streams, kSm2},
    {"sm2-verify", engine::kSm3DigestLen, kSm2Streams, kSm2},
    {"sm2-verify-cached", engine::kSm3DigestLen, kSm2Streams, kSm2},
    {"sm2-encrypt", kPlaintextLen, kSm2Streams, kSm2},
    {"sm2-decrypt", kPlaintextLen, kSm2Streams, kSm2},
    {"sm2-keygen", engine::kSm2ScalarLen, kSm2Streams, kSm2},
    {"sm9-sign", kPlaintextLen, 1, {}},
    {"sm9-verify", kPlaintextLen, 1, {}},
    {"sm9-encrypt", kPlaintextLen, 1, {}},
    {"sm9-decrypt", kPlaintextLen, 1, {}},
    {"sm9-user-key", kPlaintextLen, 1, {}},
    {"zuc-eea3", 0, 1, {}},
    {"zuc-eia3", 0, 1, {}},
};

// One buffer for each of some streams, allocated one by one: streams that all lie at the same place
// of their pages would crowd into few lines of the cache.
class Buffers {
 public:
  Buffers(std::uint32_t streams, std::uint32_t bytes)
      : m_buffers(streams, std::vector<std::uint8_t>(bytes)) {}
  MutableBytes operator[](std::uint32_t stream) { return m_buffers[stream]; }
  Result<void> fill(RandomSource& random) {
    for (auto& buffer : m_buffers) CIPHERDECK_TRY(random.fill(buffer));
    return {};
  }

 private:
  std::vector<std::vector<std::uint8_t>> m_buffers;
};

// Jobs of one kind, and what keeps their keys and buffers.
template <typename Job, typename Data>
class Jobs final : public Workload {
 public:
  Jobs(std::vector<Job> jobs, std::unique_ptr<Data> data, RandomSource& random)
      : m_data(std::move(data)), m_jobs(std::move(jobs)), m_random(random) {}
  void run() noexcept override {
    const std::span<Job> jobs = m_jobs;
    if constexpr (requires { engine::run(jobs, m_random); }) {
      engine::run(jobs, m_random);
    } else {
      engine::run(jobs);
    }
  }
  [[nodiscard]] Result<void> result() const override {
    for (const Job& job : m_jobs) CIPHERDECK_TRY(job.result);
    return {};
  }

 private:
  std::unique_ptr<Data> m_data;
  std::vector<Job> m_jobs;
  RandomSource& m_random;
};

using Made = Result<std::unique_ptr<Workload>>;

template <typename Job, typename Data>
Made workload(std::vector<Job> jobs, std::unique_ptr<Data> data, RandomSource& random) {
  return std::unique_ptr<Workload>(
      std::make_unique<Jobs<Job, Data>>(std::move(jobs), std::move(data), random));
}

struct Sm4Data {
  Sm4Data(std::uint32_t streams, std::uint32_t bytes)
      : input(streams, bytes),
        output(streams, bytes),
        iv(streams, engine::kSm4BlockLen),
        tag(streams, engine::kSm4BlockLen) {}
  Result<void> fill(std::uint32_t streams, RandomSource& random) {
    CIPHERDECK_TRY(input.fill(random));
    CIPHERDECK_TRY(iv.fill(random));
    for (std::uint32_t i = 0; i < 2 * streams; ++i) {
      std::array<std::uint8_t, engine::kSm4KeyLen> key{};
      CIPHERDECK_TRY(random.fill(key));
      keys.emplace_back(key);
    }
    return {};
  }

  std::deque<engine::Sm4Key> keys;  // two for each stream
  Buffers input, output, iv, tag;
};

Made make_cipher(CipherMode mode, Direction direction, std::uint32_t bytes, std::uint32_t streams,
                 RandomSource& random) {
  auto data = std::make_unique<Sm4Data>(streams, bytes);
  CIPHERDECK_TRY(data->fill(streams, random));
  std::vector<engine::CipherJob> jobs;
  for (std::uint32_t i = 0; i < streams; ++i) {
    jobs.push_back({.key = &data->keys[2 * i],
                    .tweak_key = &data->keys[2 * i + 1],
                    .mode = mode,
                    .direction = direction,
                    .iv = data->iv[i].data(),
                    .input = data->input[i].data(),
                    .output = data->output[i].data(),
                    .len = bytes,
                    .is_last = true});
  }
  return workload(std::move(jobs), std::move(data), random);
}

Made make_gcm(std::uint32_t bytes, std::uint32_t streams, RandomSource& random) {
  constexpr std::size_t kNonceLen = 12;
  auto data = std::make_unique<Sm4Data>(streams, bytes);
  CIPHERDECK_TRY(data->fill(streams, random));
  std::vector<engine::AeadJob> jobs;
  for (std::uint32_t i = 0; i < streams; ++i) {
    jobs.push_back({.key = &data->keys[i],
                    .nonce = data->iv[i].first(kNonceLen),
                    .input = data->input[i].data(),
                    .output = data->output[i].data(),
                    .len = bytes,
                    .tag = data->tag[i].data()});
  }
  return workload(std::move(jobs), std::move(data), random);
}

struct Sm3Data {
  Sm3Data(std::uint32_t streams, std::uint32_t bytes)
      : states(streams), input(streams, bytes), digest(streams, engine::kSm3DigestLen) {}
  std::vector<engine::Sm3> states;
  Buffers input, digest;
};

Made make_sm3(std::uint32_t bytes, std::uint32_t streams, RandomSource& random) {
  auto data = std::make_unique<Sm3Data>(streams, bytes);
  CIPHERDECK_TRY(data->input.fill(random));
  std::vector<engine::HashJob> jobs;
  for (std::uint32_t i = 0; i < streams; ++i) {
    jobs.push_back(
        {.state = &data->states[i], .input = data->input[i], .digest = data->digest[i].data()});
  }
  return workload(std::move(jobs), std::move(data), random);
}

struct Sm2Data {
  explicit Sm2Data(std::uint32_t streams)
      : plaintext(streams, kPlaintextLen),
        ciphertext(streams, kPlaintextLen + engine::kSm2CiphertextOverhead) {}
  Result<void> fill(std::uint32_t streams, RandomSource& random) {
    CIPHERDECK_TRY(plaintext.fill(random));
    for (std::uint32_t i = 0; i < streams; ++i) {
      CIPHERDECK_ASSIGN(auto key, engine::Sm2PrivateKey::generate(random));
      keys.push_back(key);
    }
    return {};
  }

  std::deque<engine::Sm2PrivateKey> keys;
  std::deque<engine::Sm2VerifyTable> tables;
  Buffers plaintext, ciphertext;
};

Result<std::vector<engine::Sm2SignJob>> sign_jobs(const Sm2Data& data, RandomSource& random) {
  std::vector<engine::Sm2SignJob> jobs;
  for (const auto& key : data.keys) {
    engine::Sm2SignJob& job = jobs.emplace_back();
    job.key = &key;
    CIPHERDECK_TRY(random.fill(job.e));
  }
  return jobs;
}

Made make_sign(std::unique_ptr<Sm2Data> data, RandomSource& random) {
  CIPHERDECK_ASSIGN(auto jobs, sign_jobs(*data, random));
  return workload(std::move(jobs), std::move(data), random);
}

Made make_verify(std::unique_ptr<Sm2Data> data, bool has_tables, RandomSource& random) {
  CIPHERDECK_ASSIGN(auto signings, sign_jobs(*data, random));
  engine::run(std::span(signings), random);
  std::vector<engine::Sm2VerifyJob> jobs;
  for (const auto& signing : signings) {
    CIPHERDECK_TRY(signing.result);
    const engine::Sm2PublicKey& key = signing.key->public_key();
    jobs.push_back({.key = &key, .e = signing.e, .signature = signing.signature});
    if (has_tables) jobs.back().table = &data->tables.emplace_back(key);
  }
  return workload(std::move(jobs), std::move(data), random);
}

std::vector<engine::Sm2EncryptJob> encrypt_jobs(Sm2Data& data) {
  std::vector<engine::Sm2EncryptJob> jobs;
  for (std::uint32_t i = 0; i < data.keys.size(); ++i) {
    jobs.push_back({.key = &data.keys[i].public_key(),
                    .plaintext = data.plaintext[i],
                    .ciphertext = data.ciphertext[i]});
  }
  return jobs;
}

Made make_encrypt(std::unique_ptr<Sm2Data> data, RandomSource& random) {
  auto jobs = encrypt_jobs(*data);
  return workload(std::move(jobs), std::move(data), random);
}

Made make_decrypt(std::unique_ptr<Sm2Data> data, RandomSource& random) {
  auto encryptions = encrypt_jobs(*data);
  engine::run(std::span(encryptions), random);
  std::vector<engine::Sm2DecryptJob> jobs;
  for (std::uint32_t i = 0; i < encryptions.size(); ++i) {
    CIPHERDECK_TRY(encryptions[i].result);
    jobs.push_back({.key = &data->keys[i],
                    .ciphertext = data->ciphertext[i],
                    .plaintext = data->plaintext[i]});
  }
  return workload(std::move(jobs), std::move(data), random);
}

// Keys are made one at a time: no job of the card's makes many.
class KeyGeneration final : public Workload {
 public:
  KeyGeneration(std::uint32_t streams, RandomSource& random)
      : m_streams(streams), m_random(random) {}
  void run() noexcept override {
    for (std::uint32_t i = 0; i < m_streams; ++i) {
      const auto key = engine::Sm2PrivateKey::generate(m_random);
      if (!key) m_result = key.error();
    }
  }
  [[nodiscard]] Result<void> result() const override { return m_result; }

 private:
  std::uint32_t m_streams;
  RandomSource& m_random;
  Result<void> m_result;
};

Made make_sm2(std::string_view algorithm, std::uint32_t streams, RandomSource& random) {
  if (algorithm == "sm2-keygen") {
    return std::unique_ptr<Workload>(std::make_unique<KeyGeneration>(streams, random));
  }
  auto data = std::make_unique<Sm2Data>(streams);
  CIPHERDECK_TRY(data->fill(streams, random));
  if (algorithm == "sm2-sign") return make_sign(std::move(data), random);
  if (algorithm == "sm2-verify") return make_verify(std::move(data), false, random);
  if (algorithm == "sm2-verify-cached") return make_verify(std::move(data), true, random);
  if (algorithm == "sm2-encrypt") return make_encrypt(std::move(data), random);
  if (algorithm == "sm2-decrypt") return make_decrypt(std::move(data), random);
  return Error::invalid_argument;
}

}  // namespace

std::span<const WorkloadKind> workload_kinds() noexcept { return kKinds; }

Result<std::unique_ptr<Workload>> make_workload(std::string_view algorithm, std::uint32_t bytes,
                                                std::uint32_t streams, RandomSource& random) {
  struct Cipher {
    std::string_view name;
    CipherMode mode;
    Direction direction;
  };
  constexpr Cipher kCiphers[] = {{"sm4-ecb", CipherMode::ecb, Direction::encrypt},
                                 {"sm4-cbc-enc", CipherMode::cbc, Direction::encrypt},
                                 {"sm4-cbc-dec", CipherMode::cbc, Direction::decrypt},
                                 {"sm4-ctr", CipherMode::ctr, Direction::encrypt},
                                 {"sm4-xts", CipherMode::xts, Direction::encrypt}};
  for (const Cipher& cipher : kCiphers) {
    if (cipher.name != algorithm) continue;
    return make_cipher(cipher.mode, cipher.direction, bytes, streams, random);
  }
  if (algorithm == "sm4-gcm") return make_gcm(bytes, streams, random);
  if (algorithm == "sm3") return make_sm3(bytes, streams, random);
  if (algorithm.starts_with("sm2-")) return make_sm2(algorithm, streams, random);
  return make_one_by_one(algorithm, bytes, streams, random);
}

}  // namespace cipherdeck::bench
