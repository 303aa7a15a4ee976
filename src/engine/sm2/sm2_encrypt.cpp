// SPDX-License-Identifier: Apache-2.0
// Public key encryption (GB/T 32918.4), with ciphertexts C1 || C3 || C2.
#include "engine/sm2/nonces.h"

namespace cipherdeck::engine {
namespace {

using sm2::PlainPoint;
using sm2::Uint256;
using SharedPoint = Secret<kSm2PointLen>;

constexpr std::size_t kMaxJobs = sm2::kMaxNonces;
using Points = std::array<PlainPoint, kMaxJobs>;

bool is_readable(Bytes bytes) { return bytes.data() != nullptr || bytes.empty(); }

bool are_lens_right(Bytes plaintext, Bytes ciphertext) {
  return is_readable(plaintext) && is_readable(ciphertext) && !plaintext.empty() &&
         ciphertext.size() >= kSm2CiphertextOverhead &&
         ciphertext.size() - kSm2CiphertextOverhead == plaintext.size();
}

PlainPoint load_plain(Bytes xy) {
  return {sm2::load_uint256(xy.data()), sm2::load_uint256(xy.data() + 32)};
}

void store_plain(MutableBytes xy, const PlainPoint& point) {
  sm2::store_uint256(xy.data(), point.x);
  sm2::store_uint256(xy.data() + 32, point.y);
}

// C3 = SM3(x2 || M || y2).
Sm3Digest check_value(const SharedPoint& shared, Bytes plaintext) {
  const Bytes bytes = shared.span();
  Sm3 hash;
  hash.update(bytes.first(32));
  hash.update(plaintext);
  hash.update(bytes.last(32));
  return hash.finish();
}

// out = in ^ KDF(x2 || y2). The key stream passes through `out`. False: it was all zero.
bool apply_key_stream(MutableBytes out, Bytes in, const SharedPoint& shared) {
  sm2::derive(out, shared.span());
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    any |= out[i];
    out[i] ^= in[i];
  }
  return any != 0;
}

// Steps A5 to A7. False: another nonce is needed.
bool encrypt_with(const Sm2EncryptJob& job, const PlainPoint& c1, const SharedPoint& shared) {
  const bool is_usable =
      apply_key_stream(job.ciphertext.subspan(kSm2CiphertextOverhead), job.plaintext, shared);
  declassify(is_usable);
  if (!is_usable) return false;
  store_plain(job.ciphertext, c1);
  const Sm3Digest c3 = check_value(shared, job.plaintext);
  std::memcpy(job.ciphertext.data() + kSm2PointLen, c3.data(), c3.size());
  return true;
}

void try_encrypt(std::span<Sm2EncryptJob* const> jobs, std::span<const Uint256> nonces) {
  const sm2::Variant& variant = sm2::chosen_variant();
  Points c1, keys, products;
  for (std::size_t i = 0; i < jobs.size(); ++i) keys[i] = load_plain(jobs[i]->key->bytes());
  variant.multiply_generator(std::span(c1).first(jobs.size()), nonces);
  variant.multiply(std::span(products).first(jobs.size()), nonces,
                   std::span(keys).first(jobs.size()));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Sm2EncryptJob& job = *jobs[i];
    SharedPoint shared;
    store_plain(shared.span(), products[i]);
    job.result = {};
    if (!encrypt_with(job, c1[i], shared)) {
      wipe(job.ciphertext);
      job.result = Error::random_failed;
    }
  }
  wipe_object(products);
}

// Steps B4 to B6. False: the ciphertext is wrong.
bool decrypt_with(const Sm2DecryptJob& job, const Sm3Digest& c3, const SharedPoint& shared) {
  bool is_right =
      apply_key_stream(job.plaintext, job.ciphertext.subspan(kSm2CiphertextOverhead), shared);
  is_right &= equal_constant_time(check_value(shared, job.plaintext), c3);
  declassify(is_right);
  return is_right;
}

// At most kMaxJobs that are valid but for their C1 and C3. The ciphertext's owner may change it
// meanwhile: C1 and C3 are read once.
void decrypt(std::span<Sm2DecryptJob* const> jobs) {
  std::array<Sm3Digest, kMaxJobs> c3;
  std::array<Uint256, kMaxJobs> scalars;
  std::array<bool, kMaxJobs> on_curve;
  Points c1, products;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Sm2DecryptJob& job = *jobs[i];
    sm2::PointBytes bytes;
    std::memcpy(bytes.data(), job.ciphertext.data(), bytes.size());
    std::memcpy(c3[i].data(), job.ciphertext.data() + bytes.size(), c3[i].size());
    scalars[i] = sm2::load_uint256(job.key->bytes().data());
    on_curve[i] = sm2::is_on_curve(bytes);
    if (!on_curve[i]) sm2::store_point(bytes, sm2::generator());  // some point
    c1[i] = load_plain(bytes);
  }
  sm2::chosen_variant().multiply(std::span(products).first(jobs.size()),
                                 std::span(scalars).first(jobs.size()),
                                 std::span(c1).first(jobs.size()));
  wipe_object(scalars);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Sm2DecryptJob& job = *jobs[i];
    SharedPoint shared;
    store_plain(shared.span(), products[i]);
    job.result = {};
    if (!on_curve[i] || !decrypt_with(job, c3[i], shared)) {
      wipe(job.plaintext);
      job.result = Error::decrypt_failed;
    }
  }
  wipe_object(products);
}

}  // namespace

void run(std::span<Sm2EncryptJob> jobs, RandomSource& nonces) noexcept {
  const auto is_valid = [](const Sm2EncryptJob& job) {
    return job.key != nullptr && are_lens_right(job.plaintext, job.ciphertext);
  };
  sm2::run_with_nonces(jobs, nonces, is_valid, try_encrypt);
}

void run(std::span<Sm2DecryptJob> jobs) noexcept {
  for (std::size_t at = 0; at < jobs.size(); at += kMaxJobs) {
    std::array<Sm2DecryptJob*, kMaxJobs> valid;
    std::size_t num = 0;
    for (Sm2DecryptJob& job : jobs.subspan(at, std::min(kMaxJobs, jobs.size() - at))) {
      job.result = Error::invalid_argument;
      if (job.key != nullptr && are_lens_right(job.plaintext, job.ciphertext)) valid[num++] = &job;
    }
    if (num > 0) decrypt(std::span(valid).first(num));
  }
}

Result<void> sm2_encrypt(MutableBytes ciphertext, const Sm2PublicKey& key, Bytes plaintext,
                         RandomSource& random) {
  Sm2EncryptJob job{&key, plaintext, ciphertext, {}};
  run(std::span(&job, 1), random);
  return job.result;
}

Result<void> sm2_decrypt(MutableBytes plaintext, const Sm2PrivateKey& key, Bytes ciphertext) {
  Sm2DecryptJob job{&key, ciphertext, plaintext, {}};
  run(std::span(&job, 1));
  return job.result;
}

}  // namespace cipherdeck::engine
