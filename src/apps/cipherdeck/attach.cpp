// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/attach.h"

#include <nlohmann/json.hpp>

namespace cipherdeck::cli {
namespace {

// libvirt gives its own devices the low slots of pcie.0 and slot 31; ours are from here on.
constexpr std::uint32_t kFirstSlot = 0x10;
constexpr std::uint32_t kNumSlots = 12;

std::string port_name(const AttachedVf& vf) { return "cipherdeck" + std::to_string(vf.number); }

std::string root_port(const AttachedVf& vf) {
  // Chassis numbers of one machine differ; those of its other ports are small.
  return "pcie-root-port,id=" + port_name(vf) + ",chassis=" + std::to_string(256 - vf.number % 128);
}

std::string vfio_user_device(const AttachedVf& vf) {
  const nlohmann::ordered_json device{
      {"driver", "vfio-user-pci"},
      {"bus", port_name(vf)},
      {"socket", {{"type", "unix"}, {"path", vf.socket}}},
  };
  return device.dump();
}

std::string xml_escaped(const std::string& text) {
  std::string escaped;
  for (const char character : text) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

std::string xml_argument(const std::string& value) {
  return "    <qemu:arg value='" + xml_escaped(value) + "'/>\n";
}

std::string slot(std::size_t n) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto number = kFirstSlot + static_cast<std::uint32_t>(n) % kNumSlots;
  return std::string("0x") + kDigits[number >> 4] + kDigits[number & 15];
}

}  // namespace

std::string shell_quoted(const std::string& text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "-_=,./:+") == std::string::npos) {
    return text;
  }
  std::string quoted = "'";
  for (const char character : text) {
    if (character == '\'') {
      quoted += "'\\''";
    } else {
      quoted += character;
    }
  }
  return quoted + "'";
}

std::vector<std::string> device_arguments(const AttachedVf& vf) {
  return {"-device", root_port(vf), "-device", vfio_user_device(vf)};
}

std::vector<std::string> qemu_arguments(const Attachment& attachment) {
  std::vector<std::string> arguments = {
      "-m",      attachment.memory,
      "-object", "memory-backend-memfd,id=cipherdeck-ram,size=" + attachment.memory + ",share=on",
      "-M",      "q35,memory-backend=cipherdeck-ram"};
  for (const AttachedVf& vf : attachment.vfs) {
    const auto device = device_arguments(vf);
    arguments.insert(arguments.end(), device.begin(), device.end());
  }
  return arguments;
}

std::string qemu_lines(const Attachment& attachment) {
  const auto arguments = qemu_arguments(attachment);
  std::string lines;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    lines += arguments[i] + " " + shell_quoted(arguments[i + 1]);
    lines += i + 2 < arguments.size() ? " \\\n" : "\n";
  }
  return lines;
}

std::string libvirt_xml(const Attachment& attachment) {
  std::string xml =
      "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
      "  <memoryBacking>\n"
      "    <source type='memfd'/>\n"
      "    <access mode='shared'/>\n"
      "  </memoryBacking>\n"
      "  <qemu:commandline>\n";
  for (std::size_t i = 0; i < attachment.vfs.size(); ++i) {
    const AttachedVf& vf = attachment.vfs[i];
    xml += xml_argument("-device") + xml_argument(root_port(vf) + ",bus=pcie.0,addr=" + slot(i));
    xml += xml_argument("-device") + xml_argument(vfio_user_device(vf));
  }
  return xml + "  </qemu:commandline>\n</domain>\n";
}

}  // namespace cipherdeck::cli
