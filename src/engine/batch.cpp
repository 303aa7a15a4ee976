// SPDX-License-Identifier: Apache-2.0
#include "engine/batch.h"

#include "engine/modes/modes.h"

#include <bit>
#include <exception>

namespace cipherdeck::engine {
namespace {

constexpr std::size_t kMaxNonceLen = std::size_t{1} << 32;

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
      return modes::xts_encrypt(job.output, job.input, job.len, *job.key, *job.tweak_key, job.iv);
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
      return modes::xts_decrypt(job.output, job.input, job.len, *job.key, *job.tweak_key, job.iv);
  }
}

bool are_aead_lens_allowed(const AeadJob& job) {
  const std::size_t tag_len = job.tag_len, nonce_len = job.nonce.size();
  if (job.mode == AeadMode::gcm) {
    const bool is_tag_allowed = tag_len == 4 || tag_len == 8 || (tag_len >= 12 && tag_len <= 16);
    return is_tag_allowed && nonce_len >= 1 && nonce_len <= kMaxNonceLen &&
           modes::gcm_allows_len(job.len);
  }
  return job.mode == AeadMode::ccm && tag_len >= 4 && tag_len <= 16 && tag_len % 2 == 0 &&
         nonce_len >= 7 && nonce_len <= 13 && modes::ccm_allows_len(job.len, nonce_len);
}

bool is_valid(const AeadJob& job) {
  if (job.key == nullptr || job.tag == nullptr || !are_aead_lens_allowed(job)) return false;
  if (job.direction != Direction::encrypt && job.direction != Direction::decrypt) return false;
  if (!is_readable(job.nonce) || !is_readable(job.aad)) return false;
  return are_buffers_valid(job.input, job.output, job.len);
}

Result<void> crypt(const AeadJob& job) {
  const modes::Aead message{*job.key, job.nonce, job.aad, job.input, job.output, job.len};
  const MutableBytes tag{job.tag, job.tag_len};
  const bool is_gcm = job.mode == AeadMode::gcm;
  if (job.direction == Direction::decrypt) {
    return is_gcm ? modes::gcm_decrypt(tag, message) : modes::ccm_decrypt(tag, message);
  }
  is_gcm ? modes::gcm_encrypt(tag, message) : modes::ccm_encrypt(tag, message);
  return {};
}

// A source of random bytes is foreign code: an exception of its is an error of the job.
template <typename Function>
Result<void> guarded(const Function& function) noexcept {
  try {
    return function();
  } catch (const std::exception&) {
    return Error::internal;
  }
}

}  // namespace

void run(std::span<CipherJob> jobs) noexcept {
  for (CipherJob& job : jobs) {
    if (!is_valid(job)) {
      job.result = Error::invalid_argument;
      continue;
    }
    job.direction == Direction::encrypt ? encrypt(job) : decrypt(job);
    job.result = {};
  }
}

void run(std::span<MacJob> jobs) noexcept {
  for (MacJob& job : jobs) {
    const bool is_valid = job.key != nullptr && job.iv != nullptr && job.len % kSm4BlockLen == 0 &&
                          is_readable({job.input, job.len});
    if (!is_valid) {
      job.result = Error::invalid_argument;
      continue;
    }
    modes::cbc_mac(job.input, job.len, *job.key, job.iv);
    job.result = {};
  }
}

void run(std::span<AeadJob> jobs) noexcept {
  for (AeadJob& job : jobs) {
    job.result = is_valid(job) ? crypt(job) : Error::invalid_argument;
  }
}

void run(std::span<Sm2SignJob> jobs, RandomSource& nonces) noexcept {
  for (Sm2SignJob& job : jobs) {
    job.result = guarded([&]() -> Result<void> {
      if (job.key == nullptr) return Error::invalid_argument;
      CIPHERDECK_ASSIGN(job.signature, sm2_sign(*job.key, job.e, nonces));
      return {};
    });
  }
}

void run(std::span<Sm2VerifyJob> jobs) noexcept {
  for (Sm2VerifyJob& job : jobs) {
    job.result = guarded([&]() -> Result<void> {
      if (job.key == nullptr) return Error::invalid_argument;
      return sm2_verify(*job.key, job.e, job.signature);
    });
  }
}

void run(std::span<Sm2EncryptJob> jobs, RandomSource& nonces) noexcept {
  for (Sm2EncryptJob& job : jobs) {
    job.result = guarded([&]() -> Result<void> {
      if (job.key == nullptr || !is_readable(job.plaintext) || !is_readable(job.ciphertext)) {
        return Error::invalid_argument;
      }
      return sm2_encrypt(job.ciphertext, *job.key, job.plaintext, nonces);
    });
  }
}

void run(std::span<Sm2DecryptJob> jobs) noexcept {
  for (Sm2DecryptJob& job : jobs) {
    job.result = guarded([&]() -> Result<void> {
      if (job.key == nullptr || !is_readable(job.ciphertext) || !is_readable(job.plaintext)) {
        return Error::invalid_argument;
      }
      return sm2_decrypt(job.plaintext, *job.key, job.ciphertext);
    });
  }
}

}  // namespace cipherdeck::engine
