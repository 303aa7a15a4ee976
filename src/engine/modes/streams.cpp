// SPDX-License-Identifier: Apache-2.0
#include "engine/modes/streams.h"

#include "base/secret.h"
#include "engine/modes/blocks.h"
#include "engine/modes/modes.h"

#include <algorithm>

namespace cipherdeck::engine::modes {
namespace {

using sm4::Chaining;
using sm4::Lanes;

void run_alone(Chaining chaining, const Stream& stream) {
  switch (chaining) {
    case Chaining::cbc:
      return cbc_encrypt(stream.out, stream.in, stream.len, *stream.key, stream.iv);
    case Chaining::cfb:
      return cfb_encrypt(stream.out, stream.in, stream.len, *stream.key, stream.iv);
    case Chaining::ofb:
      return ofb_crypt(stream.out, stream.in, stream.len, *stream.key, stream.iv);
    case Chaining::mac:
      return cbc_mac(stream.in, stream.len, *stream.key, stream.iv);
  }
}

// Streams in lanes. Those in use are the first ones: the last moves to where one has ended.
class LaneSet {
 public:
  LaneSet(Chaining chaining, const sm4::Variant& variant)
      : m_chaining(chaining), m_variant(variant) {
    m_lanes.num_used = 0;
    for (Block& chain : m_lanes.chain) chain.fill(0);
  }
  LaneSet(const LaneSet&) = delete;
  LaneSet& operator=(const LaneSet&) = delete;
  ~LaneSet() {
    wipe_object(m_lanes.chain);
    wipe(MutableBytes(m_lanes.round_keys).first(128 * m_num_prepared));
  }

  [[nodiscard]] std::size_t num_used() const { return m_lanes.num_used; }
  [[nodiscard]] bool is_full() const { return num_used() == m_variant.num_lanes; }

  // `stream` has a whole block at least.
  void add(const Stream& stream) {
    const std::size_t lane = m_lanes.num_used++;
    if (!m_has_keys) {
      for (std::size_t i = 0; i < m_variant.num_lanes; ++i) set_key(i, stream);
      m_has_keys = true;
    }
    set(lane, stream);
    std::memcpy(m_lanes.chain[lane].data(), stream.iv, kSm4BlockLen);
  }

  // As many blocks as the shortest stream has; then takes those out that have ended.
  void advance() {
    std::size_t num_blocks = kMostBlocks;
    for (std::size_t i = 0; i < num_used(); ++i) {
      num_blocks = std::min(num_blocks, m_streams[i].len / kSm4BlockLen);
    }
    for (std::size_t i = num_used(); i < m_variant.num_lanes; ++i) {
      m_lanes.in[i] = m_lanes.out[i] = m_idle.data();
    }
    for (std::size_t i = 0; i < num_used(); ++i) {
      const std::size_t done = num_blocks * kSm4BlockLen;
      const std::uint8_t* const out = m_streams[i].out != nullptr ? m_lanes.out[i] : m_lanes.in[i];
      prefetch(m_lanes.in[i] + done, out + done, std::min(m_streams[i].len - done, done));
    }
    m_variant.chain_lanes(m_lanes, m_chaining, num_blocks);
    const std::size_t num_prepared = m_lanes.prepared_for;
    m_num_prepared = std::max(m_num_prepared, num_prepared != 0 ? num_prepared : Lanes::kMax);
    for (std::size_t i = num_used(); i-- != 0;) {
      m_streams[i].len -= num_blocks * kSm4BlockLen;
      if (m_streams[i].len < kSm4BlockLen) finish(i);
    }
  }

  // The rest of a stream, alone; and its lane is free.
  void finish(std::size_t lane) {
    Stream rest = m_streams[lane];
    rest.in = m_lanes.in[lane];
    rest.out = m_lanes.out[lane];
    std::memcpy(rest.iv, m_lanes.chain[lane].data(), kSm4BlockLen);
    run_alone(m_chaining, rest);
    const std::size_t last = --m_lanes.num_used;
    if (lane == last) return;
    Stream moved = m_streams[last];
    moved.in = m_lanes.in[last];
    moved.out = m_lanes.out[last];
    set(lane, moved);
    m_lanes.chain[lane] = m_lanes.chain[last];
  }

 private:
  // In one call of the kernel: lanes without work need as much room.
  static constexpr std::size_t kMostBlocks = 64;

  void set(std::size_t lane, const Stream& stream) {
    m_streams[lane] = stream;
    m_lanes.in[lane] = stream.in;
    m_lanes.out[lane] = stream.out;
    set_key(lane, stream);
  }
  void set_key(std::size_t lane, const Stream& stream) {
    m_variant.set_lane_key(m_lanes, lane, stream.key->encryption_keys());
  }

  Chaining m_chaining;
  const sm4::Variant& m_variant;
  bool m_has_keys = false;
  std::size_t m_num_prepared = 0;
  std::array<Stream, Lanes::kMax> m_streams;
  Lanes m_lanes;
  std::array<std::uint8_t, kMostBlocks * kSm4BlockLen> m_idle{};
};

}  // namespace

void run_streams(Chaining chaining, StreamSource& source, const sm4::Variant& variant) {
  Stream first, stream;
  if (!source.next(first)) return;
  if (variant.num_lanes == 0 || !source.next(stream)) {
    do run_alone(chaining, first);
    while (source.next(first));
    return;
  }
  LaneSet lanes(chaining, variant);
  const auto take = [&](const Stream& taken) {
    taken.len < kSm4BlockLen ? run_alone(chaining, taken) : lanes.add(taken);
  };
  take(first);
  take(stream);
  bool is_exhausted = false;
  for (;;) {
    while (!lanes.is_full() && !is_exhausted) {
      is_exhausted = !source.next(stream);
      if (!is_exhausted) take(stream);
    }
    if (lanes.num_used() == 0) return;
    lanes.num_used() == 1 ? lanes.finish(0) : lanes.advance();
  }
}

}  // namespace cipherdeck::engine::modes
