// SPDX-License-Identifier: Apache-2.0
// An SQLite VFS that does what the system's does and keeps a record of it, from which a disk as
// lost power may leave it can be made.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace cipherdeck::card::testing {

struct DiskEvent {
  enum class Kind { write, truncate, sync, remove, note };
  Kind kind;
  std::string file;         // name without directories
  std::int64_t offset = 0;  // of a write; new length of a truncation; number of a note
  std::vector<std::uint8_t> data;
  bool synced = false;  // remove: the directory was synced too
};

/// Makes the recording VFS the default of this process.
void install_recording_vfs();

/// What was done since the record was started, files' names as they were given.
std::vector<DiskEvent>& disk_record();
void set_recording(bool on);

using DiskFiles = std::map<std::string, std::vector<std::uint8_t>>;

/// The files after the first `num_events` of `events`, of which the last is cut short, when the
/// power goes. What was synced is there. Of what was not, each sector written, each truncation and
/// each removal is there or not, as the dice fall.
DiskFiles after_power_loss(const DiskFiles& before, const std::vector<DiskEvent>& events,
                           std::size_t num_events, std::mt19937& dice);

}  // namespace cipherdeck::card::testing
