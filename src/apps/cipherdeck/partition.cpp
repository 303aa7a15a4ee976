// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/operands.h"
#include "apps/cipherdeck/table.h"

#include <iostream>
#include <memory>
#include <string>

namespace cipherdeck::cli {
namespace {

void list(Context& context) {
  const auto answer = ask(context, "GET", "/v1/partitions");
  if (!answer) return;
  if (context.json) return print(*answer);
  const Json partitions = answer->value("partitions", Json::array());
  if (partitions.empty()) {
    std::cout << "There are no partitions. Make one with 'cipherdeck partition create NAME'.\n";
    return;
  }
  Table table({{"ID", true}, {"NAME"}, {"KEY PAIRS", true}, {"KEKS", true}, {"VFS", true}});
  for (const auto& partition : partitions) {
    table.add({std::to_string(partition.value("id", 0U)), partition.value("name", ""),
               std::to_string(partition.value("key_pairs", 0U)),
               std::to_string(partition.value("keks", 0U)),
               std::to_string(partition.value("vfs", 0U))});
  }
  table.print(std::cout);
}

void create(Context& context, const std::string& name) {
  const auto answer = ask(context, "POST", "/v1/partitions", Json{{"name", name}});
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << "Partition " << answer->value("name", "") << " has id " << answer->value("id", 0U)
            << ".\n";
}

void remove(Context& context, const std::string& name, bool yes) {
  if (!yes) {
    context.exit_code = fail(context, kUsage, "removing partition " + name + " destroys its keys",
                             "Repeat with --yes if that is what you want.");
    return;
  }
  const auto answer = ask(context, "DELETE", "/v1/partitions/" + path_part(name));
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << "Partition " << answer->value("name", "") << " and its keys are gone.\n";
}

void zeroize(Context& context, const std::string& name, bool yes) {
  if (!yes) {
    context.exit_code =
        fail(context, kUsage, "zeroizing partition " + name + " destroys its keys, in use or not",
             "Repeat with --yes if that is what you want.");
    return;
  }
  const auto answer = ask(context, "POST", "/v1/partitions/" + path_part(name) + "/zeroize");
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << "Partition " << answer->value("name", "")
            << ", its keys and its bindings are gone.\n";
}

}  // namespace

void register_partition(CLI::App& app, Context& context) {
  auto* const group =
      app.add_subcommand("partition", "Partitions: the virtual modules that hold tenants' keys")
          ->require_subcommand(1);
  struct Options {
    std::string name;
    bool yes = false;
  };
  const auto options = std::make_shared<Options>();

  auto* const make = group->add_subcommand("create", "Makes an empty partition");
  make->add_option("NAME", options->name, "Up to 47 bytes of letters, digits, '.', '_' and '-'")
      ->required();
  make->footer("\nExample:\n  cipherdeck partition create blue");
  make->callback([&context, options] { create(context, options->name); });

  auto* const show = group->add_subcommand("list", "Lists the partitions");
  show->callback([&context] { list(context); });

  auto* const drop = group->add_subcommand("remove", "Destroys a partition and all its keys");
  drop->add_option("NAME", options->name, "Name or id")->required()->check(partition_selector());
  drop->add_flag("--yes", options->yes, "Yes, destroy the keys");
  drop->callback([&context, options] { remove(context, options->name, options->yes); });

  register_backup(*group, context);

  auto* const wipe = group->add_subcommand(
      "zeroize", "Destroys a partition at once, even while VFs and programs use it");
  wipe->add_option("NAME", options->name, "Name or id")->required()->check(partition_selector());
  wipe->add_flag("--yes", options->yes, "Yes, destroy the keys");
  wipe->callback([&context, options] { zeroize(context, options->name, options->yes); });
}

}  // namespace cipherdeck::cli
