// SPDX-License-Identifier: Apache-2.0
// Signatures (GB/T 32918.2).
#include "engine/declassify.h"
#include "engine/sm2/nonces.h"

namespace cipherdeck::engine {
namespace {

using sm2::OrderModulus;
using sm2::PlainPoint;
using sm2::Scalar;
using sm2::Uint256;

// A number below 2^256 modulo n, its limbs as they are: times 1 / R in terms of Montgomery. Such
// numbers add up as well, and a product with a Scalar is one of them again.
Scalar plain(const Uint256& value) {
  return Scalar::from_limbs(sm2::reduce_once<OrderModulus>(value, 0));
}

// Steps A4 to A6 with the nonce `k`, and k G. False: another nonce is needed.
bool sign_with(Sm2Signature& signature, const Sm2SignJob& job, const Uint256& k,
               const PlainPoint& point) {
  const Scalar r = plain(sm2::load_uint256(job.e.data())) + plain(point.x);
  Scalar r_plus_k = r + plain(k);
  Scalar inverse = Scalar::from(sm2::load_uint256(job.key->inverse().data()));
  // (k - r d) / (1 + d) = (r + k) / (1 + d) - r.
  const Scalar s = r_plus_k * inverse - r;
  sm2::store_uint256(signature.data(), r.limbs());
  sm2::store_uint256(signature.data() + 32, s.limbs());
  const std::uint64_t bad = r.is_zero() | r_plus_k.is_zero() | s.is_zero();
  declassify(bad);
  wipe_object(r_plus_k);
  wipe_object(inverse);
  return bad == 0;
}

void try_sign(std::span<Sm2SignJob* const> jobs, std::span<const Uint256> nonces) {
  std::array<PlainPoint, sm2::kMaxNonces> points;
  sm2::chosen_variant().multiply_generator(std::span(points).first(jobs.size()), nonces);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Sm2SignJob& job = *jobs[i];
    if (sign_with(job.signature, job, nonces[i], points[i])) {
      declassify(job.signature);
      job.result = {};
    } else {
      wipe(job.signature);  // it would tell the key
      job.result = Error::sign_failed;
    }
  }
}

// What is left to check of a signature. False: it is out of range.
bool prepare(sm2::Check& check, const Sm2VerifyJob& job) {
  const Uint256 r = sm2::load_uint256(job.signature.data());
  check.s = sm2::load_uint256(job.signature.data() + 32);
  const Uint256& n = OrderModulus::kValue;
  if ((sm2::is_in_range(r, n) & sm2::is_in_range(check.s, n)) == 0) return false;
  const Scalar t = plain(r) + plain(check.s);
  if (t.is_zero() != 0) return false;
  check.t = t.limbs();
  check.x = (plain(r) - plain(sm2::load_uint256(job.e.data()))).limbs();
  const auto point = job.key->bytes();
  check.point = {sm2::load_uint256(point.data()), sm2::load_uint256(point.data() + 32)};
  check.table = job.table != nullptr ? &job.table->windows() : nullptr;
  return true;
}

constexpr std::size_t kMaxChecks = 64;

// The signatures among `jobs` that have a table, or those that have none.
void verify(std::span<Sm2VerifyJob> jobs, bool with_tables) {
  std::array<sm2::Check, kMaxChecks> checks;
  std::array<Sm2VerifyJob*, kMaxChecks> checked;
  std::size_t num = 0;
  for (Sm2VerifyJob& job : jobs) {
    if (job.key == nullptr || (job.table != nullptr) != with_tables) continue;
    if (prepare(checks[num], job)) checked[num++] = &job;
  }
  const auto used = std::span(checks).first(num);
  const sm2::Variant& variant = sm2::chosen_variant();
  with_tables ? variant.check_with_tables(used) : variant.check(used);
  for (std::size_t i = 0; i < num; ++i) {
    if (checks[i].holds) checked[i]->result = {};
  }
}

}  // namespace

void run(std::span<Sm2SignJob> jobs, RandomSource& nonces) noexcept {
  const auto is_valid = [](const Sm2SignJob& job) { return job.key != nullptr; };
  sm2::run_with_nonces(jobs, nonces, is_valid, try_sign);
}

void run(std::span<Sm2VerifyJob> jobs) noexcept {
  for (Sm2VerifyJob& job : jobs) {
    job.result = job.key != nullptr ? Error::verify_failed : Error::invalid_argument;
  }
  for (std::size_t at = 0; at < jobs.size(); at += kMaxChecks) {
    const auto chunk = jobs.subspan(at, std::min(kMaxChecks, jobs.size() - at));
    verify(chunk, false);
    verify(chunk, true);
  }
}

Result<Sm2Signature> sm2_sign(const Sm2PrivateKey& key,
                              std::span<const std::uint8_t, kSm3DigestLen> e,
                              RandomSource& random) {
  Sm2SignJob job;
  job.key = &key;
  std::memcpy(job.e.data(), e.data(), e.size());
  run(std::span(&job, 1), random);
  CIPHERDECK_TRY(job.result);
  return job.signature;
}

Result<void> sm2_verify(const Sm2PublicKey& key, std::span<const std::uint8_t, kSm3DigestLen> e,
                        std::span<const std::uint8_t, kSm2SignatureLen> signature) {
  Sm2VerifyJob job;
  job.key = &key;
  std::memcpy(job.e.data(), e.data(), e.size());
  std::memcpy(job.signature.data(), signature.data(), signature.size());
  run(std::span(&job, 1));
  return job.result;
}

Sm2VerifyTable::Sm2VerifyTable(const Sm2PublicKey& key)
    : m_windows(sm2::make_window_table(sm2::load_point(key.bytes()))) {}

Sm2VerifyTable::~Sm2VerifyTable() = default;

}  // namespace cipherdeck::engine
