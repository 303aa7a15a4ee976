// SPDX-License-Identifier: Apache-2.0
#include "device/dma/dma_table.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <utility>

namespace cipherdeck::device::dma {
namespace {

constexpr bool aligned(std::uint64_t value) noexcept { return value % kPageLen == 0; }

int protection(Access access) noexcept {
  return (access.read ? PROT_READ : 0) | (access.write ? PROT_READ | PROT_WRITE : 0);
}

// Whether pages of the file stay there whatever the client does. A file that can shrink kills
// whoever touches the lost part, and so does a huge page that is punched out and cannot be had
// again.
bool is_sealed_memory(int fd) noexcept {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) return false;
  struct statfs filesystem {};
  return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == TMPFS_MAGIC;
}

}  // namespace

Result<GuestRange> GuestRange::make(std::uint64_t first, std::uint64_t len) noexcept {
  if (len == 0 || len - 1 > UINT64_MAX - first) return Error::invalid_argument;
  return GuestRange(first, first + (len - 1));
}

HostMapping::HostMapping(HostMapping&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)), m_len(std::exchange(other.m_len, 0)) {}

HostMapping& HostMapping::operator=(HostMapping&& other) noexcept {
  std::swap(m_data, other.m_data);
  std::swap(m_len, other.m_len);
  return *this;
}

HostMapping::~HostMapping() {
  if (m_data != nullptr) munmap(m_data, m_len);
}

Result<std::shared_ptr<const Table::SharedFile>> Table::admit(FileDescriptor file) {
  using Shared = std::shared_ptr<const SharedFile>;
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || !is_sealed_memory(file.get())) return Shared();
  const int access_mode = fcntl(file.get(), F_GETFL) & O_ACCMODE;
  std::erase_if(m_files, [](const auto& known) { return known.expired(); });
  for (const auto& known : m_files) {
    Shared shared = known.lock();
    const bool same = shared && shared->device == info.st_dev && shared->inode == info.st_ino;
    // Another descriptor may grant other access, and the file may be longer by now.
    if (same && shared->access_mode == access_mode &&
        shared->len == static_cast<std::uint64_t>(info.st_size)) {
      return shared;
    }
  }
  if (m_files.size() >= kMaxFiles) return Error::limit;
  auto shared = std::make_shared<const SharedFile>(
      SharedFile{std::move(file), info.st_dev, info.st_ino, access_mode,
                 static_cast<std::uint64_t>(info.st_size)});
  m_files.push_back(shared);
  return Shared(std::move(shared));
}

Table::Maps::const_iterator Table::find_overlap(GuestRange range) const {
  auto next = m_maps.upper_bound(range.last());
  if (next == m_maps.begin()) return m_maps.end();
  --next;
  return next->second.last >= range.first() ? next : m_maps.end();
}

Result<void> Table::map(GuestRange range, std::uint64_t file_offset, Access access,
                        FileDescriptor file) {
  if (!aligned(range.first()) || !aligned(range.last() + 1) || !aligned(file_offset)) {
    return Error::invalid_argument;
  }
  if (find_overlap(range) != m_maps.end()) return Error::exists;
  if (m_maps.size() >= kMaxMaps) return Error::limit;
  CIPHERDECK_ASSIGN(auto shared, admit(std::move(file)));
  const std::uint64_t last_offset = range.last() - range.first();
  if (shared && (file_offset > shared->len || last_offset >= shared->len - file_offset)) {
    shared = nullptr;
  }
  m_maps.emplace(range.first(), Map{range.last(), file_offset, access, std::move(shared)});
  return {};
}

void Table::unmap(GuestRange range) {
  for (auto found = find_overlap(range); found != m_maps.end(); found = find_overlap(range)) {
    const std::uint64_t first = found->first;
    const Map map = found->second;
    m_maps.erase(found);
    if (map.last > range.last()) {
      Map tail = map;
      tail.file_offset += range.last() + 1 - first;
      // Cutting one in two makes one more: dropped whole rather than over the limit.
      if (m_maps.size() < kMaxMaps) m_maps.emplace(range.last() + 1, std::move(tail));
    }
    if (first < range.first()) {
      Map head = map;
      head.last = range.first() - 1;
      if (m_maps.size() < kMaxMaps) m_maps.emplace(first, std::move(head));
    }
  }
}

void Table::clear() {
  m_maps.clear();
  m_files.clear();
}

Result<void> Table::check(GuestRange range, Access access) const {
  bool shared = true;
  for (std::uint64_t at = range.first();;) {
    auto next = m_maps.upper_bound(at);
    if (next == m_maps.begin()) return Error::dma_fault;
    const Map& map = (--next)->second;
    if (map.last < at) return Error::dma_fault;
    if ((access.read && !map.access.read) || (access.write && !map.access.write)) {
      return Error::dma_fault;
    }
    shared = shared && map.file != nullptr;
    if (map.last >= range.last()) break;
    at = map.last + 1;
  }
  if (!shared) return Error::dma_not_shared;
  return {};
}

Result<HostMapping> Table::resolve(GuestRange range, Access access) const {
  if (!aligned(range.first()) || !aligned(range.last() + 1)) return Error::invalid_argument;
  CIPHERDECK_TRY(check(range, access));
  const std::size_t len = range.last() - range.first() + 1;
  if (len == 0) return Error::no_memory;
  void* const base =
      mmap(nullptr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return Error::no_memory;
  HostMapping mapping(base, len);
  for (std::uint64_t at = range.first();;) {
    const auto next = std::prev(m_maps.upper_bound(at));
    const Map& map = next->second;
    const std::uint64_t piece_last = std::min(map.last, range.last());
    void* const where = mapping.as<std::uint8_t>() + (at - range.first());
    const auto offset = static_cast<off_t>(map.file_offset + (at - next->first));
    void* const mapped = mmap(where, piece_last - at + 1, protection(access),
                              MAP_SHARED | MAP_FIXED, map.file->fd.get(), offset);
    // The file does not let us write, or may be mapped in larger pages only.
    if (mapped == MAP_FAILED) return Error::dma_not_shared;
    if (piece_last == range.last()) return mapping;
    at = piece_last + 1;
  }
}

}  // namespace cipherdeck::device::dma
