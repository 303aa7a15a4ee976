// SPDX-License-Identifier: Apache-2.0
// Gives a fuzz target random inputs instead of libFuzzer's, which are the same in every run with
// the same seed. Fast: nothing is instrumented, so that millions of cases are minutes.
//   NAME_differential_test [CASES [SEED]]
// Exit status: 0 all passed; a case that fails aborts, and is named by the last line printed.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t len);

namespace {

constexpr std::size_t kMaxLenBits = 13;

// Of any length up to 8 KiB, short ones as often as long ones.
void make_input(std::vector<std::uint8_t>& input, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::uint64_t len = random() >> (64 - 1 - random() % kMaxLenBits);
  input.resize(len);
  for (std::uint64_t at = 0; at < len; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(&input[at], &word, std::min<std::uint64_t>(sizeof word, len - at));
  }
}

std::uint64_t number(const char* text) {
  std::uint64_t value = 0;
  const char* const end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    std::fprintf(stderr, "'%s' is not a number\nusage: [CASES [SEED]]\n", text);
    std::exit(2);
  }
  return value;
}

// The case at work, for the message of one that fails.
std::uint64_t g_current = 0;

void report(int signal) {
  std::fprintf(stderr, "failed: repeat it with 1 %llu\n",
               static_cast<unsigned long long>(g_current));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t num_cases = argc > 1 ? number(argv[1]) : 1000;
  const std::uint64_t seed = argc > 2 ? number(argv[2]) : 1;
  std::signal(SIGABRT, report);
  std::signal(SIGSEGV, report);
  std::vector<std::uint8_t> input;
  std::uint64_t num_bytes = 0;
  for (g_current = seed; g_current != seed + num_cases; ++g_current) {
    make_input(input, g_current);
    num_bytes += input.size();
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%llu cases, %llu bytes of input, no difference\n",
              static_cast<unsigned long long>(num_cases),
              static_cast<unsigned long long>(num_bytes));
}
