// SPDX-License-Identifier: Apache-2.0
#include "functions/engine_load.h"

#include "base/bytes.h"
#include "card/random/random.h"
#include "engine/batch.h"

#include <vector>

namespace cipherdeck::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kIvLen = 16;

// Calls `batch`, which does `depth` operations, for `duration`.
template <typename Batch>
Sample repeat(std::uint32_t depth, std::chrono::milliseconds duration, Batch batch) {
  const auto start = Clock::now();
  std::uint64_t operations = 0;
  auto now = start;
  for (; now - start < duration; now = Clock::now()) {
    batch();
    operations += depth;
  }
  return {.operations = operations, .seconds = std::chrono::duration<double>(now - start).count()};
}

Sample engine_sm4_ctr(std::uint32_t bytes, std::uint32_t depth,
                      std::chrono::milliseconds duration) {
  const engine::Sm4Key key(std::array<std::uint8_t, engine::kSm4KeyLen>{1, 2, 3});
  std::vector<std::uint8_t> input(std::size_t{bytes} * depth);
  std::vector<std::uint8_t> output(input.size());
  std::vector<std::array<std::uint8_t, kIvLen>> ivs(depth);
  std::vector<engine::CipherJob> jobs(depth);
  for (std::uint32_t i = 0; i < depth; ++i) {
    jobs[i] = {.key = &key,
               .mode = engine::CipherMode::ctr,
               .iv = ivs[i].data(),
               .input = input.data() + std::size_t{i} * bytes,
               .output = output.data() + std::size_t{i} * bytes,
               .len = bytes};
  }
  return repeat(depth, duration, [&] { engine::run(jobs); });
}

Sample engine_sm3(std::uint32_t bytes, std::uint32_t depth, std::chrono::milliseconds duration) {
  std::vector<std::uint8_t> input(std::size_t{bytes} * depth);
  std::vector<engine::Sm3> states(depth);
  std::vector<engine::Sm3Digest> digests(depth);
  std::vector<engine::HashJob> jobs(depth);
  for (std::uint32_t i = 0; i < depth; ++i) {
    jobs[i] = {.state = &states[i],
               .input = Bytes(input).subspan(std::size_t{i} * bytes, bytes),
               .digest = digests[i].data()};
  }
  return repeat(depth, duration, [&] { engine::run(jobs); });
}

Result<Sample> engine_sm2_sign(std::uint32_t depth, std::chrono::milliseconds duration) {
  CIPHERDECK_ASSIGN(const auto random, card::random::Generator::create());
  CIPHERDECK_ASSIGN(const auto key, engine::Sm2PrivateKey::generate(*random));
  std::vector<engine::Sm2SignJob> jobs(depth);
  for (auto& job : jobs) job.key = &key;
  return repeat(depth, duration, [&] { engine::run(jobs, *random); });
}

}  // namespace

Result<Sample> run_engine(Operation operation, std::uint32_t bytes, std::uint32_t depth,
                          std::chrono::milliseconds duration) {
  switch (operation) {
    case Operation::sm4_ctr:
      return engine_sm4_ctr(bytes, depth, duration);
    case Operation::sm3:
      return engine_sm3(bytes, depth, duration);
    case Operation::sm2_sign:
      return engine_sm2_sign(depth, duration);
    case Operation::nop:
    case Operation::sm4_cbc:
    case Operation::sm1_cbc:
    case Operation::stand_in_cbc:
    case Operation::invalid:
      break;
  }
  return Error::invalid_argument;
}

}  // namespace cipherdeck::bench
