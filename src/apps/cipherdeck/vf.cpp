// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/operands.h"
#include "apps/cipherdeck/table.h"

#include <cipherdeck/function.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

namespace cipherdeck::cli {
namespace {

std::string partition_text(const Json& vf) {
  const Json partition = vf.value("partition", Json());
  if (partition.is_null()) return "-";
  return partition.value("name", "") + " (" + std::to_string(partition.value("id", 0U)) + ")";
}

std::string percent_text(const Json& percent) {
  if (!percent.is_number()) return "-";
  std::ostringstream text;
  text << percent.get<double>() << " %";
  return text.str();
}

void print_vfs(const Json& vfs) {
  if (vfs.empty()) {
    std::cout << "There are no VFs. Make some with 'cipherdeck vf create N'.\n";
    return;
  }
  Table table({{"VF"},
               {"PARTITION"},
               {"WEIGHT", true},
               {"COMMITTED", true},
               {"PEAK", true},
               {"QUEUE PAIRS", true},
               {"SESSIONS", true},
               {"COMMANDS", true},
               {"BYTES", true},
               {"SOCKET"}});
  for (const auto& vf : vfs) {
    const Json share = vf.value("share", Json::object());
    table.add({vf.value("name", ""), partition_text(vf), std::to_string(share.value("weight", 0U)),
               percent_text(share.value("committed_percent", Json())),
               percent_text(share.value("peak_percent", Json())),
               std::to_string(vf.value("queue_pairs", 0U)),
               std::to_string(vf.value("sessions", 0U)),
               std::to_string(vf.value("commands", std::uint64_t{0})),
               format_bytes(vf.value("bytes", std::uint64_t{0})), vf.value("socket", "")});
  }
  table.print(std::cout);
}

void show(Context& context, const std::optional<Json>& answer) {
  if (!answer) return;
  context.json ? print(*answer) : print_vfs(answer->value("vfs", Json::array()));
}

void set_count(Context& context, std::uint32_t count, bool force) {
  const auto answer = ask(context, "PUT", "/v1/vfs", Json{{"count", count}, {"force", force}});
  if (!answer || context.json || count != 0) return show(context, answer);
  std::cout << "There are no VFs now.\n";
}

void bind_vf(Context& context, const std::string& vf, const std::string& partition) {
  const auto answer =
      ask(context, "PUT", "/v1/vfs/" + vf + "/partition", Json{{"partition", partition}});
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << answer->value("name", "") << " is bound to partition " << partition_text(*answer)
            << ".\n";
}

void unbind_vf(Context& context, const std::string& vf) {
  const auto answer = ask(context, "DELETE", "/v1/vfs/" + vf + "/partition");
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << "vf" << vf << " is bound to no partition.\n";
}

struct ShareOptions {
  std::string vf;
  std::uint32_t weight = 0;  // 0: as it is
  std::string committed, peak;
};

void set_share(Context& context, const ShareOptions& options) {
  Json body = Json::object();
  if (options.weight != 0) body["weight"] = options.weight;
  if (!options.committed.empty()) body["committed_percent"] = std::stod(options.committed);
  if (options.peak == "none") body["peak_percent"] = nullptr;
  if (!options.peak.empty() && options.peak != "none")
    body["peak_percent"] = std::stod(options.peak);
  const auto answer = ask(context, "PUT", "/v1/vfs/" + options.vf + "/share", body);
  if (!answer) return;
  if (context.json) return print(*answer);
  print_vfs(Json::array({*answer}));
}

CLI::Validator percent(bool or_none) {
  return {[or_none](const std::string& text) {
            if (or_none && text == "none") return std::string{};
            const bool is_number = !text.empty() && text.size() < 10 &&
                                   text.find_first_not_of("0123456789.") == std::string::npos &&
                                   std::ranges::count(text, '.') <= 1 && text != ".";
            return is_number ? std::string{} : "'" + text + "' is no number of percent";
          },
          or_none ? "PERCENT|none" : "PERCENT"};
}

void register_share(CLI::App& group, Context& context) {
  const auto options = std::make_shared<ShareOptions>();
  auto* const share = group.add_subcommand("share", "Sets a VF's share of the card's time");
  share->add_option("VF", options->vf, "VF: 3 or vf3")->required()->transform(vf_number());
  auto* const values = share->add_option_group("share");
  values->add_option("--weight", options->weight, "Its part of what is not committed [100]")
      ->check(CLI::Range(1U, CIPHERDECK_WEIGHT_MAX));
  values->add_option("--committed", options->committed, "What it gets in any case [0]")
      ->check(percent(false));
  values->add_option("--peak", options->peak, "The most it gets [none]")->check(percent(true));
  values->require_option(1, 3);
  share->footer(
      "\nThe card's time is the engine time of one worker thread; what a VF does not use goes to\n"
      "the others. First all VFs get what is committed to them, 90 % together at most; the rest "
      "is\n"
      "divided by weights. Holds at once, for running machines too; the manager sets it again\n"
      "after a restart of the card.\n"
      "\nExamples:\n  cipherdeck vf share vf3 --weight 400\n"
      "  cipherdeck vf share vf3 --committed 10 --peak 25\n"
      "  cipherdeck vf share vf3 --peak none");
  share->callback([&context, options] { set_share(context, *options); });
}

void register_count(CLI::App& group, Context& context) {
  struct Options {
    std::uint32_t count = 0;
    bool force = false;
  };
  const auto options = std::make_shared<Options>();
  auto* const create = group.add_subcommand("create", "Sets how many VFs there are");
  create->add_option("N", options->count, "Number of VFs that there shall be")
      ->required()
      ->check(CLI::Range(1, CIPHERDECK_TOTAL_VFS));
  create->add_flag("--force", options->force, "Also when that takes VFs away from their users");
  create->footer(
      "\nPCI Express lets the number of VFs change only while there are none. So when there are\n"
      "some already, all go for a moment, and running machines would lose theirs: while one is in\n"
      "use that wants --force. Make as many as you will need at first; idle ones cost nothing.\n"
      "Bindings to partitions stay. The manager makes the same number again after a restart.\n"
      "\nExample:\n  cipherdeck vf create 8");
  create->callback([&context, options] { set_count(context, options->count, options->force); });

  auto* const remove = group.add_subcommand("remove", "Removes all VFs; bindings and keys stay");
  remove->add_flag("--force", options->force, "Also when some are in use");
  remove->callback([&context, options] { set_count(context, 0, options->force); });
}

}  // namespace

void register_vf(CLI::App& app, Context& context) {
  auto* const group = app.add_subcommand("vf", "Virtual functions")->require_subcommand(1);
  register_count(*group, context);
  register_share(*group, context);

  auto* const list = group->add_subcommand("list", "Lists the VFs, their partitions and use");
  list->callback([&context] { show(context, ask(context, "GET", "/v1/vfs")); });

  struct Options {
    std::string vf;
    std::string partition;
  };
  const auto options = std::make_shared<Options>();
  auto* const bind_one = group->add_subcommand("bind", "Gives a VF the keys of a partition");
  bind_one->add_option("VF", options->vf, "VF: 3 or vf3")->required()->transform(vf_number());
  bind_one->add_option("PARTITION", options->partition, "Name or id")
      ->required()
      ->check(partition_selector());
  bind_one->footer(
      "\nThe VF must not be in use. The card remembers the binding.\n"
      "\nExample:\n  cipherdeck vf bind vf3 blue");
  bind_one->callback([&context, options] { bind_vf(context, options->vf, options->partition); });

  auto* const unbind_one = group->add_subcommand("unbind", "Takes a VF's partition away");
  unbind_one->add_option("VF", options->vf, "VF: 3 or vf3")->required()->transform(vf_number());
  unbind_one->callback([&context, options] { unbind_vf(context, options->vf); });
}

}  // namespace cipherdeck::cli
