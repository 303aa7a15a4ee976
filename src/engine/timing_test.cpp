// SPDX-License-Identifier: Apache-2.0
// Whether the time that a function takes tells of its secret: each is run many times with secrets
// of two classes, one value and random ones, in random order, and Welch's t-test says whether the
// times of the two differ (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?",
// 2017). Without a difference t is normally distributed around 0, however noisy the machine; with
// one it grows with the number of runs. A leak is what exceeds the limit in each of several trials.
//
// With the argument "leak" it times a comparison that stops early: the test of the test.
#include <x86intrin.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "engine/batch.h"
#include "engine/modes/ghash.h"
#include "engine/sm4/sm4_variants.h"

namespace cipherdeck::engine {
namespace {

constexpr double kLimit = 10;
constexpr int kNumTrials = 3;

using SecretBytes = std::array<std::uint8_t, 32>;

struct Sample {
  bool is_fixed;
  std::uint64_t cycles;
};

class Moments {
 public:
  void add(double x) {
    m_count += 1;
    const double delta = x - m_mean;
    m_mean += delta / m_count;
    m_squares += delta * (x - m_mean);
  }
  [[nodiscard]] double count() const { return m_count; }
  [[nodiscard]] double mean() const { return m_mean; }
  [[nodiscard]] double variance() const { return m_squares / (m_count - 1); }

 private:
  double m_count = 0, m_mean = 0, m_squares = 0;
};

// Welch's t of the samples that took no longer than `most`; 0 if there are too few.
double t_of(const std::vector<Sample>& samples, std::uint64_t most) {
  Moments fixed, random;
  for (const Sample& sample : samples) {
    if (sample.cycles > most) continue;
    (sample.is_fixed ? fixed : random).add(static_cast<double>(sample.cycles));
  }
  if (fixed.count() < 100 || random.count() < 100) return 0;
  const double error = fixed.variance() / fixed.count() + random.variance() / random.count();
  return error == 0 ? 0 : (fixed.mean() - random.mean()) / std::sqrt(error);
}

// The largest t over several ways to leave out what an interrupt has slowed down.
double largest_t(const std::vector<Sample>& samples) {
  std::vector<std::uint64_t> sorted;
  sorted.reserve(samples.size());
  for (const Sample& sample : samples) sorted.push_back(sample.cycles);
  std::ranges::sort(sorted);
  double largest = 0;
  for (const double part : {0.5, 0.8, 0.95, 1.0}) {
    const auto last = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
    const double t = t_of(samples, sorted[last]);
    if (std::abs(t) > std::abs(largest)) largest = t;
  }
  return largest;
}

struct Subject {
  std::string name;
  std::size_t num_samples;
  std::function<void(const SecretBytes&)> prepare;  // not timed
  std::function<void()> run;
};

std::uint64_t time_of(const std::function<void()>& run) {
  _mm_lfence();
  const std::uint64_t start = __rdtsc();
  _mm_lfence();
  run();
  _mm_lfence();
  return __rdtsc() - start;
}

double trial(const Subject& subject, std::mt19937_64& random) {
  // Top bits clear: below the order of SM2's group.
  const auto draw = [&] {
    SecretBytes secret;
    for (std::uint8_t& byte : secret) byte = static_cast<std::uint8_t>(random());
    secret[0] &= 0x7f;
    return secret;
  };
  SecretBytes fixed{};
  fixed.back() = 1;
  std::vector<Sample> samples(subject.num_samples);
  for (Sample& sample : samples) {
    const SecretBytes drawn = draw();
    SecretBytes secret;
    sample.is_fixed = (random() & 1) != 0;
    const auto mask = static_cast<std::uint8_t>(-static_cast<int>(sample.is_fixed));
    for (std::size_t i = 0; i < secret.size(); ++i) {
      secret[i] = static_cast<std::uint8_t>((fixed[i] & mask) | (drawn[i] & ~mask));
    }
    subject.prepare(secret);
    sample.cycles = time_of(subject.run);
  }
  return largest_t(samples);
}

bool is_leaking(const Subject& subject) {
  std::mt19937_64 random(std::random_device{}());
  double t = 0;
  for (int i = 0; i < kNumTrials; ++i) {
    t = trial(subject, random);
    if (std::abs(t) < kLimit) break;
  }
  const bool leaks = std::abs(t) >= kLimit;
  std::printf("%-28s t = %7.2f%s\n", subject.name.c_str(), t, leaks ? "  LEAK" : "");
  return leaks;
}

// What a subject works on: made once, so that its place in memory tells nothing.
struct Workplace {
  SecretBytes secret{};
  alignas(64) std::array<std::uint8_t, 1024> data{};
  Sm4Key key{std::array<std::uint8_t, kSm4KeyLen>{}};
  modes::GhashElement sum, point;
};
Workplace workplace;

template <std::size_t kLen>
std::span<const std::uint8_t, kLen> first_of(const SecretBytes& secret) {
  return std::span<const std::uint8_t, kLen>(secret.data(), kLen);
}

void keep_secret(const SecretBytes& secret) { workplace.secret = secret; }

// Gives a nonce that is the secret.
class SecretNonce final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = workplace.secret[i % workplace.secret.size()];
    }
    return {};
  }
};

void add_sm4(std::vector<Subject>& subjects) {
  subjects.push_back({"sm4 key schedule", 20000, keep_secret,
                      [] { workplace.key = Sm4Key(first_of<kSm4KeyLen>(workplace.secret)); }});
  for (const sm4::Variant& variant : sm4::variants()) {
    if (!variant.is_available()) continue;
    for (const std::size_t num_blocks : {1u, 64u}) {
      subjects.push_back(
          {"sm4 " + std::string(variant.name) + ", " + std::to_string(num_blocks) + " blocks",
           20000,
           [](const SecretBytes& secret) { workplace.key = Sm4Key(first_of<kSm4KeyLen>(secret)); },
           [&variant, num_blocks] {
             variant.crypt_blocks(workplace.data.data(), workplace.data.data(), num_blocks,
                                  workplace.key.encryption_keys());
           }});
    }
  }
}

void add_ghash(std::vector<Subject>& subjects) {
  for (const modes::GhashVariant& variant : modes::ghash_variants()) {
    if (!variant.is_available()) continue;
    subjects.push_back({"ghash " + std::string(variant.name), 20000,
                        [](const SecretBytes& secret) {
                          std::memcpy(&workplace.point, secret.data(), sizeof workplace.point);
                        },
                        [&variant] {
                          variant.update(workplace.sum, workplace.point, workplace.data.data(), 64);
                        }});
  }
}

void add_sm3(std::vector<Subject>& subjects) {
  subjects.push_back({"hmac-sm3", 20000, keep_secret, [] {
                        const Sm3Digest mac = HmacSm3::mac(workplace.secret, workplace.data);
                        workplace.data[0] ^= mac[0];
                      }});
}

void add_sm2(std::vector<Subject>& subjects) {
  static const SecretBytes known = {1, 2, 3, 4, 5, 6, 7, 8};
  static const Sm2PrivateKey known_key = *Sm2PrivateKey::from_bytes(known);
  static Sm2PrivateKey secret_key = known_key;
  static std::array<std::uint8_t, 32 + kSm2CiphertextOverhead> ciphertext;
  static std::array<std::uint8_t, 32> plaintext;
  static SecretNonce nonce;
  const auto make_key = [](const SecretBytes& secret) {
    secret_key = *Sm2PrivateKey::from_bytes(secret);
  };
  workplace.secret = known;
  (void)sm2_encrypt(ciphertext, known_key.public_key(), plaintext, nonce);
  subjects.push_back({"sm2 sign, the nonce", 2000, keep_secret, [] {
                        const auto signature = sm2_sign(known_key, known, nonce);
                        workplace.data[0] ^= (*signature)[0];
                      }});
  subjects.push_back({"sm2 sign, the key", 2000, make_key, [] {
                        const auto signature = sm2_sign(secret_key, known, nonce);
                        workplace.data[0] ^= (*signature)[0];
                      }});
  subjects.push_back({"sm2 key from bytes", 2000, keep_secret,
                      [] { secret_key = *Sm2PrivateKey::from_bytes(workplace.secret); }});
  subjects.push_back({"sm2 encrypt, the nonce", 1000, keep_secret, [] {
                        (void)sm2_encrypt(ciphertext, known_key.public_key(), plaintext, nonce);
                      }});
  // With any key but the right one it fails, after the same steps.
  subjects.push_back({"sm2 decrypt, the key", 1000, make_key,
                      [] { (void)sm2_decrypt(plaintext, secret_key, ciphertext); }});
}

Subject leaking_subject() {
  return {"early end", 20000, keep_secret, [] {
            volatile std::uint8_t* const zeros = workplace.data.data();
            std::size_t i = 0;
            while (i < 32 && workplace.secret[i] == zeros[i]) ++i;
          }};
}

int test(bool with_leak) {
  std::vector<Subject> subjects;
  if (with_leak) {
    subjects.push_back(leaking_subject());
  } else {
    add_sm4(subjects);
    add_ghash(subjects);
    add_sm3(subjects);
    add_sm2(subjects);
  }
  return std::ranges::count_if(subjects, is_leaking) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cipherdeck::engine

int main(int argc, char** argv) {
  return cipherdeck::engine::test(argc == 2 && std::strcmp(argv[1], "leak") == 0);
}
