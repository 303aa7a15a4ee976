// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch in the lanes of a kernel: a lane whose stream has ended takes the next job.
#include "base/secret.h"
#include "engine/batch.h"
#include "engine/sm3/sm3_feed.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace sm3 {
namespace {

// A stream in a lane, which has blocks to compress.
struct Stream {
  HashJob* job = nullptr;
  Feed feed;
  Blocks blocks;

  // Whether there are blocks left. If not, the job is done.
  [[nodiscard]] bool next() noexcept {
    blocks = feed.next();
    if (blocks.num != 0) return true;
    if (job->digest != nullptr) feed.take_digest(job->digest);
    job->result = {};
    return false;
  }
};

// Whether the job has blocks to compress.
bool start(Stream& stream, HashJob& job) noexcept {
  if (job.state == nullptr || (job.input.data() == nullptr && !job.input.empty())) {
    job.result = Error::invalid_argument;
    return false;
  }
  stream = {&job, Feed(*job.state, job.input, job.digest != nullptr), {}};
  return stream.next();
}

void compress_alone(const Variant& variant, Stream& stream) noexcept {
  do {
    variant.compress(stream.feed.state(), stream.blocks.data, stream.blocks.num);
  } while (stream.next());
}

class LaneFiller {
 public:
  LaneFiller(const Variant& variant, std::span<HashJob> jobs) noexcept
      : m_variant(variant), m_jobs(jobs) {}

  void run() noexcept {
    while (m_num < m_variant.num_lanes && take_job(m_streams[m_num])) ++m_num;
    while (m_num >= m_variant.min_lanes) compress_together();
    for (std::size_t i = 0; i < m_num; ++i) compress_alone(m_variant, m_streams[i]);
  }

 private:
  // Whether a job was left.
  [[nodiscard]] bool take_job(Stream& stream) noexcept {
    while (!m_jobs.empty()) {
      HashJob& job = m_jobs.front();
      m_jobs = m_jobs.subspan(1);
      if (start(stream, job)) return true;
    }
    return false;
  }

  // To the end of the shortest run. Lanes without work follow the first one, for nobody.
  void compress_together() noexcept {
    std::size_t num_blocks = m_streams[0].blocks.num;
    State unused{};
    for (std::size_t i = 0; i < m_variant.num_lanes; ++i) {
      const Stream& stream = m_streams[i < m_num ? i : 0];
      m_lanes.states[i] = i < m_num ? &stream.feed.state() : &unused;
      m_lanes.data[i] = stream.blocks.data;
      num_blocks = std::min(num_blocks, stream.blocks.num);
    }
    m_variant.compress_lanes(m_lanes, num_blocks);
    if (m_num < m_variant.num_lanes) wipe_object(unused);
    for (std::size_t i = m_num; i-- != 0;) advance(i, num_blocks);
  }

  void advance(std::size_t lane, std::size_t num_blocks) noexcept {
    Stream& stream = m_streams[lane];
    stream.blocks.data = m_lanes.data[lane];
    stream.blocks.num -= num_blocks;
    if (stream.blocks.num != 0 || stream.next() || take_job(stream)) return;
    stream = m_streams[--m_num];
  }

  const Variant& m_variant;
  std::span<HashJob> m_jobs;
  std::array<Stream, Lanes::kMax> m_streams;
  std::size_t m_num = 0;  // the first of m_streams, which have work
  Lanes m_lanes;
};

}  // namespace

void run(const Variant& variant, std::span<HashJob> jobs) noexcept {
  if (jobs.size() >= variant.min_lanes) return LaneFiller(variant, jobs).run();
  for (HashJob& job : jobs) {
    Stream stream;
    if (start(stream, job)) compress_alone(variant, stream);
  }
}

}  // namespace sm3

void run(std::span<HashJob> jobs) noexcept { sm3::run(sm3::chosen_variant(), jobs); }

}  // namespace cipherdeck::engine
