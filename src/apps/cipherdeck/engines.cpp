// SPDX-License-Identifier: Apache-2.0
#include "engine/inventory.h"

#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/table.h"

#include <iostream>

namespace cipherdeck::cli {
namespace {

using engine::cpu::FeatureSet;

std::vector<std::string> names(FeatureSet features) {
  std::vector<std::string> found;
  const auto all = engine::cpu::feature_names();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (features.has(static_cast<engine::cpu::Feature>(i))) found.emplace_back(all[i]);
  }
  return found;
}

std::string joined(FeatureSet features) {
  std::string text;
  for (const std::string& name : names(features)) text += (text.empty() ? "" : " ") + name;
  return text;
}

// Why a variant cannot be used: what the processor lacks, and what was taken away.
struct Lack {
  FeatureSet missing;
  FeatureSet removed;
};

Lack lack_of(const engine::cpu::VariantInfo& variant) {
  const FeatureSet detected = engine::cpu::detected();
  return {variant.needs.without(detected),
          variant.needs.without(engine::cpu::features().with(variant.needs.without(detected)))};
}

std::string availability(const engine::cpu::VariantInfo& variant) {
  const Lack lack = lack_of(variant);
  if (lack.missing != FeatureSet{}) return "no: " + joined(lack.missing);
  if (lack.removed != FeatureSet{}) return "taken away: " + joined(lack.removed);
  return "yes";
}

Json to_json(const engine::Algorithm& algorithm) {
  Json variants = Json::array();
  for (const auto& variant : algorithm.variants) {
    const Lack lack = lack_of(variant);
    variants.push_back({{"name", variant.name},
                        {"needs", names(variant.needs)},
                        {"missing", names(lack.missing)},
                        {"removed", names(lack.removed)},
                        {"available", variant.is_available()},
                        {"used", variant.name == algorithm.used}});
  }
  return {{"name", algorithm.name}, {"used", algorithm.used}, {"variants", variants}};
}

void print_json(const std::vector<engine::Algorithm>& algorithms) {
  const auto& selection = engine::cpu::selection();
  const FeatureSet detected = engine::cpu::detected();
  Json all = Json::array();
  for (const auto& algorithm : algorithms) all.push_back(to_json(algorithm));
  print({{"selection", selection.variants},
         {"features", names(detected)},
         {"removed", names(detected.without(engine::cpu::features()))},
         {"algorithms", all}});
}

void print_table(const std::vector<engine::Algorithm>& algorithms) {
  Table table({{"ALGORITHM"}, {"VARIANT"}, {"USED"}, {"NEEDS"}, {"AVAILABLE"}});
  for (const auto& algorithm : algorithms) {
    for (const auto& variant : algorithm.variants) {
      table.add({std::string(algorithm.name), std::string(variant.name),
                 variant.name == algorithm.used ? "yes" : "", joined(variant.needs),
                 availability(variant)});
    }
  }
  table.print(std::cout);
}

// What CIPHERDECK_ENGINE did, in words.
void print_selection(const std::vector<engine::Algorithm>& algorithms) {
  const auto& selection = engine::cpu::selection();
  if (selection.variants.empty()) {
    std::cout << "\nCIPHERDECK_ENGINE is not set.\n";
    return;
  }
  const FeatureSet detected = engine::cpu::detected();
  const std::string removed = joined(detected.without(engine::cpu::features()));
  std::cout << "\nCIPHERDECK_ENGINE=" << selection.variants << " took away "
            << (removed.empty() ? "nothing that this processor has" : removed) << ".\n";
  for (const auto& algorithm : algorithms) {
    const auto wanted = engine::cpu::variant_wanted(selection, algorithm.name);
    if (wanted.empty()) continue;
    std::cout << algorithm.name << '=' << wanted
              << (wanted == algorithm.used ? " is used.\n" : " cannot be used.\n");
  }
}

void run(Context& context) {
  if (!is_selection_valid(context)) return;
  const auto algorithms = engine::algorithms();
  if (context.json) return print_json(algorithms);
  print_table(algorithms);
  print_selection(algorithms);
}

}  // namespace

bool is_selection_valid(Context& context) {
  const std::string fault = engine::selection_fault(engine::cpu::selection());
  if (!fault.empty()) context.exit_code = fail(context, kUsage, fault, "");
  return fault.empty();
}

void register_engines(CLI::App& app, Context& context) {
  auto* const command = app.add_subcommand(
      "engines", "Which implementations of the algorithms there are, and which are used");
  command->footer(R"(
The environment variable CIPHERDECK_ENGINE leaves some of them out. It is a list with commas:
  portable           only what runs on any processor
  avx2               nothing that came with or after AVX-512
  -FEATURE           nothing that needs this feature of the processor
  ALGORITHM=VARIANT  this implementation, where the processor has what it needs

Example:
  CIPHERDECK_ENGINE=-vaes,ghash=portable cipherdeck engines)");
  command->callback([&context] { run(context); });
}

}  // namespace cipherdeck::cli
