// SPDX-License-Identifier: Apache-2.0
#include "fault/recording_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <new>
#include <set>

namespace cipherdeck::card::testing {
namespace {

sqlite3_vfs* real_vfs = nullptr;
std::vector<DiskEvent> record;
bool recording = false;

// SQLite makes room for this and, behind it, the real VFS's file.
struct RecordedFile {
  sqlite3_file base;
  std::string* name;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<RecordedFile*>(file) + 1);
}

void note(DiskEvent::Kind kind, sqlite3_file* file, std::int64_t offset, const void* data,
          int len) {
  if (!recording) return;
  const auto* const bytes = static_cast<const std::uint8_t*>(data);
  record.push_back({kind, *reinterpret_cast<RecordedFile*>(file)->name, offset,
                    bytes == nullptr ? std::vector<std::uint8_t>()
                                     : std::vector<std::uint8_t>(bytes, bytes + len),
                    false});
}

int file_close(sqlite3_file* file) {
  auto* const recorded = reinterpret_cast<RecordedFile*>(file);
  delete recorded->name;
  recorded->name = nullptr;
  return real(file)->pMethods->xClose(real(file));
}
int file_read(sqlite3_file* file, void* data, int len, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), data, len, offset);
}
int file_write(sqlite3_file* file, const void* data, int len, sqlite3_int64 offset) {
  note(DiskEvent::Kind::write, file, offset, data, len);
  return real(file)->pMethods->xWrite(real(file), data, len, offset);
}
int file_truncate(sqlite3_file* file, sqlite3_int64 len) {
  note(DiskEvent::Kind::truncate, file, len, nullptr, 0);
  return real(file)->pMethods->xTruncate(real(file), len);
}
int file_sync(sqlite3_file* file, int flags) {
  note(DiskEvent::Kind::sync, file, 0, nullptr, 0);
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* len) {
  return real(file)->pMethods->xFileSize(real(file), len);
}
int file_lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int file_unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int file_check_lock(sqlite3_file* file, int* result) {
  return real(file)->pMethods->xCheckReservedLock(real(file), result);
}
int file_control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int file_sector_len(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int file_characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

// Version 1: no shared memory, no mapped reads.
const sqlite3_io_methods kMethods = {1,
                                     file_close,
                                     file_read,
                                     file_write,
                                     file_truncate,
                                     file_sync,
                                     file_size,
                                     file_lock,
                                     file_unlock,
                                     file_check_lock,
                                     file_control,
                                     file_sector_len,
                                     file_characteristics,
                                     nullptr,
                                     nullptr,
                                     nullptr,
                                     nullptr,
                                     nullptr,
                                     nullptr};

std::string base_name(const char* path) { return std::filesystem::path(path).filename().string(); }

int vfs_open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* const recorded = reinterpret_cast<RecordedFile*>(file);
  recorded->base.pMethods = nullptr;
  const int code = real_vfs->xOpen(real_vfs, path, real(file), flags, out_flags);
  if (code != SQLITE_OK) return code;
  recorded->name = new std::string(path == nullptr ? "" : base_name(path));
  recorded->base.pMethods = &kMethods;
  return code;
}

int vfs_delete(sqlite3_vfs*, const char* path, int sync_directory) {
  if (recording) {
    record.push_back({DiskEvent::Kind::remove, base_name(path), 0, {}, sync_directory != 0});
  }
  return real_vfs->xDelete(real_vfs, path, sync_directory);
}

constexpr std::size_t kSectorLen = 512;

// A file as it is on the disk, and what was done to it since it was last synced.
struct PendingFile {
  std::vector<std::uint8_t> durable;
  std::vector<const DiskEvent*> pending;
};

void write_part(std::vector<std::uint8_t>& to, const DiskEvent& event, std::size_t from,
                std::size_t len) {
  const auto offset = static_cast<std::size_t>(event.offset) + from;
  if (to.size() < offset + len) to.resize(offset + len);
  std::memcpy(to.data() + offset, event.data.data() + from, len);
}

void apply(std::vector<std::uint8_t>& to, const DiskEvent& event, std::mt19937* dice) {
  const auto lands = [dice] { return dice == nullptr || (*dice)() % 2 == 0; };
  if (event.kind == DiskEvent::Kind::truncate) {
    if (lands()) to.resize(static_cast<std::size_t>(event.offset));
    return;
  }
  for (std::size_t from = 0; from < event.data.size();) {
    const std::size_t in_sector =
        kSectorLen - (static_cast<std::size_t>(event.offset) + from) % kSectorLen;
    const std::size_t len = std::min(in_sector, event.data.size() - from);
    if (lands()) write_part(to, event, from, len);
    from += len;
  }
}

void make_durable(PendingFile& file) {
  for (const DiskEvent* event : file.pending) apply(file.durable, *event, nullptr);
  file.pending.clear();
}

}  // namespace

void install_recording_vfs() {
  static sqlite3_vfs recorder;
  if (real_vfs != nullptr) return;
  real_vfs = sqlite3_vfs_find(nullptr);
  recorder = *real_vfs;
  recorder.zName = "recording";
  recorder.szOsFile = static_cast<int>(sizeof(RecordedFile)) + real_vfs->szOsFile;
  recorder.xOpen = vfs_open;
  recorder.xDelete = vfs_delete;
  sqlite3_vfs_register(&recorder, 1);
}

std::vector<DiskEvent>& disk_record() { return record; }

void set_recording(bool on) { recording = on; }

DiskFiles after_power_loss(const DiskFiles& before, const std::vector<DiskEvent>& events,
                           std::size_t num_events, std::mt19937& dice) {
  std::map<std::string, PendingFile> files;
  for (const auto& file : before) files[file.first].durable = file.second;
  for (std::size_t i = 0; i < num_events; ++i) {
    const DiskEvent& event = events[i];
    const bool cut_short = i + 1 == num_events;
    if (event.kind == DiskEvent::Kind::note) continue;
    if (event.kind == DiskEvent::Kind::remove) {
      if ((event.synced && !cut_short) || dice() % 2 == 0) files.erase(event.file);
    } else if (event.kind != DiskEvent::Kind::sync) {
      files[event.file].pending.push_back(&event);
    } else if (!cut_short) {
      make_durable(files[event.file]);
    }
  }
  DiskFiles left;
  for (auto& file : files) {
    for (const DiskEvent* event : file.second.pending) apply(file.second.durable, *event, &dice);
    left[file.first] = std::move(file.second.durable);
  }
  return left;
}

}  // namespace cipherdeck::card::testing
