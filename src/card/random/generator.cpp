// SPDX-License-Identifier: Apache-2.0
#include "card/random/ctr_drbg.h"
#include "card/random/gmt0005/single_use.h"
#include "card/random/hash_drbg.h"
#include "card/random/health_test.h"
#include "card/random/random.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <utility>

namespace cipherdeck::card::random {
namespace {

using Clock = std::chrono::steady_clock;

// Far below the 2^48 requests that SP 800-90A allows between two seeds.
// A seed takes about a millisecond.
constexpr std::uint64_t kReseedRequests = 1u << 16;
constexpr std::chrono::seconds kReseedTime{60};
// Bytes of a request that has the strength of 256 bits; beyond, it is that of SM4, 128 bits.
constexpr std::size_t kLongestOfHash = 128;
// What the clock of the day may move by against the one that only runs before the machine must be
// taken for one that was restored from a snapshot, or a copy of another.
constexpr std::chrono::seconds kClockJump{1};
// Of each source for each seed: 4 bits a byte give 512 bits, where instantiation needs 384 (256 of
// entropy and a nonce of 128) and reseeding 256.
constexpr std::size_t kSeedPartLen = 128;

struct Source {
  std::unique_ptr<NoiseSource> noise;
  HealthTest health;
};

Result<void> read_healthy(MutableBytes out, Source& source) {
  const Result<void> read = source.noise->read(out);
  if (read.ok() && source.health.feed(out) && gmt0005::passes_single_use(out)) return {};
  wipe(out);
  return Error::random_failed;
}

// Judges a source from the start (SP 800-90B, 4.3).
Result<void> start_up(Source& source) {
  source.health = HealthTest();
  std::vector<std::uint8_t> noise(source.noise->start_up_len());
  CIPHERDECK_TRY(read_healthy(noise, source));
  wipe(noise);
  return {};
}

// As f() says; a failure is told, and f() gets one more try.
template <typename F>
Result<void> with_retry(const Source& source, const Alarm& alarm, F f) {
  if (f()) return {};
  const std::string name = "noise source " + std::string(source.noise->name());
  alarm(name + " failed its health test and is tested once more");
  const Result<void> again = f();
  if (!again) alarm(name + " failed its health test again. Repair it, or leave it out");
  return again;
}

// How far the clock of the day is ahead of the one that only runs.
std::chrono::nanoseconds clock_offset() noexcept {
  return std::chrono::system_clock::now().time_since_epoch() - Clock::now().time_since_epoch();
}

// What no two generators share; not secret.
struct Personalisation {
  char product[16] = "CipherDeck 1";
  std::uint64_t instance;
  std::int64_t pid;
  std::int64_t time_ns;
};

std::atomic<std::uint64_t> next_instance{1};

Personalisation make_personalisation() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  Personalisation text;
  text.instance = next_instance.fetch_add(1, std::memory_order_relaxed);
  text.pid = getpid();
  text.time_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  return text;
}

}  // namespace

class Generator::State {
 public:
  State(SecretBuffer page, std::vector<Source> sources, Alarm alarm)
      : m_page(std::move(page)), m_sources(std::move(sources)), m_alarm(std::move(alarm)) {
    const auto len = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    m_wiped_on_fork = madvise(m_page.bytes().data(), len, MADV_WIPEONFORK) == 0;
  }

  Result<void> fill(MutableBytes out);
  Result<void> seed();
  [[nodiscard]] std::string source_names() const;

 private:
  [[nodiscard]] HashDrbg& drbg() noexcept {
    return *reinterpret_cast<HashDrbg*>(m_page.bytes().data());
  }
  [[nodiscard]] bool seed_is_stale() noexcept;
  Result<void> generate(MutableBytes out);
  void draw(MutableBytes out) noexcept;
  Result<void> fail() noexcept;

  SecretBuffer m_page;  // one HashDrbg; all zero in a child process, which then seeds its own
  std::vector<Source> m_sources;
  Alarm m_alarm;
  bool m_wiped_on_fork = false;
  bool m_failed = false;
  pid_t m_pid = 0;
  Clock::time_point m_seeded{};
  std::chrono::nanoseconds m_clock_offset{};
};

bool Generator::State::seed_is_stale() noexcept {
  if (!drbg().seeded() || drbg().reseed_counter > kReseedRequests) return true;
  if (!m_wiped_on_fork && getpid() != m_pid) return true;
  if (std::chrono::abs(clock_offset() - m_clock_offset) > kClockJump) return true;
  return Clock::now() - m_seeded > kReseedTime;
}

Result<void> Generator::State::fail() noexcept {
  m_failed = true;
  wipe(m_page.bytes());
  return Error::random_failed;
}

Result<void> Generator::State::seed() {
  if (m_failed || m_sources.empty()) return fail();
  std::vector<std::uint8_t> entropy(m_sources.size() * kSeedPartLen);
  for (std::size_t i = 0; i < m_sources.size(); ++i) {
    const MutableBytes part = MutableBytes(entropy).subspan(i * kSeedPartLen, kSeedPartLen);
    Source& source = m_sources[i];
    bool is_retry = false;
    const auto read = with_retry(source, m_alarm, [&]() -> Result<void> {
      if (std::exchange(is_retry, true)) CIPHERDECK_TRY(start_up(source));
      return read_healthy(part, source);
    });
    if (!read) {
      wipe(entropy);
      return fail();
    }
  }
  if (drbg().seeded()) {
    drbg().reseed(entropy);
  } else {
    drbg().instantiate(entropy, object_bytes(make_personalisation()));
  }
  wipe(entropy);
  m_pid = getpid();
  m_seeded = Clock::now();
  m_clock_offset = clock_offset();
  return {};
}

// Keys and nonces come from Hash_DRBG itself; more, fast, from a CTR_DRBG that it seeds for this
// request alone (a chain as of SP 800-90C).
void Generator::State::draw(MutableBytes out) noexcept {
  if (out.size() <= kLongestOfHash) return drbg().generate(out);
  Secret<kCtrDrbgSeedLen> seed;
  drbg().generate(seed.span());
  CtrDrbg(seed.span()).generate(out);
}

// What is stuck must not leave: then a new seed, and one more try.
Result<void> Generator::State::generate(MutableBytes out) {
  draw(out);
  if (out.size() < gmt0005::kLeastSingleUse || gmt0005::passes_single_use(out)) return {};
  m_alarm("random bytes failed the poker test; the generator is seeded anew");
  CIPHERDECK_TRY(seed());
  draw(out);
  if (gmt0005::passes_single_use(out)) return {};
  m_alarm("random bytes failed the poker test again");
  return fail();
}

Result<void> Generator::State::fill(MutableBytes out) {
  for (MutableBytes rest = out; !rest.empty();) {
    if (m_failed || (seed_is_stale() && !seed())) {
      wipe(out);
      return Error::random_failed;
    }
    const std::size_t len = std::min(rest.size(), kDrbgMaxRequest);
    if (!generate(rest.first(len))) {
      wipe(out);
      return Error::random_failed;
    }
    rest = rest.subspan(len);
  }
  return {};
}

std::string Generator::State::source_names() const {
  std::string names;
  for (const Source& source : m_sources) {
    if (!names.empty()) names += ' ';
    names += source.noise->name();
  }
  return names;
}

Generator::Generator(std::unique_ptr<State> state) : m_state(std::move(state)) {}
Generator::~Generator() = default;

Result<std::unique_ptr<Generator>> Generator::create(
    std::vector<std::unique_ptr<NoiseSource>> sources, Alarm alarm) {
  if (!alarm) alarm = [](const std::string&) {};
  std::vector<Source> started;
  for (std::unique_ptr<NoiseSource>& noise : sources) {
    Source& source = started.emplace_back(Source{std::move(noise), HealthTest()});
    CIPHERDECK_TRY(with_retry(source, alarm, [&source] { return start_up(source); }));
  }
  CIPHERDECK_ASSIGN(SecretBuffer page, SecretBuffer::allocate(sizeof(HashDrbg)));
  auto state = std::make_unique<State>(std::move(page), std::move(started), std::move(alarm));
  CIPHERDECK_TRY(state->seed());
  return std::unique_ptr<Generator>(new Generator(std::move(state)));
}

Result<void> Generator::fill(MutableBytes out) { return m_state->fill(out); }

std::string Generator::source_names() const { return m_state->source_names(); }

}  // namespace cipherdeck::card::random
