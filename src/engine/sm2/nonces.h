// SPDX-License-Identifier: Apache-2.0
// Jobs that need random scalars, which may turn out to be of no use and are drawn again.
#pragma once

#include "base/secret.h"
#include "engine/batch.h"
#include "engine/declassify.h"
#include "engine/sm2/sm2_variants.h"

#include <algorithm>
#include <exception>

namespace cipherdeck::engine::sm2 {

constexpr std::size_t kMaxNonces = 64;  // drawn at once

/// A source is foreign code: an exception of its is an error.
inline Result<void> fill(MutableBytes out, RandomSource& random) noexcept {
  try {
    return random.fill(out);
  } catch (const std::exception&) {
    return Error::internal;
  }
}

/// A scalar of 1 to n - 1 for each of `jobs`, from one call of the source. Jobs that got one come
/// first afterwards; their number is returned, the others have failed with random_failed.
template <typename Job>
Result<std::size_t> draw(std::span<Uint256> nonces, std::span<Job*> jobs,
                         RandomSource& random) noexcept {
  Secret<kMaxNonces * kSm2ScalarLen> bytes;
  CIPHERDECK_TRY(fill(bytes.span().first(jobs.size() * kSm2ScalarLen), random));
  std::size_t num_usable = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    nonces[num_usable] = load_uint256(bytes.data() + i * kSm2ScalarLen);
    const std::uint64_t is_usable = is_in_range(nonces[num_usable], OrderModulus::kValue);
    declassify(is_usable);
    jobs[i]->result = Error::random_failed;
    if (is_usable != 0) std::swap(jobs[num_usable++], jobs[i]);
  }
  return num_usable;
}

/// Tries all jobs once; those that go on come first, and their number is returned.
template <typename Job, typename Attempt>
std::size_t try_jobs(std::span<Job*> jobs, RandomSource& random, const Attempt& attempt) noexcept {
  std::array<Uint256, kMaxNonces> nonces;
  const Result<std::size_t> num_usable = draw(std::span(nonces), jobs, random);
  if (!num_usable) {
    for (Job* const job : jobs) job->result = num_usable.error();
    return 0;
  }
  attempt(jobs.first(*num_usable), std::span<const Uint256>(nonces).first(*num_usable));
  wipe_object(nonces);
  const auto done =
      std::partition(jobs.begin(), jobs.end(), [](const Job* job) { return !job->result.ok(); });
  return static_cast<std::size_t>(done - jobs.begin());
}

/// Gives each of the jobs that is_valid(job) a result. attempt(jobs, nonces), with spans of the
/// same length, sets the result of each of those jobs; one that is an error leads to another try.
template <typename Job, typename IsValid, typename Attempt>
void run_with_nonces(std::span<Job> jobs, RandomSource& random, const IsValid& is_valid,
                     const Attempt& attempt) noexcept {
  constexpr int kMaxTries = 64;
  for (std::size_t at = 0; at < jobs.size(); at += kMaxNonces) {
    std::array<Job*, kMaxNonces> pending;
    std::size_t num_pending = 0;
    for (Job& job : jobs.subspan(at, std::min(kMaxNonces, jobs.size() - at))) {
      job.result = Error::invalid_argument;
      if (is_valid(job)) pending[num_pending++] = &job;
    }
    for (int i = 0; num_pending > 0 && i < kMaxTries; ++i) {
      num_pending = try_jobs(std::span(pending).first(num_pending), random, attempt);
    }
  }
}

}  // namespace cipherdeck::engine::sm2
