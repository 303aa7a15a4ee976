// SPDX-License-Identifier: Apache-2.0
#include "card/random/jitter.h"

#include "engine/sm3/sm3.h"

#include <algorithm>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace cipherdeck::card::random {
namespace {

// More than a core's first and second cache hold, in lines that are far apart one after the other.
constexpr std::size_t kMemoryLen = std::size_t{1} << 20;
constexpr std::size_t kStride = 4093 * 64 + 8;
constexpr int kAccesses = 8;

std::uint64_t now() noexcept {
#if defined(__x86_64__)
  unsigned processor = 0;
  return __rdtscp(&processor);
#else
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
#endif
}

}  // namespace

JitterSource::JitterSource() : m_memory(kMemoryLen) {}

std::uint64_t JitterSource::sample() noexcept {
  volatile std::uint8_t* const memory = m_memory.data();
  const std::uint64_t start = now();
  for (int i = 0; i < kAccesses; ++i) {
    m_at = (m_at + kStride) % kMemoryLen;
    memory[m_at] = static_cast<std::uint8_t>(memory[m_at] + 1);
  }
  const std::uint64_t time = now() - start;
  m_at += time % 4096;  // where it goes on depends on all times before
  return time;
}

Result<void> JitterSource::read(MutableBytes out) {
  while (!out.empty()) {
    const std::size_t len = std::min(out.size(), engine::kSm3DigestLen);
    engine::Sm3 hash;
    for (std::size_t i = 0; i < engine::kSm3DigestLen * kJitterSamplesPerByte; ++i) {
      const std::uint64_t time = sample();
      const auto low = static_cast<std::uint8_t>(time);
      if (!m_health.feed({&low, 1})) return Error::random_failed;
      hash.update(object_bytes(time));
    }
    engine::Sm3Digest digest = hash.finish();
    std::memcpy(out.data(), digest.data(), len);
    wipe(digest);
    out = out.subspan(len);
  }
  return {};
}

}  // namespace cipherdeck::card::random
