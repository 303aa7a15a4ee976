// SPDX-License-Identifier: Apache-2.0
#include "card/chip/job.h"

#include <new>

namespace cipherdeck::card::chip {
namespace {

constexpr std::size_t kPage = 4096;

std::uint8_t* allocate(std::size_t len) {
  void* const memory = std::aligned_alloc(kPage, (len + kPage - 1) & ~(kPage - 1));
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

Job::Job(std::uint32_t algorithm_id, std::uint32_t operation_id, Bytes key_bytes, Bytes input)
    : away::Job(input.size()),
      algorithm(algorithm_id),
      operation(operation_id),
      pages(allocate(input.size())) {
  std::memcpy(key.data(), key_bytes.data(), std::min(key_bytes.size(), kMaxKeyLen));
  std::memcpy(pages.get(), input.data(), input.size());
}

}  // namespace cipherdeck::card::chip
