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

/// The arguments one by one, unquoted: for execve.
[[nodiscard]] std::vector<std::string> qemu_arguments(const Attachment& attachment);

/// The same as lines for a shell, quoted where they must be.
[[nodiscard]] std::string qemu_lines(const Attachment& attachment);

/// Elements for a libvirt domain of machine type q35.
[[nodiscard]] std::string libvirt_xml(const Attachment& attachment);

}  // namespace cipherdeck::cli
