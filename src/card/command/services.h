// SPDX-License-Identifier: Apache-2.0
// What the command processor is given: the rest of the card, and the queue pair a command came
// from.
#pragma once

#include "base/random_source.h"
#include "card/partition/partition.h"
#include "card/session/session.h"
#include "ring/ring.h"

#include <atomic>
#include <cstdint>
#include <functional>

namespace cipherdeck::card::away {
class Coprocessor;
}
namespace cipherdeck::card::chip {
class ChipSet;
}

namespace cipherdeck::card::command {

/// Numbers of one function, for the management. The worker writes commands, bytes and sessions;
/// whoever attaches and detaches writes queue_pairs; any thread reads.
struct FunctionCounters {
  std::atomic<std::uint64_t> commands{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> engine_ns{0};
  std::atomic<std::uint32_t> sessions{0};
  std::atomic<std::uint32_t> queue_pairs{0};
};

struct Services {
  const PartitionTable& partitions;
  const std::atomic<std::uint32_t>& state;  // CIPHERDECK_CARD_
  RandomSource& random;                     // the worker's own
  std::function<cipherdeck_identity(FunctionNumber)> identity;
  chip::ChipSet* chips = nullptr;  // null: none
  away::Coprocessor* coprocessor = nullptr;
};

/// A queue pair, as far as commands are concerned. Belongs to the worker.
struct Client {
  FunctionNumber function = 0;
  ring::DeviceEnd end;
  session::SessionTable sessions;
  FunctionCounters* counters = nullptr;
  std::uint32_t jobs = 0;       // of this queue pair in the batch
  std::uint32_t away_jobs = 0;  // of this queue pair at chips and the coprocessor
  bool broken = false;          // its ring broke: it gets no completions any more
  bool touched = false;         // completions were written since the last look at its interrupt
};

}  // namespace cipherdeck::card::command
