// SPDX-License-Identifier: Apache-2.0
#include "engine/batch.h"

#include "engine/aead_stream.h"
#include "engine/cpu/prefetch.h"
#include "engine/modes/modes.h"
#include "engine/modes/streams.h"
#include "engine/sm2/sm2_variants.h"
#include "engine/sm4/sm4_variants.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace cipherdeck::engine {
namespace {

constexpr std::size_t kPrefetchLen = 1024;  // of the next job

bool is_readable(Bytes bytes) { return bytes.data() != nullptr || bytes.empty(); }

// Whether two buffers of `len` bytes are the same or do not overlap.
bool may_pair(const std::uint8_t* a, const std::uint8_t* b, std::size_t len) {
  const auto x = std::bit_cast<std::uintptr_t>(a), y = std::bit_cast<std::uintptr_t>(b);
  return x == y || (x < y ? y - x : x - y) >= len;
}

bool are_buffers_valid(const std::uint8_t* input, const std::uint8_t* output, std::size_t len) {
  return len == 0 || (input != nullptr && output != nullptr && may_pair(input, output, len));
}

bool is_len_allowed(CipherMode mode, std::size_t len) {
  switch (mode) {
    case CipherMode::ecb:
    case CipherMode::cbc:
      return len % kSm4BlockLen == 0;
    case CipherMode::xts:
      return len >= kSm4BlockLen;
    case CipherMode::cfb:
    case CipherMode::ofb:
    case CipherMode::ctr:
      return true;
  }
  return false;
}

bool is_valid(const CipherJob& job) {
  if (job.key == nullptr || !is_len_allowed(job.mode, job.len)) return false;
  if (job.direction != Direction::encrypt && job.direction != Direction::decrypt) return false;
  if (job.mode != CipherMode::ecb && job.iv == nullptr) return false;
  if (job.mode == CipherMode::xts && job.tweak_key == nullptr) return false;
  return are_buffers_valid(job.input, job.output, job.len);
}

void encrypt(const CipherJob& job) {
  switch (job.mode) {
    case CipherMode::ecb:
      return modes::ecb_encrypt(job.output, job.input, job.len, *job.key);
    case CipherMode::cbc:
      return modes::cbc_encrypt(job.output, job.input, job.len, *job.key, job.iv);
    case CipherMode::cfb:
      return modes::cfb_encrypt(job.output, job.input, job.len, *job.key, job.iv);
    case CipherMode::ofb:
      return modes::ofb_crypt(job.output, job.input, job.len, *job.key, job.iv);
    case CipherMode::ctr:
      return modes::ctr_crypt(job.output, job.input, job.len, *job.key, job.iv);
    case CipherMode::xts:
      return modes::xts_encrypt(job.output, job.input, job.len, *job.key, *job.tweak_key, job.iv,
                                modes::XtsOrder::gbt17964, job.is_last);
  }
}

void decrypt(const CipherJob& job) {
  switch (job.mode) {
    case CipherMode::ecb:
      return modes::ecb_decrypt(job.output, job.input, job.len, *job.key);
    case CipherMode::cbc:
      return modes::cbc_decrypt(job.output, job.input, job.len, *job.key, job.iv);
    case CipherMode::cfb:
      return modes::cfb_decrypt(job.output, job.input, job.len, *job.key, job.iv);
    case CipherMode::ofb:
    case CipherMode::ctr:
      return encrypt(job);
    case CipherMode::xts:
      return modes::xts_decrypt(job.output, job.input, job.len, *job.key, *job.tweak_key, job.iv,
                                modes::XtsOrder::gbt17964, job.is_last);
  }
}

bool is_valid(const AeadJob& job) {
  if (job.key == nullptr || job.tag == nullptr ||
      !are_aead_lens_allowed(job.mode, job.nonce.size(), job.len, job.tag_len))
    return false;
  if (job.direction != Direction::encrypt && job.direction != Direction::decrypt) return false;
  if (!is_readable(job.nonce) || !is_readable(job.aad)) return false;
  return are_buffers_valid(job.input, job.output, job.len);
}

modes::Aead message_of(const AeadJob& job) {
  return {job.key, job.nonce, job.aad, job.input, job.output, job.len};
}

Result<void> gcm_crypt(const AeadJob& job) {
  const MutableBytes tag{job.tag, job.tag_len};
  if (job.direction == Direction::decrypt) return modes::gcm_decrypt(tag, message_of(job));
  modes::gcm_encrypt(tag, message_of(job));
  return {};
}

// Jobs of CCM, at most kMost.
template <std::size_t kMost>
void ccm_crypt(std::span<AeadJob* const> jobs) {
  std::array<modes::CcmMessage, kMost> space;
  const auto messages = std::span(space).first(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    messages[i].aead = message_of(*jobs[i]);
    messages[i].tag = {jobs[i]->tag, jobs[i]->tag_len};
    messages[i].is_decryption = jobs[i]->direction == Direction::decrypt;
  }
  modes::ccm_crypt(messages);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i]->result = messages[i].result;
}

void ccm_crypt(std::span<AeadJob* const> jobs) {
  (jobs.size() == 1 ? ccm_crypt<1> : ccm_crypt<modes::kCcmTogether>)(jobs);
}

bool is_valid(const MacJob& job) {
  return job.key != nullptr && job.iv != nullptr && job.len % kSm4BlockLen == 0 &&
         is_readable({job.input, job.len});
}

// How a job chains its blocks, if each waits for the one before.
std::optional<sm4::Chaining> chaining_of(const CipherJob& job) {
  if (job.mode == CipherMode::ofb) return sm4::Chaining::ofb;
  if (job.direction == Direction::decrypt) return std::nullopt;
  if (job.mode == CipherMode::cbc) return sm4::Chaining::cbc;
  if (job.mode == CipherMode::cfb) return sm4::Chaining::cfb;
  return std::nullopt;
}

std::optional<sm4::Chaining> chaining_of(const MacJob&) { return sm4::Chaining::mac; }

modes::Stream stream_of(const CipherJob& job) {
  return {job.key, job.iv, job.input, job.output, job.len};
}

modes::Stream stream_of(const MacJob& job) {
  return {job.key, job.iv, job.input, nullptr, job.len};
}

// The valid jobs of one way of chaining.
template <typename Job>
class JobStreams final : public modes::StreamSource {
 public:
  JobStreams(std::span<const Job> jobs, sm4::Chaining chaining)
      : m_jobs(jobs), m_chaining(chaining) {}

  bool next(modes::Stream& stream) override {
    while (!m_jobs.empty()) {
      const Job& job = m_jobs.front();
      m_jobs = m_jobs.subspan(1);
      if (!job.result.ok() || chaining_of(job) != m_chaining) continue;
      stream = stream_of(job);
      return true;
    }
    return false;
  }

 private:
  std::span<const Job> m_jobs;
  sm4::Chaining m_chaining;
};

template <typename Job>
void run_streams(std::span<const Job> jobs, sm4::Chaining chaining) {
  JobStreams<Job> streams(jobs, chaining);
  modes::run_streams(chaining, streams);
}

}  // namespace

void run(std::span<CipherJob> jobs) noexcept {
  bool has_streams = false;
  for (CipherJob& job : jobs) {
    job.result = is_valid(job) ? Result<void>() : Error::invalid_argument;
    if (!job.result) continue;
    if (&job != &jobs.back()) {
      const CipherJob& next = *(&job + 1);
      prefetch(next.input, next.output, std::min(next.len, kPrefetchLen));
    }
    if (chaining_of(job)) {
      has_streams = true;
    } else {
      job.direction == Direction::encrypt ? encrypt(job) : decrypt(job);
    }
  }
  if (!has_streams) return;
  for (const auto chaining : {sm4::Chaining::cbc, sm4::Chaining::cfb, sm4::Chaining::ofb}) {
    run_streams<CipherJob>(jobs, chaining);
  }
}

void run(std::span<MacJob> jobs) noexcept {
  for (MacJob& job : jobs) {
    job.result = is_valid(job) ? Result<void>() : Error::invalid_argument;
  }
  run_streams<MacJob>(jobs, sm4::Chaining::mac);
}

void run(std::span<AeadJob> jobs) noexcept {
  std::array<AeadJob*, modes::kCcmTogether> ccm;
  std::size_t num_ccm = 0;
  for (AeadJob& job : jobs) {
    if (!is_valid(job)) {
      job.result = Error::invalid_argument;
    } else if (job.mode == AeadMode::gcm) {
      job.result = gcm_crypt(job);
    } else {
      ccm[num_ccm++] = &job;
    }
    if (num_ccm == ccm.size() || (num_ccm != 0 && &job == &jobs.back())) {
      ccm_crypt(std::span(ccm).first(num_ccm));
      num_ccm = 0;
    }
  }
}

}  // namespace cipherdeck::engine
