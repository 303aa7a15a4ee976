// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/attach.h"
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/operands.h"

#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::cli {
namespace {

struct Options {
  std::vector<std::string> vfs;
  std::string memory = "1G";
  std::string format = "all";
};

std::optional<Attachment> find_vfs(Context& context, const Options& options) {
  Attachment attachment;
  attachment.memory = options.memory;
  for (const std::string& number : options.vfs) {
    const auto vf = ask(context, "GET", "/v1/vfs/" + number);
    if (!vf) return std::nullopt;
    attachment.vfs.push_back({vf->value("vf", 0U), vf->value("socket", "")});
    if (vf->value("partition", Json()).is_null()) {
      std::cerr << "cipherdeck: warning: vf" << number
                << " is bound to no partition: its user will have no keys\n";
    }
  }
  return attachment;
}

void run(Context& context, const Options& options) {
  const auto attachment = find_vfs(context, options);
  if (!attachment) return;
  if (context.json) {
    return print(
        Json{{"arguments", qemu_arguments(*attachment)}, {"libvirt", libvirt_xml(*attachment)}});
  }
  const bool all = options.format == "all";
  if (all) std::cout << "# QEMU 10.1 or newer\n";
  if (all || options.format == "qemu") std::cout << qemu_lines(*attachment);
  if (all) std::cout << "\n<!-- libvirt: add to the domain -->\n";
  if (all || options.format == "libvirt") std::cout << libvirt_xml(*attachment);
}

constexpr const char* kFooter =
    "\nThe card reaches the machine's memory through a memory file that QEMU shares (memfd,\n"
    "share=on). The order of starting is: cipherdeckd, VFs, QEMU. -m and -M replace those of an\n"
    "existing command line.\n"
    "\nExamples:\n"
    "  cipherdeck qemu-args vf1\n"
    "  cipherdeck qemu-args vf1 vf2 --memory 4G --format qemu\n"
    "  cipherdeck qemu-args vf1 --json | jq -r '.arguments[]'";

}  // namespace

void register_qemu_args(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  auto* const command =
      app.add_subcommand("qemu-args", "Prints what gives a virtual machine VFs of the card");
  command->add_option("VF", options->vfs, "VFs: 3 or vf3")
      ->required()
      ->transform(vf_number())
      ->expected(1, 12);
  command->add_option("--memory", options->memory, "The machine's memory, as for QEMU's -m")
      ->check(CLI::Validator(
          [](const std::string& text) {
            const auto digits = text.find_first_not_of("0123456789");
            const bool size = !text.empty() && digits != 0 &&
                              (digits == std::string::npos ||
                               (digits + 1 == text.size() &&
                                std::string("KMGTkmgt").find(text[digits]) != std::string::npos));
            return size ? std::string{} : "not a size such as 512M or 4G";
          },
          "SIZE"))
      ->capture_default_str();
  command->add_option("--format", options->format, "qemu, libvirt or all")
      ->check(CLI::IsMember({"qemu", "libvirt", "all"}))
      ->capture_default_str();
  command->footer(kFooter);
  command->callback([&context, options] { run(context, *options); });
}

}  // namespace cipherdeck::cli
