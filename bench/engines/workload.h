// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/random_source.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace cipherdeck::bench {

/// What the engine is asked for again and again: a span of jobs, each with a key and buffers of its
/// own.
class Workload {
 public:
  virtual ~Workload() = default;
  virtual void run() noexcept = 0;
  /// How the jobs fared when they last ran.
  [[nodiscard]] virtual Result<void> result() const = 0;
};

struct WorkloadKind {
  std::string_view algorithm;                 // "sm4-ecb"
  std::uint32_t fixed_bytes;                  // 0: any
  std::uint32_t many_streams;                 // as many as the widest kernel works on at once
  std::span<const std::string_view> kernels;  // those of the engine's algorithms that it uses

  [[nodiscard]] bool counts_bytes() const noexcept { return fixed_bytes == 0; }
};

[[nodiscard]] std::span<const WorkloadKind> workload_kinds() noexcept;

/// `streams` jobs of `bytes` each. `random` outlives the workload.
[[nodiscard]] Result<std::unique_ptr<Workload>> make_workload(std::string_view algorithm,
                                                              std::uint32_t bytes,
                                                              std::uint32_t streams,
                                                              RandomSource& random);

}  // namespace cipherdeck::bench
