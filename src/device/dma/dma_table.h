// SPDX-License-Identifier: Apache-2.0
// What a client lets its function reach: ranges of guest addresses, each backed by a part of a
// memory file or by nothing we can use. Only this folder turns guest addresses into pointers, and
// it does so for queue memory only: the rest of a guest is never mapped into the card's process.
#pragma once

#include "base/file_descriptor.h"
#include "base/result.h"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace cipherdeck::device::dma {

/// An address in the client's space. A strong type: nothing but this folder dereferences it.
enum class GuestAddress : std::uint64_t {};

[[nodiscard]] constexpr std::uint64_t value_of(GuestAddress address) noexcept {
  return static_cast<std::uint64_t>(address);
}

/// A range that is not empty and does not wrap; it may end at 2^64.
class GuestRange {
 public:
  /// Fails with invalid_argument if `len` is zero or the range goes beyond 2^64.
  static Result<GuestRange> make(std::uint64_t first, std::uint64_t len) noexcept;
  static constexpr GuestRange everything() noexcept { return {0, UINT64_MAX}; }

  [[nodiscard]] std::uint64_t first() const noexcept { return m_first; }
  [[nodiscard]] std::uint64_t last() const noexcept { return m_last; }
  [[nodiscard]] bool overlaps(const GuestRange& other) const noexcept {
    return m_first <= other.m_last && other.m_first <= m_last;
  }
  [[nodiscard]] bool contains(const GuestRange& other) const noexcept {
    return m_first <= other.m_first && other.m_last <= m_last;
  }

 private:
  constexpr GuestRange(std::uint64_t first, std::uint64_t last) noexcept
      : m_first(first), m_last(last) {}
  std::uint64_t m_first;
  std::uint64_t m_last;
};

constexpr std::uint64_t kPageLen = 4096;
constexpr std::size_t kMaxMaps = 4096;  // of one function
constexpr std::size_t kMaxFiles = 64;   // different memory files of one function

struct Access {
  bool read = false;
  bool write = false;
};

/// Queue memory in our address space: one contiguous mapping of its own, unmapped when this goes.
/// Move-only. It outlasts a change of the table it came from: whoever unmaps ends its users first.
class HostMapping {
 public:
  HostMapping() = default;
  HostMapping(void* data, std::size_t len) noexcept : m_data(data), m_len(len) {}
  HostMapping(HostMapping&& other) noexcept;
  HostMapping& operator=(HostMapping&& other) noexcept;
  HostMapping(const HostMapping&) = delete;
  HostMapping& operator=(const HostMapping&) = delete;
  ~HostMapping();

  template <typename T>
  [[nodiscard]] T* as() const noexcept {
    return static_cast<T*>(m_data);
  }
  [[nodiscard]] std::size_t size() const noexcept { return m_len; }

 private:
  void* m_data = nullptr;
  std::size_t m_len = 0;
};

/// The DMA maps of one function. For one thread.
class Table {
 public:
  /// Records a map. `file` may be none. Addresses, length and offset are multiples of 4 KiB, else
  /// invalid_argument; exists if it overlaps a map; limit if there are too many. A file that is not
  /// a memory file sealed against shrinking, or too short, is recorded as not shared.
  Result<void> map(GuestRange range, std::uint64_t file_offset, Access access, FileDescriptor file);

  /// Removes all that lies in `range`, trimming maps that lie in it in part.
  void unmap(GuestRange range);
  void clear();

  /// Maps `range`, 4 KiB aligned, in one piece, though it may span adjacent maps. Fails with
  /// dma_fault (a hole, or access not granted), dma_not_shared, or no_memory.
  Result<HostMapping> resolve(GuestRange range, Access access) const;

  [[nodiscard]] std::size_t size() const noexcept { return m_maps.size(); }

 private:
  struct SharedFile {
    FileDescriptor fd;
    dev_t device;
    ino_t inode;
    int access_mode;  // O_RDWR and so on: what this descriptor grants
    std::uint64_t len;
  };
  struct Map {
    std::uint64_t last;
    std::uint64_t file_offset;
    Access access;
    std::shared_ptr<const SharedFile> file;  // null: not shared
  };
  using Maps = std::map<std::uint64_t, Map>;

  Result<std::shared_ptr<const SharedFile>> admit(FileDescriptor file);
  [[nodiscard]] Maps::const_iterator find_overlap(GuestRange range) const;
  Result<void> check(GuestRange range, Access access) const;

  Maps m_maps;  // by first address
  std::vector<std::weak_ptr<const SharedFile>> m_files;
};

}  // namespace cipherdeck::device::dma
