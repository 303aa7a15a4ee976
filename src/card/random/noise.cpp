// SPDX-License-Identifier: Apache-2.0
// The noise sources of this machine.
#include "base/secret.h"
#include "card/random/jitter.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cipherdeck::card::random {
namespace {

class KernelSource final : public NoiseSource {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "kernel"; }

  Result<void> read(MutableBytes out) override {
    while (!out.empty()) {
      const ssize_t len = getrandom(out.data(), out.size(), 0);
      if (len < 0 && errno == EINTR) continue;
      if (len <= 0) return Error::random_failed;
      out = out.subspan(static_cast<std::size_t>(len));
    }
    return {};
  }
};

#if defined(__x86_64__)

bool processor_has_rdseed() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_RDSEED) != 0;
}

// The processor's noise runs dry when all cores draw on it: it is asked again, after a pause, for
// some milliseconds at most.
constexpr int kRdseedTries = 100'000;

bool rdseed(std::uint64_t& value) noexcept {
  for (int i = 0; i < kRdseedTries; ++i) {
    unsigned char valid = 0;
    asm volatile("rdseed %0; setc %1" : "=r"(value), "=qm"(valid) : : "cc");
    if (valid != 0) return true;
    asm volatile("pause");
  }
  return false;
}

class RdseedSource final : public NoiseSource {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "rdseed"; }

  Result<void> read(MutableBytes out) override {
    std::uint64_t value = 0;
    while (!out.empty()) {
      if (!rdseed(value)) return Error::random_failed;
      const std::size_t len = std::min(out.size(), sizeof value);
      std::memcpy(out.data(), &value, len);
      out = out.subspan(len);
    }
    wipe_object(value);
    return {};
  }
};

#endif

}  // namespace

std::vector<std::unique_ptr<NoiseSource>> default_sources() {
  std::vector<std::unique_ptr<NoiseSource>> sources;
  sources.push_back(std::make_unique<KernelSource>());
  sources.push_back(std::make_unique<JitterSource>());
#if defined(__x86_64__)
  if (processor_has_rdseed()) sources.push_back(std::make_unique<RdseedSource>());
#endif
  return sources;
}

}  // namespace cipherdeck::card::random
