// SPDX-License-Identifier: Apache-2.0
// The cost model: a fixed part and a part per byte, measured on one core of a Zen 3 server.
#include "engine/batch.h"
#include "engine/cpu/features.h"

#include <algorithm>
#include <limits>

namespace cipherdeck::engine {
namespace {

// Picoseconds per byte of what goes many blocks at a time and of what goes block by block,
// and nanoseconds of one call with one block.
struct Sm4Cost {
  std::uint64_t parallel_ps;
  std::uint64_t serial_ps;
  std::uint64_t block_ns;
};

constexpr Sm4Cost kAesniCost = {1500, 17000, 300};
constexpr Sm4Cost kPortableCost = {5000, 65000, 1000};
constexpr std::uint64_t kPclmulPs = 400;
constexpr std::uint64_t kGhashPs = 6000;
constexpr std::uint64_t kSm3PortablePs = 3900;
constexpr std::uint64_t kSm3Avx2Ps = 2200;
constexpr std::uint64_t kSm3FinishLen = 72;  // padding, and what goes with it
constexpr std::uint64_t kSignNs = 32000;
constexpr std::uint64_t kVerifyNs = 170000;
constexpr std::uint64_t kEncryptNs = 185000;
constexpr std::uint64_t kDecryptNs = 165000;

std::uint32_t total(std::uint64_t fixed_ns, std::uint64_t ps_per_byte, std::uint64_t len) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint64_t kMaxLen = std::uint64_t{1} << 40;  // beyond, the product might overflow
  return static_cast<std::uint32_t>(
      std::min(kMost, fixed_ns + std::min(len, kMaxLen) * ps_per_byte / 1000));
}

const Sm4Cost& sm4_cost() {
  return cpu::features().has_all({cpu::Feature::avx2, cpu::Feature::aes}) ? kAesniCost
                                                                          : kPortableCost;
}

// Of a job alone: who its neighbours are, is not its doing.
std::uint64_t sm3_ps() {
  const bool has_kernel = cpu::features().has_all({cpu::Feature::avx2, cpu::Feature::bmi2});
  return has_kernel ? kSm3Avx2Ps : kSm3PortablePs;
}

std::uint64_t ghash_ps() {
  return cpu::features().has(cpu::Feature::pclmul) ? kPclmulPs : kGhashPs;
}

}  // namespace

std::uint32_t cost_ns(const CipherJob& job) noexcept {
  const Sm4Cost& cost = sm4_cost();
  const bool is_encryption = job.direction == Direction::encrypt;
  const bool is_serial =
      job.mode == CipherMode::ofb ||
      (is_encryption && (job.mode == CipherMode::cbc || job.mode == CipherMode::cfb));
  const std::uint64_t fixed = job.mode == CipherMode::xts ? 3 * cost.block_ns : cost.block_ns;
  return total(fixed, is_serial ? cost.serial_ps : cost.parallel_ps, job.len);
}

std::uint32_t cost_ns(const MacJob& job) noexcept {
  const Sm4Cost& cost = sm4_cost();
  return total(cost.block_ns, cost.serial_ps, job.len);
}

std::uint32_t cost_ns(const AeadJob& job) noexcept {
  const Sm4Cost& cost = sm4_cost();
  const std::uint64_t mac_ps = job.mode == AeadMode::gcm ? ghash_ps() : cost.serial_ps;
  return total(3 * cost.block_ns + total(0, mac_ps, job.aad.size()), mac_ps + cost.parallel_ps,
               job.len);
}

std::uint32_t cost_ns(const HashJob& job) noexcept {
  const std::size_t more = job.digest != nullptr ? kSm3FinishLen : 0;
  return total(total(0, sm3_ps(), more), sm3_ps(), job.input.size());
}

std::uint32_t cost_ns(const Sm2SignJob&) noexcept { return kSignNs; }

std::uint32_t cost_ns(const Sm2VerifyJob&) noexcept { return kVerifyNs; }

std::uint32_t cost_ns(const Sm2EncryptJob& job) noexcept {
  return total(kEncryptNs, 2 * sm3_ps(), job.plaintext.size());
}

std::uint32_t cost_ns(const Sm2DecryptJob& job) noexcept {
  return total(kDecryptNs, 2 * sm3_ps(), job.ciphertext.size());
}

}  // namespace cipherdeck::engine
