// SPDX-License-Identifier: Apache-2.0
// The cost model: a fixed part and a part per byte, measured on one core of a Zen 3 server.
#include "engine/batch.h"
#include "engine/cpu/features.h"
#include "engine/modes/ghash.h"
#include "engine/sm2/sm2_variants.h"
#include "engine/sm3/sm3_variants.h"
#include "engine/sm4/sm4_variants.h"

#include <algorithm>
#include <limits>

namespace cipherdeck::engine {
namespace {

// Picoseconds per byte of what goes many blocks at a time; nanoseconds of one block, and of one
// block of each of so many streams side by side.
struct Sm4Cost {
  std::string_view variant;
  std::uint64_t parallel_ps;
  std::uint64_t block_ns;
  std::uint64_t lanes_8_ns, lanes_16_ns, lanes_32_ns, lanes_64_ns;
};

constexpr Sm4Cost kSm4Costs[] = {
    {"vaes", 620, 190, 200, 275, 520, 760},
    {"aesni", 900, 260, 280, 390, 620, 1080},
    {"portable", 5000, 1000, 1050, 5000, 5000, 5000},
};

struct GhashCost {
  std::string_view variant;
  std::uint64_t ps;
};
constexpr GhashCost kGhashCosts[] = {{"vpclmul", 150}, {"pclmul", 300}, {"portable", 6000}};

constexpr std::uint64_t kSm3PortablePs = 3900;
constexpr std::uint64_t kSm3Avx2Ps = 2200;
constexpr std::uint64_t kSm3FinishLen = 72;  // padding, and what goes with it

// Nanoseconds of a job when the variant's lanes are full.
struct Sm2Cost {
  std::string_view variant;
  std::uint64_t sign;
  std::uint64_t verify;
  std::uint64_t verify_with_table;
  std::uint64_t encrypt;
  std::uint64_t decrypt;
};

constexpr Sm2Cost kSm2Costs[] = {
    {"ifma", 1500, 9000, 2500, 11000, 9500},  // estimated
    {"adx", 9500, 53000, 15000, 63000, 53000},
    {"portable", 16000, 120000, 33000, 130000, 115000},
};

// ZUC: what 32 rounds of warming up take, and a byte.
constexpr std::uint64_t kZucFixedNs = 2000;
constexpr std::uint64_t kZucPs = 16000;
constexpr std::uint64_t kZucMacPs = 23000;

std::uint32_t total(std::uint64_t fixed_ns, std::uint64_t ps_per_byte, std::uint64_t len) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint64_t kMaxLen = std::uint64_t{1} << 40;  // beyond, the product might overflow
  return static_cast<std::uint32_t>(
      std::min(kMost, fixed_ns + std::min(len, kMaxLen) * ps_per_byte / 1000));
}

const Sm2Cost& sm2_cost() {
  static const Sm2Cost& cost = *std::ranges::find(kSm2Costs, sm2::chosen_variant().name,
                                                  [](const Sm2Cost& c) { return c.variant; });
  return cost;
}

// Of a job alone: who its neighbours are, is not its doing.
std::uint64_t sm3_ps() {
  const bool has_kernel = cpu::features().has_all({cpu::Feature::avx2, cpu::Feature::bmi2});
  return has_kernel ? kSm3Avx2Ps : kSm3PortablePs;
}

std::size_t num_lanes() { return std::max<std::size_t>(sm4::chosen_variant().num_lanes, 1); }

// What is not in the table is faster than all of it.
template <typename Costs>
const auto& cost_of(const Costs& costs, std::string_view variant) {
  const auto* const found =
      std::ranges::find_if(costs, [&](const auto& cost) { return cost.variant == variant; });
  return found == std::end(costs) ? *std::begin(costs) : *found;
}

const Sm4Cost& sm4_cost() {
  static const Sm4Cost& cost = cost_of(kSm4Costs, sm4::chosen_variant().name);
  return cost;
}

std::uint64_t ghash_ps() {
  static const std::uint64_t ps = cost_of(kGhashCosts, modes::chosen_ghash_variant().name).ps;
  return ps;
}

// Per byte of one stream, of so many side by side.
std::uint64_t serial_ps(std::size_t num_together) {
  const Sm4Cost& cost = sm4_cost();
  const std::size_t n = std::clamp<std::size_t>(num_together, 1, num_lanes());
  const std::uint64_t step_ns = n == 1    ? cost.block_ns
                                : n <= 8  ? cost.lanes_8_ns
                                : n <= 16 ? cost.lanes_16_ns
                                : n <= 32 ? cost.lanes_32_ns
                                          : cost.lanes_64_ns;
  return step_ns * 1000 / (kSm4BlockLen * n);
}

bool is_serial(const CipherJob& job) {
  const bool is_encryption = job.direction == Direction::encrypt;
  return job.mode == CipherMode::ofb ||
         (is_encryption && (job.mode == CipherMode::cbc || job.mode == CipherMode::cfb));
}

}  // namespace

std::size_t lanes_of(const CipherJob& job) noexcept { return is_serial(job) ? num_lanes() : 1; }

std::size_t lanes_of(const MacJob&) noexcept { return num_lanes(); }

std::size_t lanes_of(const AeadJob& job) noexcept {
  return job.mode == AeadMode::ccm ? num_lanes() : 1;
}

std::size_t lanes_of(const HashJob&) noexcept {
  return std::max<std::size_t>(sm3::chosen_variant().num_lanes, 1);
}

std::size_t lanes_of(const Sm2SignJob&) noexcept { return sm2::chosen_variant().num_lanes; }
std::size_t lanes_of(const Sm2VerifyJob&) noexcept { return sm2::chosen_variant().num_lanes; }
std::size_t lanes_of(const Sm2EncryptJob&) noexcept { return sm2::chosen_variant().num_lanes; }
std::size_t lanes_of(const Sm2DecryptJob&) noexcept { return sm2::chosen_variant().num_lanes; }

std::size_t lanes_of(const ZucJob&) noexcept { return 1; }
std::size_t lanes_of(const ZucMacJob&) noexcept { return 1; }

std::uint32_t cost_ns(const CipherJob& job, std::size_t num_together) noexcept {
  const Sm4Cost& cost = sm4_cost();
  const std::uint64_t calls = job.mode != CipherMode::xts ? 1 : job.is_last ? 2 : 3;
  return total(calls * cost.block_ns, is_serial(job) ? serial_ps(num_together) : cost.parallel_ps,
               job.len);
}

std::uint32_t cost_ns(const MacJob& job, std::size_t num_together) noexcept {
  return total(sm4_cost().block_ns, serial_ps(num_together), job.len);
}

std::uint32_t cost_ns(const AeadJob& job, std::size_t num_together) noexcept {
  const Sm4Cost& cost = sm4_cost();
  const std::uint64_t mac_ps = job.mode == AeadMode::gcm ? ghash_ps() : serial_ps(num_together);
  return total(2 * cost.block_ns + total(0, mac_ps, job.aad.size()), mac_ps + cost.parallel_ps,
               job.len);
}

std::uint32_t cost_ns(const HashJob& job) noexcept {
  const std::size_t more = job.digest != nullptr ? kSm3FinishLen : 0;
  return total(total(0, sm3_ps(), more), sm3_ps(), job.input.size());
}

std::uint32_t cost_ns(const Sm2SignJob&) noexcept { return total(sm2_cost().sign, 0, 0); }

std::uint32_t cost_ns(const Sm2VerifyJob& job) noexcept {
  const Sm2Cost& cost = sm2_cost();
  return total(job.table != nullptr ? cost.verify_with_table : cost.verify, 0, 0);
}

std::uint32_t cost_ns(const Sm2EncryptJob& job) noexcept {
  return total(sm2_cost().encrypt, 2 * sm3_ps(), job.plaintext.size());
}

std::uint32_t cost_ns(const Sm2DecryptJob& job) noexcept {
  return total(sm2_cost().decrypt, 2 * sm3_ps(), job.ciphertext.size());
}

std::uint32_t cost_ns(const ZucJob& job) noexcept { return total(kZucFixedNs, kZucPs, job.len); }

std::uint32_t cost_ns(const ZucMacJob& job) noexcept {
  return total(kZucFixedNs, kZucMacPs, job.input.size());
}

}  // namespace cipherdeck::engine
