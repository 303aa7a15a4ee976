// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/user/queue_pair.h"

#include <filesystem>

namespace cipherdeck::driver {

/// Opens a queue pair of the Linux module at `device`, say /dev/cipherdeck0. Fails with not_found,
/// access_denied, limit (no queue pair left), no_memory, not_supported (not such a device, or of
/// another version) or disconnected.
[[nodiscard]] Result<std::unique_ptr<QueuePair>> open_kernel_queue_pair(
    const std::filesystem::path& device, const QueuePairOptions& options);

}  // namespace cipherdeck::driver
