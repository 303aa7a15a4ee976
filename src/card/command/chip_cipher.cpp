// SPDX-License-Identifier: Apache-2.0
// Ciphers that a chip does: SM1 and vendors' own.
#include "card/chip/chip_set.h"
#include "card/command/away_jobs.h"
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

constexpr std::size_t kBlock = chip::kBlockLen;
// The worker's part: memory, two copies and a wipe, and two messages.
constexpr std::uint32_t kChipCost = 3000;
constexpr std::size_t kBytesPerNs = 4;

struct Wanted {
  chip::Chip* chip;
  const session::SessionKey* key;
  std::uint32_t mode;
};

Result<Wanted> find_chip(Call& call) {
  const std::uint32_t algorithm = call.command.algorithm;
  if (call.services.chips == nullptr) return Error::algorithm;
  CIPHERDECK_ASSIGN(chip::Chip* const chip, call.services.chips->find(algorithm));
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  if (key->bytes().size() != chip->plugin().key_len()) return Error::key_type;
  return Wanted{chip, key, algorithm & CIPHERDECK_ALG_MODE_MASK};
}

// Results, to the arena.
Reply deliver(chip::Job& job, std::uint8_t* iv_out, MutableBytes output) noexcept {
  const bool is_mac = job.operation == CIPHERDECK_CHIP_MAC;
  const Bytes result = is_mac ? Bytes(job.iv) : Bytes(job.data());
  std::memcpy(output.data(), result.data(), result.size());
  if (iv_out != nullptr) std::memcpy(iv_out, job.iv.data(), job.iv.size());
  return done(0, result.size());
}

// Everything else about the command is checked.
HandlerResult send(Call& call, const Wanted& wanted, std::uint32_t operation, MutableBytes output) {
  AwayJobs& jobs = call.batch.away_jobs();
  if (!jobs.has_room(call.client.function, call.input.size())) return after_away();
  const auto job = std::make_shared<chip::Job>(call.command.algorithm, operation,
                                               wanted.key->bytes(), call.input);
  std::uint8_t* iv_out = nullptr;
  if (wanted.mode != CIPHERDECK_ALG_ECB) {
    job->has_iv = true;
    job->iv = copy_once<kBlock>(call.params);
    iv_out = call.params.data();
  }
  jobs.send({.origin = call.origin(),
             .function = call.client.function,
             .job = job,
             .finish = [job, iv_out, output] { return deliver(*job, iv_out, output); }});
  call.services.chips->submit(*wanted.chip, job);
  return sent_away(kChipCost + static_cast<std::uint32_t>(call.input.size() / kBytesPerNs));
}

}  // namespace

HandlerResult crypt_by_chip(Call& call, engine::Direction direction) {
  CIPHERDECK_ASSIGN(const Wanted wanted, find_chip(call));
  const std::size_t len = call.input.size();
  if (wanted.mode == CIPHERDECK_ALG_MAC) return Error::mode;
  const bool whole_blocks = wanted.mode == CIPHERDECK_ALG_ECB || wanted.mode == CIPHERDECK_ALG_CBC;
  if (whole_blocks && len % kBlock != 0) return Error::invalid_argument;
  if (call.output.size() < len) return too_small(len);
  CIPHERDECK_TRY(check_overlap(call.input, call.output.first(len)));
  if (wanted.mode != CIPHERDECK_ALG_ECB && call.params.empty()) return Error::invalid_command;
  const bool encrypting = direction == engine::Direction::encrypt;
  return send(call, wanted, encrypting ? CIPHERDECK_CHIP_ENCRYPT : CIPHERDECK_CHIP_DECRYPT,
              call.output.first(len));
}

HandlerResult mac_by_chip(Call& call) {
  CIPHERDECK_ASSIGN(const Wanted wanted, find_chip(call));
  if (wanted.mode != CIPHERDECK_ALG_MAC) return Error::mode;
  if (call.input.size() % kBlock != 0) return Error::invalid_argument;
  if (call.output.size() < kBlock) return too_small(kBlock);
  return send(call, wanted, CIPHERDECK_CHIP_MAC, call.output.first(kBlock));
}

}  // namespace cipherdeck::card::command
