// SPDX-License-Identifier: Apache-2.0
// BAR 2: the doorbell pages of one function, a memory file that its client maps.
#pragma once

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"

#include <cipherdeck/function.h>

#include <cstdint>

namespace cipherdeck::device {

/// A sealed memory file of CIPHERDECK_BAR_DOORBELLS_LEN bytes, mapped here too. Made for each
/// client anew, so that a mapping which an earlier client kept shows nothing of a later one. Takes
/// no memory but for the pages in use.
class DoorbellPages {
 public:
  /// Fails with no_memory.
  static Result<DoorbellPages> make();

  DoorbellPages(DoorbellPages&& other) noexcept;
  DoorbellPages& operator=(DoorbellPages&& other) noexcept;
  DoorbellPages(const DoorbellPages&) = delete;
  DoorbellPages& operator=(const DoorbellPages&) = delete;
  ~DoorbellPages();

  [[nodiscard]] int fd() const noexcept { return m_fd.get(); }
  /// `queue_pair` is below CIPHERDECK_MAX_QUEUE_PAIRS.
  [[nodiscard]] cipherdeck_doorbell* page(std::uint32_t queue_pair) const noexcept;

  /// Trapped accesses, which lie within the BAR: the same as an access through a mapping.
  void read(std::uint64_t offset, MutableBytes out) const noexcept;
  void write(std::uint64_t offset, Bytes data) noexcept;

 private:
  DoorbellPages(FileDescriptor fd, std::uint8_t* base) noexcept
      : m_fd(std::move(fd)), m_base(base) {}

  FileDescriptor m_fd;
  std::uint8_t* m_base = nullptr;
};

}  // namespace cipherdeck::device
