// SPDX-License-Identifier: Apache-2.0
// Mappings shared with the card: left out of core dumps and of the children of fork().
#pragma once

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"

#include <cstdint>

namespace cipherdeck::driver {

/// Mapping is one MAP_SHARED mapping, unmapped when destroyed. Move-only.
class Mapping {
 public:
  Mapping() = default;
  /// Maps `len` bytes of `fd` for reading and writing. Fails with io.
  static Result<Mapping> map(int fd, std::uint64_t offset, std::size_t len) noexcept;

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { release(); }

  [[nodiscard]] std::uint8_t* data() const noexcept { return m_data; }
  [[nodiscard]] std::size_t size() const noexcept { return m_len; }

 private:
  void release() noexcept;

  std::uint8_t* m_data = nullptr;
  std::size_t m_len = 0;
  std::uint64_t m_generation = 0;
};

/// A zeroed memory file that can neither shrink nor grow any more, as the card demands of memory
/// that it shall reach by DMA. Its size is `len`, a multiple of 4 KiB. Fails with no_memory or io.
[[nodiscard]] Result<FileDescriptor> make_sealed_memory_file(const char* name,
                                                             std::size_t len) noexcept;

}  // namespace cipherdeck::driver
