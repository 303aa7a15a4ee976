// SPDX-License-Identifier: Apache-2.0
#include "card/chip/trial.h"

#include <cipherdeck/function.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace cipherdeck::card::chip {
namespace {

constexpr std::size_t kTrialLen = 8 * kBlockLen;
constexpr std::size_t kFirstLen = 3 * kBlockLen;

std::uint32_t mode_of(std::uint32_t algorithm) noexcept {
  return algorithm & CIPHERDECK_ALG_MODE_MASK;
}

// Bytes that no two blocks share.
template <std::size_t kLen>
std::array<std::uint8_t, kLen> pattern(unsigned start) noexcept {
  std::array<std::uint8_t, kLen> bytes;
  for (std::size_t i = 0; i < kLen; ++i) bytes[i] = static_cast<std::uint8_t>(start + 37 * i);
  return bytes;
}

// One trial of one algorithm; each job fails the whole of it.
class Trial {
 public:
  Trial(const Plugin& plugin, void* context, std::uint32_t algorithm)
      : m_plugin(plugin), m_context(context), m_algorithm(algorithm) {}

  [[nodiscard]] bool passes() {
    const auto input = pattern<kTrialLen>(1);
    const auto iv = pattern<kBlockLen>(5);
    if (mode_of(m_algorithm) == CIPHERDECK_ALG_MAC) return mac_agrees(input, iv);
    Job* const whole = run(CIPHERDECK_CHIP_ENCRYPT, input, iv);
    if (whole == nullptr || std::ranges::equal(whole->data(), input)) return false;
    return two_parts_agree(*whole, input, iv) && back_again(whole->data(), input, iv);
  }

 private:
  // A job that was done, or null.
  Job* run(std::uint32_t operation, Bytes input, std::span<const std::uint8_t, kBlockLen> iv) {
    const auto key = pattern<kMaxKeyLen>(11);
    m_jobs.push_back(
        std::make_unique<Job>(m_algorithm, operation, Bytes(key).first(m_plugin.key_len()), input));
    Job& job = *m_jobs.back();
    job.has_iv = mode_of(m_algorithm) != CIPHERDECK_ALG_ECB;
    std::ranges::copy(iv, job.iv.begin());
    return run_job(m_plugin.table(), m_context, job) ? &job : nullptr;
  }

  bool two_parts_agree(Job& whole, Bytes input, std::span<const std::uint8_t, kBlockLen> iv) {
    Job* const first = run(CIPHERDECK_CHIP_ENCRYPT, input.first(kFirstLen), iv);
    if (first == nullptr) return false;
    Job* const second = run(CIPHERDECK_CHIP_ENCRYPT, input.subspan(kFirstLen), first->iv);
    if (second == nullptr) return false;
    const Bytes expected = whole.data();
    return std::ranges::equal(first->data(), expected.first(kFirstLen)) &&
           std::ranges::equal(second->data(), expected.subspan(kFirstLen)) &&
           second->iv == whole.iv;
  }

  bool back_again(Bytes ciphertext, Bytes input, std::span<const std::uint8_t, kBlockLen> iv) {
    Job* const opened = run(CIPHERDECK_CHIP_DECRYPT, ciphertext, iv);
    return opened != nullptr && std::ranges::equal(opened->data(), input);
  }

  bool mac_agrees(Bytes input, std::span<const std::uint8_t, kBlockLen> iv) {
    Job* const whole = run(CIPHERDECK_CHIP_MAC, input, iv);
    Job* const first = run(CIPHERDECK_CHIP_MAC, input.first(kFirstLen), iv);
    if (whole == nullptr || first == nullptr) return false;
    Job* const second = run(CIPHERDECK_CHIP_MAC, input.subspan(kFirstLen), first->iv);
    if (second == nullptr || second->iv != whole->iv) return false;
    const std::uint32_t cbc = (m_algorithm & ~CIPHERDECK_ALG_MODE_MASK) | CIPHERDECK_ALG_CBC;
    if (std::ranges::find(m_plugin.algorithms(), cbc) == m_plugin.algorithms().end()) return true;
    m_algorithm = cbc;
    Job* const ciphertext = run(CIPHERDECK_CHIP_ENCRYPT, input, iv);
    return ciphertext != nullptr &&
           std::ranges::equal(Bytes(ciphertext->data()).last(kBlockLen), whole->iv);
  }

  const Plugin& m_plugin;
  void* const m_context;
  std::uint32_t m_algorithm;
  std::vector<std::unique_ptr<Job>> m_jobs;
};

Result<void> to_result(int status) noexcept {
  if (status == CIPHERDECK_CHIP_OK) return {};
  return status == CIPHERDECK_CHIP_BAD_KEY ? Error::invalid_key : Error::chip_failed;
}

}  // namespace

Result<void> run_job(const cipherdeck_chip& table, void* context, Job& job) {
  MutableBytes rest = job.data();
  while (!rest.empty()) {
    const MutableBytes part = rest.first(std::min<std::size_t>(rest.size(), table.max_len));
    const cipherdeck_chip_job wanted{.algorithm = job.algorithm,
                                     .operation = job.operation,
                                     .key = job.key.data(),
                                     .iv = job.has_iv ? job.iv.data() : nullptr,
                                     .data = part.data(),
                                     .len = part.size()};
    CIPHERDECK_TRY(to_result(table.run(context, &wanted)));
    rest = rest.subspan(part.size());
  }
  return {};
}

std::string try_chip(const Plugin& plugin, void* context) {
  if (plugin.table().self_test(context) != CIPHERDECK_CHIP_OK) return "it failed its self-test";
  for (const std::uint32_t algorithm : plugin.algorithms()) {
    if (Trial(plugin, context, algorithm).passes()) continue;
    char text[64];
    std::snprintf(text, sizeof text, "it contradicts itself with algorithm %08x", algorithm);
    return text;
  }
  return {};
}

}  // namespace cipherdeck::card::chip
