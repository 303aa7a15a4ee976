// SPDX-License-Identifier: Apache-2.0
#include "card/random/hash_drbg.h"

#include "base/secret.h"
#include "engine/batch.h"

#include <algorithm>
#include <initializer_list>

namespace cipherdeck::card::random {
namespace {

using engine::HashJob;
using engine::kSm3DigestLen;
using engine::Sm3;
using engine::Sm3Digest;
using Seed = std::array<std::uint8_t, kDrbgSeedLen>;

// Hash_df (10.3.1) to seedlen bits, of the concatenation of `parts`.
void hash_df(Seed& out, std::initializer_list<Bytes> parts) noexcept {
  std::array<std::uint8_t, 5> head{};
  store_be32(head.data() + 1, kDrbgSeedLen * 8);
  std::size_t done = 0;
  for (head[0] = 1; done < out.size(); ++head[0]) {
    Sm3 hash;
    hash.update(head);
    for (const Bytes part : parts) hash.update(part);
    Sm3Digest digest = hash.finish();
    const std::size_t len = std::min(digest.size(), out.size() - done);
    std::memcpy(out.data() + done, digest.data(), len);
    wipe(digest);
    done += len;
  }
}

// to = (to + value) modulo 2^440; both big-endian, value no longer than a seed.
void add(Seed& to, Bytes value) noexcept {
  unsigned carry = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::size_t at = to.size() - 1 - i;
    const unsigned addend = i < value.size() ? value[value.size() - 1 - i] : 0u;
    carry += to[at] + addend;
    to[at] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

// By words, since Hashgen does it for every 32 bytes.
void add(Seed& to, std::uint64_t value) noexcept {
  std::size_t at = to.size();
  for (; at >= 8; at -= 8) {
    const std::uint64_t sum = load_be64(to.data() + at - 8) + value;
    value = sum < value ? 1 : 0;
    store_be64(to.data() + at - 8, sum);
  }
  for (; at > 0; --at) {
    value += to[at - 1];
    to[at - 1] = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

// The hashes of V, V + 1, ... do not depend on one another, so they go to the engine side by side.
constexpr std::size_t kLanes = 32;

struct Lanes {
  std::array<Sm3, kLanes> states;
  std::array<Seed, kLanes> inputs;
  std::array<Sm3Digest, kLanes> digests;
  std::array<HashJob, kLanes> jobs;
};

void wipe_lanes(Lanes& lanes) noexcept {
  for (Seed& input : lanes.inputs) wipe(input);
  for (Sm3Digest& digest : lanes.digests) wipe(digest);
}

// Hashgen (10.1.1.4).
void hashgen(MutableBytes out, const Seed& v) noexcept {
  Seed data = v;
  Lanes lanes;
  while (!out.empty()) {
    const std::size_t num = std::min(kLanes, (out.size() + kSm3DigestLen - 1) / kSm3DigestLen);
    for (std::size_t i = 0; i < num; ++i) {
      lanes.inputs[i] = data;
      lanes.jobs[i] = HashJob{&lanes.states[i], lanes.inputs[i], lanes.digests[i].data(), {}};
      add(data, std::uint64_t{1});
    }
    engine::run(std::span(lanes.jobs).first(num));
    for (std::size_t i = 0; i < num; ++i) {
      const std::size_t len = std::min(out.size(), kSm3DigestLen);
      std::memcpy(out.data(), lanes.digests[i].data(), len);
      out = out.subspan(len);
    }
  }
  wipe_lanes(lanes);
  wipe(data);
}

// Most requests are a nonce or a key, which a few single hashes serve sooner.
void hashgen_short(MutableBytes out, const Seed& v) noexcept {
  Seed data = v;
  while (!out.empty()) {
    Sm3Digest digest = Sm3::digest(data);
    const std::size_t len = std::min(out.size(), digest.size());
    std::memcpy(out.data(), digest.data(), len);
    out = out.subspan(len);
    wipe(digest);
    add(data, std::uint64_t{1});
  }
  wipe(data);
}

constexpr std::uint8_t kTagZero[] = {0x00};
constexpr std::uint8_t kTagReseed[] = {0x01};
constexpr std::uint8_t kTagGenerate[] = {0x03};
constexpr std::size_t kShortRequest = 128;

}  // namespace

void HashDrbg::instantiate(Bytes entropy, Bytes personalisation) noexcept {
  hash_df(v, {entropy, personalisation});
  hash_df(c, {kTagZero, v});
  reseed_counter = 1;
}

void HashDrbg::reseed(Bytes entropy) noexcept {
  Seed old = v;
  hash_df(v, {kTagReseed, old, entropy});
  wipe(old);
  hash_df(c, {kTagZero, v});
  reseed_counter = 1;
}

void HashDrbg::generate(MutableBytes out) noexcept {
  if (out.size() <= kShortRequest) {
    hashgen_short(out, v);
  } else {
    hashgen(out, v);
  }
  Sm3 hash;
  hash.update(kTagGenerate);
  hash.update(v);
  Sm3Digest h = hash.finish();
  add(v, h);
  wipe(h);
  add(v, c);
  add(v, reseed_counter);
  ++reseed_counter;
}

}  // namespace cipherdeck::card::random
