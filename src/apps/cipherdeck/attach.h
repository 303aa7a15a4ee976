// SPDX-License-Identifier: Apache-2.0
// What QEMU and libvirt must be told so that a machine has VFs of the card.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cipherdeck::cli {

struct AttachedVf {
  std::uint32_t number = 0;
  std::string socket;  // absolute path
};

struct Attachment {
  std::vector<AttachedVf> vfs;
  std::string memory = "1G";  // the machine's, as QEMU writes sizes
};

/// The arguments that attach one VF to a machine of type q35 with shared memory, unquoted.
[[nodiscard]] std::vector<std::string> device_arguments(const AttachedVf& vf);

/// All arguments one by one, unquoted: for execve.
[[nodiscard]] std::vector<std::string> qemu_arguments(const Attachment& attachment);

/// The same as lines for a shell, quoted where they must be.
[[nodiscard]] std::string qemu_lines(const Attachment& attachment);

/// A word as a shell needs it, in quotes only if it must be.
[[nodiscard]] std::string shell_quoted(const std::string& text);

/// Elements for a libvirt domain of machine type q35.
[[nodiscard]] std::string libvirt_xml(const Attachment& attachment);

}  // namespace cipherdeck::cli
