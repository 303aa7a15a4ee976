// SPDX-License-Identifier: Apache-2.0
// Random bytes through libsdf: threads, each with a session of its own, that call
// SDF_GenerateRandom for a time. Takes the device of CIPHERDECK_DEVICE, or that of the
// configuration.
#include <sdf/sdf.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Bytes drawn until `end`; sets `code` to what failed.
std::uint64_t draw(void* device, unsigned bytes, Clock::time_point end, std::atomic<int>& code) {
  void* session = nullptr;
  int status = SDF_OpenSession(device, &session);
  std::vector<unsigned char> out(bytes);
  std::uint64_t drawn = 0;
  while (status == SDR_OK && Clock::now() < end) {
    status = SDF_GenerateRandom(session, bytes, out.data());
    if (status == SDR_OK) drawn += bytes;
  }
  if (status != SDR_OK) code = status;
  if (session != nullptr) SDF_CloseSession(session);
  return drawn;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench-sdf-random THREADS BYTES SECONDS\n");
    return 2;
  }
  const unsigned num_threads = static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10));
  const unsigned bytes = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
  const double seconds = std::strtod(argv[3], nullptr);
  void* device = nullptr;
  std::atomic<int> code{SDF_OpenDevice(&device)};
  if (code != SDR_OK) {
    std::fprintf(stderr, "bench-sdf-random: SDF_OpenDevice: 0x%08x\n", static_cast<unsigned>(code));
    return 1;
  }
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::atomic<std::uint64_t> drawn{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < num_threads; ++i) {
    threads.emplace_back([&] { drawn += draw(device, bytes, end, code); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> time = Clock::now() - start;
  SDF_CloseDevice(device);
  std::printf("%u threads, %u bytes: %.1f MB/s, %.0f calls/s\n", num_threads, bytes,
              static_cast<double>(drawn) / time.count() / 1e6,
              static_cast<double>(drawn) / bytes / time.count());
  return code == SDR_OK ? 0 : 1;
}
