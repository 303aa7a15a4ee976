// SPDX-License-Identifier: Apache-2.0
#include "card/random/random.h"

#include "card/random/ctr_drbg.h"
#include "card/random/hash_drbg.h"
#include "card/random/health_test.h"
#include "card/random/jitter.h"
#include "card/random/noise_file.h"
#include "engine/sm3/sm3.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <temporary_directory.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <set>

namespace cipherdeck::card::random {
namespace {

using Vector = std::vector<std::uint8_t>;

// ---- an independent Hash_DRBG: OpenSSL's SM3 and bignums, one step of the standard a line
// --------

Vector sm3(const Vector& data) {
  Vector digest(32);
  unsigned len = 0;
  EVP_Digest(data.data(), data.size(), digest.data(), &len, EVP_sm3(), nullptr);
  return digest;
}

Vector join(std::initializer_list<Vector> parts) {
  Vector all;
  for (const Vector& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Vector reference_df(const Vector& input) {
  const Vector first = sm3(join({{1, 0, 0, 0x01, 0xb8}, input}));
  const Vector second = sm3(join({{2, 0, 0, 0x01, 0xb8}, input}));
  Vector seed = join({first, second});
  seed.resize(55);
  return seed;
}

struct BignumDeleter {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Bignum = std::unique_ptr<BIGNUM, BignumDeleter>;

Bignum number(const Vector& bytes) {
  return Bignum(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

Vector sum_modulo_seed(const std::vector<Vector>& addends) {
  const Bignum sum(BN_new());
  BN_zero(sum.get());
  for (const Vector& addend : addends) BN_add(sum.get(), sum.get(), number(addend).get());
  BN_mask_bits(sum.get(), 440);
  Vector bytes(55);
  BN_bn2binpad(sum.get(), bytes.data(), 55);
  return bytes;
}

struct ReferenceDrbg {
  Vector v, c;
  std::uint64_t counter = 0;

  void instantiate(const Vector& entropy, const Vector& text) {
    v = reference_df(join({entropy, text}));
    c = reference_df(join({{0}, v}));
    counter = 1;
  }
  void reseed(const Vector& entropy) {
    v = reference_df(join({{1}, v, entropy}));
    c = reference_df(join({{0}, v}));
    counter = 1;
  }
  Vector generate(std::size_t len) {
    Vector out;
    Vector data = v;
    while (out.size() < len) {
      out = join({out, sm3(data)});
      data = sum_modulo_seed({data, {1}});
    }
    out.resize(len);
    Vector counter_bytes(8);
    store_be64(counter_bytes.data(), counter++);
    v = sum_modulo_seed({v, sm3(join({{3}, v})), c, counter_bytes});
    return out;
  }
};

TEST(HashDrbg, MatchesTheReferenceAcrossReseeds) {
  HashDrbg drbg{};
  EXPECT_FALSE(drbg.seeded());
  ReferenceDrbg reference;
  const Vector entropy(96, 0x5a);
  const Vector text = {'t', 'e', 's', 't'};
  drbg.instantiate(entropy, text);
  reference.instantiate(entropy, text);
  for (const std::size_t len : {1u, 31u, 32u, 33u, 128u, 129u, 1024u, 1025u, 4097u, 65536u, 16u}) {
    Vector out(len);
    drbg.generate(out);
    EXPECT_EQ(out, reference.generate(len)) << len;
  }
  drbg.reseed(Vector(64, 0xa5));
  reference.reseed(Vector(64, 0xa5));
  for (int i = 0; i < 300; ++i) {
    Vector out(40);
    drbg.generate(out);
    ASSERT_EQ(out, reference.generate(40)) << i;
  }
}

TEST(HashDrbg, CarriesThroughTheWholeSeed) {
  HashDrbg drbg{};
  drbg.v.fill(0xff);
  drbg.c.fill(0xff);
  drbg.reseed_counter = 0xffffffffffull;
  ReferenceDrbg reference{Vector(55, 0xff), Vector(55, 0xff), 0xffffffffffull};
  for (const std::size_t len : {64u, 2048u, 64u}) {
    Vector out(len);
    drbg.generate(out);
    EXPECT_EQ(out, reference.generate(len));
  }
}

// ---- OpenSSL's own generators, given the same seeds
// -----------------------------------------------

struct RandDeleter {
  void operator()(EVP_RAND_CTX* context) const { EVP_RAND_CTX_free(context); }
};
using Rand = std::unique_ptr<EVP_RAND_CTX, RandDeleter>;

Rand make_rand(const char* name, EVP_RAND_CTX* parent) {
  EVP_RAND* const kind = EVP_RAND_fetch(nullptr, name, nullptr);
  Rand made(EVP_RAND_CTX_new(kind, parent));
  EVP_RAND_free(kind);
  return made;
}

// A generator of OpenSSL whose entropy and nonce are these.
class OpenSslDrbg {
 public:
  OpenSslDrbg(const char* name, std::vector<OSSL_PARAM> parameters, Vector entropy, Vector nonce)
      : m_source(make_rand("TEST-RAND", nullptr)) {
    unsigned strength = 256;
    const OSSL_PARAM of_source[] = {
        OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, entropy.data(),
                                          entropy.size()),
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_NONCE, nonce.data(), nonce.size()),
        OSSL_PARAM_construct_end()};
    EXPECT_EQ(EVP_RAND_instantiate(m_source.get(), 256, 0, nullptr, 0, of_source), 1);
    m_drbg = make_rand(name, m_source.get());
    parameters.push_back(OSSL_PARAM_construct_end());
    EXPECT_EQ(EVP_RAND_CTX_set_params(m_drbg.get(), parameters.data()), 1);
    // Without the text that OpenSSL takes for personalisation when there is none.
    const std::uint8_t none = 0;
    EXPECT_EQ(EVP_RAND_instantiate(m_drbg.get(), 128, 0, &none, 0, nullptr), 1);
  }
  Vector generate(std::size_t len) {
    Vector out(len);
    EXPECT_EQ(EVP_RAND_generate(m_drbg.get(), out.data(), len, 128, 0, nullptr, 0), 1);
    return out;
  }

 private:
  Rand m_source;
  Rand m_drbg;
};

Vector counted(std::size_t len, unsigned first) {
  Vector bytes(len);
  for (std::size_t i = 0; i < len; ++i) bytes[i] = static_cast<std::uint8_t>(first + 7 * i);
  return bytes;
}

TEST(CtrDrbg, MatchesOpenSsl) {
  char cipher[] = "SM4-CTR";
  int no_function = 0;
  const Vector entropy = counted(kCtrDrbgSeedLen, 3);
  OpenSslDrbg theirs("CTR-DRBG",
                     {OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
                      OSSL_PARAM_construct_int(OSSL_DRBG_PARAM_USE_DF, &no_function)},
                     entropy, counted(16, 1));  // a nonce that it does not take
  CtrDrbg ours{Bytes(entropy).first<kCtrDrbgSeedLen>()};
  for (const std::size_t len : {1U, 15U, 16U, 17U, 4096U, 65536U, 33U}) {
    Vector out(len);
    ours.generate(out);
    EXPECT_EQ(out, theirs.generate(len)) << len;
  }
}

TEST(HashDrbg, MatchesOpenSsl) {
  char digest[] = "SM3";
  const Vector entropy = counted(32, 5);
  const Vector nonce = counted(16, 9);
  OpenSslDrbg theirs("HASH-DRBG",
                     {OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_DIGEST, digest, 0)}, entropy,
                     nonce);
  HashDrbg ours{};
  ours.instantiate(join({entropy, nonce}), {});
  for (const std::size_t len : {1U, 32U, 33U, 4096U, 65536U}) {
    Vector out(len);
    ours.generate(out);
    EXPECT_EQ(out, theirs.generate(len)) << len;
  }
}

// ---- health tests -------------------------------------------------------------------------------

// Smallest cutoff of 4.4.2: 1 + critbinom(window, p, 1 - 2^-log2), by logarithms of factorials.
unsigned proportion_cutoff(unsigned window, double p, int log2) {
  double tail = 0;
  for (unsigned k = window; k > 0; --k) {
    tail +=
        std::exp(std::lgamma(window + 1.0) - std::lgamma(k + 1.0) - std::lgamma(window - k + 1.0) +
                 k * std::log(p) + (window - k) * std::log1p(-p));
    if (tail > std::exp2(-log2)) return k + 1;  // P(X >= k) is too likely: critbinom is k
  }
  return 1;
}

TEST(HealthTest, CutoffsAreThoseOfTheStandard) {
  EXPECT_EQ(kRepetitionCutoff,
            1 + (kFalsePositiveLog2 + kNoiseBitsPerByte - 1) / kNoiseBitsPerByte);
  EXPECT_EQ(kProportionCutoff,
            proportion_cutoff(kProportionWindow, std::exp2(-double{kNoiseBitsPerByte}),
                              kFalsePositiveLog2));
}

TEST(HealthTest, CutoffsOfJitterAreThoseOfItsCredit) {
  EXPECT_EQ(kJitterCutoffs.repetition, 1 + kFalsePositiveLog2 * kJitterSamplesPerBit);
  EXPECT_EQ(kJitterCutoffs.proportion,
            proportion_cutoff(kProportionWindow, std::exp2(-1.0 / kJitterSamplesPerBit),
                              kFalsePositiveLog2));
}

TEST(HealthTest, RepetitionFailsAtTheCutoffOnly) {
  HealthTest test;
  EXPECT_TRUE(test.feed(Vector(kRepetitionCutoff - 1, 7)));
  EXPECT_TRUE(test.feed(Vector{8}));
  EXPECT_TRUE(test.feed(Vector(kRepetitionCutoff - 1, 7)));
  EXPECT_FALSE(test.feed(Vector{7}));
  EXPECT_FALSE(test.feed(Vector{1, 2, 3})) << "a failure must be final";
}

TEST(HealthTest, ProportionFailsAtTheCutoffOnly) {
  // The window's first sample comes back in every second place, so nothing repeats.
  const auto feed = [](unsigned count) {
    HealthTest test;
    Vector window(kProportionWindow);
    for (unsigned i = 0; i < window.size(); ++i) {
      window[i] =
          i % 2 == 0 && i / 2 < count ? std::uint8_t{0} : static_cast<std::uint8_t>(1 + i % 255);
    }
    return test.feed(window);
  };
  EXPECT_TRUE(feed(kProportionCutoff - 1));
  EXPECT_FALSE(feed(kProportionCutoff));
}

TEST(HealthTest, PassesGoodNoise) {
  HealthTest test;
  Vector noise(1 << 20);
  for (auto& source : default_sources()) {
    if (source->name() == "kernel") {
      ASSERT_TRUE(source->read(noise));
    }
  }
  EXPECT_TRUE(test.feed(noise));
}

// ---- sources that fail
// ----------------------------------------------------------------------------

// Good noise, until `fail_after` bytes have been read; then whatever `spoil` makes of it.
class SpoiltSource final : public NoiseSource {
 public:
  SpoiltSource(std::size_t fail_after, std::function<Result<void>(MutableBytes)> spoil)
      : m_good(fail_after), m_spoil(std::move(spoil)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "spoilt"; }
  Result<void> read(MutableBytes out) override {
    CIPHERDECK_TRY(m_kernel->read(out));
    if (m_good < out.size()) return m_spoil(out);
    m_good -= out.size();
    return {};
  }

 private:
  std::unique_ptr<NoiseSource> m_kernel = std::move(default_sources().front());
  std::size_t m_good;
  std::function<Result<void>(MutableBytes)> m_spoil;
};

Result<void> stick(MutableBytes out) {
  std::fill(out.begin(), out.end(), std::uint8_t{0x42});
  return {};
}

// One byte in three is zero.
Result<void> bias(MutableBytes out) {
  for (std::uint8_t& byte : out) {
    if (byte < 85) byte = 0;
  }
  return {};
}

Result<void> break_down(MutableBytes) { return Error::random_failed; }

std::vector<std::unique_ptr<NoiseSource>> with_spoilt(
    std::size_t fail_after, std::function<Result<void>(MutableBytes)> spoil) {
  auto sources = default_sources();
  sources.push_back(std::make_unique<SpoiltSource>(fail_after, std::move(spoil)));
  return sources;
}

TEST(Generator, RefusesBadSourcesAtStartUp) {
  EXPECT_EQ(Generator::create(with_spoilt(0, stick)).status(), CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_EQ(Generator::create(with_spoilt(0, bias)).status(), CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_EQ(Generator::create(with_spoilt(0, break_down)).status(),
            CIPHERDECK_STATUS_RANDOM_FAILED);
  EXPECT_EQ(Generator::create({}).status(), CIPHERDECK_STATUS_RANDOM_FAILED);
}

constexpr std::size_t kStartUpLen = 4096;  // of a source that says nothing else

// Draws until the generator fails; false if it does not.
bool fails_in_time(Generator& generator) {
  std::array<std::uint8_t, 32> out{};
  for (int i = 0; i < 200'000; ++i) {
    if (!generator.fill(out)) return true;
  }
  return false;
}

TEST(Generator, FailsForGoodWhenASourceFailsLater) {
  const std::size_t after_start = kStartUpLen + 128;  // the start-up test and the first seed
  for (auto spoil : {stick, bias, break_down}) {
    auto generator = Generator::create(with_spoilt(after_start, spoil));
    ASSERT_TRUE(generator);
    ASSERT_TRUE(fails_in_time(**generator));
    Vector out(100, 0xee);
    EXPECT_EQ((*generator)->fill(out).status(), CIPHERDECK_STATUS_RANDOM_FAILED);
    EXPECT_EQ(out, Vector(100, 0)) << "a failed request must leave nothing behind";
  }
}

// One bad stretch: the source is tested anew, and serves on.
TEST(Generator, OneFailureOfASourceIsAnAlarmOnly) {
  int reads = 0;
  const auto fails_once = [&reads](MutableBytes out) {
    return ++reads == 1 ? stick(out) : Result<void>{};
  };
  std::vector<std::string> alarms;
  auto generator = Generator::create(with_spoilt(kStartUpLen + 128, fails_once),
                                     [&](const std::string& text) { alarms.push_back(text); });
  ASSERT_TRUE(generator);
  EXPECT_FALSE(fails_in_time(**generator));
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0], "noise source spoilt failed its health test and is tested once more");
}

TEST(Generator, ASecondFailureIsToldToo) {
  std::vector<std::string> alarms;
  auto generator = Generator::create(with_spoilt(kStartUpLen + 128, stick),
                                     [&](const std::string& text) { alarms.push_back(text); });
  ASSERT_TRUE(generator);
  ASSERT_TRUE(fails_in_time(**generator));
  ASSERT_EQ(alarms.size(), 2U);
  EXPECT_NE(alarms[1].find("failed its health test again"), std::string::npos);
}

TEST(Generator, NamesItsSources) {
  auto generator = Generator::create();
  ASSERT_TRUE(generator);
  EXPECT_EQ((*generator)->source_names().substr(0, 6), "kernel");
}

TEST(Generator, ParentAndChildDiffer) {
  auto generator = Generator::create();
  ASSERT_TRUE(generator);
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  Vector out(64);
  const bool filled = (*generator)->fill(out).ok();
  if (child == 0) {
    const bool sent = filled && write(ends[1], out.data(), out.size()) == ssize_t{64};
    _exit(sent ? 0 : 1);
  }
  Vector childs(64);
  EXPECT_EQ(read(ends[0], childs.data(), childs.size()), 64);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(out, childs);
  close(ends[0]);
  close(ends[1]);
}

TEST(Generator, TwoGeneratorsDiffer) {
  auto one = Generator::create();
  auto other = Generator::create();
  ASSERT_TRUE(one);
  ASSERT_TRUE(other);
  Vector a(32);
  Vector b(32);
  ASSERT_TRUE((*one)->fill(a));
  ASSERT_TRUE((*other)->fill(b));
  EXPECT_NE(a, b);
}

// ---- the sources themselves --------------------------------------------------------------------

TEST(Jitter, TimesDiffer) {
  JitterSource source;
  std::set<std::uint64_t> times;
  for (int i = 0; i < 10'000; ++i) times.insert(source.sample());
  EXPECT_GT(times.size(), 10U);
}

// The most common value of a sample bounds its entropy from above (SP 800-90B, 6.3.1): the credit
// must be well below it.
TEST(Jitter, MostCommonTimeLeavesMoreThanTheCredit) {
  JitterSource source;
  std::map<std::uint64_t, double> counts;
  constexpr int kNum = 100'000;
  double most = 0;
  for (int i = 0; i < kNum; ++i) most = std::max(most, ++counts[source.sample()]);
  const double bits = -std::log2(most / kNum);
  std::printf("jitter: %.2f bits a sample at most, %.3f credited\n", bits,
              1.0 / kJitterSamplesPerBit);
  EXPECT_GT(bits, 2.0 / kJitterSamplesPerBit);
}

TEST(Jitter, DeliversInTime) {
  JitterSource source;
  Vector one(128), other(128);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(source.read(one));
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(source.read(other));
  EXPECT_NE(one, other);
  std::printf("jitter: %.2f ms a seed\n", time.count());
}

class NoiseFileTest : public testing::Test {
 protected:
  void write(const Vector& bytes) {
    std::ofstream(m_path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  test::TemporaryDirectory m_directory;
  std::filesystem::path m_path = m_directory.path() / "noise";
};

TEST_F(NoiseFileTest, NoByteIsReadTwice) {
  write({1, 2, 3, 4, 5});
  const auto file = NoiseFile::open(m_path);
  ASSERT_TRUE(file);
  const auto one = make_file_source(*file);
  const auto other = make_file_source(*file);
  EXPECT_EQ(one->name(), "noise");
  Vector first(2), second(2), third(2);
  EXPECT_TRUE(one->read(first));
  EXPECT_TRUE(other->read(second));
  EXPECT_EQ(first, (Vector{1, 2}));
  EXPECT_EQ(second, (Vector{3, 4}));
  EXPECT_EQ(one->read(third).status(), CIPHERDECK_STATUS_RANDOM_FAILED) << "past the end";
}

TEST_F(NoiseFileTest, MissingFilesAreRefused) {
  EXPECT_EQ(NoiseFile::open(m_path).error(), Error::not_found);
}

TEST_F(NoiseFileTest, APipeWithoutAWriterFails) {
  ASSERT_EQ(mkfifo(m_path.c_str(), 0600), 0);
  const auto file = NoiseFile::open(m_path);
  ASSERT_TRUE(file);
  Vector bytes(4);
  EXPECT_FALSE((*file)->read(bytes));
}

TEST_F(NoiseFileTest, ASilentPipeIsNotWaitedForLong) {
  ASSERT_EQ(mkfifo(m_path.c_str(), 0600), 0);
  const auto file = NoiseFile::open(m_path);
  ASSERT_TRUE(file);
  const FileDescriptor writer(::open(m_path.c_str(), O_WRONLY));
  ASSERT_TRUE(writer);
  const Vector sent{1, 2, 3, 4};
  ASSERT_EQ(::write(writer.get(), sent.data(), 3), 3);
  Vector bytes(4);
  EXPECT_FALSE((*file)->read(bytes)) << "three of four bytes, and then nothing";
  ASSERT_EQ(::write(writer.get(), sent.data(), 4), 4);
  EXPECT_TRUE((*file)->read(bytes));
  EXPECT_EQ(bytes, sent);
}

// ---- sanity of the output: monobit and poker (GB/T 32915, m = 4 and 8)
// ----------------------------

double poker_statistic(const Vector& data, unsigned bits) {
  std::vector<double> counts(1u << bits);
  const std::size_t per_byte = 8 / bits;
  for (const std::uint8_t byte : data) {
    for (std::size_t i = 0; i < per_byte; ++i) ++counts[(byte >> (i * bits)) & ((1u << bits) - 1)];
  }
  const double total = static_cast<double>(data.size() * per_byte);
  double squares = 0;
  for (const double count : counts) squares += count * count;
  return static_cast<double>(counts.size()) / total * squares - total;
}

TEST(Generator, OutputLooksRandom) {
  auto generator = Generator::create();
  ASSERT_TRUE(generator);
  Vector data(1 << 20);
  ASSERT_TRUE((*generator)->fill(data));
  double ones = 0;
  for (const std::uint8_t byte : data) ones += std::popcount(byte);
  const double bits = static_cast<double>(data.size()) * 8;
  // Six standard deviations: a good generator fails once in 10^8 runs.
  EXPECT_LT(std::abs(2 * ones - bits) / std::sqrt(bits), 6);
  EXPECT_LT(std::abs(poker_statistic(data, 4) - 15) / std::sqrt(30), 8);
  EXPECT_LT(std::abs(poker_statistic(data, 8) - 255) / std::sqrt(510), 7);
}

TEST(Generator, ChunksOfABigRequestDiffer) {
  auto generator = Generator::create();
  ASSERT_TRUE(generator);
  Vector data(5 * kDrbgMaxRequest + 77);
  ASSERT_TRUE((*generator)->fill(data));
  std::set<Vector> blocks;
  for (std::size_t i = 0; i + 32 <= data.size(); i += 32) {
    blocks.insert(Vector(data.begin() + i, data.begin() + i + 32));
  }
  EXPECT_EQ(blocks.size(), data.size() / 32);
}

TEST(Generator, SpeedIsReported) {
  auto generator = Generator::create();
  ASSERT_TRUE(generator);
  Vector data(8 << 20);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE((*generator)->fill(data));
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const double rate = static_cast<double>(data.size()) / time.count() / 1e6;
  std::printf("random: %.0f MB/s\n", rate);
  EXPECT_GT(rate, 1);
}

}  // namespace
}  // namespace cipherdeck::card::random
